//! The other devices.

use super::{absolute, daemon_socket};
use crate::element::Element;
use crate::error::SpecError;
use crate::layout::{Layout, PciKind};
use crate::spec::{
    Balloon, Chipset, Filesystem, FsDriver, Iommu, Rng, RngSource, Smbios, Tpm, TpmBackend,
    Watchdog,
};

impl Rng {
    /// What makes the generator: its source, then the device.
    ///
    /// # Errors
    /// The machine has no place for it, or a path is no text.
    pub fn elements(&self, layout: &mut Layout) -> Result<Vec<Element>, SpecError> {
        let backend = format!("rng_backend_{}", self.id);
        let object = match &self.source {
            RngSource::Builtin => Element::object("rng-builtin", &backend),
            RngSource::File(path) => Element::object("rng-random", &backend).with(
                "filename",
                super::text("source of random numbers", &absolute(path))?,
            ),
        };
        let device = layout
            .virtio("virtio-rng", &self.id, None)?
            .with("rng", backend)
            .maybe("max-bytes", self.max_bytes)
            .maybe("period", self.period_ms);
        Ok(vec![object, device])
    }
}

impl Balloon {
    pub(super) fn element(&self, layout: &mut Layout) -> Result<Element, SpecError> {
        let device = layout.virtio("virtio-balloon", "balloon0", None)?;
        Ok(device
            .maybe("deflate-on-oom", self.deflate_on_oom)
            .maybe("free-page-reporting", self.free_page_reporting))
    }
}

impl Watchdog {
    pub(super) fn elements(&self, layout: &mut Layout) -> Result<Vec<Element>, SpecError> {
        let action = Element::option("-action", None).with("watchdog", self.action.name());
        let device = match self.model.as_str() {
            // Part of the chipset; it fires only if nothing holds it back.
            "itco" => Element::option("-global", Some("ICH9-LPC.noreboot=off")),
            "i6300esb" => layout.pci_device("i6300esb", "watchdog0", PciKind::Legacy, None)?,
            model => Element::device(model, "watchdog0"),
        };
        Ok(vec![device, action])
    }
}

impl Iommu {
    /// It has to come before the devices that it translates for.
    pub(super) fn element(&self, layout: &mut Layout) -> Result<Element, SpecError> {
        match self {
            Self::Intel(fields) if layout.chipset() == Chipset::Q35 => {
                Ok(Element::device("intel-iommu", "iommu0").loosely(fields))
            }
            Self::Intel(_) => Err(SpecError::Value {
                field: "iommu".to_owned(),
                value: "intel".to_owned(),
                rule: "only machine type q35 has one; use virtio, or q35".to_owned(),
            }),
            Self::Virtio(fields) => {
                let kind = PciKind::Integrated;
                let device = layout.pci_device("virtio-iommu-pci", "iommu0", kind, None)?;
                Ok(device.loosely(fields))
            }
        }
    }
}

impl Tpm {
    pub(super) fn elements(&self) -> Result<Vec<Element>, SpecError> {
        let backend = format!("tpmdev_{}", self.id);
        let chardev = super::serial_channel(&self.id);
        let mut elements = Vec::new();
        let option =
            |kind: &str| Element::option("-tpmdev", Some(kind)).with("id", backend.as_str());
        match &self.backend {
            TpmBackend::Emulator { .. } => {
                elements.push(Element::channel(&chardev));
                elements.push(option("emulator").with("chardev", chardev));
            }
            TpmBackend::Passthrough(path) => {
                let path = super::text("tpm device", &absolute(path))?;
                elements.push(option("passthrough").with("path", path));
            }
        }
        let device = Element::device(&self.model, &self.id);
        elements.push(device.with("tpmdev", backend));
        Ok(elements)
    }
}

impl Filesystem {
    pub(super) fn elements(&self, layout: &mut Layout) -> Result<Vec<Element>, SpecError> {
        match &self.driver {
            FsDriver::NineP {
                security_model,
                immediate,
            } => {
                let backend = format!("fsdev_{}", self.id);
                let path = super::text("shared directory", &absolute(&self.source))?;
                let option = Element::option("-fsdev", Some("local"))
                    .with("id", backend.as_str())
                    .with("path", path)
                    .with("security_model", security_model.as_str())
                    .maybe("writeout", immediate.then_some("immediate"))
                    .maybe("readonly", self.read_only.then_some(true));
                let device = layout.virtio("virtio-9p", &self.id, None)?;
                let device = device.with("fsdev", backend);
                Ok(vec![option, device.with("mount_tag", self.tag.as_str())])
            }
            FsDriver::Virtiofs { .. } => {
                let chardev = format!("chardev_{}", self.id);
                let socket = Element::chardev("socket", &chardev);
                let device = layout.virtio("vhost-user-fs", &self.id, None)?;
                Ok(vec![
                    socket.with("path", daemon_socket(&self.id)),
                    device
                        .with("chardev", chardev)
                        .with("tag", self.tag.as_str()),
                ])
            }
        }
    }
}

impl Smbios {
    pub(super) fn element(&self) -> Element {
        let option = Element::option("-smbios", None).with("type", self.table);
        option.extend(
            self.fields
                .iter()
                .map(|(key, value)| (key.clone(), value.as_str().into())),
        )
    }
}

/// A device that tells of a panic of the guest, where the machine type has a place for one.
pub(super) fn pvpanic(layout: &mut Layout, port: u16) -> Result<Option<Element>, SpecError> {
    Ok(match layout.chipset() {
        Chipset::Pc | Chipset::Q35 => {
            Some(Element::device("pvpanic", "pvpanic0").with("ioport", port))
        }
        Chipset::VirtPci => {
            let kind = PciKind::Integrated;
            Some(layout.pci_device("pvpanic-pci", "pvpanic0", kind, None)?)
        }
        // POWER and Z tell by themselves; the others have no bus for it.
        Chipset::Pseries | Chipset::Ccw | Chipset::Microvm | Chipset::VirtMmio => None,
    })
}

/// A device of the ISA bus that has no choice of places.
pub(super) fn isa(layout: &Layout, driver: &str, id: &str) -> Result<Element, SpecError> {
    match layout.chipset() {
        Chipset::Pc | Chipset::Q35 => Ok(Element::device(driver, id)),
        _ => Err(layout.no_room("isa", "bus", driver)),
    }
}

/// A sound card, and the codec that it needs. What it plays goes nowhere.
pub(super) fn sound(
    layout: &mut Layout,
    number: usize,
    model: &str,
) -> Result<Vec<Element>, SpecError> {
    let backend = format!("audiodev{number}");
    let id = format!("sound{number}");
    let mut elements =
        vec![Element::option("-audiodev", Some("none")).with("id", backend.as_str())];
    let card = |layout: &mut Layout, kind| layout.pci_device(model, &id, kind, None);
    match model {
        "intel-hda" | "ich9-intel-hda" => {
            elements.push(card(layout, PciKind::Legacy)?);
            let codec = Element::device("hda-duplex", &format!("{id}-codec0"));
            let codec = codec.with("bus", format!("{id}.0"));
            elements.push(codec.with("audiodev", backend));
        }
        "sb16" | "adlib" | "cs4231a" | "gus" => {
            elements.push(Element::device(model, &id).with("audiodev", backend));
        }
        _ => elements.push(card(layout, PciKind::Legacy)?.with("audiodev", backend)),
    }
    Ok(elements)
}
