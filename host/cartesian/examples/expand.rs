//! Expands a configuration and prints it as `cartesian-oracle.py` does, to compare this engine with the reference:
//! one line a variant, the first 16 hex digits of the SHA-256 of its canonical JSON, a blank, its name.
//!
//! `cargo run --release -p vthost-cartesian --example expand -- [--full] [--limit N] [--defaults] FILE [LINE ...]`

use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use vthost_cartesian::{
    Config, LoadError, Loader, NoIncludes, Options, OriginKind, Source, Variant,
};

struct Files;

impl Loader for Files {
    fn load(&self, from: &str, path: &str) -> Result<Source, LoadError> {
        let path = Path::new(from).parent().unwrap_or(Path::new("")).join(path);
        match std::fs::read_to_string(&path) {
            Ok(text) => Ok(Source::new(path.display().to_string(), text)),
            Err(error) => Err(LoadError::new(error.to_string())),
        }
    }
}

fn canonical(variant: &Variant) -> String {
    let mut all: Vec<(String, Value)> = variant
        .iter()
        .map(|(key, value)| (key.to_owned(), json!(value)))
        .collect();
    all.push(("name".to_owned(), json!(variant.name())));
    all.push(("shortname".to_owned(), json!(variant.short_name())));
    all.push(("dep".to_owned(), json!(variant.dep())));
    for (key, map) in [
        ("_name_map_file", variant.name_map()),
        ("_short_name_map_file", variant.short_name_map()),
    ] {
        if !map.is_empty() {
            all.push((key.to_owned(), json!(map)));
        }
    }
    all.sort_by(|(a, _), (b, _)| a.cmp(b));
    Value::Object(Map::from_iter(all)).to_string()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let (mut full, mut limit, mut options, mut rest) =
        (false, usize::MAX, Options::default(), Vec::new());
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--full" => full = true,
            "--limit" => limit = args.next().unwrap_or_default().parse()?,
            "--defaults" => options.defaults = true,
            _ => rest.push(arg),
        }
    }
    let Some((file, lines)) = rest.split_first() else {
        return Err("a file is needed".into());
    };
    let show = |error: vthost_cartesian::Error| error.render();
    let begin = Instant::now();
    let mut config = Config::parse(
        Source::new(file.as_str(), std::fs::read_to_string(file)?),
        OriginKind::Operator,
        &Files,
    )
    .map_err(show)?;
    for line in lines {
        config
            .extend(
                Source::new("<string>", line.as_str()),
                OriginKind::CommandLine,
                &NoIncludes,
            )
            .map_err(show)?;
    }
    let parsed = begin.elapsed();
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let (mut count, mut keys, mut expanded) = (0, 0, Duration::ZERO);
    let mut variants = config.variants_with(options).take(limit);
    loop {
        let begin = Instant::now();
        let next = variants.next();
        expanded += begin.elapsed();
        let Some(variant) = next else { break };
        let variant = variant.map_err(show)?;
        let text = canonical(&variant);
        if full {
            writeln!(out, "{text}")?;
        } else {
            let digest: String = Sha256::digest(&text)
                .iter()
                .take(8)
                .map(|byte| format!("{byte:02x}"))
                .collect();
            writeln!(out, "{digest} {}", variant.name())?;
        }
        count += 1;
        keys += variant.iter().len();
    }
    eprintln!("variants={count} keys={keys} parse={parsed:.2?} expand={expanded:.2?}");
    Ok(())
}
