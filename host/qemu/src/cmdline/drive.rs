//! Disks, CD-ROMs and floppies.

use std::os::unix::fs::FileTypeExt;
use std::path::Path;

use serde_json::json;

use super::absolute;
use crate::element::Element;
use crate::error::SpecError;
use crate::layout::{Layout, PciKind};
use crate::spec::{Drive, DriveFormat, DriveInterface, Media, UsbVersion};

impl Drive {
    /// What makes the drive: block nodes from the file up, then the device.
    ///
    /// # Errors
    /// Its place is taken or does not exist, or its path is no text.
    pub fn elements(&self, layout: &mut Layout) -> Result<Vec<Element>, SpecError> {
        let mut elements = self.nodes()?;
        elements.extend(self.device(layout)?);
        Ok(elements)
    }

    /// The name of the node that the device is on.
    fn top(&self) -> String {
        if self.snapshot {
            format!("drive_{}", self.id)
        } else if self.copy_on_read {
            format!("cor_{}", self.id)
        } else if self.throttle_group.is_some() {
            format!("throttle_{}", self.id)
        } else {
            format!("drive_{}", self.id)
        }
    }

    /// The block nodes, and before them the secret that opens them.
    fn nodes(&self) -> Result<Vec<Element>, SpecError> {
        if self.is_empty() {
            return Ok(Vec::new());
        }
        let path = super::text(&format!("path of drive {}", self.id), &absolute(&self.path))?;
        let node = format!("drive_{}", self.id);
        if self.snapshot {
            // Only -drive knows temporary overlays.
            let drive = Element::option("-drive", None)
                .with("if", "none")
                .with("id", node)
                .with("format", self.format.driver())
                .with("file.driver", protocol(&self.path))
                .with("file.filename", path)
                .with("snapshot", true)
                .with("cache", "unsafe");
            return Ok(vec![drive]);
        }
        let file = format!("file_{}", self.id);
        let cache = json!({"direct": self.cache.direct(), "no-flush": self.cache.no_flush()});
        let discard = self.discard.map(|on| if on { "unmap" } else { "ignore" });
        let common = |element: Element| {
            element
                .with("cache", cache.clone())
                .maybe("discard", discard)
                .with("read-only", !self.writes_image())
        };
        let mut elements = Vec::new();
        let secret = format!("secret_{}", self.id);
        elements.extend(
            self.secret
                .as_ref()
                .map(|data| Element::object("secret", &secret).with("data", data.as_str())),
        );
        elements.push(
            common(Element::blockdev(protocol(&self.path), &file).with("filename", path))
                .maybe("aio", self.aio.map(super::super::spec::Aio::name)),
        );
        let secret = self.secret.as_ref().map(|_| secret.as_str());
        let below = self.backing.first().zip(self.backing_format);
        let format = Element::blockdev(self.format.driver(), &node).with("file", file);
        let format = match below {
            Some((path, format_below)) if secret.is_some() => {
                let name = format!("backing_{}", self.id);
                elements.extend(self.encrypted_base(path, format_below, &name, secret)?);
                format.with("backing", name)
            }
            _ => unlocked(format, self.format, secret),
        };
        elements.push(
            common(format).maybe("detect-zeroes", self.detect_zeroes.map(|mode| mode.name())),
        );
        let mut below = node;
        if let Some(group) = &self.throttle_group {
            let name = format!("throttle_{}", self.id);
            let filter =
                Element::blockdev("throttle", &name).with("throttle-group", group.as_str());
            elements.push(filter.with("file", below));
            below = name;
        }
        if self.copy_on_read {
            let name = format!("cor_{}", self.id);
            elements.push(Element::blockdev("copy-on-read", &name).with("file", below));
        }
        Ok(elements)
    }

    /// The nodes of the encrypted file below an overlay.
    fn encrypted_base(
        &self,
        path: &Path,
        format: DriveFormat,
        name: &str,
        secret: Option<&str>,
    ) -> Result<[Element; 2], SpecError> {
        let text = super::text(
            &format!("backing file of drive {}", self.id),
            &absolute(path),
        )?;
        let file = format!("file_{name}");
        let node = Element::blockdev(format.driver(), name).with("file", file.as_str());
        Ok([
            Element::blockdev(protocol(path), &file)
                .with("filename", text)
                .with("read-only", true),
            unlocked(node, format, secret).with("read-only", true),
        ])
    }

    /// The device, and before it the adapter that it alone needs.
    fn device(&self, layout: &mut Layout) -> Result<Vec<Element>, SpecError> {
        let id = self.id.as_str();
        let cdrom = self.media == Media::Cdrom;
        let scsi = if cdrom { "scsi-cd" } else { "scsi-hd" };
        let mut before = None;
        let device = match self.interface {
            DriveInterface::VirtioBlk => layout
                .virtio("virtio-blk", id, self.pci)?
                .maybe("num-queues", self.queues)
                .maybe("iothread", self.iothread.as_deref()),
            DriveInterface::VirtioScsi | DriveInterface::Scsi(_) => {
                let hba = match self.interface {
                    DriveInterface::Scsi(hba) => Some(hba),
                    _ => None,
                };
                let lun = self.lun.unwrap_or(0);
                let thread = self.iothread.as_deref();
                let (bus, target, lun) = layout.scsi(hba, self.bus, self.unit, lun, id, thread)?;
                Element::device(scsi, id)
                    .with("bus", bus)
                    .with("scsi-id", target)
                    .with("lun", lun)
            }
            DriveInterface::Ide | DriveInterface::Ahci => {
                let sata = self.interface == DriveInterface::Ahci;
                let (bus, unit) = layout.ide(sata, self.bus, self.unit, id)?;
                Element::device(if cdrom { "ide-cd" } else { "ide-hd" }, id)
                    .with("bus", bus)
                    .with("unit", unit)
            }
            DriveInterface::Usb(version) => {
                let (bus, port) = self.usb_port(layout, version)?;
                let at = |driver: &str, id: &str| {
                    Element::device(driver, id)
                        .with("bus", bus.as_str())
                        .with("port", port.to_string())
                };
                if cdrom {
                    let adapter = format!("usb_{id}");
                    before = Some(at("usb-bot", &adapter));
                    Element::device("scsi-cd", id).with("bus", format!("{adapter}.0"))
                } else {
                    at("usb-storage", id)
                }
            }
            DriveInterface::Nvme => match self.bus {
                None => layout
                    .pci_device("nvme", id, PciKind::Express, self.pci)?
                    .with("serial", self.serial.as_deref().unwrap_or(id)),
                Some(number) => {
                    let (bus, namespace) = layout.namespace(number, self.unit, id)?;
                    Element::device("nvme-ns", id)
                        .with("bus", bus)
                        .with("nsid", namespace)
                }
            },
            DriveInterface::Floppy => {
                let (bus, unit) = layout.floppy(self.unit, id)?;
                Element::device("floppy", id)
                    .with("bus", bus)
                    .with("unit", unit)
            }
        };
        let serial = self.interface != DriveInterface::Nvme;
        // Neither a floppy nor a CD-ROM has a cache of writes.
        let caches = !cdrom && self.interface != DriveInterface::Floppy;
        let write_cache = if self.cache.write_cache() {
            "on"
        } else {
            "off"
        };
        let device = device
            .maybe("drive", (!self.is_empty()).then(|| self.top()))
            .maybe("write-cache", caches.then_some(write_cache))
            .maybe("serial", self.serial.as_deref().filter(|_| serial))
            .maybe("wwn", self.wwn)
            .maybe("logical_block_size", self.logical_block_size)
            .maybe("physical_block_size", self.physical_block_size)
            .maybe("min_io_size", self.min_io_size)
            .maybe("opt_io_size", self.opt_io_size)
            .maybe("werror", self.write_error.map(|policy| policy.name()))
            .maybe("rerror", self.read_error.map(|policy| policy.name()))
            .maybe("bootindex", self.boot_index)
            .loosely(&self.extra);
        Ok(before.into_iter().chain([device]).collect())
    }

    fn usb_port(
        &self,
        layout: &mut Layout,
        version: UsbVersion,
    ) -> Result<(String, u32), SpecError> {
        let controller = layout.usb_id(self.bus);
        layout.usb_port(&self.id, controller.as_deref(), version, self.unit)
    }
}

/// A node with the secret that opens it.
fn unlocked(node: Element, format: DriveFormat, secret: Option<&str>) -> Element {
    match (format, secret) {
        (DriveFormat::Luks, Some(secret)) => node.with("key-secret", secret),
        (DriveFormat::Qcow2, Some(secret)) => {
            node.with("encrypt", json!({"format": "luks", "key-secret": secret}))
        }
        _ => node,
    }
}

/// The block driver below the format.
fn protocol(path: &Path) -> &'static str {
    let device = std::fs::metadata(path).is_ok_and(|meta| meta.file_type().is_block_device());
    if device { "host_device" } else { "file" }
}
