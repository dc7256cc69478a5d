//! The shipped pack in the real guest, and what happens when something goes wrong around it.
//!
//! The tests that are ignored take long; `cargo xtask test --all` runs them as well.

mod faults;
mod tp_qemu;
