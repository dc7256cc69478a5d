//! Real machines, without a guest image. They need QEMU; where it is absent they fail and say what to install.

mod common;
mod confinement;
mod end;
mod image;
mod machine;
