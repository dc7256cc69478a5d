//! How a key came to its value in one variant: the statements along its path are done once more, with someone watching.

use std::sync::Arc;

use crate::apply::leaf::bound;
use crate::apply::program::Rank;
use crate::apply::store::Value;
use crate::apply::trace::{Change, Trace};
use crate::apply::values::{Suffixed, Values};
use crate::apply::{Patterns, apply};
use crate::expand::Walk;
use crate::origin::{Origin, Place};
use crate::tree::{ChoiceId, EntryId, Tree};
use crate::variant::Variant;

/// One step on the way of a key to its value. See [`Variant::history`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What was done.
    pub action: Action,
    /// The value of the key after the step, if it has one.
    pub value: Option<Arc<str>>,
    /// What the step stands in, the outermost first: the chosen variants and the conditions that hold.
    pub within: Vec<Within>,
}

/// What a [`Step`] did to the key.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// A statement gave it the value; also `variants key:`.
    Set(Origin),
    /// A statement left it as it was: `~=` on a key with a value, `?=` on one without.
    Kept(Origin),
    /// `del key`
    Deleted(Origin),
    /// `suffix` renamed it: the text of the suffix, and the statement.
    Renamed(String, Origin),
    /// The value of a bound took the place of the value: the key of the bound (`mem_max`), and where that was set.
    Bounded(String, Origin),
}

/// What a statement stands in.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Within {
    /// The body of a chosen variant: its name as in the name of the variant, and where it stands.
    Variant(String, Place),
    /// The body of a condition that holds: its text, without the colon, and where it stands.
    Condition(String, Place),
}

impl Variant {
    /// How `key` came to its value, or to none: every statement on the way of this variant that set it, left it alone or
    /// took it away, in the order in which they were done.
    ///
    /// Nothing is known of `name`, `shortname` and `dep`: the expansion itself makes them.
    pub fn history(&self, key: &str) -> Vec<Step> {
        let tree = self.tree();
        let body = self.body();
        let paths = body.earlier.iter().chain([&body.path]);
        let mut steps = Vec::new();
        for path in paths {
            let walk = Walk::replay(tree, path);
            // First without a watch: a key with a suffix had another name before.
            let Some(target) = target(tree, &walk, key) else {
                continue;
            };
            let mut recorder = Recorder {
                tree,
                target,
                within: Vec::new(),
                before: None,
                renamed: false,
                steps: &mut steps,
            };
            run(&walk, &mut recorder);
        }
        steps
    }
}

/// Does all that is done for a walk. What can fail here has failed when the variant was made.
fn run<T: Trace>(walk: &Walk<'_>, trace: &mut T) -> Values {
    let mut values = Values::new(walk.tree);
    let done = apply(walk, &mut values, &mut Patterns::default(), trace);
    let _ = done.and_then(|()| bound(walk.tree, &mut values, trace));
    values
}

/// The key that is watched: its name without suffixes, and those that it gets.
struct Target {
    key: Rank,
    suffixes: Vec<u32>,
}

impl Target {
    /// Is it the key, with the suffixes that it has by now?
    fn is(&self, suffixed: &Suffixed) -> bool {
        suffixed.key == self.key && self.suffixes.starts_with(&suffixed.suffixes)
    }
}

fn target(tree: &Tree, walk: &Walk<'_>, key: &str) -> Option<Target> {
    let values = run(walk, &mut crate::apply::trace::Untraced);
    let rank = tree.program().find(key);
    let is_shown = |suffixed: &&Suffixed| suffixed.shown(tree) == key || Some(suffixed.key) == rank;
    let plain = rank.is_some_and(|rank| values.get(rank).is_some());
    match values.suffixed.iter().rev().find(is_shown) {
        Some(suffixed) if !plain || suffixed.shown(tree) == key => Some(Target {
            key: suffixed.key,
            suffixes: suffixed.suffixes.clone(),
        }),
        _ => Some(Target {
            key: rank?,
            suffixes: Vec::new(),
        }),
    }
}

enum Scope {
    Condition(u32),
    Choice(ChoiceId),
}

struct Recorder<'a> {
    tree: &'a Arc<Tree>,
    target: Target,
    within: Vec<Scope>,
    /// The value before the change.
    before: Option<Arc<str>>,
    /// Whether a suffix has renamed the key.
    renamed: bool,
    steps: &'a mut Vec<Step>,
}

impl Recorder<'_> {
    /// The value that the key has by now.
    fn value(&self, values: &Values) -> Option<Value> {
        let suffixed = values
            .suffixed
            .iter()
            .find(|suffixed| self.target.is(suffixed));
        match suffixed {
            Some(suffixed) => Some(suffixed.value),
            None => values.get(self.target.key),
        }
    }

    /// A statement that did not give the key its value.
    fn origin(&self, entry: EntryId) -> Origin {
        self.tree.origin(entry, &[])
    }

    /// A statement that gave the key its value, with those whose text is in it.
    fn origin_of_value(&self, values: &Values, entry: EntryId) -> Origin {
        let value = self.value(values);
        let joined = value.map_or(&[][..], |value| values.store.joined(value));
        self.tree.origin(entry, joined)
    }

    fn within(&self) -> Vec<Within> {
        let tree = self.tree;
        let scope = |scope: &Scope| match scope {
            Scope::Condition(at) => {
                let condition = tree.program().condition_at(*at)?;
                let span = tree.entry_span(tree.conditions[condition as usize].entry);
                let text = span.at.of(&span.file.text).to_owned();
                Some(Within::Condition(text, Place::new(span)))
            }
            Scope::Choice(choice) => {
                let choice = tree.choice(*choice);
                let labels = tree.labels_of(choice).iter();
                let names: Vec<&str> = labels.map(|(_, exact)| tree.labels.text(*exact)).collect();
                let place = Place::new(tree.entry_span(choice.entry));
                Some(Within::Variant(names.join("."), place))
            }
        };
        self.within.iter().filter_map(scope).collect()
    }
}

impl Trace for Recorder<'_> {
    fn enter_condition(&mut self, at: u32) {
        self.within.push(Scope::Condition(at));
    }

    fn enter_choice(&mut self, choice: ChoiceId) {
        self.within.push(Scope::Choice(choice));
    }

    fn leave(&mut self) {
        self.within.pop();
    }

    fn change(&mut self, values: &Values, change: Change) {
        let target = self.target.key;
        let action = match change {
            Change::Set { key, entry } if key == target => {
                Action::Set(self.origin_of_value(values, entry))
            }
            Change::Kept { key, entry } if key == target => Action::Kept(self.origin(entry)),
            Change::Deleted { key, entry } if key == target => Action::Deleted(self.origin(entry)),
            Change::Renamed { suffix, entry } if self.before.is_some() => {
                let text = self.tree.program().suffix(suffix).to_owned();
                Action::Renamed(text, self.origin(entry))
            }
            Change::Bounded { key, by } if key == target => {
                let program = self.tree.program();
                let entry = values.get(by).map(|value| values.store.entry(value));
                match entry {
                    Some(entry) => {
                        let origin = self.origin_of_value(values, entry);
                        Action::Bounded(program.name(by).to_owned(), origin)
                    }
                    None => return,
                }
            }
            _ => return,
        };
        let text = |value| values.text(self.tree.program(), value).into();
        let value = self.value(values).map(text);
        // A key with a suffix is not touched by what is done to the key without.
        let untouched = value == self.before && !matches!(action, Action::Renamed(..));
        if self.renamed && untouched {
            return;
        }
        self.renamed |= matches!(action, Action::Renamed(..));
        // Steps that leave the value as it was share it.
        let value = if untouched {
            self.before.clone()
        } else {
            value
        };
        self.before.clone_from(&value);
        let within = self.within();
        self.steps.push(Step {
            action,
            value,
            within,
        });
    }
}
