//! Values that are replaced before anything can see them.
//!
//! Statements are gone through backwards, the last one first, with the keys in mind that are certainly set again from
//! there on without being looked at before. `key = value` of such a key does nothing.

use std::collections::HashMap;
use std::sync::Arc;

use crate::apply::program::RESERVED;
use crate::lint::filters::place_of;
use crate::lint::finding::Findings;
use crate::lint::keys::Keys;
use crate::lint::rule::Rule;
use crate::origin::Operator;
use crate::syntax::{Kind, Stmt, Syntax};
use crate::text::reference::references;
use crate::text::span::Extent;
use crate::tree::bound::Limit;

const RULE: Rule = Rule::OverriddenAssignment;

/// So many times a key is held against a pattern, a suffix or a reference; past that, nothing more is told.
const MAX_WORK: usize = 5_000_000;

pub(super) fn check(syntax: &Syntax, keys: &Keys<'_>, findings: &mut Findings<'_>) {
    let mut walk = Walk {
        syntax,
        findings,
        are_renamed: keys.are_renamed(),
        next: HashMap::new(),
        changes: Vec::new(),
        work: 0,
    };
    walk.body(0, syntax.stmts.len());
}

struct Walk<'a, 'f> {
    syntax: &'a Syntax,
    findings: &'a mut Findings<'f>,
    /// A `suffix` renames keys somewhere.
    are_renamed: bool,
    /// The keys that are set again, each with the statement that does.
    next: HashMap<&'a str, usize>,
    /// What `next` held before each change of it.
    changes: Vec<(&'a str, Option<usize>)>,
    /// Keys that patterns, suffixes and references were held against.
    work: usize,
}

impl<'a> Walk<'a, '_> {
    fn body(&mut self, start: usize, end: usize) {
        let syntax = self.syntax;
        let stmts: Vec<(usize, &Stmt)> = syntax.children(start, end).collect();
        // It renames what is set when the body ends, wherever it stands: what was set stays, under another name.
        if stmts
            .iter()
            .any(|(_, stmt)| matches!(stmt.kind, Kind::Suffix))
        {
            self.forget_if(|_| true);
        }
        for (at, stmt) in stmts.into_iter().rev() {
            self.stmt(at, stmt);
        }
    }

    fn stmt(&mut self, at: usize, stmt: &'a Stmt) {
        if self.work > MAX_WORK {
            return;
        }
        let text = self.syntax.text(stmt);
        match stmt.kind {
            Kind::Assign {
                operator,
                value,
                pattern,
            } => {
                let key = stmt.at.of(text);
                match (operator, pattern) {
                    // Nothing is done with these.
                    (_, None) if RESERVED.contains(&key) => return,
                    (Operator::Set, _) => {
                        // The first assignment of a bound decides when it is looked at.
                        if let Some(by) = self.next.get(key).filter(|_| Limit::of(key).is_none()) {
                            self.tell(stmt, *by);
                        }
                        self.change(key, Some(at));
                    }
                    (_, Some(pattern)) => {
                        let pattern = &self.syntax.patterns[pattern as usize];
                        self.forget_if(|key| pattern.is_match(key));
                    }
                    (_, None) => self.change(key, None),
                }
                self.read(text, value);
            }
            Kind::Delete => {
                let key = stmt.at.of(text);
                if !RESERVED.contains(&key) {
                    self.change(key, Some(at));
                }
            }
            Kind::Condition { .. } => self.bodies([at]),
            Kind::Variants { name } => {
                self.bodies(self.syntax.body(at).map(|(choice, _)| choice));
                let name = name.map(|name| name.of(text));
                if let Some(name) = name.filter(|name| !RESERVED.contains(name)) {
                    self.change(name, Some(at));
                }
            }
            Kind::Filter { .. } | Kind::Join { .. } | Kind::Suffix | Kind::Choice { .. } => {}
        }
    }

    /// Goes through bodies of which one, or none, is done. A key that one of them looks at is looked at.
    fn bodies(&mut self, stmts: impl IntoIterator<Item = usize>) {
        let mut seen: Vec<&str> = Vec::new();
        for at in stmts {
            let before = self.changes.len();
            self.body(at + 1, self.syntax.stmts[at].end as usize);
            for (key, old) in &self.changes[before..] {
                if old.is_some() && !self.next.contains_key(key) {
                    seen.push(key);
                }
            }
            for (key, old) in self.changes.drain(before..).rev() {
                match old {
                    Some(old) => self.next.insert(key, old),
                    None => self.next.remove(key),
                };
            }
        }
        seen.into_iter().for_each(|key| self.change(key, None));
    }

    fn change(&mut self, key: &'a str, by: Option<usize>) {
        let old = match by {
            Some(by) => self.next.insert(key, by),
            None => self.next.remove(key),
        };
        if old.is_some() || by.is_some() {
            self.changes.push((key, old));
        }
    }

    /// The value looks at the keys that it refers to.
    fn read(&mut self, text: &'a str, value: Extent) {
        for (_, key) in references(text, value) {
            match self.are_renamed {
                // Whether a renamed key is shown depends on the value of the key without a suffix.
                true => self.forget_if(|set| key.starts_with(set)),
                false => self.change(key, None),
            }
        }
    }

    fn forget_if(&mut self, is_meant: impl Fn(&str) -> bool) {
        self.work += self.next.len();
        let keys = self.next.keys().copied().filter(|key| is_meant(key));
        let keys: Vec<&str> = keys.collect();
        keys.into_iter().for_each(|key| self.change(key, None));
    }

    /// Tells of an assignment that another statement undoes. To include a file and then to set other values is what
    /// files of defaults are there for.
    fn tell(&mut self, stmt: &Stmt, by: usize) {
        let syntax = self.syntax;
        let by = &syntax.stmts[by];
        let (here, there) = (
            &syntax.files[stmt.file as usize],
            &syntax.files[by.file as usize],
        );
        let is_included = there.including().any(|from| Arc::ptr_eq(&from.file, here));
        if stmt.file != by.file && !is_included {
            return;
        }
        let text = syntax.text(stmt);
        let key = stmt.at.of(text);
        let place = place_of(by, syntax);
        match (stmt.kind, by.kind) {
            (Kind::Assign { value, .. }, Kind::Assign { value: again, .. })
                if value.of(text) == again.of(&there.text) =>
            {
                let message = format!("`{key}` is set to the same value again");
                self.findings
                    .add_once(RULE, stmt, stmt.at, message, key)
                    .note(format!("at {place}, and nothing between looks at it"));
            }
            (_, by) => {
                let what = match by {
                    Kind::Delete => "deleted",
                    _ => "set again",
                };
                let message = format!("this value of `{key}` is never seen");
                self.findings
                    .add(RULE, stmt, stmt.at, message)
                    .note(format!("`{key}` is always {what} at {place}"));
            }
        }
    }
}
