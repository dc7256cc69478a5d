//! The tables of the manual are made of the registry.

use std::fmt::Write;

use vthost_params::registry::{Key, State, TOPICS, Topic};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/src/parameters.md");
const BEGIN: &str = "<!-- keys -->\n";
const END: &str = "<!-- end of keys -->";

fn code(text: &str) -> String {
    match text {
        "" => String::new(),
        text => format!("`{}`", text.replace('|', "\\|")),
    }
}

fn objects(key: &Key) -> String {
    let names: Vec<&str> = key.objects.iter().map(|object| object.name()).collect();
    names.join(", ")
}

/// What is not said by the other columns: what the key means, what it needs, what became of it.
fn meaning(key: &Key) -> String {
    let mut text = match key.state {
        State::NotYet => format!("*not yet:* {}", key.doc),
        State::Ignored(_) => format!("*ignored:* {}", key.doc),
        State::Works | State::Legacy { .. } => key.doc.to_owned(),
    };
    // Writing to a string does not fail.
    if let State::Ignored(reason) = key.state {
        let _ = write!(text, " — {reason}");
    }
    if let (State::Works, Some(effect)) = (key.state, key.effect) {
        let _ = write!(
            text,
            " (a provider needs `{}`{})",
            effect.grant,
            effect.when.describe()
        );
    }
    text
}

fn table(topic: &Topic) -> String {
    let mut out = format!("### {}\n\n", topic.title);
    out.push_str(
        "| key | a value is | default | of each | read | meaning |\n|---|---|---|---|---|---|\n",
    );
    for key in topic.keys {
        let _ = writeln!(
            out,
            "| `{}` | {} | {} | {} | {} | {} |",
            key.name,
            key.kind.describe(),
            code(key.default),
            objects(key),
            key.phase.name(),
            meaning(key)
        );
    }
    out
}

fn old(topic: &Topic) -> String {
    let mut out = format!(
        "### {}\n\n| key | now | meaning |\n|---|---|---|\n",
        topic.title
    );
    for key in topic.keys {
        let now = match key.state {
            State::Legacy { to, .. } => code(to),
            _ => String::new(),
        };
        let _ = writeln!(out, "| `{}` | {now} | {} |", key.name, meaning(key));
    }
    out
}

/// `UPDATE_DOCS=1` writes the page anew.
#[test]
fn the_manual_shows_the_registry() {
    let tables: Vec<String> = TOPICS
        .iter()
        .map(|topic| match topic.name {
            "old" => old(topic),
            _ => table(topic),
        })
        .collect();
    let tables = tables.join("\n");
    let page = std::fs::read_to_string(PAGE).unwrap();
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (shown, after) = rest.split_once(END).unwrap();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(PAGE, format!("{before}{BEGIN}\n{tables}\n{END}{after}")).unwrap();
    } else {
        assert_eq!(
            shown.trim(),
            tables.trim(),
            "run this test with UPDATE_DOCS=1"
        );
    }
}
