//! Making a machine ready, in the eight steps of the guide (section "Bootstrapping").
//!
//! Each step can be taken again at any time: what is there stays. Two bootstraps at a time do not disturb each other:
//! who comes second to a guest image waits for the first.

mod build;
mod directories;
mod guest;
mod image;
mod kernel;
pub mod programs;
mod recipe;
mod steps;

pub use build::{interrupt, is_interrupted};
pub use guest::{GuestImage, ImageState, image_state};
pub use image::{BootstrapError, Built, JEOS_IMAGE, Progress, State, build_image, state};
pub use programs::{Manager, TYPES};
pub use steps::{BootstrapEvent, BootstrapOptions, Machine, run};
