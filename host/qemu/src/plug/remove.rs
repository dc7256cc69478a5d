//! Unplugging.

use std::sync::PoisonError;
use std::time::Duration;

use serde_json::json;

use super::part::Plug;
use crate::accel::Accel;
use crate::element::{Element, Kind};
use crate::error::{MachineError, QmpError};
use crate::layout::Layout;
use crate::machine::Machine;

impl Machine {
    /// Unplugs a device, whether it was plugged in or is of the specification: asks the guest, waits until it has let
    /// go, and removes what was behind it.
    ///
    /// # Errors
    /// [`MachineError::NoSuch`] if no device of this id can be unplugged; [`MachineError::NotUnplugged`] if the guest
    /// refuses or does not let go within `limit`: the device works on then, and the guest may be asked again;
    /// [`MachineError::Fixed`] at once for a processor under TCG; [`MachineError::Qmp`]; [`MachineError::Ended`] at once
    /// if QEMU ends.
    pub async fn unplug(&self, id: &str, limit: Duration) -> Result<(), MachineError> {
        let mut state = self.live().plugs.state.lock().await;
        let position = state.plugged.iter().position(|plugged| plugged.id == id);
        let elements = match position {
            Some(position) => state.plugged[position].elements.clone(),
            None => match self
                .made_of(id)
                .filter(|_| !state.removed.iter().any(|gone| gone == id))
            {
                Some(elements) => elements,
                None => return Err(self.no_device(id).await?),
            },
        };
        self.check_processor(id, &elements)?;
        // A snapshot or a mirror may have put another node in its place.
        let root = self.root_node(id).await.ok();
        let (devices, backends): (Vec<Element>, Vec<Element>) = elements
            .into_iter()
            .partition(|element| element.kind() == Kind::Device);
        for device in devices.iter().rev() {
            self.let_go(device.id().unwrap_or_default(), limit).await?;
        }
        let ids = || devices.iter().chain(&backends).filter_map(Element::id);
        match position {
            Some(position) => {
                state.plugged.remove(position);
            }
            None => {
                let ids: Vec<String> = ids().map(str::to_owned).collect();
                state.removed.extend(ids);
            }
        }
        if state.layout.is_none() {
            state.layout = self.spec().layout().ok();
        }
        if let Some(layout) = &mut state.layout {
            ids().for_each(|id| layout.release(id));
        }
        if let Some(root) = root
            && !ids().any(|id| id == root)
        {
            self.delete_node(&root).await?;
        }
        for backend in backends.iter().rev() {
            self.drop_backend(backend).await?;
            state.went(self.spec(), backend.id().unwrap_or_default());
        }
        Ok(())
    }

    /// Removes what was made before plugging in failed.
    pub(super) async fn unmake(&self, made: &[Element]) {
        for element in made.iter().rev() {
            let undone = match (element.kind(), element.id()) {
                (Kind::Device, Some(id)) => {
                    // It has been there for a moment; whether the guest lets go is the guest's business.
                    self.let_go(id, Duration::from_secs(5)).await
                }
                _ => self.drop_backend(element).await,
            };
            if let Err(error) = undone {
                tracing::warn!(
                    machine = self.name(),
                    id = element.id(),
                    %error,
                    "a part of a device that could not be plugged in stays behind"
                );
            }
        }
    }

    /// Under TCG all processors of a machine run on one thread ([`crate::CommandLine`] says why). QEMU 10 waits for the
    /// end of that thread when one of them is unplugged, on that very thread, and aborts.
    fn check_processor(&self, id: &str, elements: &[Element]) -> Result<(), MachineError> {
        let processor = |element: &Element| {
            element
                .driver()
                .is_some_and(|driver| driver.ends_with("-cpu"))
        };
        if self.command_line().accel() == Accel::Kvm || !elements.iter().any(processor) {
            return Ok(());
        }
        Err(MachineError::Fixed {
            machine: self.name().to_owned(),
            device: id.to_owned(),
            reason: "it is a processor, and under TCG QEMU aborts when one is unplugged; use kvm",
        })
    }

    /// Asks for a device to be given up, and waits for it.
    async fn let_go(&self, id: &str, limit: Duration) -> Result<(), MachineError> {
        let since = self.qmp().cursor();
        let action = format!("unplug {id} from");
        let asked = self
            .command(action, "device_del", json!({ "id": id }))
            .await;
        match asked {
            Err(error) if !is_pending(&error) => return Err(error),
            _ => {}
        }
        let what = format!("end of device {id}");
        let answer = self.qmp().wait_map(&what, since, limit, |event| {
            let ours = event.data["device"] == id;
            match event.name.as_str() {
                "DEVICE_DELETED" if ours => Some(true),
                "DEVICE_UNPLUG_GUEST_ERROR" | "MEM_UNPLUG_ERROR" if ours => Some(false),
                _ => None,
            }
        });
        let reason = match answer.await {
            Ok(true) => return Ok(()),
            Ok(false) => "the guest refuses to let it go".to_owned(),
            Err(source @ QmpError::Timeout { .. }) => {
                let explained = self.explain("unplug a device from", source).await;
                if matches!(explained, MachineError::Stuck { .. }) {
                    return Err(explained);
                }
                format!(
                    "the guest has not let it go within {} s (no guest runs, it has no driver for hotplug, or it uses the device)",
                    limit.as_secs_f32()
                )
            }
            Err(source) => return Err(self.explain("unplug a device from", source).await),
        };
        Err(MachineError::NotUnplugged {
            machine: self.name().to_owned(),
            device: id.to_owned(),
            reason,
        })
    }

    async fn drop_backend(&self, backend: &Element) -> Result<(), MachineError> {
        let id = backend.id().unwrap_or_default();
        let (command, arguments) = match backend.kind() {
            Kind::Blockdev => return self.delete_node(id).await,
            Kind::Object => ("object-del", json!({ "id": id })),
            Kind::Netdev => ("netdev_del", json!({ "id": id })),
            Kind::Chardev => ("chardev-remove", json!({ "id": id })),
            Kind::Device | Kind::Option(_) | Kind::Raw(_) => return Ok(()),
        };
        let action = format!("remove {id} from");
        self.command(action, command, arguments).await?;
        if backend.kind() == Kind::Chardev {
            let consoles = &self.live().plugs.consoles;
            let mut consoles = consoles.lock().unwrap_or_else(PoisonError::into_inner);
            consoles.retain(|name, _| crate::cmdline::serial_channel(name) != id);
        }
        Ok(())
    }

    /// What a device of the specification is made of. Only names are of interest, so that any place will do.
    fn made_of(&self, id: &str) -> Option<Vec<Element>> {
        let spec = self.spec();
        let drives = spec.drives.iter().cloned().map(Plug::from);
        let nics = spec.nics.iter().cloned().map(Plug::from);
        let memory = spec.memory.devices.iter().cloned().map(Plug::from);
        let vcpus = spec.vcpus.iter().cloned().map(Plug::from);
        let usb = spec.usb_devices.iter().cloned().map(Plug::from);
        let serials = spec.serials.iter().cloned().map(Plug::from);
        let rngs = spec.rngs.iter().cloned().map(Plug::from);
        let inputs = spec.inputs.iter().map(|(id, kind)| Plug::Input {
            id: id.clone(),
            kind: kind.clone(),
        });
        let part = drives
            .chain(nics)
            .chain(memory)
            .chain(vcpus)
            .chain(usb)
            .chain(serials)
            .chain(rngs)
            .chain(inputs)
            .find(|part| part.id() == id)?;
        let mut scratch = Layout::new(&spec.machine);
        for controller in &spec.usb_controllers {
            scratch.usb_controller(controller).ok()?;
        }
        part.elements(&mut scratch).ok()
    }

    async fn no_device(&self, id: &str) -> Result<MachineError, MachineError> {
        Ok(MachineError::NoSuch {
            machine: self.name().to_owned(),
            what: "device that can be unplugged",
            name: id.to_owned(),
            known: self.device_ids().await?,
        })
    }
}

/// Whether the guest has been asked before and has not answered yet; QEMU has no class of its own for it.
fn is_pending(error: &MachineError) -> bool {
    matches!(
        error.qmp(),
        Some(QmpError::Command { desc, .. }) if desc.contains("already in the process of unplug")
    )
}
