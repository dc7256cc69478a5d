//! What vthost does for its users.

mod asset;
mod bootstrap;
mod cartesian;
mod cartesian_lint;
mod cartesian_why;
mod cfg;
mod cli;
mod config;
mod config_set;
mod docs;
mod guest;
mod guests;
mod interrupt;
mod list;
mod outcomes;
mod pack;
mod pack_any;
mod pack_deps;
mod pack_new;
mod pack_sign;
mod porting;
mod provider;
mod settings;
mod tp_qemu;
mod whole_run;
