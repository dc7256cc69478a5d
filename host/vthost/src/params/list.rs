//! Many keys, for people.

use std::fmt::Write;

use vthost_params::registry::{Key, State, TOPICS};

/// Keys that are longer do not push everything else to the right.
const MAX_WIDTH: usize = 32;

/// The keys under the headings of their topics, a line each.
// Writing to a string does not fail.
pub(super) fn text(keys: &[&'static Key], color: bool) -> String {
    let bold = console::Style::new().force_styling(color).bold();
    let dim = console::Style::new().force_styling(color).dim();
    let width = keys.iter().map(|key| key.name.len()).max();
    let width = width.unwrap_or(0).min(MAX_WIDTH);
    let mut text = String::new();
    for topic in TOPICS {
        let own = keys
            .iter()
            .filter(|key| topic.keys.iter().any(|other| other.name == key.name));
        let mut is_first = true;
        for key in own {
            if std::mem::take(&mut is_first) {
                let gap = if text.is_empty() { "" } else { "\n" };
                let _ = writeln!(text, "{gap}{}", bold.apply_to(topic.title));
            }
            let note = match key.state {
                State::Works => String::new(),
                State::Legacy { to, .. } => format!(" (now {to})"),
                State::Ignored(_) => " (ignored)".to_owned(),
                State::NotYet => " (not yet)".to_owned(),
            };
            let _ = writeln!(
                text,
                "  {:<width$}  {}{}",
                key.name,
                key.doc,
                dim.apply_to(note)
            );
        }
    }
    text
}
