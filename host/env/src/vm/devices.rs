//! Devices of a running machine: plugging in, taking out, media, the balloon.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use serde_json::{Value, json};
use vthost_params::Params;
use vthost_policy::Grants;
use vthost_qemu::block::NewMedium;
use vthost_qemu::image::{self, life};
use vthost_qemu::plug::Plug;
use vthost_qemu::spec::{Drive, DriveFormat, Mac, Vcpu};
use vthost_qemu::{ImageError, Machine, MachineError};

use super::{NicInfo, Vm};
use crate::error::{check_name, monitor_kind};
use crate::image::{check_below, create_args, tool};
use crate::pool::RunDir;
use crate::{Error, ErrorKind, Result, spec};

/// Changes of parameters that a test makes.
type Changes = [(String, String)];

/// What a test may do to its machines while they run.
#[derive(Debug, Clone)]
pub(crate) struct Allowed {
    pub(crate) data_dir: PathBuf,
    pub(crate) grants: Grants,
    /// Where the test's own images lie.
    pub(crate) own_images: Arc<OnceLock<Arc<RunDir>>>,
}

/// A device of a machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceInfo {
    /// Its id.
    pub id: String,
    /// Its driver, as QEMU names it.
    pub driver: String,
    /// Whether it was plugged in after the machine had been started.
    pub plugged: bool,
}

impl Allowed {
    /// Checks changes of parameters that a test makes: it is as little trusted as the configuration of its pack.
    pub(crate) fn check(&self, changes: &Changes) -> Result<()> {
        let pairs = changes.iter().map(|(key, value)| (&**key, &**value));
        match Params::host_effect(pairs) {
            Some((key, grant)) if !self.grants.has(grant) => {
                let text = format!(
                    "denied: the setting of `{key}` by the test itself; to allow it: --grant {grant}"
                );
                Err(Error::new(ErrorKind::AccessDenied, text))
            }
            _ => Ok(()),
        }
    }

    /// Checks a file that a test names, whatever links lead to it.
    fn check_file(&self, file: &Path) -> Result<()> {
        if self.grants.has("host-files") {
            return Ok(());
        }
        let dirs = ["images", "isos"].map(|dir| self.data_dir.join(dir));
        check_below(file, &dirs)
    }

    /// One of the test's own images, by its name.
    fn own_image(&self, name: &str) -> Option<PathBuf> {
        let dir = self.own_images.get()?.path();
        let formats = [DriveFormat::Raw, DriveFormat::Qcow2];
        let files = formats.map(|format| dir.join(format!("{name}.{}", format.driver())));
        files.into_iter().find(|file| file.exists())
    }
}

impl Vm {
    fn allowed(&self) -> Result<&Allowed> {
        self.allowed
            .get()
            .ok_or_else(|| Error::new(ErrorKind::Other, "the environment has not been made ready"))
    }

    /// The parameters of a device that is plugged in.
    fn device_params(&self, what: &str, name: &str, changes: &Changes) -> Result<Params> {
        check_name(what, name)?;
        self.allowed()?.check(changes)?;
        let pairs = changes.iter().map(|(key, value)| (&**key, &**value));
        Ok(self.params.object(name).with(pairs))
    }

    async fn plug(&self, plug: Plug) -> Result<String> {
        let plugged = self.machine()?.plug(plug).await;
        let plugged = plugged.map_err(|error| self.failed("plug a device into", error))?;
        Ok(plugged.id)
    }

    /// The devices that have an id, in the order in which they were made.
    ///
    /// # Errors
    /// [`ErrorKind::Gone`] if the machine is off.
    pub async fn devices(&self) -> Result<Vec<DeviceInfo>> {
        let machine = self.machine()?;
        let failed = |error| self.failed("list the devices of", error);
        let ids = machine.device_ids().await.map_err(failed)?;
        let plugged = machine.plugged().await;
        let mut devices = Vec::with_capacity(ids.len());
        for id in ids {
            let driver = property(&machine, &id, "type").await.map_err(failed)?;
            devices.push(DeviceInfo {
                driver: driver.as_str().unwrap_or_default().to_owned(),
                plugged: plugged.iter().any(|device| device.id == id),
                id,
            });
        }
        Ok(devices)
    }

    /// The network cards of a machine, those that were plugged in last.
    pub(super) async fn cards(&self, machine: &Machine) -> Result<Vec<NicInfo>> {
        let mut cards = Vec::new();
        let nics = machine.spec().nics.iter();
        let started = nics.map(|nic| (nic.id.clone(), nic.model.clone()));
        let plugged = self.life().plugged_nics.clone();
        for (name, model) in started.chain(plugged) {
            let mac = property(machine, &name, "mac").await;
            let mac = mac.map_err(|error| self.failed("ask for an address of", error))?;
            cards.push(NicInfo {
                name,
                model,
                mac: mac.as_str().unwrap_or_default().to_owned(),
            });
        }
        Ok(cards)
    }

    /// Plugs a disk in and gives the id of its device.
    ///
    /// # Errors
    /// [`ErrorKind::AccessDenied`] for an image that is not the test's; what QEMU said.
    pub async fn plug_disk(&self, image: &str, changes: &Changes) -> Result<String> {
        let params = self.device_params("image", image, changes)?;
        let allowed = self.allowed()?;
        let mut drive = spec::disk(&params, &allowed.data_dir)?;
        self.put_image(&mut drive, &params, allowed).await?;
        self.plug(Plug::Drive(Box::new(drive))).await
    }

    /// Puts a file of the test in the place of the image that a drive names: a new one, one of the test's own, or an overlay.
    async fn put_image(&self, drive: &mut Drive, params: &Params, allowed: &Allowed) -> Result<()> {
        let failed = |error: ImageError| {
            let text = format!("the image {} cannot be used", drive.id);
            Error::caused(ErrorKind::Other, text, error)
        };
        if let Some((file, format)) = self.made_file(&drive.id) {
            (drive.path, drive.format) = (file, format);
            return Ok(());
        }
        let is_new =
            params.flag("create_image", false)? || params.flag("force_create_image", false)?;
        if is_new {
            let new = create_args(
                params,
                self.new_file(&drive.id, drive.format)?,
                drive.format,
            )?;
            let tool = tool(params)?;
            let made = life::create(&tool, &new, life::When::Always).await;
            made.map_err(failed)?;
            drive.path = new.path;
            return Ok(());
        }
        let base = std::mem::take(&mut drive.path);
        allowed.check_file(&base)?;
        let chain = image::Chain::read(&base, drive.format, None).map_err(failed)?;
        chain
            .files()
            .try_for_each(|file| allowed.check_file(file))?;
        let overlay = self.new_file(&drive.id, DriveFormat::Qcow2)?;
        let made = image::create_overlay(&base, &overlay, drive.format).await;
        made.map_err(failed)?;
        let below = chain.files().map(Path::to_owned);
        drive.backing = std::iter::once(base).chain(below).collect();
        (drive.path, drive.format) = (overlay, DriveFormat::Qcow2);
        Ok(())
    }

    /// Plugs a network card in and gives the id of its device.
    ///
    /// # Errors
    /// What QEMU said.
    pub async fn plug_nic(&self, nic: &str, changes: &Changes) -> Result<String> {
        let params = self.device_params("nic", nic, changes)?;
        let mut card = spec::nic(&params)?;
        if card.mac.is_none() {
            card.mac = Some(Mac::local(self.new_number()));
        }
        let model = card.model.clone();
        let id = self.plug(Plug::Nic(Box::new(card))).await?;
        self.life().plugged_nics.push((id.clone(), model));
        Ok(id)
    }

    /// Plugs memory in and gives the id of its device.
    ///
    /// # Errors
    /// What QEMU said, if the machine has no free slot.
    pub async fn plug_memory(&self, memory: &str, changes: &Changes) -> Result<String> {
        let params = self.device_params("memory device", memory, changes)?;
        self.plug(Plug::Memory(spec::memory_device(memory, &params)?))
            .await
    }

    /// Plugs the next processor in and gives the id of its device.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if the machine has no room for one.
    pub async fn plug_cpu(&self) -> Result<String> {
        let slots = self.machine()?.vcpu_slots().await;
        let slots = slots.map_err(|error| self.failed("ask for the processors of", error))?;
        let free = slots.into_iter().filter(|slot| slot.path.is_none());
        let Some(slot) = free.min_by(|a, b| a.props.cmp(&b.props)) else {
            let text = format!(
                "{} has no room for another processor (vcpu_maxcpus)",
                self.name
            );
            return Err(Error::new(ErrorKind::NotFound, text));
        };
        let places: Vec<String> = slot.props.values().map(u32::to_string).collect();
        self.plug(Plug::Vcpu(Vcpu {
            id: format!("vcpu-{}", places.join("-")),
            driver: slot.driver,
            place: slot.props.into_iter().collect(),
        }))
        .await
    }

    /// Plugs a USB device in and gives its id.
    ///
    /// # Errors
    /// What QEMU said, if the machine has no port for it.
    pub async fn plug_usb(&self, usb: &str, changes: &Changes) -> Result<String> {
        let params = self.device_params("USB device", usb, changes)?;
        self.plug(Plug::Usb(spec::usb_device(usb, &params)?)).await
    }

    /// Plugs a serial port or a virtio port in and gives the id of its device.
    ///
    /// # Errors
    /// What QEMU said.
    pub async fn plug_serial(&self, serial: &str, changes: &Changes) -> Result<String> {
        let params = self.device_params("serial port", serial, changes)?;
        self.plug(Plug::Serial(spec::serial(serial, &params)?))
            .await
    }

    /// Takes a device out and waits until it is gone.
    ///
    /// # Errors
    /// [`ErrorKind::TimedOut`] if the guest does not let go of it; what QEMU said.
    pub async fn unplug(&self, id: &str, timeout: Duration) -> Result<()> {
        let unplugged = self.machine()?.unplug(id, timeout).await;
        unplugged.map_err(|error| self.failed("take a device out of", error))?;
        self.life().plugged_nics.retain(|(name, _)| name != id);
        Ok(())
    }

    /// Asks the guest to have so many bytes of memory from now on.
    ///
    /// # Errors
    /// What QEMU said, if the machine has no balloon.
    pub async fn balloon(&self, bytes: u64) -> Result<()> {
        let asked = self.machine()?;
        let asked = asked
            .qmp()
            .execute("balloon", json!({ "value": bytes }))
            .await;
        asked.map(drop).map_err(|error| {
            let text = format!("cannot set the balloon of {}", self.name);
            Error::caused(monitor_kind(&error), text, error)
        })
    }

    /// How many bytes of memory the guest has, as its balloon driver says.
    ///
    /// # Errors
    /// What QEMU said, if the machine has no balloon.
    pub async fn balloon_size(&self) -> Result<u64> {
        let size = self.machine()?.balloon_size().await;
        let size = size.map_err(|error| self.failed("ask for the balloon of", error))?;
        Ok(size << 20)
    }

    /// Puts another medium into a drive: what `cdrom` names with these changes.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is no such file; [`ErrorKind::AccessDenied`] for one that is not the test's.
    pub async fn change_media(&self, drive: &str, changes: &Changes) -> Result<()> {
        // A name without a directory is that of an image of the test's own, and reaches nothing else.
        let is_own = |key: &str, value: &str| key == "cdrom" && !value.contains('/');
        let others = changes.iter().filter(|(key, value)| !is_own(key, value));
        let others: Vec<_> = others.cloned().collect();
        self.device_params("drive", drive, &others)?;
        let allowed = self.allowed()?;
        let pairs = changes.iter().map(|(key, value)| (&**key, &**value));
        let params = self.params.object(drive).with(pairs);
        let name = params.require("cdrom")?;
        let path = match allowed.own_image(name).filter(|_| !name.contains('/')) {
            Some(own) => own,
            None => {
                let path = allowed.data_dir.join(name);
                allowed.check_file(&path)?;
                path
            }
        };
        let medium = NewMedium {
            path,
            format: DriveFormat::Raw,
            read_only: true,
        };
        let changed = self.machine()?.change_medium(drive, &medium, true).await;
        changed.map_err(|error| self.failed("change a medium of", error))
    }

    /// Takes the medium out of a drive; `force` overrules a guest that has locked the tray.
    ///
    /// # Errors
    /// What QEMU said.
    pub async fn eject(&self, drive: &str, force: bool) -> Result<()> {
        let ejected = self.machine()?.eject(drive, force).await;
        ejected.map_err(|error| self.failed("eject a medium of", error))
    }
}

/// A property of a device.
async fn property(machine: &Machine, id: &str, name: &str) -> Result<Value, MachineError> {
    let place = json!({ "path": format!("/machine/peripheral/{id}"), "property": name });
    match machine.qmp().execute("qom-get", place).await {
        Ok(value) => Ok(value),
        Err(error) => Err(machine.explain("ask for a device of", error).await),
    }
}
