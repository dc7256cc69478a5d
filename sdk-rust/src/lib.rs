//! Write vthost test packs in Rust.
//!
//! A pack is a `cdylib` for `wasm32-wasip2`. Each test is a function:
//!
//! ```no_run
//! use vthost::prelude::*;
//!
//! /// Asks a guest how long it is up.
//! #[vthost::test]
//! fn uptime(test: &Test) -> Result {
//!     let vm = test.main_vm()?;
//!     vm.verify_alive()?;
//!     let session = vm.wait_for_login()?;
//!     let uptime = session.cmd("uptime")?;
//!     info!("guest uptime: {uptime}");
//!     Ok(())
//! }
//! # fn main() {}
//! ```
//!
//! A test that returns `Ok` passes. `?` on anything that failed outside ends it with ERROR; [`bail_fail!`],
//! [`bail_cancel!`] and their like end it with a status of its own. A panic is an ERROR with the text of the panic.
//!
//! Nothing here is `async`: a call blocks this test and nothing else. To do two things at once, start
//! [jobs](Job).

mod bindings;
mod block;
mod device;
mod error;
mod export;
mod guest;
mod image;
mod job;
#[macro_use]
mod macros;
mod migration;
mod outcome;
mod params;
mod session;
mod test;
mod vm;
mod wait;

pub mod linux;
pub mod text;
pub mod windows;

pub use bindings::vthost::core::log::Level;
pub use block::{BlockJob, BlockJobStatus, BlockSync};
pub use device::Device;
pub use error::{CommandError, Error, QmpError};
pub use guest::{Agent, Console, ExecResult, Files};
pub use image::{Image, ImageCheck, ImageMeasure, ImageSnapshot};
pub use job::{Completion, Job, wait_any};
pub use macros::log;
pub use migration::Migration;
pub use outcome::{Outcome, Report, Result};
pub use params::Params;
pub use session::{CommandOutput, Match, Session};
pub use test::Test;
pub use vm::{Endpoint, Nic, QmpEvent, RebootMethod, ShutdownMethod, State, Vm};
pub use vthost_sdk_macros::test;
pub use wait::wait_for;

/// What a test file wants in scope: `use vthost::prelude::*;`.
pub mod prelude {
    pub use crate::{
        Outcome, Params, Result, Session, Test, Vm, bail_cancel, bail_error, bail_fail, bail_skip,
        bail_warn, debug, ensure, error, info, warn,
    };
}

/// For the code that `#[vthost::test]` makes; not an interface.
#[doc(hidden)]
pub mod __private {
    pub use crate::export::Registered;
    pub use inventory;
}
