//! `vthost config show`.

use std::fmt::Write;

use serde_json::json;
use vthost_cartesian::{did_you_mean, nearest};
use vthost_metadata::ExitCode;
use vthost_report::text::line;

use super::ShowArgs;
use crate::failure::Failure;
use crate::output;
use crate::settings::{KEYS, Key, PARAMS, Set, Settings, sections};

pub(super) fn main(args: &ShowArgs, settings: &Settings, color: bool) -> Result<ExitCode, Failure> {
    let names = names(args.key.as_deref(), settings)?;
    let one = args.key.as_deref().filter(|key| key.contains('.'));
    let text = match (args.json, one) {
        (true, _) => json_text(&names, settings),
        (false, Some(name)) => value(settings.get(name), args.origin, color),
        (false, None) => toml_text(&names, settings, args.origin, color),
    };
    output::print(text.as_bytes())?;
    Ok(ExitCode::Ok)
}

/// The full names of the settings to show, section by section.
fn names(wanted: Option<&str>, settings: &Settings) -> Result<Vec<String>, Failure> {
    let params = settings
        .section(PARAMS)
        .map(|(key, _)| format!("{PARAMS}.{key}"));
    let all: Vec<String> = KEYS
        .iter()
        .map(|key| key.name.to_owned())
        .chain(params)
        .collect();
    let Some(wanted) = wanted else {
        return Ok(all);
    };
    if sections().contains(&wanted) {
        let inside = |name: &String| section_of(name) == wanted;
        return Ok(all.into_iter().filter(inside).collect());
    }
    if all.iter().any(|name| name == wanted) || section_of(wanted) == PARAMS {
        return Ok(vec![wanted.to_owned()]);
    }
    let known = all.iter().map(String::as_str).chain(sections());
    let near = did_you_mean(&nearest(wanted, known));
    let help = near.unwrap_or_else(|| "`vthost config show` lists them all".to_owned());
    Err(Failure::new(
        ExitCode::Usage,
        format!("there is no setting or section `{wanted}`; {help}"),
    ))
}

fn section_of(name: &str) -> &str {
    name.split_once('.').map_or(name, |(section, _)| section)
}

/// One value, for a script.
fn value(set: Option<&Set>, origin: bool, color: bool) -> String {
    let value = set.map_or_else(String::new, |set| line(&set.value.plain()));
    match set.filter(|_| origin) {
        Some(set) => format!("{value}  {}\n", comment(set, color)),
        None => value + "\n",
    }
}

/// What `vthost.toml` would have to say for the same settings.
// Writing to a string does not fail.
fn toml_text(names: &[String], settings: &Settings, origin: bool, color: bool) -> String {
    let lines: Vec<(&str, String, Option<&Set>)> = names
        .iter()
        .map(|name| {
            let (section, key) = name.split_once('.').unwrap_or((name, ""));
            let set = settings.get(name);
            let key = toml_key(key);
            let text = match set {
                Some(set) => line(&format!("{key} = {}", set.value)),
                None => format!("# {key} is not set"),
            };
            (section, text, set)
        })
        .collect();
    let width = lines
        .iter()
        .filter(|(_, _, set)| set.is_some())
        .map(|(_, text, _)| console::measure_text_width(text))
        .max()
        .unwrap_or(0);
    let dim = console::Style::new().force_styling(color).dim();
    let bold = console::Style::new().force_styling(color).bold();
    let mut out = String::new();
    let mut before = "";
    for (section, text, set) in &lines {
        if *section != before {
            let gap = if before.is_empty() { "" } else { "\n" };
            let _ = writeln!(out, "{gap}{}", bold.apply_to(format!("[{section}]")));
            before = section;
        }
        let _ = match set {
            None => writeln!(out, "{}", dim.apply_to(text)),
            Some(set) if origin => {
                let fill = width - console::measure_text_width(text);
                writeln!(out, "{text}{:fill$}  {}", "", comment(set, color))
            }
            Some(_) => writeln!(out, "{text}"),
        };
    }
    out
}

/// A parameter can have a name that TOML wants in quotes.
fn toml_key(key: &str) -> String {
    match key
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
    {
        true => key.to_owned(),
        false => format!("\"{key}\""),
    }
}

fn comment(set: &Set, color: bool) -> String {
    let dim = console::Style::new().force_styling(color).dim();
    let origin = line(&set.origin.to_string());
    dim.apply_to(format!("# {origin}")).to_string()
}

fn json_text(names: &[String], settings: &Settings) -> String {
    let settings: serde_json::Map<_, _> = names
        .iter()
        .map(|name| {
            let set = settings.get(name);
            let shown = json!({
                "value": set.map(|set| set.value.json()),
                "origin": set.map(|set| set.origin.to_string()),
                "doc": Key::named(name).map(|key| key.doc),
            });
            (name.clone(), shown)
        })
        .collect();
    format!("{:#}\n", serde_json::Value::Object(settings))
}
