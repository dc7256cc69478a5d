//! What a pack, its configuration and a guest cannot do.

mod denied;
mod providers;
mod reach;
mod sandbox;
