//! The tables of the manual are made of those of the program.

use std::fmt::Write;

use super::keys::KEYS;
use super::reference::{Now, REFERENCE};

// Writing to a string does not fail.
fn settings() -> String {
    let mut out =
        String::from("| setting | a value is | built-in | what it is |\n|---|---|---|---|\n");
    for key in KEYS {
        let default = key
            .default
            .map_or_else(String::new, |default| format!("`{default}`"));
        let guarded = if key.guarded {
            "; *not in a project*"
        } else {
            ""
        };
        let kind = key.kind.describe();
        let _ = writeln!(
            out,
            "| `{}` | {kind} | {default} | {}{guarded} |",
            key.name, key.doc
        );
    }
    out
}

fn reference() -> String {
    let mut out = String::from("| Avocado-VT | vthost |\n|---|---|\n");
    for old in REFERENCE {
        let _ = match old.now {
            Now::Setting(name) => writeln!(out, "| `{}` | `{name}` |", old.name),
            Now::Words(words) => writeln!(out, "| `{}` | {words} |", old.name),
        };
    }
    out
}

/// `UPDATE_DOCS=1` writes the page anew.
#[test]
fn the_manual_shows_the_tables() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/src/settings.md");
    let mut page = std::fs::read_to_string(path).unwrap();
    for (name, table) in [("settings", settings()), ("reference", reference())] {
        let (begin, end) = (
            format!("<!-- {name} -->\n"),
            format!("<!-- end of {name} -->"),
        );
        let (before, rest) = page.split_once(&begin).unwrap();
        let (shown, after) = rest.split_once(&end).unwrap();
        if std::env::var_os("UPDATE_DOCS").is_some() {
            page = format!("{before}{begin}\n{table}\n{end}{after}");
            std::fs::write(path, &page).unwrap();
        } else {
            assert_eq!(
                shown.trim(),
                table.trim(),
                "run this test with UPDATE_DOCS=1"
            );
        }
    }
}
