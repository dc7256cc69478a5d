//! Video and where it is shown.

use std::path::PathBuf;

use crate::element::Element;
use crate::error::SpecError;
use crate::layout::{Layout, PciKind, Transport};
use crate::spec::{Chipset, Display, MachineSpec, PciAddress, Spice, Vga};

/// The longest path of a UNIX socket; the kernel's buffer of 108 bytes has to hold a zero byte as well.
const SOCKET_PATH_MAX: usize = 107;

/// The id of the password of SPICE.
const SPICE_SECRET: &str = "secret_spice";

/// The video adapter. It has the first slot that the board leaves.
pub(super) fn adapter(layout: &mut Layout, vga: Vga) -> Result<Option<Element>, SpecError> {
    let chipset = layout.chipset();
    let driver = match vga {
        Vga::None => return Ok(None),
        Vga::Ramfb => return Ok(Some(Element::device("ramfb", "video0"))),
        // Boards without VGA have no PCI, either.
        Vga::Std | Vga::Virtio if chipset == Chipset::Microvm => return Ok(None),
        Vga::Virtio if layout.transport() != Transport::Pci => {
            return layout.virtio("virtio-gpu", "video0", None).map(Some);
        }
        Vga::Virtio if chipset == Chipset::VirtPci => "virtio-gpu-pci",
        Vga::Std if layout.transport() != Transport::Pci => return Ok(None),
        Vga::Std => "VGA",
        Vga::Cirrus => "cirrus-vga",
        Vga::Virtio => "virtio-vga",
        Vga::Qxl => "qxl-vga",
        Vga::Vmware => "vmware-svga",
    };
    let slot = match chipset {
        Chipset::Q35 | Chipset::VirtPci => 1,
        _ => 2,
    };
    let place = Some(PciAddress::slot(slot));
    layout
        .pci_device(driver, "video0", PciKind::Integrated, place)
        .map(Some)
}

/// A QXL card for one more screen.
pub(super) fn further(layout: &mut Layout, number: u8) -> Result<Element, SpecError> {
    layout.pci_device("qxl", &format!("video{number}"), PciKind::Integrated, None)
}

/// Where the screen is shown.
pub(super) fn display(spec: &MachineSpec, socket: &PathBuf) -> Result<Vec<Element>, SpecError> {
    let display = |name: &str| Element::option("-display", Some(name));
    let listen = |socket: &PathBuf| {
        if socket.as_os_str().len() > SOCKET_PATH_MAX {
            return Err(SpecError::SocketPath {
                path: socket.clone(),
            });
        }
        super::text("path of the display socket", socket)
    };
    Ok(match &spec.display {
        Display::None => vec![display("none")],
        Display::Sdl => vec![display("sdl")],
        Display::VncUnix => {
            let at = format!("unix:{}", listen(socket)?);
            vec![display("none"), Element::option("-vnc", Some(&at))]
        }
        Display::VncPort { password } => {
            let vnc = Element::option("-vnc", Some("127.0.0.1:0")).with("to", 1000);
            vec![
                display("none"),
                vnc.maybe("password", password.then_some(true)),
            ]
        }
        Display::Spice(spice) => {
            let secret = spice.password.as_ref().map(|password| {
                Element::object("secret", SPICE_SECRET).with("data", password.as_str())
            });
            let option = self::spice(spice, &listen(socket)?);
            [display("none")]
                .into_iter()
                .chain(secret)
                .chain([option])
                .collect()
        }
    })
}

fn spice(spice: &Spice, socket: &str) -> Element {
    let option = Element::option("-spice", None)
        .with("unix", true)
        .with("addr", socket);
    let option = match &spice.password {
        Some(_) => option.with("password-secret", SPICE_SECRET),
        None => option.with("disable-ticketing", true),
    };
    option.extend(
        spice
            .options
            .iter()
            .map(|(key, value)| (key.clone(), value.as_str().into())),
    )
}
