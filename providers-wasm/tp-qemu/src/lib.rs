//! The tests of the QEMU provider.

mod boot;
mod qmp_basic;
mod reboot;
mod shutdown;
mod uptime;
