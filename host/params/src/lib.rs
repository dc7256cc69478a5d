//! The parameters of one variant as typed values, as the whole test or as one object sees them, and the
//! [registry] of every key that vthost knows.

mod changes;
mod error;
mod legacy;
pub mod registry;
mod size;
mod table;
mod typed;
mod view;

pub use error::ParamError;
pub use legacy::Note;
pub use view::Params;
/// Where a value came from, as [`Params::origin`] gives it.
pub use vthost_cartesian::Origin;
