//! The format in which Avocado-VT's own command line prints a variant: Python's.

use std::borrow::Cow;
use std::fmt::Write as _;

use vthost_cartesian::Variant;

use super::format::{self, shown};

/// Prints as `python -m virttest.cartesian_config -c` does.
pub(crate) fn print(out: &mut String, variant: &Variant, number: usize, full: bool, screen: bool) {
    let name = format::name(variant, full);
    // Writing to a string does not fail.
    let _ = writeln!(out, "dict {number:4}:  {}", shown(name, screen));
    let maps = [
        ("_name_map_file", variant.name_map()),
        ("_short_name_map_file", variant.short_name_map()),
    ];
    let special = maps
        .into_iter()
        .filter(|(_, map)| !map.is_empty())
        .map(|(key, map)| (key, map_of(&map)))
        .chain([
            ("dep", list_of(&variant.dep())),
            ("name", variant.name().to_owned()),
            ("shortname", variant.short_name().to_owned()),
        ])
        .map(|(key, value)| (key, Cow::Owned(value)));
    let mut fields: Vec<(&str, Cow<'_, str>)> = variant
        .iter()
        .map(|(key, value)| (key, Cow::Borrowed(value)))
        .chain(special)
        .collect();
    fields.sort_by_key(|(key, _)| *key);
    for (key, value) in fields {
        let _ = writeln!(
            out,
            "    {} = {}",
            shown(key, screen),
            shown(&value, screen)
        );
    }
}

fn list_of(items: &[String]) -> String {
    let items: Vec<String> = items.iter().map(|item| string(item)).collect();
    format!("[{}]", items.join(", "))
}

fn map_of(map: &[(&str, String)]) -> String {
    let items: Vec<String> = map
        .iter()
        .map(|(file, name)| format!("{}: {}", string(file), string(name)))
        .collect();
    format!("{{{}}}", items.join(", "))
}

/// A string as Python writes it in a list.
fn string(text: &str) -> String {
    let quote = match text.contains('\'') && !text.contains('"') {
        true => '"',
        false => '\'',
    };
    let mut out = String::from(quote);
    for c in text.chars() {
        let _ = match c {
            '\n' => write!(out, "\\n"),
            '\r' => write!(out, "\\r"),
            '\t' => write!(out, "\\t"),
            c if c == quote || c == '\\' => write!(out, "\\{c}"),
            c if c.is_control() => write!(out, "\\x{:02x}", u32::from(c)),
            c => write!(out, "{c}"),
        };
    }
    out.push(quote);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_python_s() {
        for (text, expected) in [
            ("a", "'a'"),
            ("it's", "\"it's\""),
            ("'\"", "'\\'\"'"),
            ("b\\ \"q\" é\x07", "'b\\\\ \"q\" é\\x07'"),
        ] {
            assert_eq!(string(text), expected);
        }
    }
}
