//! Every key that vthost knows, by topic: what it means, its default, which objects can have their own, when it is read,
//! what it does to the host, and what became of it.
//!
//! The table is what the manual, `vthost params`, the check of configurations and the policy are made of. A key that
//! [works](State::Works) is read somewhere; a test holds that, and that no key is read which is not here. Tests read
//! many more keys; those are theirs.

mod effect;
mod key;
mod kind;
mod names;
mod objects;

mod cdrom;
mod cpu;
mod devices;
mod disk;
mod dispatch;
mod display;
mod host;
mod image_life;
mod lifecycle;
mod machine;
mod memory;
mod migration;
mod monitor;
mod network;
mod old;
mod serial;
mod session;
mod storage;
mod transfer;

use std::collections::HashMap;
use std::sync::LazyLock;

pub(crate) use effect::grant_of;
pub use effect::{Effect, HostEffect, When, effects_of};
pub use key::{How, Key, Phase, State};
pub(crate) use kind::alternatives;
pub use kind::{Kind, Unit};
pub use names::Names;
pub use objects::{Object, Objects};

/// Keys that belong together.
#[derive(Debug)]
pub struct Topic {
    /// Its name: `image-life`.
    pub name: &'static str,
    /// Its heading.
    pub title: &'static str,
    /// Its keys, sorted by name.
    pub keys: &'static [Key],
}

const fn topic(name: &'static str, title: &'static str, keys: &'static [Key]) -> Topic {
    Topic { name, title, keys }
}

/// All keys.
pub const TOPICS: &[Topic] = &[
    topic(
        "dispatch",
        "Which test, and whether it runs",
        dispatch::KEYS,
    ),
    topic(
        "lifecycle",
        "Machines before and after a test",
        lifecycle::KEYS,
    ),
    topic("machine", "Machine and firmware", machine::KEYS),
    topic("cpu", "Processors", cpu::KEYS),
    topic("memory", "Memory", memory::KEYS),
    topic("disk", "Disks", disk::KEYS),
    topic("storage", "Where images lie", storage::KEYS),
    topic(
        "image-life",
        "Images before and after a test",
        image_life::KEYS,
    ),
    topic("cdrom", "CDs and floppies", cdrom::KEYS),
    topic("network", "Network", network::KEYS),
    topic("serial", "Serial ports and channels", serial::KEYS),
    topic("monitor", "Monitors", monitor::KEYS),
    topic("display", "Display, input, sound and USB", display::KEYS),
    topic("devices", "Other devices", devices::KEYS),
    topic("session", "Logging in", session::KEYS),
    topic("transfer", "Files to and from the guest", transfer::KEYS),
    topic("migration", "Migration", migration::KEYS),
    topic("host", "The host", host::KEYS),
    topic("old", "Old spellings", old::KEYS),
];

/// What is made of the tables once.
struct All {
    by_name: HashMap<&'static str, &'static Key>,
    /// The keys that the policy looks at, sorted by name.
    effects: Vec<&'static Key>,
    legacy: Vec<&'static Key>,
    /// The keys whose values are names of objects.
    lists: Vec<&'static Key>,
}

fn all() -> &'static All {
    static ALL: LazyLock<All> = LazyLock::new(|| {
        let mut effects: Vec<_> = keys().filter(|key| effect::is_looked_at(key)).collect();
        effects.sort_unstable_by_key(|key| key.name);
        All {
            by_name: keys().map(|key| (key.name, key)).collect(),
            effects,
            legacy: keys()
                .filter(|key| matches!(key.state, State::Legacy { .. }))
                .collect(),
            lists: keys()
                .filter(|key| matches!(key.kind, Kind::Names(_)))
                .collect(),
        }
    });
    &ALL
}

/// Every key, topic by topic.
pub fn keys() -> impl Iterator<Item = &'static Key> {
    TOPICS.iter().flat_map(|topic| topic.keys)
}

/// The keys that are old spellings.
pub fn legacy() -> impl Iterator<Item = &'static Key> {
    all().legacy.iter().copied()
}

/// The entry of exactly this name.
pub fn find_exact(name: &str) -> Option<&'static Key> {
    all().by_name.get(name).copied()
}

/// The entry of a key, also for the key of an object: `mem_vm1` finds `mem`. What stands behind the longest name that is
/// a key counts as names of objects, or as `_on_error`.
///
/// A key of the test that has an effect on the host is found with anything behind it, so that no policy misses it.
pub fn find(name: &str) -> Option<&'static Key> {
    let may_have_more = |key: &&Key| {
        !key.objects.is_empty() || key.effect.is_some() || matches!(key.state, State::Legacy { .. })
    };
    find_exact(name).or_else(|| {
        let stem = name.strip_suffix("_on_error").and_then(find_exact);
        stem.filter(|key| key.takes_on_error()).or_else(|| {
            name.match_indices('_')
                .rev()
                .find_map(|(at, _)| find_exact(&name[..at]).filter(may_have_more))
        })
    })
}

/// The topic of a key.
pub fn topic_of(key: &Key) -> Option<&'static Topic> {
    TOPICS
        .iter()
        .find(|topic| topic.keys.iter().any(|other| other.name == key.name))
}

/// Whether the value of a key, also of that of an object, is not for other programs and logs.
pub fn is_secret(name: &str) -> bool {
    find(name).is_some_and(|key| key.is_secret)
}

#[cfg(test)]
mod tests;
