//! What is in a tree: every path with its kind and content.

use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt;

use serde::{Deserialize, Serialize};

use super::{file_digest, word};
use crate::transfer::names::{checked, shown};
use crate::transfer::source::{Item, Plan};
use crate::transfer::{Carrier, TransferFault};

/// A command may be so long that it does not strain the guest's shell.
const COMMAND: usize = 4096;

/// The entries of a tree by their path below its top.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Manifest(BTreeMap<String, Entry>);

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Entry {
    Directory,
    File { mode: Option<u32>, sha256: String },
    Link { target: String },
}

impl Manifest {
    /// The manifest of what a plan would send.
    pub(super) fn of(plan: &Plan) -> Result<Self, TransferFault> {
        let mut entries = BTreeMap::new();
        for (path, item) in located(plan)? {
            let entry = match item {
                Item::Enter { .. } => Entry::Directory,
                Item::File {
                    path: file, stat, ..
                } => Entry::File {
                    mode: stat.mode,
                    sha256: file_digest(file).map_err(TransferFault::local("read", file))?,
                },
                Item::Link { target, .. } => Entry::Link {
                    target: text(target.as_bytes())?,
                },
                Item::Leave => continue,
            };
            entries.insert(path, entry);
        }
        Ok(Self(entries))
    }

    pub(super) fn to_text(&self) -> String {
        // A map of text and numbers can always be written.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// A manifest from a guest: `None` unless it is one, with paths that stay below the top.
    pub(super) fn from_text(text: &str) -> Option<Self> {
        let manifest: Self = serde_json::from_str(text).ok()?;
        let paths = manifest.0.keys();
        let mut components = paths.flat_map(|path| path.split('/'));
        components
            .all(|component| checked(component.as_bytes()).is_ok())
            .then_some(manifest)
    }

    /// The commands that remove what is in this tree and not, or not of the same kind, in the new one; for a shell in its top
    /// directory. A directory with something else in it, made by a build, stays.
    pub(super) fn removals(&self, new: &Self) -> Vec<String> {
        let kind = std::mem::discriminant::<Entry>;
        let gone = self.0.iter().filter(|(path, entry)| {
            let now = new.0.get(*path);
            now.is_none_or(|now| kind(now) != kind(entry))
        });
        let (directories, files): (Vec<_>, Vec<_>) =
            gone.partition(|(_, entry)| **entry == Entry::Directory);
        let mut commands = Vec::new();
        let words = |entries: Vec<(&String, &Entry)>| -> Vec<String> {
            let paths = entries.into_iter().rev();
            paths.map(|(path, _)| word(&format!("./{path}"))).collect()
        };
        gather(&mut commands, "rm -f", "", words(files));
        // The deepest ones come first.
        gather(
            &mut commands,
            "rmdir",
            " 2>/dev/null || :",
            words(directories),
        );
        commands
    }

    /// Leaves in a plan what differs from this tree, which is the guest's, with the directories on the way to it.
    pub(super) fn keep_changes(&self, plan: &mut Plan, new: &Self) {
        let changed = |path: &str| self.0.get(path) != new.0.get(path);
        let Ok(paths) = located(plan) else {
            return;
        };
        let paths: Vec<String> = paths.into_iter().map(|(path, _)| path).collect();
        let mut kept = Vec::with_capacity(plan.items.len());
        // Whether anything was kept since each open directory was entered, and where that was.
        let mut open: Vec<(usize, bool)> = Vec::new();
        for (item, path) in std::mem::take(&mut plan.items).into_iter().zip(paths) {
            match item {
                Item::Enter { .. } => {
                    open.push((kept.len(), changed(&path)));
                    kept.push(item);
                }
                Item::Leave => {
                    let Some((start, needed)) = open.pop() else {
                        continue;
                    };
                    if needed {
                        kept.push(item);
                        if let Some((_, parent)) = open.last_mut() {
                            *parent = true;
                        }
                    } else {
                        kept.truncate(start);
                    }
                }
                Item::File { .. } | Item::Link { .. } if changed(&path) => {
                    kept.push(item);
                    if let Some((_, needed)) = open.last_mut() {
                        *needed = true;
                    }
                }
                Item::File { .. } | Item::Link { .. } => {}
            }
        }
        plan.items = kept;
    }
}

/// The items of a plan with their paths; a `Leave` has that of its directory.
fn located(plan: &Plan) -> Result<Vec<(String, &Item)>, TransferFault> {
    let mut here: Vec<String> = Vec::new();
    let mut all = Vec::with_capacity(plan.items.len());
    for item in &plan.items {
        match item {
            Item::Enter { name, .. } => {
                here.push(text(name.as_bytes())?);
                all.push((here.join("/"), item));
            }
            Item::Leave => {
                all.push((here.join("/"), item));
                here.pop();
            }
            Item::File { name, .. } | Item::Link { name, .. } => {
                here.push(text(name.as_bytes())?);
                all.push((here.join("/"), item));
                here.pop();
            }
        }
    }
    Ok(all)
}

fn text(name: &[u8]) -> Result<String, TransferFault> {
    match std::str::from_utf8(name) {
        Ok(name) => Ok(name.to_owned()),
        Err(_) => Err(TransferFault::Unnameable {
            carrier: Carrier::Sftp,
            name: shown(name),
            reason: "a program's files need names of valid UTF-8",
        }),
    }
}

/// Appends as few commands as take all words.
fn gather(commands: &mut Vec<String>, program: &str, end: &str, words: Vec<String>) {
    let mut command = String::new();
    for word in words {
        if command.len() + word.len() > COMMAND {
            commands.push(std::mem::take(&mut command) + end);
        }
        if command.is_empty() {
            command.push_str(program);
        }
        command.push(' ');
        command.push_str(&word);
    }
    if !command.is_empty() {
        commands.push(command + end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(entries: &[(&str, &str)]) -> Manifest {
        let entry = |content: &str| match content {
            "" => Entry::Directory,
            content => Entry::File {
                mode: Some(0o644),
                sha256: content.to_owned(),
            },
        };
        Manifest(
            entries
                .iter()
                .map(|(path, content)| ((*path).to_owned(), entry(content)))
                .collect(),
        )
    }

    #[test]
    fn what_is_gone_is_removed() {
        let old = manifest(&[
            ("a", "1"),
            ("d", ""),
            ("d/e", ""),
            ("d/e/f", "2"),
            ("k", ""),
        ]);
        let new = manifest(&[("a", "3"), ("k", "4")]);
        assert_eq!(
            old.removals(&new),
            [
                "rm -f './d/e/f'",
                "rmdir './k' './d/e' './d' 2>/dev/null || :"
            ]
        );
        let names: Vec<String> = (0..100)
            .map(|i| format!("{i}{}", "x'".repeat(100)))
            .collect();
        let many: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "1")).collect();
        let commands = manifest(&many).removals(&Manifest::default());
        assert!(commands.len() > 5);
        assert!(commands.iter().all(|c| c.starts_with("rm -f './")));
    }

    #[test]
    fn manifests_of_a_guest() {
        let good = manifest(&[("a", "1"), ("d", ""), ("d/ü", "2")]);
        assert_eq!(Manifest::from_text(&good.to_text()), Some(good));
        for bad in [
            "",
            "null",
            "{\"a\": 5}",
            "{\"../a\": \"directory\"}",
            "{\"/a\": \"directory\"}",
            "{\"a//b\": \"directory\"}",
        ] {
            assert_eq!(Manifest::from_text(bad), None, "{bad}");
        }
    }
}
