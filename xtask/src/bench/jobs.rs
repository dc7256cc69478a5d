//! What a test costs that has no machine.

use anyhow::{Context, Result};

use super::events;
use crate::{demo, sh};

/// `cargo xtask bench jobs`.
pub(crate) fn main() -> Result<()> {
    let prepared = demo::prepare(true)?;
    let results = sh::target_dir()?.join("bench/results");
    std::fs::create_dir_all(&results)?;
    let pack = prepared.packs.join("fixture-nothing.wasm");
    let pack = pack.to_str().context("the path of the pack is text")?;
    sh::say("Measuring", "a job of 1,000 tests without a machine");
    let args = ["--provider", pack, "thousand"];
    let thousand = events::run(&prepared.vthost, &results, &args)?;
    let (early, late) = thousand.memory_kib;
    println!(
        "1,000 tests without a machine     {:.0} tests/s; memory {:.1} MiB after 100, {:.1} MiB after all",
        thousand.passed as f64 / thousand.whole.as_secs_f64(),
        early as f64 / 1024.0,
        late as f64 / 1024.0,
    );
    std::fs::remove_dir_all(&results)?;
    Ok(())
}
