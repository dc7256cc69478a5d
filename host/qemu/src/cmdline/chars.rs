//! Consoles, ports and monitors.

use super::{agent_channel, qmp_channel, serial_channel};
use crate::element::Element;
use crate::error::SpecError;
use crate::files::monitor_socket;
use crate::layout::{Layout, PciKind};
use crate::spec::{Chipset, Monitor, MonitorKind, Serial, SerialKind, UsbVersion};

impl Serial {
    /// What makes the console or port: its channel, then the device.
    ///
    /// # Errors
    /// The machine has no place for it.
    pub fn elements(&self, layout: &mut Layout) -> Result<Vec<Element>, SpecError> {
        let id = self.name.as_str();
        let chardev = serial_channel(id);
        let channel = Element::channel(&chardev);
        let device = match &self.kind {
            SerialKind::Isa => match layout.chipset() {
                Chipset::Pc | Chipset::Q35 => {
                    layout.isa_serial(id)?;
                    Element::device("isa-serial", id)
                }
                Chipset::Pseries => Element::device("spapr-vty", id),
                Chipset::Ccw => {
                    layout.only("sclp", id)?;
                    Element::device("sclpconsole", id)
                }
                Chipset::Microvm | Chipset::VirtPci | Chipset::VirtMmio => {
                    // The UART is part of the board, which takes the first -serial.
                    layout.only("uart", id)?;
                    let option = Element::option("-serial", Some(&format!("chardev:{chardev}")));
                    return Ok(vec![channel, option]);
                }
            },
            SerialKind::Virtio => port(layout, "virtconsole", None, id)?,
            SerialKind::VirtioPort { name, number } => {
                let seen = name.as_deref().unwrap_or(id);
                port(layout, "virtserialport", *number, id)?.with("name", seen)
            }
            SerialKind::Pci => layout.pci_device("pci-serial", id, PciKind::Legacy, None)?,
            SerialKind::Usb => {
                let (bus, port) = layout.usb_port(id, None, UsbVersion::One, None)?;
                Element::device("usb-serial", id)
                    .with("bus", bus)
                    .with("port", port.to_string())
            }
            SerialKind::FirmwareLog => {
                layout.only("debug port 0x402", id)?;
                Element::device("isa-debugcon", id).with("iobase", 0x402)
            }
        };
        Ok(vec![channel, device.with("chardev", chardev)])
    }
}

fn port(
    layout: &mut Layout,
    driver: &str,
    number: Option<u32>,
    id: &str,
) -> Result<Element, SpecError> {
    let (bus, number) = layout.serial_port(number, id)?;
    Ok(Element::device(driver, id)
        .with("bus", bus)
        .with("nr", number))
}

/// The port of the guest agent.
pub(super) fn agent(layout: &mut Layout) -> Result<Vec<Element>, SpecError> {
    let device = port(layout, "virtserialport", None, "agent0")?
        .with("chardev", agent_channel())
        .with("name", "org.qemu.guest_agent.0");
    Ok(vec![Element::channel(agent_channel()), device])
}

/// The monitor that this process keeps for itself.
pub(super) fn own_monitor() -> Vec<Element> {
    vec![
        Element::channel(qmp_channel()),
        Element::option("-mon", None)
            .with("chardev", qmp_channel())
            .with("mode", "control"),
    ]
}

impl Monitor {
    /// What makes the monitor: a socket in the run directory to which one client at a time can connect
    /// ([`crate::Paths::monitor_socket`]), then the monitor itself.
    #[must_use]
    pub fn elements(&self) -> Vec<Element> {
        let chardev = format!("qmp_id_{}", self.name);
        let mode = match self.kind {
            MonitorKind::Qmp => "control",
            MonitorKind::Human => "readline",
        };
        vec![
            Element::chardev("socket", &chardev)
                .with("path", monitor_socket(&self.name))
                .with("server", true)
                .with("wait", false),
            Element::option("-mon", None)
                .with("chardev", chardev)
                .with("mode", mode),
        ]
    }
}
