//! The one door for development chores: `cargo xtask <chore>`.

mod bench;
mod demo;
mod floors;
mod fuzz;
mod lint;
mod oracle;
mod packs;
mod sh;
mod system;
mod test;
mod wasm_target;

use clap::{Parser, Subcommand};

/// Development chores of vthost
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Debug, Subcommand)]
enum Chore {
    /// From a fresh machine to a passing test in a real guest: install, build, bootstrap, run
    Demo,
    /// Run all checks and all tests, real guests included
    Test {
        /// Leave out formatting, clippy and the floor check
        #[arg(long)]
        no_lint: bool,
        /// Run the tests that take long, too: every variant of tp-qemu in the guest
        #[arg(long)]
        all: bool,
        /// Arguments for the test runner, as a part of a test's name
        #[arg(trailing_var_arg = true)]
        args: Vec<String>,
    },
    /// Check formatting, clippy with warnings as errors, and the floors of the house
    Lint,
    /// Build every pack to target/packs
    Packs,
    /// Measure
    Bench {
        #[command(subcommand)]
        what: bench::Bench,
    },
    /// Compare the configuration language with the parser of Avocado-VT, on random configurations
    Oracle(oracle::Oracle),
    /// Look for inputs on which the engine of the configuration language panics, hangs or takes all memory
    Fuzz {
        /// How long each fuzzer runs
        #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
        minutes: u64,
    },
}

fn main() -> anyhow::Result<()> {
    match Cli::parse().chore {
        Chore::Demo => demo::main(),
        Chore::Test { no_lint, all, args } => test::main(no_lint, all, &args),
        Chore::Lint => lint::main(),
        Chore::Packs => packs::main().map(drop),
        Chore::Bench { what } => bench::main(&what),
        Chore::Oracle(oracle) => oracle::main(&oracle),
        Chore::Fuzz { minutes } => fuzz::main(minutes),
    }
}
