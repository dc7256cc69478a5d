//! The interfaces at 0.1.0: each file binds one interface to the domain crates. Nothing is decided here but how a
//! value looks on the other side; the next version gets a folder of its own beside this one.

mod agent;
pub(crate) mod bindings;
mod blocks;
mod console;
mod convert;
mod devices;
mod env;
mod files;
mod images;
mod jobs;
mod log;
mod migration;
mod params;
mod qmp;
mod raw_qmp;
mod screen;
mod session;
mod vm;

use vthost_policy::Grants;
use wasmtime::component::{HasSelf, Linker};

use crate::host::Host;
use bindings::vthost as wit;

/// What a handle to a machine stands for: its name. The environment keeps the machine itself, and may make it anew.
#[expect(unreachable_pub, reason = "bindgen re-exports it")]
#[derive(Debug)]
pub struct VmHandle(pub(crate) String);

/// Links every interface that needs no grant, and those that were granted.
pub(crate) fn link(linker: &mut Linker<Host>, grants: &Grants) -> wasmtime::Result<()> {
    wasmtime_wasi::p2::add_to_linker_async(linker)?;
    wit::core::types::add_to_linker::<_, HasSelf<_>>(linker, |host| host)?;
    wit::core::params::add_to_linker::<_, HasSelf<_>>(linker, |host| host)?;
    wit::core::log::add_to_linker::<_, HasSelf<_>>(linker, |host| host)?;
    wit::core::jobs::add_to_linker::<_, HasSelf<_>>(linker, |host| host)?;
    wit::guest::session::add_to_linker::<_, HasSelf<_>>(linker, |host| host)?;
    wit::guest::console::add_to_linker::<_, HasSelf<_>>(linker, |host| host)?;
    wit::guest::files::add_to_linker::<_, HasSelf<_>>(linker, |host| host)?;
    wit::guest::agent::add_to_linker::<_, HasSelf<_>>(linker, |host| host)?;
    wit::vm::env::add_to_linker::<_, HasSelf<_>>(linker, |host| host)?;
    wit::vm::vm::add_to_linker::<_, HasSelf<_>>(linker, |host| host)?;
    wit::vm::qmp::add_to_linker::<_, HasSelf<_>>(linker, |host| host)?;
    wit::vm::screen::add_to_linker::<_, HasSelf<_>>(linker, |host| host)?;
    wit::vm::devices::add_to_linker::<_, HasSelf<_>>(linker, |host| host)?;
    wit::vm::blocks::add_to_linker::<_, HasSelf<_>>(linker, |host| host)?;
    wit::vm::images::add_to_linker::<_, HasSelf<_>>(linker, |host| host)?;
    wit::vm::migration::add_to_linker::<_, HasSelf<_>>(linker, |host| host)?;
    if grants.has("raw-qmp") {
        wit::host::raw_qmp::add_to_linker::<_, HasSelf<_>>(linker, |host| host)?;
    }
    Ok(())
}
