//! Crashes of the guest's kernel, found in what it printed.

use std::fmt;

use serde::Serialize;

use super::Machine;
use crate::error::MachineError;
use crate::serial::BACKLOG;

/// How many lines after the first one belong to the report: a Linux oops with its registers has about fifty.
const CONTEXT: usize = 60;

/// The longest line that is quoted, in characters.
const LONGEST_LINE: usize = 400;

/// What a kernel prints when it crashes, and what that is called. The first entry that occurs in a line wins.
const PATTERNS: [(&str, &str); 20] = [
    ("Kernel panic - not syncing", "kernel panic"),
    ("kernel BUG at ", "kernel BUG"),
    ("BUG: soft lockup", "soft lockup"),
    ("watchdog: BUG: soft lockup", "soft lockup"),
    ("Watchdog detected hard LOCKUP", "hard lockup"),
    ("BUG: unable to handle", "bad access of the kernel"),
    ("BUG: kernel NULL pointer", "bad access of the kernel"),
    ("Unable to handle kernel", "bad access of the kernel"),
    ("BUG: scheduling while atomic", "kernel BUG"),
    ("BUG: Bad page state", "kernel BUG"),
    ("KASAN: ", "memory error of the kernel"),
    // A program's own fault has the form `general protection fault ip:...`.
    ("general protection fault, ", "general protection fault"),
    ("general protection fault: ", "general protection fault"),
    ("double fault: ", "double fault"),
    ("Internal error: Oops", "oops"),
    ("Oops: ", "oops"),
    ("Oops [#", "oops"),
    ("*** STOP: 0x", "Windows stop error"),
    ("CLASSNAME=\"BLUESCREEN\"", "Windows stop error"),
    (
        "Windows has been shut down to prevent damage",
        "Windows stop error",
    ),
];

/// The crash of a kernel, as it stands in a console or a kernel log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KernelCrash {
    /// The console that shows it; `None` in a text of other origin.
    pub console: Option<String>,
    /// What kind of crash it is.
    pub kind: &'static str,
    /// The first line of the report, control characters escaped.
    pub line: String,
    /// The lines that follow, at most 60.
    pub context: Vec<String>,
}

impl KernelCrash {
    /// Finds the first crash in a text that a kernel printed: Linux panics, oopses, BUGs and lockups, and the stop
    /// errors of Windows.
    #[must_use]
    pub fn find(text: &[u8]) -> Option<Self> {
        let mut lines = text.split(|&byte| byte == b'\n').map(shown);
        let (line, kind) = lines.find_map(|line| kind(&line).map(|kind| (line, kind)))?;
        Some(Self {
            console: None,
            kind,
            line,
            context: lines.take(CONTEXT).collect(),
        })
    }
}

impl fmt::Display for KernelCrash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.kind)?;
        if let Some(console) = &self.console {
            write!(f, ", seen on console {console:?}")?;
        }
        write!(f, ":\n    {}", self.line)?;
        self.context
            .iter()
            .try_for_each(|line| write!(f, "\n    {line}"))
    }
}

fn kind(line: &str) -> Option<&'static str> {
    PATTERNS
        .iter()
        .find(|(pattern, _)| line.contains(pattern))
        .map(|(_, kind)| *kind)
}

fn shown(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line.trim_ascii_end());
    text.chars()
        .take(LONGEST_LINE)
        .flat_map(|c| {
            let escaped = c.is_control() && c != '\t';
            let (plain, escape) = if escaped {
                (None, Some(c.escape_default()))
            } else {
                (Some(c), None)
            };
            plain.into_iter().chain(escape.into_iter().flatten())
        })
        .collect()
}

impl Machine {
    /// The first crash of the guest's kernel that a serial console shows, among the last [`BACKLOG`] bytes of each.
    #[must_use]
    pub fn kernel_crash(&self) -> Option<KernelCrash> {
        self.serials.values().find_map(|serial| {
            let crash = KernelCrash::find(&serial.backlog(BACKLOG))?;
            Some(KernelCrash {
                console: Some(serial.name().to_owned()),
                ..crash
            })
        })
    }

    /// Checks that no serial console shows a crash of the guest's kernel.
    ///
    /// # Errors
    /// [`MachineError::KernelCrash`] with the report.
    pub fn verify_kernel_crash(&self) -> Result<(), MachineError> {
        match self.kernel_crash() {
            None => Ok(()),
            Some(crash) => Err(MachineError::KernelCrash {
                machine: self.spec.name.clone(),
                crash: Box::new(crash),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crashes_are_found_with_their_first_line() {
        for (text, kind, line) in [
            (
                "[    1.0] ok\r\n[    2.1] Kernel panic - not syncing: sysrq triggered crash\r\n[    2.2] CPU: 0\r\n",
                "kernel panic",
                "[    2.1] Kernel panic - not syncing: sysrq triggered crash",
            ),
            (
                "[  3.0] BUG: unable to handle page fault for address: 0\n[  3.1] Oops: 0002 [#1] SMP\n",
                "bad access of the kernel",
                "[  3.0] BUG: unable to handle page fault for address: 0",
            ),
            (
                "[ 9.0] watchdog: BUG: soft lockup - CPU#0 stuck for 22s! [stress:88]",
                "soft lockup",
                "[ 9.0] watchdog: BUG: soft lockup - CPU#0 stuck for 22s! [stress:88]",
            ),
            (
                "kernel BUG at mm/slub.c:379!\x1b[m",
                "kernel BUG",
                "kernel BUG at mm/slub.c:379!\\u{1b}[m",
            ),
            (
                "\n*** STOP: 0x000000D1 (0x0,0x2)\n",
                "Windows stop error",
                "*** STOP: 0x000000D1 (0x0,0x2)",
            ),
        ] {
            let crash = KernelCrash::find(text.as_bytes()).expect(kind);
            assert_eq!((crash.kind, crash.line.as_str()), (kind, line));
        }
        let crash = KernelCrash::find(b"a\nOops: 1\nb\nc").expect("a crash");
        assert_eq!(crash.context, ["b", "c"]);
        assert_eq!(crash.to_string(), "oops:\n    Oops: 1\n    b\n    c");
    }

    #[test]
    fn what_programs_do_is_no_crash_of_the_kernel() {
        for text in [
            "",
            "traps: prog[12] general protection fault ip:55d0 sp:7ffc error:0 in prog",
            "prog[13]: segfault at 0 ip 000055d0 sp 00007ffc error 4 in prog",
            "localhost login: oops",
            "panic is what I feel",
        ] {
            assert_eq!(KernelCrash::find(text.as_bytes()), None, "{text}");
        }
    }
}
