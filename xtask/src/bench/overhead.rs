//! What vthost costs.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::series::Series;
use super::{bare, events};
use crate::{demo, sh};

/// `cargo xtask bench overhead`.
pub(crate) fn main(rounds: usize) -> Result<()> {
    let prepared = demo::prepare(true)?;
    let dir = sh::target_dir()?.join("bench");
    let results = dir.join("results");
    std::fs::create_dir_all(&results)?;
    boots(&prepared, rounds.max(1), &dir, &results)?;
    thousand(&prepared, &results)?;
    std::fs::remove_dir_all(&results)?;
    Ok(())
}

fn boots(prepared: &demo::Prepared, rounds: usize, dir: &Path, results: &Path) -> Result<()> {
    let pack = prepared.packs.join("tp-qemu.wasm");
    let pack = pack.to_str().context("the path of the pack is text")?;
    let boot = || events::run(&prepared.vthost, results, &["--provider", pack, "boot"]);
    let image = image()?;
    sh::say("Warming", "caches: one boot of each");
    boot()?;
    bare::boot(&image, dir)?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 1..=rounds {
        sh::say("Measuring", format!("boot, round {round} of {rounds}"));
        theirs.push(bare::boot(&image, dir)?);
        ours.push(boot()?);
    }
    let to_qemu = Series::of(ours.iter().filter_map(|run| run.to_qemu));
    let whole = Series::of(ours.iter().map(|run| run.whole));
    let to_command = Series::of(ours.iter().filter_map(|run| run.to_command));
    let bare_command = Series::of(theirs.iter().map(|run| run.to_command));
    let bare_whole = Series::of(theirs.iter().map(|run| run.whole));
    println!("from Enter to QEMU's monitor      {to_qemu}");
    println!("from Enter to the first command   {to_command}");
    println!("  bare QEMU and ssh               {bare_command}");
    println!(
        "  vthost / bare                   {:.3} (min), {:.3} (median); difference {:+.3} s (min), {:+.3} s (median)",
        to_command.min() / bare_command.min(),
        to_command.median() / bare_command.median(),
        to_command.min() - bare_command.min(),
        to_command.median() - bare_command.median(),
    );
    println!("the whole command                 {whole}");
    println!("  bare QEMU and ssh               {bare_whole}");
    Ok(())
}

/// Where `vthost bootstrap` put the image.
fn image() -> Result<PathBuf> {
    let from = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let data = from("VTHOST_HOME")
        .map(|home| home.join("data"))
        .or_else(|| from("XDG_DATA_HOME").map(|data| data.join("vthost")))
        .or_else(|| from("HOME").map(|home| home.join(".local/share/vthost")))
        .context("neither VTHOST_HOME nor HOME is set")?;
    Ok(data.join("images/jeos-12-x86_64.qcow2"))
}

fn thousand(prepared: &demo::Prepared, results: &Path) -> Result<()> {
    let pack = prepared.packs.join("fixture-nothing.wasm");
    let pack = pack.to_str().context("the path of the pack is text")?;
    sh::say("Measuring", "a job of 1,000 tests without a machine");
    let args = ["--provider", pack, "thousand"];
    let thousand = events::run(&prepared.vthost, results, &args)?;
    let (early, late) = thousand.memory_kib;
    println!(
        "1,000 tests without a machine     {:.0} tests/s; memory {:.1} MiB after 100, {:.1} MiB after all",
        thousand.passed as f64 / thousand.whole.as_secs_f64(),
        early as f64 / 1024.0,
        late as f64 / 1024.0,
    );
    Ok(())
}
