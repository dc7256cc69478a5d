//! `vthost:vm/vm`.

use std::sync::Arc;

use vthost_env::{Agent, Console, Files, RebootMethod, Session, ShutdownMethod, Vm, VmState};
use vthost_params::Params;
use wasmtime::Result;
use wasmtime::component::Resource;

use super::bindings::vthost::core::types;
use super::bindings::vthost::vm::vm;
use super::convert::{error, span};
use crate::host::Host;
use crate::v0_1::VmHandle;

type Answer<T> = Result<Result<T, types::Error>>;

impl Host {
    /// The machine that a handle stands for: the one that has its name now.
    pub(super) fn vm(&self, this: &Resource<VmHandle>) -> Result<Arc<Vm>> {
        let name = &self.table.get(this)?.0;
        let vm = self.env.vm(name);
        vm.map_err(|error| wasmtime::format_err!("{}", error.chain()))
    }

    fn session(&mut self, login: Result<Session, vthost_env::Error>) -> Answer<Resource<Session>> {
        match login {
            Ok(session) => Ok(Ok(self.table.push(session)?)),
            Err(failed) => Ok(Err(error(failed))),
        }
    }
}

impl vm::Host for Host {}

impl vm::HostVm for Host {
    async fn name(&mut self, this: Resource<VmHandle>) -> Result<String> {
        Ok(self.vm(&this)?.name().to_owned())
    }

    async fn state(&mut self, this: Resource<VmHandle>) -> Answer<vm::State> {
        let state = self.vm(&this)?.state().await;
        Ok(state.map_err(error).map(|state| match state {
            VmState::Running => vm::State::Running,
            VmState::Paused => vm::State::Paused,
            VmState::Stopped => vm::State::Stopped,
            VmState::Off => vm::State::Off,
            VmState::Other(word) => vm::State::Other(Some(word)),
        }))
    }

    async fn params(&mut self, this: Resource<VmHandle>) -> Result<Resource<Params>> {
        let params = self.vm(&this)?.params().clone();
        Ok(self.table.push(params)?)
    }

    async fn verify_alive(&mut self, this: Resource<VmHandle>) -> Answer<()> {
        Ok(self.vm(&this)?.verify_alive().await.map_err(error))
    }

    async fn wait_for_login(
        &mut self,
        this: Resource<VmHandle>,
        timeout: u64,
    ) -> Answer<Resource<Session>> {
        let login = self.vm(&this)?.wait_for_login(span(timeout)).await;
        self.session(login)
    }

    async fn wait_for_serial_login(
        &mut self,
        this: Resource<VmHandle>,
        timeout: u64,
    ) -> Answer<Resource<Session>> {
        let login = self.vm(&this)?.wait_for_serial_login(span(timeout)).await;
        self.session(login)
    }

    async fn reboot(
        &mut self,
        this: Resource<VmHandle>,
        method: vm::RebootMethod,
        timeout: u64,
    ) -> Answer<Resource<Session>> {
        let method = match method {
            vm::RebootMethod::Shell => RebootMethod::Shell,
            vm::RebootMethod::SystemReset => RebootMethod::SystemReset,
        };
        let login = self.vm(&this)?.reboot(method, span(timeout)).await;
        self.session(login)
    }

    async fn shutdown(
        &mut self,
        this: Resource<VmHandle>,
        method: vm::ShutdownMethod,
        timeout: u64,
    ) -> Answer<()> {
        let method = match method {
            vm::ShutdownMethod::Shell => ShutdownMethod::Shell,
            vm::ShutdownMethod::SystemPowerdown => ShutdownMethod::SystemPowerdown,
        };
        let down = self.vm(&this)?.shutdown(method, span(timeout)).await;
        Ok(down.map_err(error))
    }

    async fn pause(&mut self, this: Resource<VmHandle>) -> Answer<()> {
        Ok(self.vm(&this)?.pause().await.map_err(error))
    }

    async fn resume(&mut self, this: Resource<VmHandle>) -> Answer<()> {
        Ok(self.vm(&this)?.resume().await.map_err(error))
    }

    async fn destroy(&mut self, this: Resource<VmHandle>, gracefully: bool) -> Answer<()> {
        Ok(self.vm(&this)?.destroy(gracefully).await.map_err(error))
    }

    async fn create(&mut self, this: Resource<VmHandle>) -> Answer<()> {
        Ok(self.vm(&this)?.create().await.map_err(error))
    }

    async fn address(&mut self, this: Resource<VmHandle>, port: u16) -> Answer<vm::Endpoint> {
        let address = self.vm(&this)?.address(port);
        Ok(address.map_err(error).map(|address| vm::Endpoint {
            host: address.ip().to_string(),
            port: address.port(),
        }))
    }

    async fn verify_kernel_crash(&mut self, this: Resource<VmHandle>) -> Answer<()> {
        Ok(self.vm(&this)?.verify_kernel_crash().await.map_err(error))
    }

    async fn wait_for_shutdown(&mut self, this: Resource<VmHandle>, timeout: u64) -> Answer<()> {
        let off = self.vm(&this)?.wait_for_shutdown(span(timeout)).await;
        Ok(off.map_err(error))
    }

    async fn nics(&mut self, this: Resource<VmHandle>) -> Answer<Vec<vm::Nic>> {
        let nics = self.vm(&this)?.nics().await;
        Ok(nics.map_err(error).map(|nics| {
            let shown = |nic: vthost_env::NicInfo| vm::Nic {
                name: nic.name,
                model: nic.model,
                mac: nic.mac,
            };
            nics.into_iter().map(shown).collect()
        }))
    }

    async fn set_link(&mut self, this: Resource<VmHandle>, nic: String, up: bool) -> Answer<()> {
        Ok(self.vm(&this)?.set_link(&nic, up).await.map_err(error))
    }

    async fn files(&mut self, this: Resource<VmHandle>) -> Answer<Resource<Files>> {
        match self.vm(&this)?.files() {
            Ok(files) => Ok(Ok(self.table.push(files)?)),
            Err(failed) => Ok(Err(error(failed))),
        }
    }

    async fn agent(&mut self, this: Resource<VmHandle>) -> Answer<Resource<Agent>> {
        match self.vm(&this)?.agent() {
            Ok(agent) => Ok(Ok(self.table.push(agent)?)),
            Err(failed) => Ok(Err(error(failed))),
        }
    }

    async fn console(
        &mut self,
        this: Resource<VmHandle>,
        name: String,
    ) -> Answer<Resource<Console>> {
        match self.vm(&this)?.console(&name) {
            Ok(console) => Ok(Ok(self.table.push(console)?)),
            Err(failed) => Ok(Err(error(failed))),
        }
    }

    async fn drop(&mut self, this: Resource<VmHandle>) -> Result<()> {
        self.table.delete(this)?;
        Ok(())
    }
}
