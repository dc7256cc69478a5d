//! The tests of the QEMU provider, written from the documented behaviour of those that Avocado-VT's users know.

mod disk;
mod guest;
mod hotplug;
mod image;
mod machine;
mod migration;
