//! Devices of a running machine: plugging in, taking out, media, the balloon.

use std::time::Duration;

use crate::bindings::vthost::vm::devices as raw;
use crate::session::milliseconds;
use crate::{Error, Vm};

/// A device of a machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// Its id.
    pub id: String,
    /// Its driver, as QEMU names it.
    pub driver: String,
    /// Whether it was plugged in after the machine had been started.
    pub plugged: bool,
}

/// Parameters as the interfaces take them.
pub(crate) fn changes(changes: &[(&str, &str)]) -> Vec<(String, String)> {
    changes
        .iter()
        .map(|&(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

/// What is plugged in is an object of the parameters: `plug_disk("stg", ..)` reads `image_name_stg`, `image_size_stg`,
/// `drive_format_stg`. `with` are parameters that hold for this object only.
impl Vm {
    /// The devices that have an id, in the order in which they were made.
    ///
    /// # Errors
    /// [`Error::Gone`] if the machine is off.
    pub fn devices(&self) -> Result<Vec<Device>, Error> {
        let devices = raw::devices(self.raw())?;
        Ok(devices
            .into_iter()
            .map(|device| Device {
                id: device.id,
                driver: device.driver,
                plugged: device.plugged,
            })
            .collect())
    }

    /// Plugs a disk in and gives the id of its device. Its image is made first if there is none and `create_image` says so.
    ///
    /// # Errors
    /// [`Error`] with what QEMU or `qemu-img` said; nothing is left of the attempt.
    pub fn plug_disk(&self, image: &str, with: &[(&str, &str)]) -> Result<String, Error> {
        Ok(raw::plug_disk(self.raw(), image, &changes(with))?)
    }

    /// Plugs a network card in and gives the id of its device. Similar to `vm.hotplug_nic()` in Avocado-VT.
    ///
    /// # Errors
    /// [`Error`] with what QEMU said; nothing is left of the attempt.
    pub fn plug_nic(&self, nic: &str, with: &[(&str, &str)]) -> Result<String, Error> {
        Ok(raw::plug_nic(self.raw(), nic, &changes(with))?)
    }

    /// Plugs memory in and gives the id of its device.
    ///
    /// # Errors
    /// [`Error`] if the machine has no free slot (`slots_mem`, `maxmem_mem`).
    pub fn plug_memory(&self, memory: &str, with: &[(&str, &str)]) -> Result<String, Error> {
        Ok(raw::plug_memory(self.raw(), memory, &changes(with))?)
    }

    /// Plugs the next processor in and gives the id of its device. Similar to `vm.hotplug_vcpu()`.
    ///
    /// # Errors
    /// [`Error`] if the machine has no room (`vcpu_maxcpus`).
    pub fn plug_cpu(&self) -> Result<String, Error> {
        Ok(raw::plug_cpu(self.raw())?)
    }

    /// Plugs a USB device in and gives its id.
    ///
    /// # Errors
    /// [`Error`] if the machine has no port for it.
    pub fn plug_usb(&self, usb: &str, with: &[(&str, &str)]) -> Result<String, Error> {
        Ok(raw::plug_usb(self.raw(), usb, &changes(with))?)
    }

    /// Plugs a serial port or a virtio port in and gives the id of its device.
    ///
    /// # Errors
    /// [`Error`] with what QEMU said; nothing is left of the attempt.
    pub fn plug_serial(&self, serial: &str, with: &[(&str, &str)]) -> Result<String, Error> {
        Ok(raw::plug_serial(self.raw(), serial, &changes(with))?)
    }

    /// Takes a device out and waits until it is gone. Similar to `devices.simple_unplug()`.
    ///
    /// # Errors
    /// [`Error::TimedOut`] if the guest does not let go of it; [`Error::Unsupported`] if it cannot be taken out.
    pub fn unplug(&self, id: &str, timeout: Duration) -> Result<(), Error> {
        Ok(raw::unplug(self.raw(), id, milliseconds(timeout))?)
    }

    /// Asks the guest to have so many bytes of memory from now on; it may take its time. Similar to `vm.balloon()`.
    ///
    /// # Errors
    /// [`Error`] if the machine has no balloon.
    pub fn balloon(&self, bytes: u64) -> Result<(), Error> {
        Ok(raw::balloon(self.raw(), bytes)?)
    }

    /// How many bytes of memory the guest has, as its balloon driver says.
    ///
    /// # Errors
    /// [`Error`] if the machine has no balloon.
    pub fn balloon_size(&self) -> Result<u64, Error> {
        Ok(raw::balloon_size(self.raw())?)
    }

    /// Puts another medium into a CD or floppy drive. Similar to `vm.change_media()`.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no such drive or image.
    pub fn change_media(&self, drive: &str, with: &[(&str, &str)]) -> Result<(), Error> {
        Ok(raw::change_media(self.raw(), drive, &changes(with))?)
    }

    /// Takes the medium out of a drive; `force` overrules a guest that has locked the tray.
    ///
    /// # Errors
    /// [`Error`] if the tray is locked.
    pub fn eject(&self, drive: &str, force: bool) -> Result<(), Error> {
        Ok(raw::eject(self.raw(), drive, force)?)
    }
}
