//! `vthost:vm/devices`.

use wasmtime::Result;
use wasmtime::component::Resource;

use super::bindings::vthost::core::types;
use super::bindings::vthost::vm::devices;
use super::convert::{error, span};
use crate::host::Host;
use crate::v0_1::VmHandle;

type Handle = Resource<VmHandle>;
type Changes = Vec<(String, String)>;
type Answer<T> = Result<Result<T, types::Error>>;

impl devices::Host for Host {
    async fn devices(&mut self, vm: Handle) -> Answer<Vec<devices::Device>> {
        let devices = self.vm(&vm)?.devices().await;
        Ok(devices.map_err(error).map(|devices| {
            let shown = |device: vthost_env::DeviceInfo| devices::Device {
                id: device.id,
                driver: device.driver,
                plugged: device.plugged,
            };
            devices.into_iter().map(shown).collect()
        }))
    }

    async fn plug_disk(&mut self, vm: Handle, image: String, changes: Changes) -> Answer<String> {
        let plugged = self.vm(&vm)?.plug_disk(&image, &changes).await;
        Ok(plugged.map_err(error))
    }

    async fn plug_nic(&mut self, vm: Handle, nic: String, changes: Changes) -> Answer<String> {
        let plugged = self.vm(&vm)?.plug_nic(&nic, &changes).await;
        Ok(plugged.map_err(error))
    }

    async fn plug_memory(
        &mut self,
        vm: Handle,
        memory: String,
        changes: Changes,
    ) -> Answer<String> {
        let plugged = self.vm(&vm)?.plug_memory(&memory, &changes).await;
        Ok(plugged.map_err(error))
    }

    async fn plug_cpu(&mut self, vm: Handle) -> Answer<String> {
        Ok(self.vm(&vm)?.plug_cpu().await.map_err(error))
    }

    async fn plug_usb(&mut self, vm: Handle, usb: String, changes: Changes) -> Answer<String> {
        let plugged = self.vm(&vm)?.plug_usb(&usb, &changes).await;
        Ok(plugged.map_err(error))
    }

    async fn plug_serial(
        &mut self,
        vm: Handle,
        serial: String,
        changes: Changes,
    ) -> Answer<String> {
        let plugged = self.vm(&vm)?.plug_serial(&serial, &changes).await;
        Ok(plugged.map_err(error))
    }

    async fn unplug(&mut self, vm: Handle, id: String, timeout: u64) -> Answer<()> {
        let unplugged = self.vm(&vm)?.unplug(&id, span(timeout)).await;
        Ok(unplugged.map_err(error))
    }

    async fn balloon(&mut self, vm: Handle, bytes: u64) -> Answer<()> {
        Ok(self.vm(&vm)?.balloon(bytes).await.map_err(error))
    }

    async fn balloon_size(&mut self, vm: Handle) -> Answer<u64> {
        Ok(self.vm(&vm)?.balloon_size().await.map_err(error))
    }

    async fn change_media(&mut self, vm: Handle, drive: String, changes: Changes) -> Answer<()> {
        let changed = self.vm(&vm)?.change_media(&drive, &changes).await;
        Ok(changed.map_err(error))
    }

    async fn eject(&mut self, vm: Handle, drive: String, force: bool) -> Answer<()> {
        Ok(self.vm(&vm)?.eject(&drive, force).await.map_err(error))
    }
}
