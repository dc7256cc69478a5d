//! `vthost config path`.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use serde_json::json;
use vthost_metadata::ExitCode;
use vthost_provider::Dirs;
use vthost_report::text::line;

use super::PathArgs;
use crate::failure::Failure;
use crate::output;
use crate::settings::{Places, Settings, State};

pub(super) fn main(
    args: &PathArgs,
    settings: &Settings,
    places: &Places,
) -> Result<ExitCode, Failure> {
    let mut dirs = Dirs::from_env()?;
    if let Some(results) = settings.results() {
        dirs.results = results;
    }
    let rows = rows(places, &dirs);
    let text = match args.json {
        true => json_text(&rows),
        false => people(&rows),
    };
    output::print(text.as_bytes())?;
    Ok(ExitCode::Ok)
}

/// A place: what it is for, where it is, and a word about it.
type Row = (&'static str, PathBuf, String);

fn rows(places: &Places, dirs: &Dirs) -> Vec<Row> {
    let layers = places.layers().into_iter().map(|layer| {
        let state = match layer.state {
            State::Found => "found".to_owned(),
            State::Missing => "missing".to_owned(),
            State::Foreign(owner) => format!("not read: it belongs to user {owner}"),
        };
        (layer.name, layer.path, state)
    });
    let [shipped, own] = dirs.definitions();
    let directories = [
        ("cfg", dirs.cfg()),
        ("definitions", shipped),
        ("definitions", own),
        ("data", dirs.data.clone()),
        ("cache", dirs.cache.clone()),
        ("results", dirs.results.clone()),
    ];
    let directories = directories.into_iter().map(|(name, path)| {
        let state = exists(&path);
        (name, path, state.to_owned())
    });
    layers.chain(directories).collect()
}

fn exists(path: &Path) -> &'static str {
    match path.is_dir() {
        true => "found",
        false => "missing",
    }
}

// Writing to a string does not fail.
fn people(rows: &[Row]) -> String {
    let mut out = String::new();
    for (name, path, state) in rows {
        let path = line(&path.display().to_string());
        let _ = writeln!(out, "{name:<12} {path}  ({state})");
    }
    out
}

fn json_text(rows: &[Row]) -> String {
    let rows: Vec<_> = rows
        .iter()
        .map(|(name, path, state)| json!({ "name": name, "path": path.display().to_string(), "state": state }))
        .collect();
    format!("{:#}\n", json!(rows))
}
