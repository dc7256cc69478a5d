//! Plugging devices in and taking them out.

mod balloon;
mod block;
mod cpu;
mod memory;
mod nic;
mod usb;

use std::time::Duration;

/// How long a guest may take to see what was plugged in, or to let go of it.
const SEEN: Duration = Duration::from_secs(120);
