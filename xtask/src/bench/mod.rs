//! Measurements. Ratios of one run: absolute figures of a shared machine say little.

mod bare;
mod boot;
mod cartesian;
mod events;
mod jobs;
mod list;
mod series;

use anyhow::Result;
use clap::Subcommand;

/// What to measure
#[derive(Debug, Subcommand)]
pub(crate) enum Bench {
    /// What vthost costs beside a bare QEMU and ssh, from Enter to the first command in the guest
    Boot {
        /// How often each side is measured; they take turns
        #[arg(long, default_value_t = 5)]
        rounds: usize,
    },
    /// What a test costs that has no machine
    Jobs,
    /// `vthost list` beside `avocado list`, on the tests of tp-qemu
    List {
        /// How often each side is measured; they take turns
        #[arg(long, default_value_t = 3)]
        rounds: usize,
    },
    /// The engine of the configuration language beside the reference, over the whole of tp-qemu
    Cartesian {
        /// How often each side is measured; they take turns
        #[arg(long, default_value_t = 5)]
        rounds: usize,
        /// Write the figures and the plot of the documentation anew
        #[arg(long)]
        update_docs: bool,
    },
}

/// `cargo xtask bench`.
pub(crate) fn main(what: &Bench) -> Result<()> {
    match what {
        Bench::Boot { rounds } => boot::main(*rounds),
        Bench::Jobs => jobs::main(),
        Bench::List { rounds } => list::main(*rounds),
        Bench::Cartesian {
            rounds,
            update_docs,
        } => cartesian::main(*rounds, *update_docs),
    }
}
