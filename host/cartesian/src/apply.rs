//! The keys of one combination: the statements along its path, done in the order of the text.

use std::cell::Cell;
use std::sync::Arc;

use crate::error::{Error, ErrorKind};
use crate::origin::{Operator, Origin};
use crate::scope::Scope;
use crate::tree::{Action, Assign, Block, Choice, Entry, KeyId, Part, Piece, Target, Tree};

/// Longest value. `k = ${k}${k}` doubles a value with every line.
const MAX_VALUE: usize = 1 << 20;
/// Bytes of all values made for one combination, those overwritten later too.
const MAX_MADE: usize = 1 << 26;

/// A value: as the tree holds it, or made for this combination.
#[derive(Debug, Clone)]
pub(crate) enum Slot<'t> {
    Fixed(&'t Arc<Entry>),
    Made(Arc<Entry>),
}

impl Slot<'_> {
    pub(crate) fn entry(&self) -> &Arc<Entry> {
        match self {
            Self::Fixed(entry) => entry,
            Self::Made(entry) => entry,
        }
    }
}

/// A key that a `suffix` renamed: the suffixes in the order they were applied.
#[derive(Debug, Clone)]
pub(crate) struct Suffixed<'t> {
    pub(crate) key: KeyId,
    pub(crate) suffixes: Vec<Arc<str>>,
    pub(crate) slot: Slot<'t>,
}

impl Suffixed<'_> {
    /// The name as it is shown: the last suffix applied comes first.
    pub(crate) fn shown(&self, tree: &Tree) -> String {
        let mut name = tree.keys.text(self.key).to_string();
        name.extend(self.suffixes.iter().rev().map(|suffix| &**suffix));
        name
    }
}

/// The values of one combination.
#[derive(Debug, Clone)]
pub(crate) struct Values<'t> {
    /// By key.
    slots: Vec<Option<Slot<'t>>>,
    /// The keys that have a value, in the order in which they got one; a renamed key keeps its place.
    touched: Vec<KeyId>,
    was_touched: Vec<bool>,
    pub(crate) suffixed: Vec<Suffixed<'t>>,
}

impl<'t> Values<'t> {
    pub(crate) fn new(keys: usize) -> Self {
        Self {
            slots: vec![None; keys],
            touched: Vec::new(),
            was_touched: vec![false; keys],
            suffixed: Vec::new(),
        }
    }

    pub(crate) fn clear(&mut self) {
        for key in self.touched.drain(..) {
            self.slots[key as usize] = None;
            self.was_touched[key as usize] = false;
        }
        self.suffixed.clear();
    }

    pub(crate) fn get(&self, key: KeyId) -> Option<&Arc<Entry>> {
        self.slots[key as usize].as_ref().map(Slot::entry)
    }

    pub(crate) fn set(&mut self, key: KeyId, slot: Slot<'t>) {
        if !std::mem::replace(&mut self.was_touched[key as usize], true) {
            self.touched.push(key);
        }
        self.slots[key as usize] = Some(slot);
    }

    fn delete(&mut self, key: KeyId) {
        if self.slots[key as usize].take().is_some() {
            self.touched.retain(|touched| *touched != key);
            self.was_touched[key as usize] = false;
        }
    }

    /// The keys without a suffix, in the order in which they got a value.
    pub(crate) fn plain(&self) -> impl Iterator<Item = (KeyId, &Slot<'t>)> {
        self.touched
            .iter()
            .filter_map(|key| Some((*key, self.slots[*key as usize].as_ref()?)))
    }

    fn rename_all(&mut self, suffix: &Arc<str>) {
        for suffixed in &mut self.suffixed {
            suffixed.suffixes.push(Arc::clone(suffix));
        }
        for key in &self.touched {
            if let Some(slot) = self.slots[*key as usize].take() {
                self.suffixed.push(Suffixed {
                    key: *key,
                    suffixes: vec![Arc::clone(suffix)],
                    slot,
                });
            }
        }
    }
}

/// What the statements of one combination may look at.
pub(crate) struct Applier<'a, 't> {
    pub(crate) tree: &'t Tree,
    pub(crate) scope: &'a Scope,
    /// For each fork, the index of the choice taken.
    pub(crate) chosen: &'a [usize],
    /// The choices taken, for `${name}`.
    pub(crate) path: &'a [&'t Choice],
    /// Values of the keys that the expansion itself sets, as `${}` sees them.
    pub(crate) reserved: &'a [(KeyId, String)],
    pub(crate) values: &'a mut Values<'t>,
    /// Bytes of the values made so far.
    pub(crate) made: Cell<usize>,
}

impl<'t> Applier<'_, 't> {
    /// Does everything in `block` and in the variants chosen in it.
    pub(crate) fn block(&mut self, block: &'t Block) -> Result<(), Error> {
        for part in &block.parts {
            match part {
                Part::Actions(actions) => self.actions(actions)?,
                Part::Fork(index) => {
                    let fork = &block.forks[*index];
                    let choice = &fork.choices[self.chosen[fork.id]];
                    if let Some((key, entry)) = &choice.assigns {
                        self.values.set(*key, Slot::Fixed(entry));
                    }
                    self.block(&choice.body)?;
                }
            }
        }
        if let Some(suffix) = &block.suffix {
            self.values.rename_all(suffix);
        }
        Ok(())
    }

    fn actions(&mut self, actions: &'t [Action]) -> Result<(), Error> {
        for action in actions {
            match action {
                Action::Assign(assign) => self.assign(assign)?,
                Action::Delete(key) => self.values.delete(*key),
                Action::When {
                    negated,
                    filter,
                    body,
                } => {
                    if self.scope.matches(filter) != *negated {
                        self.actions(body)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn assign(&mut self, assign: &'t Assign) -> Result<(), Error> {
        let key = match &assign.target {
            Target::Key(key) => *key,
            Target::Pattern(regex) => {
                return self.assign_matching(assign, |name| regex.is_match(name));
            }
        };
        match assign.operator {
            Operator::PatternSet | Operator::PatternAppend | Operator::PatternPrepend
                if !self.values.suffixed.is_empty() =>
            {
                let wanted: &str = self.tree.keys.text(key);
                return self.assign_matching(assign, |name| name == wanted);
            }
            Operator::PatternSet | Operator::PatternAppend | Operator::PatternPrepend
                if self.values.get(key).is_none() => {}
            Operator::SetDefault if self.values.get(key).is_some() => {}
            _ => {
                let slot = self.result(assign, self.values.get(key))?;
                self.values.set(key, slot);
            }
        }
        Ok(())
    }

    /// Assigns to every key that has a value and a name that matches.
    fn assign_matching(
        &mut self,
        assign: &'t Assign,
        matches: impl Fn(&str) -> bool,
    ) -> Result<(), Error> {
        for at in 0..self.values.touched.len() {
            let key = self.values.touched[at];
            if let Some(old) = self.values.get(key)
                && matches(self.tree.keys.text(key))
            {
                let slot = self.result(assign, Some(old))?;
                self.values.set(key, slot);
            }
        }
        for at in 0..self.values.suffixed.len() {
            let suffixed = &self.values.suffixed[at];
            if matches(&suffixed.shown(self.tree)) {
                let slot = self.result(assign, Some(suffixed.slot.entry()))?;
                self.values.suffixed[at].slot = slot;
            }
        }
        Ok(())
    }

    /// The new value of a key whose value is `old`.
    fn result(&self, assign: &'t Assign, old: Option<&Arc<Entry>>) -> Result<Slot<'t>, Error> {
        let mut joined = Vec::new();
        let filled = assign
            .template
            .as_ref()
            .map(|pieces| self.fill(pieces, &mut joined));
        let text = filled.as_deref().unwrap_or(&assign.entry.text);
        let old = match assign.operator {
            Operator::Append
            | Operator::Prepend
            | Operator::PatternAppend
            | Operator::PatternPrepend => old,
            _ => None,
        };
        let whole = match (old, assign.operator) {
            (None, _) if filled.is_none() => return Ok(Slot::Fixed(&assign.entry)),
            (None, _) => text.to_owned(),
            (Some(old), Operator::Append | Operator::PatternAppend) => {
                format!("{}{text}", old.text)
            }
            (Some(old), _) => format!("{text}{}", old.text),
        };
        let origin = &assign.entry.origin;
        self.made.set(self.made.get().saturating_add(whole.len()));
        for (size, limit, what) in [
            (whole.len(), MAX_VALUE, "the value grows"),
            (self.made.get(), MAX_MADE, "the values of one variant grow"),
        ] {
            if size > limit {
                let message = format!("{what} beyond {limit} bytes");
                return Err(Error::new(ErrorKind::Limit, origin.span(), message));
            }
        }
        joined.extend(old.map(|old| old.origin.clone()));
        Ok(Slot::Made(Arc::new(Entry {
            text: whole,
            origin: origin.join(&joined),
        })))
    }

    /// The text of a value with its references replaced; the origins of what it took go to `joined`.
    fn fill(&self, pieces: &[Piece], joined: &mut Vec<Origin>) -> String {
        let mut out = String::new();
        for piece in pieces {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Key(key) => {
                    if let Some((_, text)) =
                        self.reserved.iter().find(|(reserved, _)| reserved == key)
                    {
                        out.push_str(text);
                        joined.extend(self.path.iter().map(|choice| choice.origin.clone()));
                    } else if let Some(entry) = self.values.get(*key) {
                        out.push_str(&entry.text);
                        joined.push(entry.origin.clone());
                    } else if let Some(entry) = crate::suffix::find(self.tree, self.values, *key) {
                        out.push_str(&entry.text);
                        joined.push(entry.origin.clone());
                    } else {
                        out.extend(["${", self.tree.keys.text(*key), "}"]);
                    }
                    // The error comes where the value is complete; until then it must not grow without end.
                    if out.len() > MAX_VALUE {
                        return out;
                    }
                }
            }
        }
        out
    }
}
