//! Keys for programs.

use serde_json::{Map, Value, json};
use vthost_params::registry::{self, Key, Kind, State};

use super::shipped::places;

/// An object a line.
pub(super) fn lines(keys: &[&'static Key]) -> String {
    keys.iter()
        .map(|key| format!("{}\n", Value::Object(object(key))))
        .collect()
}

/// One key, with the places where the shipped configuration sets it.
pub(super) fn explained(key: &'static Key) -> String {
    let mut object = object(key);
    let places: Vec<Value> = places(key)
        .into_iter()
        .map(|place| json!({"file": place.file, "line": place.line, "text": place.text}))
        .collect();
    object.insert("set".to_owned(), Value::Array(places));
    format!("{}\n", Value::Object(object))
}

fn object(key: &'static Key) -> Map<String, Value> {
    let (state, note) = match key.state {
        State::Works => ("works", None),
        State::Legacy { to, .. } => ("legacy", Some(to)),
        State::Ignored(reason) => ("ignored", Some(reason)),
        State::NotYet => ("not-yet", None),
    };
    let objects: Vec<&str> = key.objects.iter().map(|object| object.name()).collect();
    let words = match key.kind {
        Kind::Word(words) => Some(words),
        _ => None,
    };
    let object = json!({
        "key": key.name,
        "topic": registry::topic_of(key).map(|topic| topic.name),
        "doc": key.doc,
        "type": key.kind.name(),
        "value": key.kind.describe(),
        "words": words,
        "default": key.default,
        "example": key.example,
        "objects": objects,
        "phase": key.phase.name(),
        "on_error": key.takes_on_error(),
        "secret": key.is_secret,
        "grant": key.effect.map(|effect| effect.grant),
        "grant_when": key.effect.map(|effect| effect.when.describe().trim_start_matches(", ").to_owned()),
        "state": state,
        "note": note,
        "old": old(key),
    });
    match object {
        Value::Object(object) => object,
        _ => Map::new(),
    }
}

/// The old spellings of a key.
pub(super) fn old(key: &Key) -> Vec<&'static str> {
    registry::legacy()
        .filter(|old| matches!(old.state, State::Legacy { to, .. } if to == key.name))
        .map(|old| old.name)
        .collect()
}
