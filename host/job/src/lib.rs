//! One job: from a request to a plan, from the plan to results.
//!
//! [`Plan::new`] decides everything that can be decided before anything starts: which variants run, which pack holds
//! each, what is denied and why. [`Runner`] carries it out and says what happens as events, in order, and as nothing
//! else: it knows neither terminals nor file formats.

mod depend;
mod dir;
mod error;
mod one;
mod plan;
mod ready;
mod run;
mod run_dir;

pub use dir::JobDir;
pub use error::{JobError, PlanError};
pub use plan::{Plan, Planned, Request};
pub use ready::{NotReady, check_ready};
pub use run::{Interrupt, JobEnd, Places, Runner};
