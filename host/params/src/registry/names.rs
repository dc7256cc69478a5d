//! The names of objects, which tell the key of an object from another key.

use std::collections::BTreeSet;

use super::{Key, Kind, find, find_exact};

/// The names of the objects of a test, or of a whole configuration.
///
/// `mem_vm1` is `mem` for the object `vm1`, and `mem_chk_cmd` is a key of a test: what stands behind the key tells them
/// apart.
#[derive(Debug, Clone, Default)]
pub struct Names<'a>(BTreeSet<&'a str>);

impl<'a> Names<'a> {
    /// The ending `on_error`, and nothing else yet.
    pub fn new() -> Self {
        Self(BTreeSet::from(["on_error"]))
    }

    /// Takes the names in the value of a key, if it is a list of objects.
    pub fn add(&mut self, key: &str, value: &'a str) {
        if find(key).is_some_and(|key| matches!(key.kind, Kind::Names(_))) {
            // A statement may have quotes around its value.
            let words = value.split(|c: char| c.is_whitespace() || matches!(c, '"' | '\''));
            self.0.extend(words.filter(|word| !word.is_empty()));
        }
    }

    /// The entry of a key, also for the key of one of these objects.
    pub fn find(&self, key: &str) -> Option<&'static Key> {
        find_exact(key).or_else(|| {
            let known = find(key)?;
            self.are(&key[known.name.len()..]).then_some(known)
        })
    }

    /// Whether the text is `_` and a name, once or more.
    pub fn are(&self, suffix: &str) -> bool {
        // The places up to which the text is names.
        let mut reached = vec![false; suffix.len() + 1];
        reached[0] = true;
        for at in 0..suffix.len() {
            if !reached[at] {
                continue;
            }
            let Some(rest) = suffix[at..].strip_prefix('_') else {
                continue;
            };
            for name in self.0.iter().filter(|name| rest.starts_with(**name)) {
                reached[at + 1 + name.len()] = true;
            }
        }
        suffix.is_empty() || reached[suffix.len()]
    }

    /// The key without the names of objects behind it: `nonsense_image1_vm1` is `nonsense`.
    pub fn stem<'k>(&self, key: &'k str) -> &'k str {
        let mut ends = key.match_indices('_').map(|(at, _)| at);
        let end = ends.find(|at| *at > 0 && self.are(&key[*at..]));
        &key[..end.unwrap_or(key.len())]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_objects_are_told_from_others() {
        let mut names = Names::new();
        names.add("images", "\" stg image_1\"");
        names.add("vms", "é vm1");
        names.add("mem", "chk");
        let found = |key: &str| names.find(key).map(|key| key.name);
        assert_eq!(found("mem_vm1"), Some("mem"));
        assert_eq!(found("image_size_image_1_vm1"), Some("image_size"));
        assert_eq!(found("kill_vm_é_on_error"), Some("kill_vm"));
        assert_eq!(found("mem_chk"), None);
        assert_eq!(found("mem_stgx"), None);
        assert_eq!(names.stem("nonsense_image_1_vm1"), "nonsense");
        assert_eq!(names.stem("nonsense_image"), "nonsense_image");
        assert_eq!(names.stem("_vm1"), "_vm1");
    }
}
