//! The block layer of a running machine: what is in its drives, snapshots, block jobs, bitmaps, exports.
//!
//! A **device** is what the guest sees and is named by its id (`disk1`); a **node** is an image, or a layer of one, and
//! has a node name (`drive_disk1`). The node in a device changes when a snapshot or a mirror takes its place, so callers
//! name devices, or ask [`crate::Machine::root_node`] when they need the node.
//!
//! QEMU can open files of the run directory by itself. Any other file is opened here and handed over as a descriptor
//! ([`crate::Machine::add_node`], [`crate::Machine::change_medium`]), so that its confinement needs no hole.

mod action;
mod bitmap;
mod export;
mod handed;
mod info;
mod job;
mod media;
mod node;
mod ops;
mod snapshot;
mod status;
mod tune;

pub use action::BlockAction;
pub use bitmap::NewBitmap;
pub use export::{Export, NbdExport, StopExport};
pub(crate) use handed::Handed;
pub use info::{Bitmap, BlockDevice, BlockNode, Medium};
pub use job::BlockJob;
pub use media::NewMedium;
pub use node::{Backing, NewNode};
pub use ops::{Backup, BackupSync, Commit, JobOptions, Mirror, MirrorSync, OnError, Stream};
pub use snapshot::{InternalSnapshot, Overlay};
pub use status::{JobEnd, JobKind, JobProblem, JobState, JobStatus};
pub use tune::{BlockStats, Throttle, WriteThreshold};
