//! One QEMU process, from a typed specification to the last byte of its log.
//!
//! The way through the crate:
//!
//! 1. [`Binary::probe`] finds the QEMU binary and [`accel::usable`] tells whether KVM really works here.
//! 2. A [`MachineSpec`] says what the machine is made of. [`MachineSpec::command_line`] checks it and turns it into a
//!    [`CommandLine`]; every value is escaped, so that no value can bring in an option of its own.
//! 3. [`Machine::start`] runs it: own process group, dies with its parent, seccomp and Landlock around it, monitor and
//!    consoles on socket pairs that exist before QEMU does, so nothing is ever polled for.
//! 4. [`Machine`] drives it: [`Qmp`] for raw commands and events, [`SerialHandle`] for consoles, power, pause, screen and
//!    keyboard; [`block`] for its drives, [`plug`] for devices that
//!    come and go, [`migration`] to move it to another QEMU.
//! 5. [`Machine::destroy`] (or the drop of the value) ends it and reports what it left behind.
//!
//! Nothing here knows about tests, Cartesian parameters or WebAssembly. Linux only (pidfd, Landlock); all asynchronous
//! calls need a tokio runtime with its I/O and time drivers enabled.

pub mod accel;
mod binary;
pub mod block;
mod cmdline;
mod confine;
mod daemon;
pub mod element;
mod error;
mod files;
pub mod image;
pub mod layout;
mod machine;
pub mod migration;
pub mod plug;
pub mod probe;
mod process;
pub mod qmp;
pub mod serial;
pub mod spec;
mod tap;

pub use accel::Accel;
pub use binary::{Binary, Version};
pub use cmdline::CommandLine;
pub use confine::{Confinement, Landlock};
pub use element::Element;
pub use error::{MachineError, ProbeError, QmpError, SerialError, SpecError, StartError};
pub use files::Paths;
pub use image::ImageError;
pub use layout::Layout;
pub use machine::{
    DumpFormat, Ending, Forward, GuestPanic, HOLD, KernelCrash, Keys, Machine, MachineState,
    POINTER_MAX, PictureFormat, Pointer, PointerButton, PointerMove, ScreenSize, Stuck,
};
pub use probe::{Features, VersionInterval};
pub use process::Exit;
pub use qmp::{EVENTS_LOST, Event, Qmp};
pub use serial::{SerialHandle, SerialStream};
pub use spec::MachineSpec;
pub use tap::tap_prefix;
