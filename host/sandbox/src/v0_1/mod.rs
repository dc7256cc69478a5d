//! The interfaces at 0.1.0: each file binds one interface to the domain crates. Nothing is decided here but how a
//! value looks on the other side; the next version gets a folder of its own beside this one.

pub(crate) mod bindings;
mod convert;
mod env;
mod jobs;
mod log;
mod params;
mod qmp;
mod raw_qmp;
mod screen;
mod session;
mod vm;

use std::sync::Arc;

use vthost_policy::Grants;
use wasmtime::component::{HasSelf, Linker};

use crate::host::Host;
use bindings::vthost as wit;

/// What a handle to a machine stands for: the environment keeps the machine itself.
#[expect(unreachable_pub, reason = "bindgen re-exports it")]
pub type VmHandle = Arc<vthost_env::Vm>;

/// Links every interface that needs no grant, and those that were granted.
pub(crate) fn link(linker: &mut Linker<Host>, grants: &Grants) -> wasmtime::Result<()> {
    wasmtime_wasi::p2::add_to_linker_async(linker)?;
    wit::core::types::add_to_linker::<_, HasSelf<_>>(linker, |host| host)?;
    wit::core::params::add_to_linker::<_, HasSelf<_>>(linker, |host| host)?;
    wit::core::log::add_to_linker::<_, HasSelf<_>>(linker, |host| host)?;
    wit::core::jobs::add_to_linker::<_, HasSelf<_>>(linker, |host| host)?;
    wit::guest::session::add_to_linker::<_, HasSelf<_>>(linker, |host| host)?;
    wit::vm::env::add_to_linker::<_, HasSelf<_>>(linker, |host| host)?;
    wit::vm::vm::add_to_linker::<_, HasSelf<_>>(linker, |host| host)?;
    wit::vm::qmp::add_to_linker::<_, HasSelf<_>>(linker, |host| host)?;
    wit::vm::screen::add_to_linker::<_, HasSelf<_>>(linker, |host| host)?;
    if grants.has("raw-qmp") {
        wit::host::raw_qmp::add_to_linker::<_, HasSelf<_>>(linker, |host| host)?;
    }
    Ok(())
}
