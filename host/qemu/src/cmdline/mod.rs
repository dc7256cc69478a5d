//! The command line of one machine.

mod board;
mod build;
mod chars;
mod drive;
mod extra;
mod memory;
mod misc;
mod nic;
mod usb;
mod video;

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::accel::Accel;
use crate::binary::Binary;
use crate::element::Element;
use crate::error::SpecError;
use crate::files::Paths;

/// A finished command line. It is complete but for the numbers of the descriptors that QEMU inherits, which exist only
/// at the start; shown ([`fmt::Display`]), it is a shell script that starts the same machine with sockets to connect to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandLine {
    program: PathBuf,
    run_dir: PathBuf,
    accel: Accel,
    options: Vec<Opt>,
    secrets: Vec<Secret>,
}

/// A passphrase that QEMU reads from a file in the run directory, which is there during its start only.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret {
    /// Name of the file.
    pub(crate) file: String,
    /// The passphrase.
    pub(crate) data: String,
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secret")
            .field("file", &self.file)
            .finish_non_exhaustive()
    }
}

/// One option with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Opt {
    name: OsString,
    value: Value,
}

impl Opt {
    fn flag(name: impl Into<OsString>) -> Self {
        Self {
            name: name.into(),
            value: Value::None,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Value {
    /// A flag.
    None,
    /// Complete text.
    Text(OsString),
    /// A character device of this id on a socket that is handed over.
    Channel(String),
    /// Text around the number of the descriptor of this name.
    Around(String, String, String),
}

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

/// The name of the descriptor of a network interface.
pub(crate) fn macvtap_file(nic: &str) -> String {
    format!("macvtap_{nic}")
}

/// The name of the descriptors of a tap, one for each queue.
pub(crate) fn tap_files(nic: &str) -> String {
    format!("tap_{nic}")
}

/// Id of the channel between a network interface and its daemon.
pub(crate) fn passt_channel(nic: &str) -> String {
    format!("passt_{nic}")
}

/// What stands for a descriptor until its number is known.
fn descriptor(name: &str) -> String {
    format!("@{name}")
}

/// The socket of the daemon behind a device, in the run directory, where QEMU runs, too.
pub(crate) fn daemon_socket(id: &str) -> String {
    format!("{id}.sock")
}

/// QEMU runs in the run directory, so its paths have to be absolute. A path that cannot be made so is left as it is.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// A path as text, since JSON takes nothing else.
fn text(what: &str, path: &Path) -> Result<String, SpecError> {
    path.to_str()
        .map(str::to_owned)
        .ok_or_else(|| SpecError::Value {
            field: what.to_owned(),
            value: path.display().to_string(),
            rule: "it has to be UTF-8; rename it".to_owned(),
        })
}

impl CommandLine {
    fn new(binary: &Binary, paths: &Paths, accel: Accel) -> Self {
        Self {
            program: binary.path().to_owned(),
            run_dir: paths.run_dir().to_owned(),
            accel,
            options: Vec::new(),
            secrets: Vec::new(),
        }
    }

    fn push_flag(&mut self, name: &str) {
        self.options.push(Opt::flag(name));
    }

    fn push(&mut self, name: &str, value: impl Into<OsString>) {
        self.options.push(Opt {
            name: name.into(),
            value: Value::Text(value.into()),
        });
    }

    fn push_channel(&mut self, id: String) {
        self.options.push(Opt {
            name: "-chardev".into(),
            value: Value::Channel(id),
        });
    }

    /// Adds a network backend, which may have a descriptor.
    fn push_netdev(&mut self, element: &Element, option: &str, text: String) {
        let props = element.props();
        let fd = props.get("fd").or_else(|| props.get("fds"));
        let fd = fd.or_else(|| props.get("addr")?.get("str"));
        let marker = fd
            .and_then(|fd| fd.as_str())
            .filter(|fd| fd.starts_with('@'));
        let split = marker.and_then(|marker| {
            let (before, after) = text.split_once(marker)?;
            Some(Value::Around(
                before.to_owned(),
                marker.trim_start_matches('@').to_owned(),
                after.to_owned(),
            ))
        });
        self.options.push(Opt {
            name: option.into(),
            value: split.unwrap_or_else(|| Value::Text(text.into())),
        });
    }

    /// Takes a passphrase out of an element: the command line of a process can be read by every user.
    fn keep_secret(&mut self, element: Element) -> Element {
        let (Some("secret"), Some(id)) = (element.driver(), element.id()) else {
            return element;
        };
        let Some(data) = element.props().get("data").and_then(|data| data.as_str()) else {
            return element;
        };
        let secret = Secret {
            file: format!("{id}.secret"),
            data: data.to_owned(),
        };
        let kept = Element::object("secret", id).with("file", secret.file.as_str());
        self.secrets.push(secret);
        kept
    }

    pub(crate) fn secrets(&self) -> &[Secret] {
        &self.secrets
    }

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

    /// The arguments, with the descriptor that `descriptor` gives for the id of each channel and device; several, for the
    /// queues of a tap, have a colon between them.
    #[must_use]
    pub fn args<D: fmt::Display>(&self, mut descriptor: impl FnMut(&str) -> D) -> Vec<OsString> {
        let mut args = Vec::with_capacity(self.options.len() * 2);
        for option in &self.options {
            args.push(option.name.clone());
            match &option.value {
                Value::None => {}
                Value::Text(text) => args.push(text.clone()),
                Value::Channel(id) => {
                    args.push(format!("socket,id={id},fd={}", descriptor(id)).into());
                }
                Value::Around(before, name, after) => {
                    args.push(format!("{before}{}{after}", descriptor(name)).into());
                }
            }
        }
        args
    }

    /// The ids of the channels, in order; the devices that QEMU inherits are among them.
    #[must_use]
    pub fn channels(&self) -> Vec<&str> {
        self.options
            .iter()
            .filter_map(|option| match &option.value {
                Value::Channel(id) | Value::Around(_, id, _) => Some(id.as_str()),
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
        writeln!(f, "cd {}", quoted(self.run_dir.as_os_str()))?;
        write!(f, "{}", quoted(self.program.as_os_str()))?;
        for option in &self.options {
            write!(f, " \\\n  {}", quoted(&option.name))?;
            match &option.value {
                Value::None => {}
                Value::Text(text) => write!(f, " {}", quoted(text))?,
                Value::Around(before, name, after) => {
                    let text = format!("{before}${{{name}}}{after}");
                    write!(f, " {}", quoted(OsStr::new(&text)))?;
                }
                Value::Channel(id) => {
                    let socket = format!("socket,id={id},path={id}.sock,server=on,wait=off");
                    write!(f, " {socket}")?;
                }
            }
        }
        writeln!(f)
    }
}

/// A word for the shell: as it is if it is harmless, else in single quotes; bytes that are not text as `$'\xNN'`.
pub(crate) fn quoted(word: &OsStr) -> String {
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
mod family_tests;
#[cfg(test)]
mod tests;
