//! The machine as a whole: boot and end, monitor, screen, several machines.

mod boot;
mod multi_vm;
mod qmp_basic;
mod reboot;
mod screen;
mod serial;
mod shutdown;
mod stop_continue;
mod suspend;
mod watchdog;
