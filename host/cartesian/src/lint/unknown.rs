//! Keys that nobody reads, because they are mistyped.
//!
//! Tests read thousands of keys that no table knows, and most of them look like some other key. So a key is only told if
//! everything speaks against it: it is one slip away from a key that is known, a part of it stands in no other key, and
//! nothing refers to it.

use std::collections::{BTreeSet, HashMap};

use crate::lint::LintOptions;
use crate::lint::finding::Findings;
use crate::lint::rule::Rule;
use crate::near::is_one_slip;
use crate::origin::Operator;
use crate::syntax::{Kind, Stmt, Syntax};
use crate::text::reference::references;

/// Shorter keys look like each other.
const MIN_LENGTH: usize = 5;

pub(super) fn check(syntax: &Syntax, options: &LintOptions, findings: &mut Findings<'_>) {
    let known: BTreeSet<&str> = options.known_keys.iter().copied().collect();
    if known.is_empty() {
        return;
    }
    let objects = objects(syntax, &options.lists_of_objects);
    let referred = referred(syntax);
    let keys: Vec<(&Stmt, &str, &str)> = assignments(syntax)
        .map(|(stmt, key)| (stmt, key, stem(key, &objects)))
        .collect();
    let stems: BTreeSet<&str> = keys.iter().map(|(_, _, stem)| *stem).collect();
    let mut parts: HashMap<&str, usize> = HashMap::new();
    for stem in stems.union(&known) {
        for part in parts_of(stem) {
            *parts.entry(part).or_default() += 1;
        }
    }
    for (stmt, key, stem) in keys {
        let is_odd = |part: &str| parts.get(part).is_some_and(|count| *count == 1);
        if known.contains(stem)
            || stem.len() < MIN_LENGTH
            || referred.contains(key)
            || referred.contains(stem)
            || !parts_of(stem).any(is_odd)
        {
            continue;
        }
        let near: Vec<String> = known
            .iter()
            .filter(|known| known.len() >= MIN_LENGTH && is_one_slip(stem, known))
            .filter(|known| !differs_in_digits(stem, known))
            .map(|known| format!("{known}{}", &key[stem.len()..]))
            .collect();
        if !near.is_empty() {
            let message = format!("unknown key `{key}`");
            findings
                .add_once(Rule::UnknownKey, stmt, stmt.at, message, key)
                .suggest(&near);
        }
    }
}

/// The statements that set a key, and the key.
fn assignments(syntax: &Syntax) -> impl Iterator<Item = (&Stmt, &str)> {
    syntax.stmts.iter().filter_map(|stmt| match stmt.kind {
        // The operators that take a pattern only change keys that are set already.
        Kind::Assign {
            operator: Operator::Set | Operator::Append | Operator::Prepend | Operator::SetDefault,
            ..
        } => Some((stmt, stmt.at.of(syntax.text(stmt)))),
        _ => None,
    })
}

/// The names in all values of the lists of objects, and the ending `on_error`.
fn objects<'s>(syntax: &'s Syntax, lists: &[&str]) -> BTreeSet<&'s str> {
    let is_list = |key: &str| {
        lists.iter().any(|list| {
            let behind = key.strip_prefix(list);
            behind.is_some_and(|behind| behind.is_empty() || behind.starts_with('_'))
        })
    };
    let values = assignments(syntax).filter(|(_, key)| is_list(key));
    let values = values.filter_map(|(stmt, _)| match stmt.kind {
        Kind::Assign { value, .. } => Some(value.of(syntax.text(stmt))),
        _ => None,
    });
    values
        .flat_map(|value| value.split(|c: char| c.is_whitespace() || matches!(c, '"' | '\'')))
        .filter(|name| !name.is_empty())
        .chain(["on_error"])
        .collect()
}

/// The key without the names of objects behind it.
fn stem<'k>(key: &'k str, objects: &BTreeSet<&str>) -> &'k str {
    let mut stem = key;
    while let Some(shorter) = stem
        .match_indices('_')
        .find(|(at, _)| *at > 0 && objects.contains(&stem[at + 1..]))
        .map(|(at, _)| &stem[..at])
    {
        stem = shorter;
    }
    stem
}

/// The keys that values refer to: who refers to a key reads it.
fn referred(syntax: &Syntax) -> BTreeSet<&str> {
    let mut keys = BTreeSet::new();
    for stmt in &syntax.stmts {
        if let Kind::Assign { value, .. } = stmt.kind {
            keys.extend(references(syntax.text(stmt), value).map(|(_, key)| key));
        }
    }
    keys
}

fn parts_of(key: &str) -> impl Iterator<Item = &str> {
    key.split(['_', '-']).filter(|part| !part.is_empty())
}

/// `image_chain1` is no slip for `image_chain`.
fn differs_in_digits(a: &str, b: &str) -> bool {
    let without = |text: &str| -> String { text.chars().filter(|c| !c.is_ascii_digit()).collect() };
    without(a) == without(b)
}
