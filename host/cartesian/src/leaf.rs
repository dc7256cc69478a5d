//! A complete combination: its names and values, and how a variant is made of it.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::apply::{Applier, Slot, Suffixed, Values};
use crate::compile::RESERVED;
use crate::error::Error;
use crate::expand::Walk;
use crate::suffix;
use crate::tree::{Choice, Entry, KeyId, Tree};
use crate::variant::{Body, Variant};

/// A complete combination. Its values are in the [`Values`] it was built with, unless it was taken out to be joined.
pub(crate) struct Leaf<'t> {
    pub(crate) body: Body,
    /// The values of a combination that was taken out.
    pub(crate) kept: Option<Kept<'t>>,
}

/// Values that outlive the walk over their combination.
#[derive(Clone)]
pub(crate) struct Kept<'t> {
    pub(crate) plain: Vec<(KeyId, Slot<'t>)>,
    pub(crate) suffixed: Vec<Suffixed<'t>>,
}

/// Builds the combination that `walk` has just completed.
pub(crate) fn build<'t>(walk: &Walk<'t>, values: &mut Values<'t>) -> Result<Leaf<'t>, Error> {
    let tree = walk.tree;
    let body = names(walk);
    let path: Vec<&Choice> = walk.path.iter().map(|(choice, _)| *choice).collect();
    let [name, short_name, dep, ..] = RESERVED.map(|key| tree.keys.find(key));
    let quoted: Vec<String> = body.dep.iter().map(|name| format!("'{name}'")).collect();
    let reserved: Vec<(KeyId, String)> = [
        (name, body.name.clone()),
        (short_name, body.short_name.clone()),
        (dep, format!("[{}]", quoted.join(", "))),
    ]
    .into_iter()
    .filter_map(|(key, text)| Some((key?, text)))
    .collect();
    values.clear();
    let mut applier = Applier {
        tree,
        scope: &walk.scope,
        chosen: &walk.chosen,
        path: &path,
        reserved: &reserved,
        values,
        made: Cell::new(0),
    };
    applier.block(&tree.root)?;
    Ok(Leaf { body, kept: None })
}

fn names(walk: &Walk<'_>) -> Body {
    let mut body = Body::default();
    let labels = &walk.tree.labels;
    for (choice, before) in &walk.path {
        for dependency in &choice.dependencies {
            let mut full = String::new();
            for (_, exact) in &walk.scope.path()[..*before] {
                append(&mut full, labels.text(*exact));
            }
            append(&mut full, dependency);
            body.dep.push(full);
        }
        for (plain, exact) in &choice.labels {
            let (plain, exact) = (labels.text(*plain), labels.text(*exact));
            append(&mut body.name, exact);
            if !choice.hidden {
                append(&mut body.short_name, plain);
            }
            append(entry(&mut body.name_map, &choice.file), exact);
            append(entry(&mut body.short_name_map, &choice.file), plain);
        }
    }
    body
}

fn entry<'m>(map: &'m mut BTreeMap<String, String>, file: &str) -> &'m mut String {
    map.entry(file.to_owned()).or_default()
}

/// Appends one component of a name.
fn append(name: &mut String, component: &str) {
    if !name.is_empty() {
        name.push('.');
    }
    name.push_str(component);
}

impl<'t> Leaf<'t> {
    /// Takes the values out of `values`, so that another combination can be built.
    pub(crate) fn take_out(&mut self, values: &Values<'t>) -> &mut Kept<'t> {
        self.kept.get_or_insert_with(|| Kept {
            plain: values
                .plain()
                .map(|(key, slot)| (key, slot.clone()))
                .collect(),
            suffixed: values.suffixed.clone(),
        })
    }

    /// The variant: bounds looked at, suffixes written out, keys in order.
    pub(crate) fn finish(
        self,
        tree: &'t Tree,
        values: &mut Values<'t>,
        ranks: &[u32],
    ) -> Result<Variant, Error> {
        if let Some(kept) = self.kept {
            values.clear();
            for (key, slot) in kept.plain {
                values.set(key, slot);
            }
            values.suffixed = kept.suffixed;
        }
        let renamed = suffix::shown(tree, values);
        values.suffixed.clear();
        let mut others = Vec::new();
        for (name, entry) in renamed {
            // A name that no statement ever used cannot be bounded, and has no place among the keys.
            match tree.keys.find(&name) {
                Some(key) => values.set(key, Slot::Made(entry)),
                None => others.push((name, entry)),
            }
        }
        bound(tree, values)?;
        let mut keys: Vec<KeyId> = values.plain().map(|(key, _)| key).collect();
        keys.sort_unstable_by_key(|key| ranks[*key as usize]);
        let mut entries: Vec<(Arc<str>, Arc<Entry>)> = keys
            .into_iter()
            .filter_map(|key| {
                Some((
                    Arc::clone(tree.keys.text(key)),
                    Arc::clone(values.get(key)?),
                ))
            })
            .collect();
        if !others.is_empty() {
            entries.extend(others);
            entries.sort_by(|(a, _), (b, _)| a.cmp(b));
            entries.dedup_by(|(a, _), (b, _)| a == b);
        }
        Ok(Variant::new(Body {
            entries,
            ..self.body
        }))
    }
}

/// Lets `_max`, `_min` and `_fixed` keys bound the keys they belong to, in the order in which they got values.
fn bound(tree: &Tree, values: &mut Values<'_>) -> Result<(), Error> {
    let mut results = Vec::new();
    for (key, slot) in values.plain() {
        if let Some((limit, base)) = tree.limits[key as usize]
            && limit.replaces(
                tree.keys.text(key),
                slot.entry(),
                values.get(base).map(|value| &**value),
            )?
        {
            results.push((base, Arc::clone(slot.entry())));
        }
    }
    for (base, entry) in results {
        values.set(base, Slot::Made(entry));
    }
    Ok(())
}
