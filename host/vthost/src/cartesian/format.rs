//! How a variant is printed.

use std::borrow::Cow;
use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};
use vthost_cartesian::Variant;
use vthost_report::text::escaped;

/// The name that people see.
pub(crate) fn name(variant: &Variant, full: bool) -> &str {
    match full {
        true => variant.name(),
        false => variant.short_name(),
    }
}

/// The text as it may reach a screen: what would act on a terminal is spelled out there. A file or a program gets it
/// as it is.
pub(crate) fn shown(text: &str, screen: bool) -> Cow<'_, str> {
    match screen {
        true => escaped(text),
        false => Cow::Borrowed(text),
    }
}

/// For people: the name, and below it the keys with their values as a configuration would set them.
pub(crate) fn contents(out: &mut String, variant: &Variant, full: bool, color: bool) {
    let bold = console::Style::new().force_styling(color).bold();
    // Writing to a string does not fail.
    let _ = writeln!(out, "{}", bold.apply_to(escaped(name(variant, full))));
    for (key, value) in variant.iter() {
        let _ = match quoted(value) {
            value if value.is_empty() => writeln!(out, "    {} =", escaped(key)),
            value => writeln!(out, "    {} = {}", escaped(key), escaped(&value)),
        };
    }
    let dependencies = variant.dep();
    if !dependencies.is_empty() {
        let dim = console::Style::new().force_styling(color).dim();
        let dependencies = format!("# depends on {}", dependencies.join(", "));
        let _ = writeln!(out, "    {}", dim.apply_to(escaped(&dependencies)));
    }
}

/// The value in quotes, if it would not be the same value without.
fn quoted(value: &str) -> Cow<'_, str> {
    let wraps = |quote: char| value.len() > 1 && value.starts_with(quote) && value.ends_with(quote);
    match value.trim() != value || wraps('"') || wraps('\'') || value == "\"" || value == "'" {
        true => Cow::Owned(format!("\"{value}\"")),
        false => Cow::Borrowed(value),
    }
}

/// For programs: the canonical JSON. On a screen, what would act on the terminal is escaped; it is the same object.
pub(crate) fn json(out: &mut String, json: &str, screen: bool) {
    match screen && matches!(escaped(json), Cow::Owned(_)) {
        true => json.chars().for_each(|c| push_json(out, c)),
        false => out.push_str(json),
    }
    out.push('\n');
}

fn push_json(out: &mut String, c: char) {
    let mut bytes = [0; 4];
    if matches!(escaped(c.encode_utf8(&mut bytes)), Cow::Borrowed(_)) {
        return out.push(c);
    }
    for unit in c.encode_utf16(&mut [0; 2]) {
        let _ = write!(out, "\\u{unit:04x}");
    }
}

/// To compare expansions: a digest of the canonical JSON, and the full name.
pub(crate) fn digest(out: &mut String, json: &str, name: &str, screen: bool) {
    for byte in &Sha256::digest(json)[..8] {
        // Writing to a string does not fail.
        let _ = write!(out, "{byte:02x}");
    }
    out.push(' ');
    out.push_str(&shown(name, screen));
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_quoted_where_that_matters() {
        for (value, expected) in [
            ("a  b", "a  b"),
            ("", ""),
            (" a", "\" a\""),
            ("\"a\"", "\"\"a\"\""),
            ("\"a", "\"a"),
            ("'", "\"'\""),
        ] {
            assert_eq!(quoted(value), expected);
        }
    }

    #[test]
    fn json_on_a_screen_is_the_same_object() {
        let mut out = String::new();
        "\"é\u{7f}\u{202e}\u{e0001}\""
            .chars()
            .for_each(|c| push_json(&mut out, c));
        assert_eq!(out, "\"é\\u007f\\u202e\\udb40\\udc01\"");
    }
}
