//! What a guest does by itself, and the ways into it.

mod agent;
mod build;
mod clock;
mod driver;
mod files;
mod hardware;
mod ping;
mod uptime;
mod virtio_port;
