//! The command line of one machine.

mod build;
mod devices;
mod props;

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::fd::RawFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::accel::Accel;
pub(crate) use build::{agent_channel, qmp_channel, serial_channel};

/// A finished command line. It is complete but for the numbers of the socket descriptors, which exist only at the
/// start; shown ([`fmt::Display`]), it is a shell script that starts the same machine with sockets to connect to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandLine {
    program: PathBuf,
    run_dir: PathBuf,
    accel: Accel,
    options: Vec<Opt>,
}

/// One option with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Opt {
    name: OsString,
    value: Value,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Value {
    /// A flag.
    None,
    /// Complete text.
    Text(OsString),
    /// A character device of this id on a socket that is handed over.
    Channel(String),
}

impl CommandLine {
    /// The binary.
    #[must_use]
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// The accelerator that the machine runs on.
    #[must_use]
    pub fn accel(&self) -> Accel {
        self.accel
    }

    /// The arguments, with the descriptor that `descriptor` gives for the id of each channel.
    #[must_use]
    pub fn args(&self, mut descriptor: impl FnMut(&str) -> RawFd) -> Vec<OsString> {
        let mut args = Vec::with_capacity(self.options.len() * 2);
        for option in &self.options {
            args.push(option.name.clone());
            match &option.value {
                Value::None => {}
                Value::Text(text) => args.push(text.clone()),
                Value::Channel(id) => {
                    args.push(format!("socket,id={id},fd={}", descriptor(id)).into());
                }
            }
        }
        args
    }

    /// The ids of the channels, in order.
    #[must_use]
    pub fn channels(&self) -> Vec<&str> {
        self.options
            .iter()
            .filter_map(|option| match &option.value {
                Value::Channel(id) => Some(id.as_str()),
                Value::None | Value::Text(_) => None,
            })
            .collect()
    }
}

impl fmt::Display for CommandLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "#!/bin/bash")?;
        writeln!(
            f,
            "# vthost hands QEMU connected sockets; run by hand, it listens on sockets in the run directory."
        )?;
        write!(f, "{}", quoted(self.program.as_os_str()))?;
        for option in &self.options {
            write!(f, " \\\n  {}", quoted(&option.name))?;
            match &option.value {
                Value::None => {}
                Value::Text(text) => write!(f, " {}", quoted(text))?,
                Value::Channel(id) => {
                    let path = self.run_dir.join(format!("{id}.sock"));
                    let text = props::Props::new("socket").key("id", id).key("path", path);
                    write!(
                        f,
                        " {}",
                        quoted(&text.key("server", "on").key("wait", "off").finish())
                    )?;
                }
            }
        }
        writeln!(f)
    }
}

/// A word for the shell: as it is if it is harmless, else in single quotes; bytes that are not text as `$'\xNN'`.
fn quoted(word: &OsStr) -> String {
    let harmless = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_./,:=+@%".contains(byte);
    match word.to_str() {
        Some(text) if !text.is_empty() && text.as_bytes().iter().all(harmless) => text.to_owned(),
        Some(text) if !text.chars().any(char::is_control) => {
            format!("'{}'", text.replace('\'', r"'\''"))
        }
        _ => {
            let escaped: String = word.as_bytes().iter().map(|byte| escaped(*byte)).collect();
            format!("$'{escaped}'")
        }
    }
}

fn escaped(byte: u8) -> String {
    match byte {
        b'\'' | b'\\' => format!("\\{}", char::from(byte)),
        b' '..=b'~' => char::from(byte).to_string(),
        _ => format!("\\x{byte:02x}"),
    }
}

#[cfg(test)]
mod tests;
