//! Assignments: keys, values, templates.

use crate::origin::Operator;
use crate::syntax::Stmt;
use crate::text::reference::references;
use crate::text::span::Extent;
use crate::tree::bound::Limit;
use crate::tree::compile::{Compiler, RESERVED};
use crate::tree::{Assign, Entry, EntryId, KeyId, Op, Piece, Target};

/// The reserved keys have the first numbers.
pub(super) fn is_reserved(key: KeyId) -> bool {
    (key as usize) < RESERVED.len()
}

impl Compiler<'_> {
    pub(super) fn assign(
        &mut self,
        stmt: &Stmt,
        operator: Operator,
        value: Extent,
        pattern: Option<u32>,
    ) {
        let text = self.syntax.text(stmt);
        let target = match pattern {
            Some(pattern) => Target::Pattern(self.first_pattern + pattern),
            None => {
                let key = self.key(stmt.at.of(text));
                if is_reserved(key) {
                    return;
                }
                Target::Key(key)
            }
        };
        let base = self.bases[stmt.file as usize];
        let template = self.template(text, base, value);
        let entry = self.entry(stmt, operator, value);
        match (target, operator, template) {
            (Target::Key(key), Operator::Set, None) => {
                self.tree.ops.push(Op::Set { key, entry });
            }
            _ => {
                let id = self.tree.assigns.len() as u32;
                self.tree.assigns.push(Assign {
                    target,
                    operator,
                    entry,
                    template,
                });
                self.tree.ops.push(Op::Assign(id));
            }
        }
    }

    pub(super) fn entry(&mut self, stmt: &Stmt, operator: Operator, text: Extent) -> EntryId {
        self.tree.entries.push(Entry {
            text: text.shifted(self.bases[stmt.file as usize]),
            operator,
            file: self.first_file + stmt.file,
            line: stmt.line,
            at: stmt.at,
        });
        self.tree.entries.len() as EntryId - 1
    }

    /// The pieces of a value that holds `${}`.
    pub(super) fn template(&mut self, text: &str, base: u32, value: Extent) -> Option<Extent> {
        let first = self.tree.pieces.len();
        let mut literal = value.start;
        for (at, key) in references(text, value) {
            self.text_piece(literal, at.start, base);
            let key = self.key(key);
            self.tree.pieces.push(Piece::Key(key));
            literal = at.end;
        }
        if self.tree.pieces.len() == first {
            return None;
        }
        self.text_piece(literal, value.end, base);
        Some(Extent::since(&self.tree.pieces, first))
    }

    /// Adds what stands between two references.
    fn text_piece(&mut self, start: u32, end: u32, base: u32) {
        if start < end {
            let piece = Piece::Text(Extent { start, end }.shifted(base));
            self.tree.pieces.push(piece);
        }
    }

    pub(super) fn key(&mut self, key: &str) -> KeyId {
        let id = self.tree.keys.intern(key);
        if self.tree.limits.len() < self.tree.keys.len() {
            self.tree.limits.push(None);
            if let Some((limit, base)) = Limit::of(key) {
                let base = self.key(base);
                if !is_reserved(base) {
                    self.tree.limits[id as usize] = Some((limit, base));
                }
            }
        }
        id
    }
}
