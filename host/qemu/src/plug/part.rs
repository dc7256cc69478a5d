//! What can be plugged in.

use std::path::PathBuf;

use serde_json::Value;

use crate::element::Element;
use crate::error::SpecError;
use crate::layout::{Layout, PciKind};
use crate::spec::{
    Drive, MemoryDevice, MemoryModel, Nic, Rng, Serial, UsbController, UsbDevice, Vcpu,
};

/// A device to be plugged in.
#[derive(Debug, Clone, PartialEq)]
pub enum Plug {
    /// A disk or CD-ROM. An image outside of the run directory is opened here and handed over.
    Drive(Box<Drive>),
    /// A network interface.
    Nic(Box<Nic>),
    /// A DIMM or another memory device. The machine needs [`crate::spec::Memory::slots`].
    Memory(MemoryDevice),
    /// A processor, in one of the places of [`crate::Machine::vcpu_slots`].
    Vcpu(Vcpu),
    /// A USB device. The machine needs a USB controller.
    Usb(UsbDevice),
    /// A USB controller.
    UsbController(UsbController),
    /// A serial console or port; [`crate::Machine::console`] has it then.
    Serial(Serial),
    /// A random number generator.
    Rng(Rng),
    /// A virtio input device.
    Input {
        /// Its id.
        id: String,
        /// `tablet`, `keyboard` or `mouse`.
        kind: String,
    },
    /// A virtio-scsi controller.
    Scsi {
        /// Its id.
        id: String,
    },
    /// Any other PCI device.
    Pci {
        /// QEMU's name of the device.
        driver: String,
        /// Its id.
        id: String,
        /// Its properties, by QEMU's names.
        props: Vec<(String, Value)>,
    },
}

impl Plug {
    /// Id of the device, by which it is unplugged.
    #[must_use]
    pub fn id(&self) -> String {
        match self {
            Self::Drive(drive) => drive.id.clone(),
            Self::Nic(nic) => nic.id.clone(),
            Self::Memory(memory) => {
                let model = match memory.model {
                    MemoryModel::Dimm => "dimm",
                    MemoryModel::Nvdimm { .. } => "nvdimm",
                    MemoryModel::VirtioMem { .. } => "virtio_mem",
                };
                format!("{model}-{}", memory.id)
            }
            Self::Vcpu(vcpu) => vcpu.id.clone(),
            Self::Usb(device) => device.id.clone(),
            Self::UsbController(controller) => controller.id.clone(),
            Self::Serial(serial) => serial.name.clone(),
            Self::Rng(rng) => rng.id.clone(),
            Self::Input { id, .. } | Self::Scsi { id } | Self::Pci { id, .. } => id.clone(),
        }
    }

    /// What makes it, in order: backends first, the device last.
    pub(super) fn elements(&self, layout: &mut Layout) -> Result<Vec<Element>, SpecError> {
        match self {
            Self::Drive(drive) => drive.elements(layout),
            Self::Nic(nic) => nic.elements(layout),
            Self::Memory(memory) => memory.elements(layout),
            Self::Vcpu(vcpu) => Ok(vec![vcpu.element()]),
            Self::Usb(device) => device.elements(layout),
            Self::UsbController(controller) => controller.elements(layout),
            Self::Serial(serial) => serial.elements(layout),
            Self::Rng(rng) => rng.elements(layout),
            Self::Input { id, kind } => {
                Ok(vec![layout.virtio(&format!("virtio-{kind}"), id, None)?])
            }
            Self::Scsi { id } => Ok(vec![layout.virtio("virtio-scsi", id, None)?]),
            Self::Pci { driver, id, props } => {
                let device = layout.pci_device(driver, id, PciKind::Express, None)?;
                Ok(vec![device.extend(props.iter().cloned())])
            }
        }
    }

    /// The files that QEMU opens for it, and whether it writes to them.
    pub(super) fn files(&self) -> Vec<(PathBuf, bool)> {
        let Self::Drive(drive) = self else {
            return Vec::new();
        };
        let own = (!drive.is_empty()).then(|| (drive.path.clone(), drive.writes_image()));
        let below = drive.backing.iter().map(|path| (path.clone(), false));
        own.into_iter().chain(below).collect()
    }
}

impl From<Drive> for Plug {
    fn from(drive: Drive) -> Self {
        Self::Drive(Box::new(drive))
    }
}

impl From<Nic> for Plug {
    fn from(nic: Nic) -> Self {
        Self::Nic(Box::new(nic))
    }
}

impl From<MemoryDevice> for Plug {
    fn from(memory: MemoryDevice) -> Self {
        Self::Memory(memory)
    }
}

impl From<Vcpu> for Plug {
    fn from(vcpu: Vcpu) -> Self {
        Self::Vcpu(vcpu)
    }
}

impl From<UsbDevice> for Plug {
    fn from(device: UsbDevice) -> Self {
        Self::Usb(device)
    }
}

impl From<UsbController> for Plug {
    fn from(controller: UsbController) -> Self {
        Self::UsbController(controller)
    }
}

impl From<Serial> for Plug {
    fn from(serial: Serial) -> Self {
        Self::Serial(serial)
    }
}

impl From<Rng> for Plug {
    fn from(rng: Rng) -> Self {
        Self::Rng(rng)
    }
}
