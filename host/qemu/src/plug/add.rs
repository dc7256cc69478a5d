//! Plugging in.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::path::Path;
use std::sync::PoisonError;

use serde_json::{Value, json};
use tokio::net::UnixStream;

use super::backing::with_backing;
use super::part::Plug;
use super::{Plugged, State, forwards};
use crate::cmdline::tap_files;
use crate::element::{Element, Kind};
use crate::error::{MachineError, SpecError};
use crate::machine::{Forward, Machine};
use crate::serial::SerialHandle;
use crate::spec::{Netdev, Nic};
use crate::tap;

impl Machine {
    /// Plugs a device in, and looks whether it is there. The guest learns of it in its own time. A controller that the
    /// device needs and that can be plugged in comes first, and is a device of its own from then on.
    ///
    /// # Errors
    /// [`MachineError::Unpluggable`] if there is no place for it; [`MachineError::Argument`] if its id is taken;
    /// [`MachineError::File`] if its image cannot be opened; [`MachineError::Qmp`] if QEMU does not take it;
    /// [`MachineError::NotPlugged`]. Everything is as before then.
    pub async fn plug(&self, plug: impl Into<Plug>) -> Result<Plugged, MachineError> {
        let plug = plug.into();
        let mut state = self.live().plugs.state.lock().await;
        let id = plug.id();
        if self.device_ids().await?.contains(&id) {
            return Err(MachineError::Argument {
                what: "id of a new device",
                value: id,
                rule: "the machine has a device of that id; give each an id of its own".into(),
            });
        }
        let no_place = |source: SpecError| MachineError::Unpluggable {
            machine: self.name().to_owned(),
            device: id.clone(),
            source: Box::new(source),
        };
        let layout = match &state.layout {
            Some(layout) => Ok(layout.clone()),
            None => self.spec().layout(),
        };
        let mut layout = layout.map_err(no_place)?;
        let count = layout.controller_count();
        let mut elements = plug.elements(&mut layout).map_err(no_place)?;
        if let Plug::Drive(drive) = &plug {
            with_backing(drive, &mut elements)?;
        }
        let controllers = self
            .plug_controllers(layout.controllers_after(count))
            .await?;
        let forwards = match self.make_all(&plug, &id, &elements).await {
            Ok(forwards) => forwards,
            Err(failure) => {
                self.unmake(&failure.made).await;
                for controller in &controllers {
                    self.unmake(&controller.elements).await;
                }
                return Err(failure.error);
            }
        };
        let serial = match &plug {
            Plug::Serial(serial) => Some(serial.clone()),
            _ => None,
        };
        let plugged = Plugged {
            id,
            elements,
            forwards,
            serial,
            files: plug.files(),
        };
        state.came(self.spec(), &plugged.elements);
        let State {
            layout: kept,
            plugged: all,
            ..
        } = &mut *state;
        *kept = Some(layout);
        all.extend(controllers);
        all.push(plugged.clone());
        Ok(plugged)
    }

    /// Plugs controllers in, all or none.
    async fn plug_controllers(&self, new: Vec<Element>) -> Result<Vec<Plugged>, MachineError> {
        for (index, controller) in new.iter().enumerate() {
            if let Err(error) = self.submit(controller).await {
                self.unmake(&new[..index]).await;
                return Err(error);
            }
        }
        let plugged = |element: Element| Plugged {
            id: element.id().unwrap_or_default().to_owned(),
            elements: vec![element],
            forwards: Vec::new(),
            serial: None,
            files: Vec::new(),
        };
        Ok(new.into_iter().map(plugged).collect())
    }

    /// Makes the elements, and looks at what came of it.
    async fn make_all(
        &self,
        plug: &Plug,
        id: &str,
        elements: &[Element],
    ) -> Result<Vec<Forward>, Failure> {
        let mut made = Vec::new();
        for element in elements {
            match self.make(plug, element).await {
                Ok(()) => made.push(element.clone()),
                Err(error) => return Err(Failure { made, error }),
            }
        }
        let verified = async {
            self.verify(plug, id).await?;
            self.new_forwards(plug).await
        };
        verified.await.map_err(|error| Failure { made, error })
    }

    async fn make(&self, plug: &Plug, element: &Element) -> Result<(), MachineError> {
        if element.driver() == Some("secret") && element.kind() == Kind::Object {
            return self.make_secret(element).await;
        }
        if element.kind() == Kind::Chardev && element.driver().is_none() {
            return self.make_channel(plug, element).await;
        }
        if let (Plug::Nic(nic), Kind::Netdev) = (plug, element.kind())
            && matches!(nic.netdev, Netdev::Tap { .. })
        {
            return self.make_tap(nic, element).await;
        }
        let filename = element.props().get("filename").and_then(Value::as_str);
        let handed = match (element.kind(), filename) {
            (Kind::Blockdev, Some(filename)) => {
                let read_only = element.props().get("read-only") == Some(&Value::Bool(true));
                Some(self.hand_over(Path::new(filename), !read_only).await?)
            }
            _ => None,
        };
        let ready = element.clone().maybe("filename", handed.as_deref());
        let made = self.submit(&ready).await;
        if made.is_err()
            && let Some(handed) = handed
        {
            self.take_back(&handed).await;
        }
        made
    }

    async fn submit(&self, element: &Element) -> Result<(), MachineError> {
        let shown = element.id().unwrap_or_default();
        let Some((command, arguments)) = element.qmp() else {
            return Err(MachineError::Argument {
                what: "device to plug in",
                value: shown.to_owned(),
                rule: "it has a part that QEMU makes only at its start; start the machine with it"
                    .into(),
            });
        };
        self.command(format!("plug {shown} into"), command, arguments)
            .await
            .map(drop)
    }

    /// A passphrase goes over in a file, so that it is in no log of the monitor.
    async fn make_secret(&self, element: &Element) -> Result<(), MachineError> {
        let id = element.id().unwrap_or_default();
        let data = element.props().get("data").and_then(Value::as_str);
        let path = self
            .paths()
            .run_dir()
            .join(format!("{id}-{}.secret", self.live().number()));
        let written = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .and_then(|mut file| file.write_all(data.unwrap_or_default().as_bytes()));
        let made = match written {
            Ok(()) => {
                let object = json!({ "qom-type": "secret", "id": id, "file": path });
                let action = format!("give {id} to");
                self.command(action, "object-add", object).await.map(drop)
            }
            Err(source) => Err(MachineError::File {
                path: path.clone(),
                source,
            }),
        };
        let _ = std::fs::remove_file(&path);
        made
    }

    /// A tap: QEMU is handed a descriptor for each of its queues.
    async fn make_tap(&self, nic: &Nic, element: &Element) -> Result<(), MachineError> {
        let queues = tap::open(nic).map_err(|source| MachineError::Channel {
            machine: self.name().to_owned(),
            channel: "tap",
            source,
        })?;
        let mut names = Vec::new();
        for (number, queue) in queues.into_iter().enumerate() {
            let name = format!("{}_{number}", tap_files(&nic.id));
            let arguments = json!({ "fdname": name });
            let taken = self.qmp().execute_with_fd("getfd", arguments, queue);
            if let Err(source) = taken.await {
                return Err(self.explain("hand a tap to", source).await);
            }
            names.push(name);
        }
        let element = element.clone();
        let ready = element.with(nic.tap_property(), names.join(":"));
        let made = self.submit(&ready).await;
        if made.is_err() {
            for name in names {
                // It is gone if QEMU has taken it before it failed.
                let arguments = json!({ "fdname": name });
                let _ = self.qmp().execute("closefd", arguments).await;
            }
        }
        made
    }

    /// A console: QEMU is handed one end of a pair of sockets.
    async fn make_channel(&self, plug: &Plug, element: &Element) -> Result<(), MachineError> {
        let name = plug.id();
        let failed = |source| MachineError::Channel {
            machine: self.name().to_owned(),
            channel: "console",
            source,
        };
        let log = self.paths().serial_log(self.name(), &name, false);
        let log = File::create(&log).map_err(|source| MachineError::File {
            path: log.clone(),
            source,
        })?;
        let (ours, theirs) = StdUnixStream::pair().map_err(failed)?;
        ours.set_nonblocking(true).map_err(failed)?;
        let ours = UnixStream::from_std(ours).map_err(failed)?;
        let arguments = json!({ "fdname": element.id() });
        let taken = self
            .qmp()
            .execute_with_fd("getfd", arguments, theirs.into());
        if let Err(source) = taken.await {
            return Err(self.explain("open a console of", source).await);
        }
        if let Err(error) = self.submit(element).await {
            let arguments = json!({ "fdname": element.id() });
            let _ = self.qmp().execute("closefd", arguments).await;
            return Err(error);
        }
        let handle = SerialHandle::open(name.clone(), ours, log);
        let consoles = &self.live().plugs.consoles;
        let mut consoles = consoles.lock().unwrap_or_else(PoisonError::into_inner);
        consoles.insert(name, handle);
        Ok(())
    }

    /// Looks where QEMU shows a device of this kind.
    async fn verify(&self, plug: &Plug, id: &str) -> Result<(), MachineError> {
        let missing = |detail: &str| MachineError::NotPlugged {
            machine: self.name().to_owned(),
            device: id.to_owned(),
            detail: detail.to_owned(),
        };
        if !self.is_realized(id).await? {
            return Err(missing("qom-list"));
        }
        match plug {
            Plug::Drive(drive) => {
                let shown = self.block_device(id).await?;
                if shown.medium.is_none() && !drive.is_empty() {
                    return Err(missing("query-block shows it without a medium"));
                }
            }
            Plug::Vcpu(_) => {
                let path = format!("/machine/peripheral/{id}");
                let slots = self.vcpu_slots().await?;
                if !slots.iter().any(|slot| slot.path.as_deref() == Some(&path)) {
                    return Err(missing("query-hotpluggable-cpus"));
                }
            }
            Plug::Memory(_) => {
                let action = "ask for the memory devices of";
                let devices: Vec<Value> = self
                    .query(action, "query-memory-devices", Value::Null)
                    .await?;
                if !devices.iter().any(|device| device["data"]["id"] == id) {
                    return Err(missing("query-memory-devices"));
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// The ports that lead to a new network interface.
    async fn new_forwards(&self, plug: &Plug) -> Result<Vec<Forward>, MachineError> {
        let Plug::Nic(nic) = plug else {
            return Ok(Vec::new());
        };
        let listing = self.qmp().human("info usernet").await;
        let found = listing.and_then(|listing| forwards(nic.as_ref().clone(), &listing));
        match found {
            Ok(forwards) => Ok(forwards),
            Err(source) => Err(self.explain("find the ports of", source).await),
        }
    }
}

/// What was made before a step failed.
struct Failure {
    made: Vec<Element>,
    error: MachineError,
}
