//! The parameters of one variant as typed values, as the whole test or as one object sees them, and the
//! [registry] of every key that vthost itself reads.

mod error;
pub mod registry;
mod view;

pub use error::ParamError;
pub use view::Params;
/// Where a value came from, as [`Params::origin`] gives it.
pub use vthost_cartesian::Origin;
