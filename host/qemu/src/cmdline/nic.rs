//! Network interfaces.

use serde_json::{Value, json};

use super::absolute;
use crate::element::Element;
use crate::error::SpecError;
use crate::layout::{Layout, PciKind, Transport};
use crate::spec::{HostForward, Netdev, Nic, UsbVersion, UserNet};

impl Nic {
    /// What makes the interface: its backend, then the device.
    ///
    /// # Errors
    /// Its place is taken or does not exist, or a path is no text.
    pub fn elements(&self, layout: &mut Layout) -> Result<Vec<Element>, SpecError> {
        let backend = self
            .backend()?
            .map(|netdev| netdev.loosely(&self.netdev_extra));
        let device = self.device(layout)?;
        Ok(backend.into_iter().chain([device]).collect())
    }

    /// The name of its backend.
    #[must_use]
    pub fn netdev_id(&self) -> String {
        format!("netdev_{}", self.id)
    }

    /// What tells QEMU which open files are its tap: one for each queue.
    pub(crate) fn tap_property(&self) -> &'static str {
        if self.queues > 1 { "fds" } else { "fd" }
    }

    fn backend(&self) -> Result<Option<Element>, SpecError> {
        let id = self.netdev_id();
        let new = |backend: &str| Element::netdev(backend, &id);
        Ok(Some(match &self.netdev {
            Netdev::User {
                forwards,
                restrict,
                options,
            } => user(new("user").with("restrict", *restrict), forwards, options)?,
            Netdev::Tap { vhost, .. } => new("tap")
                .with(
                    self.tap_property(),
                    super::descriptor(&super::tap_files(&self.id)),
                )
                .maybe("vhost", vhost.then_some(true)),
            Netdev::Macvtap { .. } => {
                new("tap").with("fd", super::descriptor(&super::macvtap_file(&self.id)))
            }
            Netdev::Passt { .. } => {
                let fd = super::descriptor(&super::passt_channel(&self.id));
                let address = json!({"type": "fd", "str": fd});
                new("stream").with("server", false).with("addr", address)
            }
            Netdev::Stream { path, server } => {
                let path = super::text(&format!("socket of nic {}", self.id), &absolute(path))?;
                stream(new("stream"), &path, *server)
            }
            Netdev::None => return Ok(None),
        }))
    }

    fn device(&self, layout: &mut Layout) -> Result<Element, SpecError> {
        let id = self.id.as_str();
        let pci = layout.transport() == Transport::Pci;
        let device = match self.model.as_str() {
            _ if self.is_virtio() => {
                let vectors = self
                    .vectors
                    .or_else(|| (self.queues > 1).then(|| 2 * self.queues + 2));
                layout
                    .virtio("virtio-net", id, self.pci)?
                    .maybe("mq", (self.queues > 1).then_some(true))
                    .maybe("vectors", vectors.filter(|_| pci))
                    .maybe("host_mtu", self.mtu)
            }
            "usb-net" => {
                let (bus, port) = layout.usb_port(id, None, UsbVersion::One, None)?;
                let device = Element::device("usb-net", id).with("bus", bus);
                device.with("port", port.to_string())
            }
            "spapr-vlan" | "ne2k_isa" => Element::device(&self.model, id),
            "e1000e" | "igb" | "vmxnet3" => {
                layout.pci_device(&self.model, id, PciKind::Express, self.pci)?
            }
            model if model.starts_with("virtio-net-pci") => {
                layout.pci_device(model, id, PciKind::Express, self.pci)?
            }
            model => layout.pci_device(model, id, PciKind::Legacy, self.pci)?,
        };
        let connected = self.netdev != Netdev::None;
        Ok(device
            .maybe("netdev", connected.then(|| self.netdev_id()))
            .maybe("mac", self.mac.map(|mac| mac.to_string()))
            .maybe("romfile", self.romfile.as_deref().filter(|_| pci))
            .maybe("bootindex", self.boot_index)
            .loosely(&self.extra))
    }
}

fn user(
    netdev: Element,
    forwards: &[HostForward],
    options: &UserNet,
) -> Result<Element, SpecError> {
    let forwards: Vec<Value> = forwards
        .iter()
        .map(|forward| {
            // Port 0 leaves the choice to the kernel, at the moment QEMU binds it.
            let host = forward.host.unwrap_or(0);
            json!({"str": format!("tcp:127.0.0.1:{host}-:{}", forward.guest)})
        })
        .collect();
    let tftp = options
        .tftp
        .as_ref()
        .map(|path| super::text("tftp directory", &absolute(path)))
        .transpose()?;
    Ok(netdev
        .maybe("hostfwd", (!forwards.is_empty()).then_some(forwards))
        .maybe("net", options.net.as_deref())
        .maybe("tftp", tftp)
        .maybe("bootfile", options.bootfile.as_deref()))
}

fn stream(netdev: Element, path: &str, server: bool) -> Element {
    netdev
        .with("server", server)
        .with("addr", json!({"type": "unix", "path": path}))
}
