//! Which keys are set anywhere, and what asks for others.

use std::collections::BTreeSet;

use crate::apply::program::RESERVED;
use crate::lint::finding::Findings;
use crate::lint::rule::Rule;
use crate::lint::similar;
use crate::origin::Operator;
use crate::syntax::{Kind, Syntax};
use crate::text::lex::is_word;
use crate::text::reference::references;
use crate::tree::bound::Limit;

/// The keys that a configuration sets somewhere.
pub(super) struct Keys<'s> {
    set: BTreeSet<&'s str>,
    /// The texts of all `suffix`.
    suffixes: BTreeSet<&'s str>,
}

impl<'s> Keys<'s> {
    pub(super) fn new(syntax: &'s Syntax) -> Self {
        let mut keys = Self {
            set: BTreeSet::from(RESERVED),
            suffixes: BTreeSet::new(),
        };
        for stmt in &syntax.stmts {
            let text = syntax.text(stmt);
            match stmt.kind {
                // The operators that take a pattern only change keys that are set already.
                Kind::Assign {
                    operator:
                        Operator::Set | Operator::Append | Operator::Prepend | Operator::SetDefault,
                    ..
                } => keys.add(stmt.at.of(text)),
                Kind::Variants { name: Some(name) } => keys.add(name.of(text)),
                Kind::Suffix => {
                    keys.suffixes.insert(stmt.at.of(text));
                }
                _ => {}
            }
        }
        keys
    }

    fn add(&mut self, key: &'s str) {
        self.set.insert(key);
        // A bound sets the key it bounds, if nothing else does.
        if let Some((_, base)) = Limit::of(key) {
            self.set.insert(base);
        }
    }

    /// Does any variant rename keys?
    pub(super) fn are_renamed(&self) -> bool {
        !self.suffixes.is_empty()
    }

    /// May a key of this name have a value? Any key with the ending of a `suffix` may, as far as this goes.
    fn may_be_set(&self, key: &str) -> bool {
        self.set.contains(key) || self.suffixes.iter().any(|suffix| key.ends_with(suffix))
    }

    pub(super) fn check_references(&self, syntax: &Syntax, findings: &mut Findings<'_>) {
        for stmt in &syntax.stmts {
            let Kind::Assign { value, .. } = stmt.kind else {
                continue;
            };
            for (at, key) in references(syntax.text(stmt), value) {
                // `${x:-y}` and `${#x}` are meant for a shell.
                let is_plain = key.chars().all(|c| is_word(c) || c == '.');
                if is_plain && !self.may_be_set(key) {
                    let message =
                        format!("`{key}` is set nowhere, so that `${{{key}}}` stays as it is");
                    findings
                        .add_once(Rule::UndefinedReference, stmt, at, message, key)
                        .suggest(&self.similar(key));
                }
            }
        }
    }

    pub(super) fn check_deletions(&self, syntax: &Syntax, findings: &mut Findings<'_>) {
        let deletions = syntax
            .stmts
            .iter()
            .filter(|stmt| matches!(stmt.kind, Kind::Delete));
        for stmt in deletions {
            let key = stmt.at.of(syntax.text(stmt));
            if !self.may_be_set(key) {
                let message = format!("`{key}` is set nowhere, so that there is nothing to delete");
                findings
                    .add_once(Rule::UselessDel, stmt, stmt.at, message, key)
                    .suggest(&self.similar(key));
            }
        }
    }

    /// The keys that look like this one.
    fn similar(&self, key: &str) -> Vec<String> {
        let keys = self.set.iter().copied();
        similar(key, keys.filter(|key| !RESERVED.contains(key)))
    }
}
