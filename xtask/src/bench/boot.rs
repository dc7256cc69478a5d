//! What vthost costs beside a bare QEMU and ssh.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::bare::{Bare, Booted};
use super::events;
use super::series::Series;
use crate::{demo, sh};

/// What the first command of a guest may cost beside a bare QEMU and ssh: this share of it, or this time.
const SHARE: f64 = 0.05;
const TIME: Duration = Duration::from_millis(300);

/// `cargo xtask bench boot`.
pub(crate) fn main(rounds: usize) -> Result<()> {
    let prepared = demo::prepare(true)?;
    let dir = sh::target_dir()?.join("bench");
    let results = dir.join("results");
    std::fs::create_dir_all(&results)?;
    let pack = prepared.packs.join("tp-qemu.wasm");
    let pack = pack.to_str().context("the path of the pack is text")?;
    let boot = || events::run(&prepared.vthost, &results, &["--provider", pack, "boot"]);
    sh::say("Warming", "caches: one boot of each");
    boot()?;
    // The very machine that vthost makes: its own command line, without vthost.
    let image = image()?;
    let bare = Bare::new(&image, &dir, &command_line(&results)?)?;
    bare.boot()?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 1..=rounds.max(1) {
        sh::say("Measuring", format!("boot, round {round} of {rounds}"));
        theirs.push(bare.boot()?);
        ours.push(boot()?);
    }
    std::fs::remove_dir_all(&results)?;
    report(&ours, &theirs)
}

fn report(ours: &[events::Run], theirs: &[Booted]) -> Result<()> {
    let to_qemu = Series::of(ours.iter().filter_map(|run| run.to_qemu));
    let whole = Series::of(ours.iter().map(|run| run.whole));
    let to_command = Series::of(ours.iter().filter_map(|run| run.to_command));
    let bare_command = Series::of(theirs.iter().map(|run| run.to_command));
    let bare_whole = Series::of(theirs.iter().map(|run| run.whole));
    let more = to_command.median() - bare_command.median();
    println!("from Enter to QEMU's monitor      {to_qemu}");
    println!("from Enter to the first command   {to_command}");
    println!("  bare QEMU and ssh               {bare_command}");
    println!(
        "  vthost / bare                   {:.3} (min), {:.3} (median); difference {:+.3} s (min), {more:+.3} s (median)",
        to_command.min() / bare_command.min(),
        to_command.median() / bare_command.median(),
        to_command.min() - bare_command.min(),
    );
    println!("the whole command                 {whole}");
    println!("  bare QEMU and ssh               {bare_whole}");
    let allowed = (bare_command.median() * SHARE).max(TIME.as_secs_f64());
    ensure!(
        more <= allowed,
        "the first command costs {more:.3} s more than without vthost; {allowed:.3} s are allowed"
    );
    Ok(())
}

/// The command line of the last machine that vthost started.
fn command_line(results: &Path) -> Result<String> {
    let tests = results.join("latest/test-results");
    let mut files = std::fs::read_dir(&tests)?
        .filter_map(|entry| Some(entry.ok()?.path().join("qemu-avocado-vt-vm1.cmdline")));
    let file = files
        .find(|file| file.exists())
        .context("vthost wrote no command line")?;
    Ok(std::fs::read_to_string(file)?)
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
