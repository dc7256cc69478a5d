//! What vthost does for its users.

mod cli;
mod guest;
mod interrupt;
mod list;
mod outcomes;
mod pack;
mod whole_run;
