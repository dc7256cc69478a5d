//! USB controllers and devices.

use serde::Serialize;

use super::PciAddress;

/// A USB controller. Its first bus is `<id>.0`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UsbController {
    /// Its id.
    pub id: String,
    /// What it is.
    pub model: UsbModel,
    /// Its place on the PCI bus. Default: the next free one.
    pub address: Option<PciAddress>,
    /// Ports of a USB 3 controller, 15 at most; others have those of their model. Default: those of the model.
    pub ports: Option<u32>,
}

impl UsbController {
    /// Ports of its first bus.
    #[must_use]
    pub fn port_count(&self) -> u32 {
        let wanted = self
            .ports
            .filter(|_| self.model.version() == UsbVersion::Three);
        wanted.unwrap_or(self.model.ports())
    }
}

/// Models of USB controllers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum UsbModel {
    /// USB 1.1, as in the PIIX3.
    Piix3Uhci,
    /// USB 1.1, as in the PIIX4.
    Piix4Uhci,
    /// USB 1.1, OHCI on PCI.
    Ohci,
    /// USB 2 alone.
    Ehci,
    /// USB 2 of the ICH9, with its three companions for USB 1.1.
    Ich9Ehci,
    /// USB 3.
    Xhci,
    /// USB 3, NEC's.
    NecXhci,
}

impl UsbModel {
    /// The name of QEMU's device.
    #[must_use]
    pub fn driver(self) -> &'static str {
        match self {
            Self::Piix3Uhci => "piix3-usb-uhci",
            Self::Piix4Uhci => "piix4-usb-uhci",
            Self::Ohci => "pci-ohci",
            Self::Ehci => "usb-ehci",
            Self::Ich9Ehci => "ich9-usb-ehci1",
            Self::Xhci => "qemu-xhci",
            Self::NecXhci => "nec-usb-xhci",
        }
    }

    /// The model of that name: QEMU's own, or `uhci`, `ohci`, `ehci`, `xhci`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "uhci" | "piix3-usb-uhci" => Self::Piix3Uhci,
            "piix4-usb-uhci" => Self::Piix4Uhci,
            "ohci" | "pci-ohci" => Self::Ohci,
            "usb-ehci" => Self::Ehci,
            "ehci" | "ich9-usb-ehci1" => Self::Ich9Ehci,
            "xhci" | "qemu-xhci" => Self::Xhci,
            "nec-usb-xhci" => Self::NecXhci,
            _ => return None,
        })
    }

    /// Ports of its first bus.
    #[must_use]
    pub fn ports(self) -> u32 {
        match self {
            Self::Piix3Uhci | Self::Piix4Uhci => 2,
            Self::Ohci => 3,
            Self::Ehci | Self::Ich9Ehci => 6,
            Self::Xhci | Self::NecXhci => 4,
        }
    }

    /// The version of USB whose devices it takes.
    #[must_use]
    pub fn version(self) -> UsbVersion {
        match self {
            Self::Piix3Uhci | Self::Piix4Uhci | Self::Ohci => UsbVersion::One,
            Self::Ehci | Self::Ich9Ehci => UsbVersion::Two,
            Self::Xhci | Self::NecXhci => UsbVersion::Three,
        }
    }
}

/// Versions of USB.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum UsbVersion {
    /// 1.1.
    One,
    /// 2.
    Two,
    /// 3.
    Three,
}

/// A USB device that is neither a drive nor a serial port.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UsbDevice {
    /// Its id.
    pub id: String,
    /// QEMU's device: `usb-tablet`, `usb-kbd`, `usb-mouse`, `usb-hub`, `usb-ccid`, ...
    pub driver: String,
    /// The controller. Default: the first one with a free port.
    pub controller: Option<String>,
    /// The port. Default: the next free one.
    pub port: Option<u32>,
}
