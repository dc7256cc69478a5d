//! A complete combination to a variant: its parts merged, bounds looked at, suffixes written out, keys in order.

use std::sync::Arc;

use crate::apply::operand::MAX_MADE;
use crate::apply::program::{RESERVED, Rank};
use crate::apply::store::Value;
use crate::apply::suffix::{self, Shown};
use crate::apply::trace::{Change, Trace};
use crate::apply::values::{Item, Kept, Values};
use crate::apply::{Patterns, apply};
use crate::error::{Error, ErrorKind};
use crate::expand::Walk;
use crate::tree::Tree;
use crate::tree::bound::Bounding;
use crate::variant::{Body, Variant};

/// Makes variants; what it needs for one is used again for the next.
#[derive(Debug)]
pub(crate) struct Builder {
    values: Values,
    patterns: Patterns,
    /// For the list of the keys.
    table: Vec<Item>,
}

impl Builder {
    pub(crate) fn new(tree: &Tree) -> Self {
        Self {
            values: Values::new(tree),
            patterns: Patterns::default(),
            table: Vec::new(),
        }
    }

    /// The variant of the combination that `walk` has come to.
    pub(crate) fn variant<T: Trace>(
        &mut self,
        tree: &Arc<Tree>,
        walk: &Walk<'_>,
        trace: &mut T,
    ) -> Result<Variant, Error> {
        self.values.clear();
        let mut earlier = Vec::new();
        let mut body = Body::default();
        if let Some(joining) = walk.joining() {
            let mut parts: Vec<Kept> = Vec::new();
            let mut made = 0;
            walk.for_each_part(&mut |part| {
                self.part(part, trace)?;
                let kept = self.values.take();
                made += kept.size();
                if made > MAX_MADE {
                    let message =
                        format!("the values of one joined variant grow beyond {MAX_MADE} bytes");
                    return Err(joining.error(ErrorKind::Limit, message));
                }
                parts.push(kept);
                earlier.push(path(part));
                Ok(())
            })?;
            parts.into_iter().for_each(|part| self.values.put(part));
            body.path = earlier.pop().unwrap_or_default();
            body.earlier = earlier;
        } else {
            self.part(walk, trace)?;
            body.path = path(walk);
        }
        let others = self.write_out_suffixes(tree);
        self.items(tree, &mut body, others);
        let names = walk.names();
        body.name = names.name.as_str().into();
        body.short_name = names.short_name.as_str().into();
        let store = &self.values.store;
        body.made = store.made.as_slice().into();
        body.text = store.text.as_str().into();
        body.joined = store.joined.as_slice().into();
        Ok(Variant::new(Arc::clone(tree), body))
    }

    /// The keys of one walk, with their bounds.
    fn part<T: Trace>(&mut self, walk: &Walk<'_>, trace: &mut T) -> Result<(), Error> {
        check_dependencies(walk)?;
        apply(walk, &mut self.values, &mut self.patterns, trace)?;
        bound(walk.tree, &mut self.values, trace)
    }

    /// Gives the renamed keys the names they are shown with. A name that no statement ever used is no key of the tree:
    /// those come back.
    fn write_out_suffixes(&mut self, tree: &Tree) -> Vec<(String, Value)> {
        let mut others: Vec<(String, Value)> = Vec::new();
        if self.values.suffixed.is_empty() {
            return others;
        }
        for Shown { name, value, by } in suffix::shown(tree, &self.values) {
            if RESERVED.contains(&name.as_str()) {
                continue;
            }
            let known = tree.program().find(&name);
            let same_name = others.iter_mut().find(|(other, _)| *other == name);
            let old = match (known, &same_name) {
                (Some(key), _) => self.values.get(key),
                (None, Some((_, old))) => Some(*old),
                (None, None) => None,
            };
            let store = &mut self.values.store;
            let text = |value| store.text(tree.program(), value);
            // If two values of one name are the same text, everyone who wrote either has written it.
            let same = old.filter(|old| text(*old) == text(value));
            let value = match (same, by.as_slice()) {
                (None, []) => value,
                (same, by) => store.depending(tree, value, same, by),
            };
            match (known, same_name) {
                (Some(key), _) => self.values.set_plain(key, value),
                (None, Some((_, old))) => *old = value,
                (None, None) => others.push((name, value)),
            }
        }
        others
    }

    /// The keys that have a value, in order.
    fn items(&mut self, tree: &Tree, body: &mut Body, others: Vec<(String, Value)>) {
        let known = self.values.list_in(&mut self.table);
        if others.is_empty() {
            body.items = (&*known).into();
            return;
        }
        let mut items = known.to_vec();
        for (name, value) in others {
            items.push(Item::unknown(body.unknown.len(), value));
            body.unknown.push(name.into());
        }
        let (names, _) = tree.program().texts();
        items.sort_by(|a, b| a.key(names, &body.unknown).cmp(b.key(names, &body.unknown)));
        body.items = items.into();
    }
}

/// The choices of a walk, the outermost first.
fn path(walk: &Walk<'_>) -> Box<[u32]> {
    walk.path.iter().map(|(choice, _)| *choice).collect()
}

/// Bytes of the names that a variant depends on, all together.
const MAX_DEPENDENCIES: usize = 1 << 20;

/// Each name that a variant depends on starts with what stands before it in the name of the variant.
fn check_dependencies(walk: &Walk<'_>) -> Result<(), Error> {
    let tree = walk.tree;
    if tree.dependencies.is_empty() {
        return Ok(());
    }
    let mut size = 0;
    for (id, _) in &walk.path {
        let choice = tree.choice(*id);
        for dependency in choice.dependencies.items(&tree.dependencies) {
            size += walk.names().name.len() + dependency.len();
        }
        if size > MAX_DEPENDENCIES {
            let message = format!("dependencies make up more than {MAX_DEPENDENCIES} bytes");
            let span = tree.entry_span(choice.entry);
            return Err(Error::new(ErrorKind::Limit, &span, message));
        }
    }
    Ok(())
}

/// Lets `_max`, `_min` and `_fixed` keys bound the keys they belong to.
///
/// Every bound is compared with the value before any bound took effect; of several that take effect, the one whose key
/// got a value last wins. That is the order of the reference, and shipped configurations depend on it. Keys with a
/// suffix neither bound nor are bounded.
pub(crate) fn bound<T: Trace>(
    tree: &Tree,
    values: &mut Values,
    trace: &mut T,
) -> Result<(), Error> {
    let program = tree.program();
    let mut results: Vec<(Rank, Rank, Value)> = Vec::new();
    for key in values.bounding() {
        let Some((limit, base)) = program.limits[*key as usize] else {
            continue;
        };
        let Some(value) = values.get(*key) else {
            continue;
        };
        let bounding = |value: Value| Bounding {
            text: values.text(program, value),
            entry: values.store.entry(value),
        };
        let bounded = values.get(base).map(bounding);
        let replaces = limit
            .replaces(program.name(*key), bounding(value), bounded)
            .map_err(|fault| fault.error(tree))?;
        if replaces {
            results.push((base, *key, value));
        }
    }
    for (base, by, value) in results {
        values.set(program, base, value);
        trace.change(values, Change::Bounded { key: base, by });
    }
    Ok(())
}
