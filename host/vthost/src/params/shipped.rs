//! Where the shipped configuration sets a key.

use vthost_cartesian::Source;
use vthost_params::registry::{Key, Names};
use vthost_provider::CfgFiles;

/// A line that sets a key.
#[derive(Debug)]
pub(super) struct Place {
    /// The name of the file: `guest-os/Linux/JeOS.cfg`.
    pub(super) file: String,
    /// The line, from 1.
    pub(super) line: usize,
    /// The line itself.
    pub(super) text: String,
}

/// The lines that set the key, for all objects or for one, in the order of the files.
pub(super) fn places(key: &Key) -> Vec<Place> {
    let files = CfgFiles::shipped(&[], "qemu");
    // What is shipped is part of the program; what cannot be read has no lines.
    let names = files.names().unwrap_or_default();
    let sources: Vec<(&String, Source)> = names
        .iter()
        .filter(|name| !files.is_made(name))
        .filter_map(|name| Some((name, files.source(name).ok()?)))
        .collect();
    let statements = || {
        sources.iter().flat_map(|(name, source)| {
            let lines = (1..).zip(source.text.lines());
            lines.filter_map(move |(line, text)| Some((*name, line, text, assigned(text)?)))
        })
    };
    let mut objects = Names::new();
    for (_, _, _, (key, value)) in statements() {
        objects.add(key, value);
    }
    statements()
        .filter(|(_, _, _, (set, _))| {
            let set = objects.find(set);
            set.is_some_and(|set| set.name == key.name)
        })
        .map(|(file, line, text, _)| Place {
            file: file.clone(),
            line,
            text: text.trim().to_owned(),
        })
        .collect()
}

/// The key that a line sets, behind a condition or not, and the value.
fn assigned(text: &str) -> Option<(&str, &str)> {
    let (before, value) = text.split_once('=')?;
    if text.trim_start().starts_with('#') {
        return None;
    }
    let before = before.trim_end_matches(['+', '<', '~', '?']).trim_end();
    let key = before.rsplit([':', ' ', '\t']).next()?;
    let is_key = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    (!key.is_empty() && key.chars().all(is_key)).then_some((key, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_of_a_statement_is_found() {
        for (text, expected) in [
            ("mem = 512", Some("mem")),
            ("    q35: cd_format += x=y", Some("cd_format")),
            ("a~=b", Some("a")),
            ("# mem = 512", None),
            ("only (a=b)", None),
            ("variants:", None),
        ] {
            assert_eq!(assigned(text).map(|(key, _)| key), expected, "{text}");
        }
    }

    #[test]
    fn every_place_is_one_of_the_key() {
        let key = vthost_params::registry::find("cd_format").unwrap();
        let places = places(key);
        assert!(places.len() > 3);
        assert!(places.iter().all(|place| place.text.contains("cd_format")));
    }
}
