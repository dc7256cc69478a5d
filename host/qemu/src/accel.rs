//! Which accelerator works on this host.
//!
//! That `/dev/kvm` opens says little: a host may offer a KVM that emulates every instruction of guest kernels in
//! software (PVM, some nested set-ups), and there a machine under KVM is a hundred times slower than one under TCG. So
//! KVM counts as usable only if a probe machine runs a million-iteration loop in its kernel mode within
//! [`PROBE_LIMIT`]; real hardware needs one or two milliseconds.

use std::fmt;
use std::fs;
use std::sync::OnceLock;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use kvm_bindings::kvm_userspace_memory_region;
use kvm_ioctls::{Kvm, VcpuExit};
use serde::Serialize;

/// How long the probe machine may take for its loop.
pub const PROBE_LIMIT: Duration = Duration::from_millis(200);

/// An accelerator of QEMU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Accel {
    /// Hardware virtualization.
    Kvm,
    /// QEMU's own translator; works everywhere.
    Tcg,
}

impl fmt::Display for Accel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kvm => "kvm",
            Self::Tcg => "tcg",
        })
    }
}

/// The accelerator this host should use, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Usable {
    /// The choice.
    pub accel: Accel,
    /// One lower-case sentence for the user.
    pub reason: String,
}

/// Finds out whether KVM really works here. Blocks for at most about 200 ms the first time (microseconds where the
/// processor has no virtualization at all); the answer is kept for the life of the process.
#[must_use]
pub fn usable() -> &'static Usable {
    static ANSWER: OnceLock<Usable> = OnceLock::new();
    ANSWER.get_or_init(|| {
        let answer = match prechecks().and_then(|()| probe_in_thread()) {
            Ok(took) => Usable {
                accel: Accel::Kvm,
                reason: format!(
                    "kvm works: the probe machine finished in {:.1} ms",
                    took.as_secs_f64() * 1e3
                ),
            },
            Err(reason) => Usable {
                accel: Accel::Tcg,
                reason,
            },
        };
        tracing::debug!(accel = %answer.accel, reason = answer.reason, "accelerator probed");
        answer
    })
}

/// The signs that say no without starting a machine.
fn prechecks() -> Result<(), String> {
    if fs::exists("/sys/module/kvm_pvm").unwrap_or(false) {
        return Err(
            "the kvm_pvm module is loaded: this kvm emulates guest kernels in software".to_owned(),
        );
    }
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    if !has_virtualization(&cpuinfo) {
        return Err("the processor shows neither vmx nor svm in /proc/cpuinfo".to_owned());
    }
    Ok(())
}

fn has_virtualization(cpuinfo: &str) -> bool {
    cpuinfo
        .lines()
        .find(|line| line.starts_with("flags"))
        .is_some_and(|line| {
            line.split_whitespace()
                .any(|flag| flag == "vmx" || flag == "svm")
        })
}

/// Runs the probe in a thread of its own: should `KVM_RUN` itself never return, only that thread is lost.
fn probe_in_thread() -> Result<Duration, String> {
    let (sender, receiver) = mpsc::channel();
    thread::Builder::new()
        .name("kvm-probe".to_owned())
        .spawn(move || {
            // The receiver is gone if the probe was given up; nobody wants the answer then.
            let _ = sender.send(probe(ROUNDS));
        })
        .map_err(|error| format!("cannot start the kvm probe: {error}"))?;
    receiver
        .recv_timeout(PROBE_LIMIT + Duration::from_millis(50))
        .unwrap_or_else(|_| Err(too_slow()))
}

fn too_slow() -> String {
    format!(
        "kvm is too slow: the probe machine did not finish its loop within {} ms",
        PROBE_LIMIT.as_millis()
    )
}

/// The memory of the probe machine.
#[repr(C, align(4096))]
struct Page([u8; PAGE]);
const PAGE: usize = 4096;

/// Where the code lies in the guest's memory.
const CODE_AT: u16 = 0x100;

/// Rounds of the probe; with a thousand iterations each, a million.
const ROUNDS: u16 = 1000;

/// Real-mode code: rounds of a thousand iterations, each round ended by an exit to this program, so that it
/// can look at the clock. Then `hlt`.
const CODE: [u8; 14] = [
    0xbb, 0x00, 0x00, // mov bx, rounds: filled in at ROUNDS_AT
    0xb9, 0xe8, 0x03, // round: mov cx, 1000
    0x49, // again: dec cx
    0x75, 0xfd, // jnz again
    0xe6, 0x80, // out 0x80, al
    0x4b, // dec bx
    0x75, 0xf5, // jnz round
];
const ROUNDS_AT: usize = 1;
const HLT: u8 = 0xf4;

fn probe(rounds: u16) -> Result<Duration, String> {
    let failed =
        |what: &'static str| move |error: kvm_ioctls::Error| format!("cannot {what}: {error}");
    // Declared first, so that it is dropped last.
    let mut memory = Box::new(Page([0; PAGE]));
    let start = usize::from(CODE_AT);
    memory.0[start..start + CODE.len()].copy_from_slice(&CODE);
    memory.0[start + ROUNDS_AT..start + ROUNDS_AT + 2].copy_from_slice(&rounds.to_le_bytes());
    memory.0[start + CODE.len()] = HLT;
    let kvm = Kvm::new().map_err(failed("open /dev/kvm (is the user in the group kvm?)"))?;
    let vm = kvm.create_vm().map_err(failed("create a kvm machine"))?;
    let region = kvm_userspace_memory_region {
        slot: 0,
        guest_phys_addr: 0,
        memory_size: PAGE as u64,
        userspace_addr: std::ptr::from_mut(&mut *memory) as u64,
        flags: 0,
    };
    #[expect(
        unsafe_code,
        reason = "kvm-ioctls cannot check that the memory given to the guest outlives it"
    )]
    // SAFETY: the region is one page, page-aligned and ours alone; `memory` outlives the machine and its processor, and
    // is not touched again on this side.
    unsafe { vm.set_user_memory_region(region) }.map_err(failed("give memory to a kvm machine"))?;
    let mut cpu = vm
        .create_vcpu(0)
        .map_err(failed("create a kvm processor"))?;
    let mut segments = cpu.get_sregs().map_err(failed("read kvm registers"))?;
    segments.cs.base = 0;
    segments.cs.selector = 0;
    cpu.set_sregs(&segments)
        .map_err(failed("set kvm registers"))?;
    let registers = kvm_bindings::kvm_regs {
        rip: u64::from(CODE_AT),
        rflags: 2,
        ..Default::default()
    };
    cpu.set_regs(&registers)
        .map_err(failed("set kvm registers"))?;

    let begun = Instant::now();
    loop {
        match cpu.run().map_err(failed("run a kvm processor"))? {
            VcpuExit::Hlt => return Ok(begun.elapsed()),
            VcpuExit::IoOut(..) if begun.elapsed() < PROBE_LIMIT => {}
            VcpuExit::IoOut(..) => return Err(too_slow()),
            other => {
                return Err(format!(
                    "the kvm probe machine stopped unexpectedly: {other:?}"
                ));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flag_is_a_word_of_the_flags_line() {
        assert!(has_virtualization(
            "vendor_id\t: x\nflags\t\t: fpu svm sse\n"
        ));
        assert!(has_virtualization(
            "flags\t\t: fpu vmx\nflags\t\t: fpu vmx\n"
        ));
        assert!(!has_virtualization("flags\t\t: fpu svmx sse\nbugs: vmx\n"));
        assert!(!has_virtualization(""));
    }

    #[test]
    fn the_answer_comes_in_time_with_a_reason() {
        let begun = Instant::now();
        let answer = usable();
        assert!(
            begun.elapsed() < Duration::from_secs(2),
            "took {:?}",
            begun.elapsed()
        );
        assert!(!answer.reason.is_empty());
    }

    #[test]
    fn the_probe_machine_ends_in_time_even_where_kvm_is_slow() {
        let begun = Instant::now();
        // Whatever the verdict on this host, it has to come.
        let verdict = probe_in_thread();
        assert!(
            begun.elapsed() < Duration::from_secs(2),
            "{verdict:?} took {:?}",
            begun.elapsed()
        );
    }

    #[test]
    fn the_probe_machine_runs_to_its_end_or_is_too_slow() {
        if Kvm::new().is_err() {
            println!("no /dev/kvm here: nothing to run");
            return;
        }
        // A thousand iterations are quick even where each instruction is emulated.
        probe(1).expect("one round ends with hlt");
        if let Err(reason) = probe(ROUNDS) {
            assert_eq!(reason, too_slow());
        }
    }
}
