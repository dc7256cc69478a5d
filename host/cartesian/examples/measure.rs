//! Expands a configuration once and prints what it took, as one line of JSON: this engine's side of
//! `cargo xtask bench cartesian`. The other side, `reference.py` there, takes the same arguments.
//!
//! `cargo run --release -p vthost-cartesian --example measure -- MODE LIMIT DEFAULTS FILE [LINE ...]`
//!
//! MODE is `visit` (all keys and values are built and looked at), `digest` (the canonical JSON of each variant is hashed)
//! or `names` (no keys). LIMIT 0 means all variants; DEFAULTS is 0 or 1. Times are in seconds.

use std::hint::black_box;
use std::time::Instant;

use vthost_cartesian::{Config, Error, JsonWriter, Options};

/// The program's, so that what is measured is what its users get.
#[path = "../../vthost/src/allocator.rs"]
mod allocator;
#[path = "../tests/common/mod.rs"]
mod common;

/// What was seen on the way; the reference must have seen the same.
#[derive(Default)]
struct Seen {
    variants: usize,
    keys: usize,
    /// Of the names alone, of all keys and values, or of the digests.
    sum: u64,
}

fn visit(config: &Config, options: Options, limit: usize) -> Result<Seen, Error> {
    let mut seen = Seen::default();
    for variant in config.variants_with(options).take(limit) {
        let variant = black_box(variant?);
        seen.variants += 1;
        for (key, value) in variant.iter() {
            seen.keys += 1;
            seen.sum += (key.len() + black_box(value).len()) as u64;
        }
    }
    Ok(seen)
}

fn digest(config: &Config, options: Options, limit: usize) -> Result<Seen, Error> {
    let mut seen = Seen::default();
    let mut writer = JsonWriter::default();
    for variant in config.variants_with(options).take(limit) {
        let variant = variant?;
        seen.variants += 1;
        seen.keys += variant.iter().len();
        seen.sum = seen.sum.wrapping_add(common::digest(&mut writer, &variant));
    }
    Ok(seen)
}

fn names(config: &Config, options: Options, limit: usize) -> Result<Seen, Error> {
    let mut seen = Seen::default();
    let mut names = config.names(options);
    while seen.variants < limit
        && let Some(name) = names.next_name()
    {
        seen.variants += 1;
        seen.sum += black_box(name?.full).len() as u64;
    }
    Ok(seen)
}

/// The most memory that this process ever held, in KiB.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [mode, limit, defaults, file, lines @ ..] = args.as_slice() else {
        return Err("needed: MODE LIMIT DEFAULTS FILE [LINE ...]".into());
    };
    let expand = match mode.as_str() {
        "visit" => visit,
        "digest" => digest,
        "names" => names,
        other => return Err(format!("no such mode: {other}").into()),
    };
    let limit = match limit.parse()? {
        0 => usize::MAX,
        limit => limit,
    };
    let options = Options {
        defaults: defaults == "1",
        ..Options::default()
    };
    let begin = Instant::now();
    let config = common::read(file, lines)?;
    let parsed = begin.elapsed().as_secs_f64();
    let seen = expand(&config, options, limit).map_err(|error| error.render())?;
    let whole = begin.elapsed().as_secs_f64();
    println!(
        "{}",
        serde_json::json!({
            "parse": parsed,
            "expand": whole - parsed,
            "variants": seen.variants,
            "keys": seen.keys,
            "sum": seen.sum,
            "peak_kib": peak().ok_or("no VmHWM in /proc/self/status")?,
        })
    );
    Ok(())
}
