//! The environment of a test: its machines by name, made ready before it and taken away after it, whatever
//! happened in between.
//!
//! Parameters become a machine here ([`preprocess`](Environment::preprocess)), and machine and guest become what
//! a test calls a VM: something to log in to, to reboot, to look at. A machine that its test leaves running goes to the
//! [`Pool`] of the job, where a later test finds it. Nothing here knows WebAssembly.

mod context;
mod environment;
mod error;
mod fate;
mod host_command;
mod hugepages;
mod image;
mod images;
mod job;
mod leak;
mod login;
mod monitor;
mod pool;
mod postprocess;
mod preprocess;
mod session;
mod spec;
mod unready;
mod vm;
mod watch;

pub use context::{Context, Log};
pub use environment::{Environment, binary};
pub use error::{Error, ErrorKind, Result};
pub use hugepages::give_back as give_back_hugepages;
pub use images::Image;
pub use job::{Completion, Job};
pub use leak::adopt_orphans;
pub use monitor::MonitorError;
pub use pool::Pool;
pub use preprocess::RUN_DIR_VARIABLE;
pub use session::{Output, Session, SessionMatch};
pub use spec::base_image;
pub use unready::Unready;
pub use vm::{
    Agent, BlockJob, BlockJobStatus, BlockSync, Console, DeviceInfo, ExecOutput, Files, NicInfo,
    RebootMethod, ShutdownMethod, Vm, VmState,
};
