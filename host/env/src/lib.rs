//! The environment of a test: its machines by name, made ready before it and taken away after it, whatever
//! happened in between.
//!
//! Parameters become a machine here ([`preprocess`](Environment::preprocess)), and machine and guest become what
//! a test calls a VM: something to log in to, to reboot, to look at. Nothing here knows WebAssembly.

mod environment;
mod error;
mod image;
mod login;
mod monitor;
mod session;
mod spec;
mod vm;

pub use environment::{Context, Environment, Log, binary};
pub use error::{Error, ErrorKind, Result};
pub use image::base_image;
pub use monitor::MonitorError;
pub use session::{Completion, Job, Output, Session, SessionMatch};
pub use vm::{RebootMethod, ShutdownMethod, Vm, VmState};
