//! From a specification to options.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::props::Props;
use super::{CommandLine, Opt, Value};
use crate::accel::{self, Accel};
use crate::binary::Binary;
use crate::error::SpecError;
use crate::files::Paths;
use crate::spec::{
    AccelChoice, Boot, Chipset, CpuModel, DriveInterface, MachineSpec, Nic, PowerOff, Rtc, RtcBase,
    RtcClock, SerialKind,
};

/// What QEMU may no longer do once its machine is built.
const SECCOMP: &str = "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny";

/// Functions of one PCI slot, hence root ports per slot.
const FUNCTIONS: usize = 8;

/// The first slot for root ports on q35: slot 1 is the video adapter's.
const FIRST_PORT_SLOT: usize = 2;

/// Id of the monitor's channel.
pub(crate) fn qmp_channel() -> &'static str {
    "qmp_main"
}

/// Id of the guest agent's channel.
pub(crate) fn agent_channel() -> &'static str {
    "chardev_agent0"
}

/// Id of a console's channel.
pub(crate) fn serial_channel(name: &str) -> String {
    format!("chardev_{name}")
}

impl MachineSpec {
    /// The command line for this machine. Checks the specification first; probes the accelerator if the choice is left
    /// to this host (see [`accel::usable`]). The machine will start paused (`-S`).
    ///
    /// # Errors
    /// Anything [`MachineSpec::check`] finds, KVM required but unusable, or a run directory too long for a socket.
    pub fn command_line(&self, binary: &Binary, paths: &Paths) -> Result<CommandLine, SpecError> {
        self.check()?;
        let accel = choose(self.accel)?;
        let mut line = Builder {
            options: Vec::new(),
            pci: Pci::new(self),
            ide: 0,
            scsi: 0,
        };
        line.base(self, accel);
        line.monitor();
        line.root_ports();
        line.video(self, paths)?;
        line.consoles(self);
        line.small_devices(self);
        for drive in &self.drives {
            line.drive(drive);
        }
        for nic in &self.nics {
            line.nic(nic);
        }
        line.boot(self);
        if self.sandbox {
            line.add("-sandbox", SECCOMP);
        }
        line.options.extend(self.extra_args.iter().map(|arg| Opt {
            name: arg.into(),
            value: Value::None,
        }));
        Ok(CommandLine {
            program: binary.path().to_owned(),
            run_dir: paths.run_dir().to_owned(),
            accel,
            options: line.options,
        })
    }
}

fn choose(choice: AccelChoice) -> Result<Accel, SpecError> {
    match choice {
        AccelChoice::Tcg => Ok(Accel::Tcg),
        AccelChoice::Auto => Ok(accel::usable().accel),
        AccelChoice::Kvm => {
            let usable = accel::usable();
            match usable.accel {
                Accel::Kvm => Ok(Accel::Kvm),
                Accel::Tcg => Err(SpecError::KvmUnusable {
                    reason: usable.reason.clone(),
                }),
            }
        }
    }
}

/// Places for PCI devices. On q35 each virtio device gets a root port of its own, since only what sits in a root port
/// can be unplugged; on pc they share bus 0, where everything can be.
pub(super) struct Pci {
    pub(super) chipset: Chipset,
    ports: usize,
    spare: usize,
    next: usize,
}

impl Pci {
    fn new(spec: &MachineSpec) -> Self {
        let any_scsi = spec
            .drives
            .iter()
            .any(|drive| drive.interface == DriveInterface::VirtioScsi);
        let blocks = spec
            .drives
            .iter()
            .filter(|drive| drive.interface == DriveInterface::VirtioBlk)
            .count();
        let nics = spec.nics.iter().filter(|nic| takes_port(nic)).count();
        let single = [any_scsi, needs_virtio_serial(spec), spec.rng, spec.balloon];
        let ports = blocks + nics + single.into_iter().filter(|&wanted| wanted).count();
        let spare = usize::from(spec.spare_root_ports);
        Self {
            chipset: spec.machine.chipset(),
            ports,
            spare,
            next: 0,
        }
    }

    /// The bus for the next virtio device.
    pub(super) fn take(&mut self) -> String {
        match self.chipset {
            Chipset::Pc => "pci.0".to_owned(),
            Chipset::Q35 => {
                self.next += 1;
                format!("pcie-root-port-{}", self.next - 1)
            }
        }
    }
}

/// Only PCI Express devices belong into a root port; the older models are plain PCI.
pub(super) fn takes_port(nic: &Nic) -> bool {
    nic.device().starts_with("virtio-net-pci")
        || matches!(nic.device(), "e1000e" | "igb" | "vmxnet3")
}

pub(super) fn needs_virtio_serial(spec: &MachineSpec) -> bool {
    spec.guest_agent
        || spec
            .serials
            .iter()
            .any(|serial| serial.kind == SerialKind::Virtio)
}

pub(super) struct Builder {
    options: Vec<Opt>,
    pub(super) pci: Pci,
    pub(super) ide: usize,
    pub(super) scsi: usize,
}

impl Builder {
    pub(super) fn add(&mut self, name: &str, value: impl Into<OsString>) {
        self.options.push(Opt {
            name: name.into(),
            value: Value::Text(value.into()),
        });
    }

    fn flag(&mut self, name: &str) {
        self.options.push(Opt {
            name: name.into(),
            value: Value::None,
        });
    }

    pub(super) fn props(&mut self, name: &str, props: Props) {
        self.add(name, props.finish());
    }

    pub(super) fn device(&mut self, props: Props) {
        self.props("-device", props);
    }

    pub(super) fn channel(&mut self, id: &str) {
        self.options.push(Opt {
            name: "-chardev".into(),
            value: Value::Channel(id.to_owned()),
        });
    }

    fn base(&mut self, spec: &MachineSpec, accel: Accel) {
        self.flag("-S");
        self.flag("-nodefaults");
        self.flag("-no-user-config");
        self.props(
            "-name",
            Props::with("guest", &spec.name).key("debug-threads", "on"),
        );
        self.add("-machine", spec.machine.name());
        self.add("-accel", accelerator(accel));
        let cpu = spec.cpu.clone().unwrap_or_else(|| match accel {
            Accel::Kvm => CpuModel::host(),
            Accel::Tcg => CpuModel::fast_tcg(),
        });
        self.add("-cpu", cpu.as_str());
        let smp = spec.smp;
        let max = smp.sockets * smp.cores * smp.threads;
        self.add(
            "-smp",
            format!(
                "{},maxcpus={max},sockets={},cores={},threads={}",
                smp.cpus, smp.sockets, smp.cores, smp.threads
            ),
        );
        self.add("-m", format!("size={}M", spec.memory_mib));
        if let Some(uuid) = &spec.uuid {
            self.add("-uuid", uuid);
        }
        self.rtc(spec.rtc);
        if spec.pvpanic {
            // A panicked guest stays as it is, to be looked at; QEMU's default is to end.
            self.add("-action", "panic=pause");
        }
        if spec.power_off == PowerOff::Pause {
            self.add("-action", "shutdown=pause");
        }
        if spec.incoming {
            self.add("-incoming", "defer");
        }
    }

    fn rtc(&mut self, rtc: Rtc) {
        let base = match rtc.base {
            RtcBase::Utc => "utc",
            RtcBase::Localtime => "localtime",
        };
        let clock = match rtc.clock {
            RtcClock::Host => "host",
            RtcClock::Rt => "rt",
            RtcClock::Vm => "vm",
        };
        let props = Props::with("base", base)
            .key("clock", clock)
            .maybe("driftfix", rtc.slew.then_some("slew"));
        self.props("-rtc", props);
    }

    fn monitor(&mut self) {
        self.channel(qmp_channel());
        self.props(
            "-mon",
            Props::with("chardev", qmp_channel()).key("mode", "control"),
        );
    }

    fn root_ports(&mut self) {
        if self.pci.chipset == Chipset::Pc {
            return;
        }
        let taken = (0..self.pci.ports).map(|n| format!("pcie-root-port-{n}"));
        let spare = (0..self.pci.spare).map(|n| format!("pcie_extra_root_port_{n}"));
        for (n, id) in taken.chain(spare).enumerate() {
            let place = format!(
                "{:#x}.{:#x}",
                FIRST_PORT_SLOT + n / FUNCTIONS,
                n % FUNCTIONS
            );
            let props = Props::new("pcie-root-port")
                .key("id", id)
                .key("bus", "pcie.0")
                .key("chassis", (n + 1).to_string())
                .key("addr", place)
                // Function 0 has to say that there are others.
                .maybe("multifunction", (n % FUNCTIONS == 0).then_some("on"));
            self.device(props);
        }
    }

    fn boot(&mut self, spec: &MachineSpec) {
        let Boot {
            order,
            once,
            menu,
            strict,
        } = &spec.boot;
        let props = Props::empty()
            .maybe("order", order.as_ref())
            .maybe("once", once.as_ref());
        self.props(
            "-boot",
            props.switch("menu", *menu).switch("strict", *strict),
        );
        if let Some(direct) = &spec.kernel {
            self.add("-kernel", absolute(&direct.kernel));
            if let Some(initrd) = &direct.initrd {
                self.add("-initrd", absolute(initrd));
            }
            if let Some(append) = &direct.append {
                self.add("-append", append);
            }
        }
    }
}

/// QEMU runs in the run directory, so its paths have to be absolute. A path that cannot be made so is left as it is.
pub(super) fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// The accelerator with its settings.
///
/// TCG runs all processors of a machine on one thread, in turns. With a thread each, QEMU 10 loses a race while a booting
/// guest moves the registers of its PCI devices: on a busy host about one boot in a hundred ends in an assertion of QEMU
/// (`iotlb_to_section`, `msix_table_mmio_write`) or hangs before the kernel's first message.
fn accelerator(accel: Accel) -> &'static str {
    match accel {
        Accel::Kvm => "kvm",
        Accel::Tcg => "tcg,thread=single",
    }
}
