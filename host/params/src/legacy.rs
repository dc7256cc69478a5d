//! Old spellings: what they are now.
//!
//! The guide knows keys by names that the reference itself gave up: `ssh_port`, `bridge`, `nic_mode`. They are accepted,
//! also for objects (`bridge_nic1`), and every reader sees the new name. The old one stays beside it, for tests that ask
//! for it.

use std::borrow::Cow;

use vthost_cartesian::{Origin, OriginKind};

use crate::registry::{self, How, Key, Names, State};
use crate::table::Entry;

/// An old spelling that was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// The key as it is written.
    pub old: String,
    /// What it is now, with names of objects behind it as before; none if the value sets nothing.
    pub new: Vec<String>,
    /// Where it was set.
    pub origin: Option<Origin>,
    /// Whether the new spelling is set as well, and counts.
    pub is_overruled: bool,
}

impl std::fmt::Display for Note {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let new: Vec<String> = self.new.iter().map(|new| format!("`{new}`")).collect();
        let new = match new.as_slice() {
            [] => "nothing".to_owned(),
            new => new.join(", "),
        };
        write!(f, "`{}` is an old spelling of {new}", self.old)?;
        if self.is_overruled {
            f.write_str(", which is set, too, and counts")?;
        }
        match &self.origin {
            Some(origin) => write!(f, " (set at {origin})"),
            None => Ok(()),
        }
    }
}

/// What the value of an old key is now: keys and values.
pub(crate) fn mapped<'v>(
    key: &'static Key,
    how: How,
    value: &'v str,
) -> Vec<(Cow<'static, str>, Cow<'v, str>)> {
    let State::Legacy { to, .. } = key.state else {
        return Vec::new();
    };
    match how {
        How::Same => vec![(Cow::Borrowed(to), Cow::Borrowed(value))],
        How::Words(words) | How::Over(words) => {
            let now = words
                .iter()
                .find(|(old, _)| *old == value.trim())
                .map_or(value, |(_, new)| new);
            match now {
                "" => Vec::new(),
                now => vec![(Cow::Borrowed(to), Cow::Borrowed(now))],
            }
        }
        How::Spice => spice(value),
    }
}

/// `ipv4=on,disable-ticketing`: options of `-spice`, each a key of its own.
fn spice(value: &str) -> Vec<(Cow<'static, str>, Cow<'_, str>)> {
    let options = value.split(',').map(str::trim);
    options
        .filter(|option| !option.is_empty())
        .map(|option| {
            let (name, value) = option.split_once('=').unwrap_or((option, "yes"));
            let name = format!("spice_{}", name.replace('-', "_"));
            (Cow::Owned(name), Cow::Borrowed(value))
        })
        .collect()
}

/// Adds the new spellings to entries that are sorted by key, and tells which old ones there were.
pub(crate) fn accept(entries: &mut Vec<Entry>) -> Vec<Note> {
    let mut notes = Vec::new();
    let mut new: Vec<(Entry, bool)> = Vec::new();
    let mut names = None;
    for known in registry::legacy() {
        let State::Legacy { how, .. } = known.state else {
            continue;
        };
        let start = entries.partition_point(|entry| &*entry.key < known.name);
        let own = entries[start..]
            .iter()
            .take_while(|entry| entry.key.starts_with(known.name));
        for entry in own {
            let suffix = &entry.key[known.name.len()..];
            if !suffix.is_empty() {
                let names = names.get_or_insert_with(|| names_of_objects(entries));
                if registry::find_exact(&entry.key).is_some() || !names.are(suffix) {
                    continue;
                }
            }
            let mut note = Note {
                old: entry.key.to_string(),
                new: Vec::new(),
                origin: entry.origin.clone(),
                is_overruled: false,
            };
            for (name, value) in mapped(known, how, &entry.value) {
                let name = format!("{name}{suffix}");
                let other = entries.binary_search_by(|entry| (*entry.key).cmp(&name));
                let counts = match other {
                    Err(_) => true,
                    Ok(at) => matches!(how, How::Over(_)) || is_weaker(&entries[at], entry),
                };
                note.is_overruled |= !counts;
                if counts {
                    let entry = Entry {
                        key: name.as_str().into(),
                        value: (*value).into(),
                        origin: entry.origin.clone(),
                        spelled: Some(entry.key.clone()),
                    };
                    new.push((entry, other.is_ok()));
                }
                note.new.push(name);
            }
            // What vthost ships speaks to nobody.
            let is_shipped = matches!(
                note.origin.as_ref().map(Origin::kind),
                Some(OriginKind::Default)
            );
            if !is_shipped {
                notes.push(note);
            }
        }
    }
    for (entry, _) in new {
        match entries.binary_search_by(|other| other.key.cmp(&entry.key)) {
            Ok(at) => entries[at] = entry,
            Err(at) => entries.insert(at, entry),
        }
    }
    notes
}

/// A default that vthost ships is no reason to forget what somebody wrote.
fn is_weaker(new: &Entry, old: &Entry) -> bool {
    let is_shipped = |entry: &Entry| {
        let kinds = entry.origin.as_ref().map(|origin| {
            origin
                .kinds()
                .all(|kind| matches!(kind, OriginKind::Default))
        });
        kinds.unwrap_or(false)
    };
    is_shipped(new) && !is_shipped(old)
}

/// The names in all lists of objects.
fn names_of_objects(entries: &[Entry]) -> Names<'_> {
    let mut names = Names::new();
    for entry in entries {
        names.add(&entry.key, &entry.value);
    }
    names
}

#[cfg(test)]
#[path = "legacy_tests.rs"]
mod tests;
