//! Runs test packs as WebAssembly components.
//!
//! A component is compiled once and cached ([`Sandbox::prepare`]); every test gets a fresh store and a fresh
//! instance that is thrown away afterwards ([`Sandbox::run`]), because an instance that trapped cannot be entered
//! again and one that did not could carry something over. Whatever a pack does, the host goes on:
//!
//! - it loops for ever: the epoch of the engine ticks every 10 ms, and past the deadline the guest code traps;
//! - it blocks in a call to the host: the whole call is a future with a timeout, and dropping it ends the call;
//! - it allocates without end: growth past the limit traps;
//! - it panics: the SDK sends the text before the trap;
//! - it floods the log: what comes after the limit is dropped, with a mark.
//!
//! Limits have stable names, which stand in the reason of the test or in its log: `limit:memory`, `limit:deadline`,
//! `limit:handles`, `limit:log`.

mod cache;
mod deps;
mod end;
mod engine;
mod error;
mod host;
mod limits;
mod local;
mod log;
mod stdio;
mod v0_1;

pub use end::TestEnd;
pub use engine::{Prepared, Sandbox, TestRun, TestSpec};
pub use error::SandboxError;
pub use limits::Limits;
pub use log::TestLogger;
