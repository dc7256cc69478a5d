//! One key, for people.

use std::fmt::Write;

use vthost_params::registry::{Key, Object, Objects, State};
use vthost_policy::GRANTS;
use vthost_report::text::line;

use super::json::old;
use super::shipped::places;

/// So many places are shown; the others are counted.
const MAX_PLACES: usize = 8;

/// Everything that is known of a key. `written` is what was asked for, which may be the key of an object.
// Writing to a string does not fail.
pub(super) fn text(key: &'static Key, written: &str, color: bool) -> String {
    let bold = console::Style::new().force_styling(color).bold();
    let dim = console::Style::new().force_styling(color).dim();
    let mut text = format!("{}: {}\n", bold.apply_to(key.name), key.doc);
    let mut tell = |what: &str, value: &str| {
        if !value.is_empty() {
            let _ = writeln!(text, "  {what:<10} {value}");
        }
    };
    match key.state {
        State::Works => {}
        State::Legacy { to, .. } => tell("state:", &format!("an old spelling of `{to}`")),
        State::Ignored(reason) => tell("state:", &format!("ignored: {reason}")),
        State::NotYet => tell(
            "state:",
            "vthost does not do it yet; to set it has no effect",
        ),
    }
    if written != key.name {
        tell("asked:", &asked(key, written));
    }
    tell("value:", &key.kind.describe());
    tell("default:", key.default);
    tell("objects:", &objects(key));
    if !matches!(key.state, State::Legacy { .. }) {
        tell("read:", &read(key));
    }
    tell("needs:", &needs(key));
    tell("old:", &old(key).join(", "));
    tell("example:", &example(key));
    let places = places(key);
    for (number, place) in places.iter().take(MAX_PLACES).enumerate() {
        let what = if number == 0 { "set:" } else { "" };
        let at = format!("{}:{}", place.file, place.line);
        let _ = writeln!(
            text,
            "  {what:<10} {}  {}",
            dim.apply_to(at),
            line(&place.text)
        );
    }
    if places.len() > MAX_PLACES {
        let more = places.len() - MAX_PLACES;
        let _ = writeln!(
            text,
            "  {:<10} and in {more} more lines of the shipped configuration",
            ""
        );
    }
    text
}

/// What stands behind the key.
fn asked(key: &Key, written: &str) -> String {
    let behind = written.strip_prefix(key.name).unwrap_or(written);
    let behind = behind.trim_start_matches('_');
    match behind
        .strip_suffix("on_error")
        .filter(|_| key.takes_on_error())
    {
        Some("") => "its value for a test that did not pass".to_owned(),
        Some(names) => {
            let names = line(names.trim_end_matches('_'));
            format!("its value for `{names}`, for a test that did not pass")
        }
        None => format!("its value for `{}`", line(behind)),
    }
}

/// The objects, with what an address looks like.
fn objects(key: &Key) -> String {
    if key.objects.is_empty() {
        return "none: it is a key of the test".to_owned();
    }
    let names: Vec<&str> = key.objects.iter().map(|object| object.name()).collect();
    let inner = inner(key.objects).example();
    let name = key.name;
    let addressed = match inner == Object::Vm.example() {
        true => format!("{name}_{inner}"),
        false => format!("{name}_{inner}, {name}_{inner}_{}", Object::Vm.example()),
    };
    format!("{} ({addressed})", names.join(", "))
}

/// What has a value of its own within a machine; the machine if there is nothing else.
fn inner(objects: Objects) -> Object {
    let mut inside = objects.iter().filter(|object| *object != Object::Vm);
    inside.next().unwrap_or(Object::Vm)
}

fn read(key: &Key) -> String {
    let on_error = match key.takes_on_error() {
        true => format!("; `{}_on_error` is for a test that did not pass", key.name),
        false => String::new(),
    };
    format!("{}{on_error}", key.phase.name())
}

fn needs(key: &Key) -> String {
    let Some(effect) = key.effect else {
        return String::new();
    };
    let grant = GRANTS.iter().find(|grant| grant.name == effect.grant);
    let doc = grant.map_or("", |grant| grant.doc);
    format!(
        "`--grant {}` for a provider that sets it{}: {doc}",
        effect.grant,
        effect.when.describe()
    )
}

fn example(key: &Key) -> String {
    match key.example {
        "" => String::new(),
        value => format!("{} = {value}", key.name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether the text says what the registry says, for every key.
    #[test]
    fn every_key_can_be_explained() {
        for key in vthost_params::registry::keys() {
            let text = text(key, key.name, false);
            assert!(
                text.starts_with(&format!("{}: {}\n", key.name, key.doc)),
                "{text}"
            );
        }
    }
}
