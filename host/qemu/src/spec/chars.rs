//! Consoles, ports and monitors.

use serde::Serialize;

/// A console or port of the guest. What comes out of it is logged, and can be read and answered:
/// [`crate::Machine::serial`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Serial {
    /// Its id: a letter, then letters, digits, `.`, `_` and `-`.
    pub name: String,
    /// Its device.
    pub kind: SerialKind,
}

impl Serial {
    /// An ISA serial port.
    #[must_use]
    pub fn isa(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            kind: SerialKind::Isa,
        }
    }
}

/// The device behind a console.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SerialKind {
    /// The serial port of the machine type: on a PC a 16550A (`ttyS0` to `ttyS3`, at most four), on the others the UART
    /// of the board (one), `spapr-vty` or `sclpconsole`.
    Isa,
    /// A virtio console, `hvc0` and up.
    Virtio,
    /// A virtio port with a name, in Linux `/dev/virtio-ports/<name>`.
    VirtioPort {
        /// The name that the guest sees. Default: the id.
        name: Option<String>,
        /// The number of the port. Default: the next one.
        number: Option<u32>,
    },
    /// A 16550A on a PCI card.
    Pci,
    /// A serial converter on USB, `ttyUSB0`.
    Usb,
    /// The debug port 0x402, to which SeaBIOS and OVMF write their logs. Output only; at most one.
    FirmwareLog,
}

/// A monitor besides the one that this process keeps for itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Monitor {
    /// Its id.
    pub name: String,
    /// Its language.
    pub kind: MonitorKind,
}

/// The language of a monitor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum MonitorKind {
    /// JSON.
    Qmp,
    /// Lines for people.
    Human,
}
