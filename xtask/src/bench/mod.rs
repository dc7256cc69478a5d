//! Measurements. Ratios of one run: absolute figures of a shared machine say little.

mod bare;
mod events;
mod overhead;

use anyhow::Result;
use clap::Subcommand;

/// What to measure
#[derive(Debug, Subcommand)]
pub(crate) enum Bench {
    /// What vthost costs beside a bare QEMU and ssh, and per test without a machine
    Overhead {
        /// How often each side is measured; they take turns
        #[arg(long, default_value_t = 5)]
        rounds: usize,
    },
}

/// `cargo xtask bench`.
pub(crate) fn main(what: &Bench) -> Result<()> {
    match what {
        Bench::Overhead { rounds } => overhead::main(*rounds),
    }
}
