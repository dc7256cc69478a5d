//! Real machines. Most need no guest image, `guest` and its users do; what is absent is a failure that says what to install.

mod block;
mod common;
mod confinement;
mod devices;
mod disk;
mod end;
mod foreign;
mod guest;
mod image;
mod jobs;
mod life;
mod machine;
mod migration;
mod plug;
mod plug_guest;
mod probe;
