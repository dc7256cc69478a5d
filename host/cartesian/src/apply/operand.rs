//! The right side of an assignment: its references replaced, and what the operator makes of it and the old value.

use crate::apply::Applier;
use crate::apply::program::{Assign, Piece, Rank};
use crate::apply::store::Value;
use crate::apply::suffix::Shown;
use crate::apply::trace::Trace;
use crate::error::{Error, ErrorKind};
use crate::origin::Operator;
use crate::tree::EntryId;

/// Longest value. `k = ${k}${k}` doubles a value with every line.
const MAX_VALUE: usize = 1 << 20;
/// Bytes of all values made for one combination, those overwritten later and the notes of their origins too.
pub(crate) const MAX_MADE: usize = 1 << 26;

impl<'t, T: Trace> Applier<'_, 't, T> {
    /// The right side, made once, however many keys it is for.
    pub(super) fn operand(&mut self, assign: &'t Assign) -> Result<Value, Error> {
        let Some(template) = assign.template else {
            return Ok(Value::entry(assign.entry));
        };
        let text = self.values.store.text.len();
        let joined = self.values.store.joined.len();
        let program = self.program;
        let source = self.tree.syntax.text(self.tree.entry(assign.entry));
        for piece in program.pieces(template) {
            match *piece {
                Piece::Text(at) => self.values.store.text.push_str(at.of(source)),
                Piece::Key(key) => self.fill(assign.entry, joined, key),
            }
            self.bound(assign.entry, text)?;
        }
        Ok(self.values.store.finish(assign.entry, text, joined))
    }

    /// Appends the value of `key` to the text being made, and where it came from to the statements joined since `from`.
    fn fill(&mut self, entry: EntryId, from: usize, key: Rank) {
        let (tree, program) = (self.tree, self.program);
        if !self.values.suffixed.is_empty() {
            let renamed = super::suffix::find(tree, self.values, program.name(key));
            if let Some((last, others)) = renamed.split_last() {
                return self.fill_renamed(entry, from, last, others);
            }
        }
        let value = self.values.get(key);
        let store = &mut self.values.store;
        if let Some(value) = value {
            store.push_value(self.program, value);
            store.join_value(tree, entry, from, value);
            return;
        }
        match program.name(key) {
            "name" => store.text.push_str(&self.walk.names().name),
            "shortname" => store.text.push_str(&self.walk.names().short_name),
            "dep" => {
                let path = self.walk.path.iter().map(|(choice, _)| *choice);
                let names: Vec<String> = tree
                    .dependencies_of(path)
                    .iter()
                    .map(|name| format!("'{name}'"))
                    .collect();
                store.text.extend(["[", &names.join(", "), "]"]);
            }
            other => return store.text.extend(["${", other, "}"]),
        }
        for (choice, _) in &self.walk.path {
            store.join(tree, entry, from, tree.choice(*choice).entry);
        }
    }

    /// As [`Applier::fill`], for a name that suffixes gave to `last`, and to `others` before.
    fn fill_renamed(&mut self, entry: EntryId, from: usize, last: &Shown, others: &[Shown]) {
        let store = &mut self.values.store;
        let text = store.text(self.program, last.value).to_owned();
        store.text.push_str(&text);
        for shown in others.iter().chain([last]) {
            // Everyone who wrote the same text under this name has written it.
            if store.text(self.program, shown.value) != text {
                continue;
            }
            store.join_value(self.tree, entry, from, shown.value);
            for by in &shown.by {
                store.join(self.tree, entry, from, *by);
            }
        }
    }

    /// What the operator makes of the right side and the value there was.
    pub(super) fn combine(
        &mut self,
        assign: &'t Assign,
        operand: Value,
        old: Option<Value>,
    ) -> Result<Value, Error> {
        let (first, second) = match (assign.operator, old) {
            (Operator::Append | Operator::PatternAppend, Some(old)) => (old, operand),
            (Operator::Prepend | Operator::PatternPrepend, Some(old)) => (operand, old),
            _ => return Ok(operand),
        };
        let store = &mut self.values.store;
        let (text, joined) = (store.text.len(), store.joined.len());
        for value in [first, second] {
            store.push_value(self.program, value);
        }
        // First what the right side took, then the value it was added to.
        for value in [Some(operand), old].into_iter().flatten() {
            store.join_value(self.tree, assign.entry, joined, value);
        }
        let value = store.finish(assign.entry, text, joined);
        self.bound(assign.entry, text)?;
        Ok(value)
    }

    /// An error if the text made since `from`, or all that was made, is too long.
    fn bound(&self, entry: EntryId, from: usize) -> Result<(), Error> {
        let store = &self.values.store;
        for (size, limit, what) in [
            (store.text.len() - from, MAX_VALUE, "the value grows"),
            (store.size(), MAX_MADE, "the values of one variant grow"),
        ] {
            if size > limit {
                let message = format!("{what} beyond {limit} bytes");
                let span = self.tree.entry_span(entry);
                return Err(Error::new(ErrorKind::Limit, &span, message));
            }
        }
        Ok(())
    }
}
