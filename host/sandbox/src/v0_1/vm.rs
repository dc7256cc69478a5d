//! `vthost:vm/vm`.

use std::sync::Arc;

use vthost_env::{RebootMethod, Session, ShutdownMethod, Vm, VmState};
use vthost_params::Params;
use wasmtime::Result;
use wasmtime::component::Resource;

use super::bindings::vthost::core::types;
use super::bindings::vthost::vm::vm;
use super::convert::{error, span};
use crate::host::Host;

type Answer<T> = Result<Result<T, types::Error>>;

impl Host {
    fn vm(&self, this: &Resource<Arc<Vm>>) -> Result<Arc<Vm>> {
        Ok(Arc::clone(self.table.get(this)?))
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
    async fn name(&mut self, this: Resource<Arc<Vm>>) -> Result<String> {
        Ok(self.vm(&this)?.name().to_owned())
    }

    async fn state(&mut self, this: Resource<Arc<Vm>>) -> Answer<vm::State> {
        let state = self.vm(&this)?.state().await;
        Ok(state.map_err(error).map(|state| match state {
            VmState::Running => vm::State::Running,
            VmState::Paused => vm::State::Paused,
            VmState::Stopped => vm::State::Stopped,
            VmState::Off => vm::State::Off,
            VmState::Other(word) => vm::State::Other(Some(word)),
        }))
    }

    async fn params(&mut self, this: Resource<Arc<Vm>>) -> Result<Resource<Params>> {
        let params = self.vm(&this)?.params().clone();
        Ok(self.table.push(params)?)
    }

    async fn verify_alive(&mut self, this: Resource<Arc<Vm>>) -> Answer<()> {
        Ok(self.vm(&this)?.verify_alive().await.map_err(error))
    }

    async fn wait_for_login(
        &mut self,
        this: Resource<Arc<Vm>>,
        timeout: u64,
    ) -> Answer<Resource<Session>> {
        let login = self.vm(&this)?.wait_for_login(span(timeout)).await;
        self.session(login)
    }

    async fn wait_for_serial_login(
        &mut self,
        this: Resource<Arc<Vm>>,
        timeout: u64,
    ) -> Answer<Resource<Session>> {
        let login = self.vm(&this)?.wait_for_serial_login(span(timeout)).await;
        self.session(login)
    }

    async fn reboot(
        &mut self,
        this: Resource<Arc<Vm>>,
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
        this: Resource<Arc<Vm>>,
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

    async fn pause(&mut self, this: Resource<Arc<Vm>>) -> Answer<()> {
        Ok(self.vm(&this)?.pause().await.map_err(error))
    }

    async fn resume(&mut self, this: Resource<Arc<Vm>>) -> Answer<()> {
        Ok(self.vm(&this)?.resume().await.map_err(error))
    }

    async fn destroy(&mut self, this: Resource<Arc<Vm>>, gracefully: bool) -> Answer<()> {
        Ok(self.vm(&this)?.destroy(gracefully).await.map_err(error))
    }

    async fn create(&mut self, this: Resource<Arc<Vm>>) -> Answer<()> {
        Ok(self.vm(&this)?.create().await.map_err(error))
    }

    async fn address(&mut self, this: Resource<Arc<Vm>>, port: u16) -> Answer<vm::Endpoint> {
        let address = self.vm(&this)?.address(port);
        Ok(address.map_err(error).map(|address| vm::Endpoint {
            host: address.ip().to_string(),
            port: address.port(),
        }))
    }

    async fn drop(&mut self, this: Resource<Arc<Vm>>) -> Result<()> {
        self.table.delete(this)?;
        Ok(())
    }
}
