//! Assignments: keys, values, templates.

use crate::origin::Operator;
use crate::syntax::Stmt;
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

    /// The pieces of a value that holds `${}`. A reference does not nest: it ends at the first brace.
    pub(super) fn template(&mut self, text: &str, base: u32, value: Extent) -> Option<Extent> {
        let first = self.tree.pieces.len();
        let bytes = text.as_bytes();
        let end = value.end as usize;
        let find =
            |byte: u8, from: usize| memchr::memchr(byte, &bytes[from..end]).map(|at| from + at);
        let mut literal = value.start as usize;
        let mut from = literal;
        while let Some(dollar) = find(b'$', from) {
            from = dollar + 1;
            if !text[from..end].starts_with('{') {
                continue;
            }
            // The name has at least one character, whatever it is.
            let name = from + 1;
            let Some(first) = text[name..end].chars().next() else {
                break;
            };
            let Some(close) = find(b'}', name + first.len_utf8()) else {
                break;
            };
            if literal < dollar {
                let piece = Piece::Text(Extent::new(literal, dollar).shifted(base));
                self.tree.pieces.push(piece);
            }
            let key = self.key(&text[name..close]);
            self.tree.pieces.push(Piece::Key(key));
            from = close + 1;
            literal = from;
        }
        if self.tree.pieces.len() == first {
            return None;
        }
        if literal < end {
            let piece = Piece::Text(Extent::new(literal, end).shifted(base));
            self.tree.pieces.push(piece);
        }
        Some(Extent::since(&self.tree.pieces, first))
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
