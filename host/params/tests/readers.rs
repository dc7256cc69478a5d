//! What the sources of the host read, compared with the registry: a key that is read and not there is one that nobody
//! can find, and a key that is there and not read is a promise that nobody keeps.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use regex::Regex;
use vthost_params::registry::{self, Kind, State};

/// The crates whose sources read parameters, as directories beside that of this one.
const READERS: &[&str] = &["env", "job", "sandbox", "vthost"];

/// Packs read through the one, and the tests that vthost brings are the other.
const PACKS: [&str; 2] = ["../sdk-rust", "../providers-wasm/tp-qemu"];

/// The sources of a crate without their tests.
fn sources(dir: &Path, found: &mut Vec<(PathBuf, String)>) {
    let mut entries: Vec<_> = std::fs::read_dir(dir)
        .unwrap()
        .map(Result::unwrap)
        .collect();
    entries.sort_by_key(std::fs::DirEntry::path);
    for entry in entries {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
            if stem == "tests" || stem.ends_with("_tests") {
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            let text = text.split("#[cfg(test)]").next().unwrap_or_default();
            found.push((path, text.to_owned()));
        }
    }
}

fn all_sources(crates: impl IntoIterator<Item = &'static str>) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for name in crates {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("..")
            .join(name)
            .join("src");
        sources(&dir, &mut found);
    }
    found
}

/// A place where a literal key is given to a getter.
struct Reader {
    key: String,
    /// `number`; empty for a getter of texts.
    getter: String,
    place: String,
}

fn readers(sources: &[(PathBuf, String)]) -> Vec<Reader> {
    let key = r#"\s*"(?<key>[A-Za-z0-9_-]+)""#;
    let patterns = [
        // Getters that nothing else has.
        format!(
            r"\.(?<getter>flag|number|number_in|seconds|objects|size|word|names|regex|mac)(?:::<[^>(]*>)?\({key}"
        ),
        format!(r"\.(?<getter>)(?:require|get_or|invalid|invalid_word)\({key}"),
        // Getters that maps have, too.
        format!(r"\b(?:params|view|variant)(?:\(\))?\s*\.(?<getter>)(?:get|origin)\({key}"),
        // Functions that are given the parameters and a key.
        format!(r"\(\s*&?(?:self\.)?(?<getter>)(?:params|view),{key}"),
    ];
    let patterns = patterns.map(|pattern| Regex::new(&pattern).unwrap());
    let mut found = Vec::new();
    for (path, text) in sources {
        for at in patterns
            .iter()
            .flat_map(|pattern| pattern.captures_iter(text))
        {
            let line = text[..at.name("key").unwrap().start()].lines().count();
            found.push(Reader {
                key: at["key"].to_owned(),
                getter: at["getter"].to_owned(),
                place: format!("{}:{line}", path.display()),
            });
        }
    }
    found
}

/// Whether a getter reads what the registry says that the value is.
fn fits(getter: &str, kind: Kind) -> bool {
    match getter {
        "" => true,
        "flag" => kind == Kind::Flag,
        "number" | "number_in" => matches!(kind, Kind::Number { .. }),
        "seconds" => kind == Kind::Seconds,
        "size" => matches!(kind, Kind::Size(_)),
        "word" => matches!(kind, Kind::Word(_)),
        "names" => matches!(kind, Kind::Names(_)),
        "objects" => matches!(kind, Kind::Names(_) | Kind::List),
        "regex" => kind == Kind::Regex,
        "mac" => kind == Kind::Mac,
        _ => false,
    }
}

#[test]
fn every_key_that_is_read_is_in_the_registry() {
    let readers = readers(&all_sources(READERS.iter().copied()));
    assert!(
        readers.len() > 50,
        "only {} readers are found",
        readers.len()
    );
    let wrong = readers.iter().filter_map(|Reader { key, getter, place }| {
        let Some(known) = registry::find_exact(key) else {
            return Some(format!(
                "`{key}` is not in the registry: add it to the file of its topic in host/params/src/registry/ ({place})"
            ));
        };
        match known.state {
            State::Works if fits(getter, known.kind) => None,
            State::Works => Some(format!(
                "`{key}` is read by `{getter}`, and is {} in the registry: change one of them ({place})",
                known.kind.describe()
            )),
            State::Legacy { to, .. } => {
                Some(format!("`{key}` is an old spelling: read `{to}` ({place})"))
            }
            state => Some(format!(
                "`{key}` is {state:?} in the registry and is read: say there that it works ({place})"
            )),
        }
    });
    let wrong: BTreeSet<String> = wrong.collect();
    let wrong: Vec<String> = wrong.into_iter().collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// What the sources have in quotation marks: whole keys, and the parts of those that they put together.
#[derive(Default)]
struct Texts {
    /// All of them.
    whole: BTreeSet<String>,
    /// `guest_port` of `"guest_port_{name}"`.
    heads: BTreeSet<String>,
    /// `timeout` of `"{key}_timeout"`.
    tails: BTreeSet<String>,
    /// `backend_mem`, if a source has `.object("mem")` and `"backend"`.
    of_objects: BTreeSet<String>,
}

impl Texts {
    fn of(sources: &[(PathBuf, String)]) -> Self {
        let text = Regex::new(r#""([A-Za-z0-9_-]+)""#).unwrap();
        let head = Regex::new(r#""([A-Za-z0-9_-]+)_\{\w*\}""#).unwrap();
        let tail = Regex::new(r#""\{\w*\}_([A-Za-z0-9_-]+)""#).unwrap();
        let object = Regex::new(r#"\.object\("([A-Za-z0-9_-]+)"\)"#).unwrap();
        let mut found = Self::default();
        for (_, source) in sources {
            let all = |pattern: &Regex| -> Vec<String> {
                let found = pattern.captures_iter(source);
                found.map(|found| found[1].to_owned()).collect()
            };
            let texts = all(&text);
            for name in all(&object) {
                let keys = texts.iter().map(|key| format!("{key}_{name}"));
                found.of_objects.extend(keys);
            }
            found.heads.extend(all(&head));
            found.tails.extend(all(&tail));
            found.whole.extend(texts);
        }
        found
    }

    /// Whether a key is among them, however it is read.
    fn mention(&self, key: &str) -> bool {
        let is_put_together = || {
            key.match_indices('_').any(|(at, _)| {
                self.whole.contains(&key[..at]) && self.tails.contains(&key[at + 1..])
            })
        };
        self.whole.contains(key)
            || self.heads.contains(key)
            || self.of_objects.contains(key)
            || is_put_together()
    }
}

#[test]
fn every_key_that_works_is_read() {
    let texts = Texts::of(&all_sources(READERS.iter().copied().chain(PACKS)));
    let works = registry::keys().filter(|key| key.state == State::Works);
    let unread: Vec<&str> = works
        .map(|key| key.name)
        .filter(|key| !texts.mention(key))
        .collect();
    assert!(
        unread.is_empty(),
        "nothing reads {unread:?}: say in the registry that vthost does not do it yet, or ignores it"
    );
}

#[test]
fn a_key_that_is_put_together_is_found() {
    let source = r#"run("pre_command"); get("{key}_timeout"); get("guest_port_{name}"); of.object("mem").get("backend")"#;
    let texts = Texts::of(&[(PathBuf::new(), source.to_owned())]);
    for key in [
        "pre_command",
        "pre_command_timeout",
        "guest_port",
        "backend_mem",
    ] {
        assert!(texts.mention(key), "{key}");
    }
    for key in ["timeout", "post_command_timeout", "backend", "guest"] {
        assert_eq!(texts.mention(key), key == "backend", "{key}");
    }
}
