//! The syntax tree: what the sources say, before names are interned and filters compiled.
//!
//! The tree is one row of statements in the order of the text. A statement that opens a block is followed by what
//! stands in the block, and knows where that ends: a configuration of fifty thousand lines is a handful of tables.

pub(crate) mod filter;
pub(crate) mod include;
pub(crate) mod parse;
pub(crate) mod parts;
pub(crate) mod variants;

use std::sync::Arc;

use regex::Regex;

use crate::origin::Operator;
use crate::text::source::SourceFile;
use crate::text::span::{Extent, Span};

/// The statements of a configuration.
#[derive(Debug, Clone, Default)]
pub(crate) struct Syntax {
    pub(crate) files: Vec<Arc<SourceFile>>,
    pub(crate) stmts: Vec<Stmt>,
    /// The labels of all filters.
    pub(crate) atoms: Vec<Atom>,
    /// The labels of all variants.
    pub(crate) labels: Vec<Extent>,
    /// The key patterns of `?=` that are no plain names.
    pub(crate) patterns: Vec<Regex>,
}

/// One statement.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stmt {
    pub(crate) kind: Kind,
    /// An index into [`Syntax::files`]; all places in the statement are in its text.
    pub(crate) file: u32,
    pub(crate) line: u32,
    /// What a message points to: the key, the filter, the name.
    pub(crate) at: Extent,
    /// The index after the last statement of the block it opens; the next one, if it opens none.
    pub(crate) end: u32,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    /// `key <operator> value`
    Assign {
        operator: Operator,
        value: Extent,
        /// An index into [`Syntax::patterns`].
        pattern: Option<u32>,
    },
    /// `del key`
    Delete,
    /// `only` and `no`
    Filter { keep: bool, atoms: Extent },
    /// `join`
    Join { atoms: Extent },
    /// `suffix _text`
    Suffix,
    /// `filter:` and `!filter:`
    Condition { negated: bool, atoms: Extent },
    /// `variants name [default=x]:`; in its block stand choices and nothing else.
    Variants { name: Option<Extent> },
    /// `- name: dependencies`
    Choice {
        labels: Extent,
        /// Left out of the short name: written `- @name:`, or named by `[default=name]`.
        hidden: bool,
        dependencies: Extent,
    },
}

/// What joins a label of a filter to the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Joint {
    /// `,` or a blank: another alternative. The first label of a filter has it too.
    Or,
    /// `..`: another row that must match as well.
    And,
    /// `.`: the label that must follow immediately.
    Dot,
}

/// One label of a filter: `x`, or `(block=x)`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Atom {
    pub(crate) joint: Joint,
    pub(crate) block: Option<Extent>,
    pub(crate) name: Extent,
}

impl Stmt {
    /// How the statement gives a key its value or takes it away, if it does.
    pub(crate) fn operator(&self) -> Operator {
        match self.kind {
            Kind::Assign { operator, .. } => operator,
            Kind::Delete => Operator::Delete,
            Kind::Suffix => Operator::Suffix,
            _ => Operator::Variant,
        }
    }
}

impl Syntax {
    /// Appends the statements of another source.
    pub(crate) fn append(&mut self, mut other: Self) {
        if self.stmts.is_empty() {
            *self = other;
            return;
        }
        let file = self.files.len() as u32;
        let stmt = self.stmts.len() as u32;
        let atom = self.atoms.len() as u32;
        let label = self.labels.len() as u32;
        let first_pattern = self.patterns.len() as u32;
        for moved in &mut other.stmts {
            moved.file += file;
            moved.end += stmt;
            match &mut moved.kind {
                Kind::Assign { pattern, .. } => {
                    *pattern = pattern.map(|pattern| pattern + first_pattern);
                }
                Kind::Filter { atoms, .. }
                | Kind::Join { atoms }
                | Kind::Condition { atoms, .. } => *atoms = atoms.shifted(atom),
                Kind::Choice {
                    labels,
                    dependencies,
                    ..
                } => {
                    *labels = labels.shifted(label);
                    *dependencies = dependencies.shifted(atom);
                }
                Kind::Delete | Kind::Suffix | Kind::Variants { .. } => {}
            }
        }
        self.files.append(&mut other.files);
        self.stmts.append(&mut other.stmts);
        self.atoms.append(&mut other.atoms);
        self.labels.append(&mut other.labels);
        self.patterns.append(&mut other.patterns);
    }

    /// The text of the file that `stmt` stands in.
    pub(crate) fn text(&self, stmt: &Stmt) -> &str {
        &self.files[stmt.file as usize].text
    }

    pub(crate) fn span(&self, stmt: &Stmt) -> Span {
        Span {
            file: Arc::clone(&self.files[stmt.file as usize]),
            line: stmt.line,
            at: stmt.at,
        }
    }

    /// The statements directly in the rows from `start` to `end`, each with its index.
    pub(crate) fn children(
        &self,
        start: usize,
        end: usize,
    ) -> impl Iterator<Item = (usize, &Stmt)> {
        let mut next = start;
        std::iter::from_fn(move || {
            let at = next;
            let stmt = self.stmts[..end].get(at)?;
            next = stmt.end as usize;
            Some((at, stmt))
        })
    }

    /// The statements directly in the block that the statement `at` opens.
    pub(crate) fn body(&self, at: usize) -> impl Iterator<Item = (usize, &Stmt)> {
        self.children(at + 1, self.stmts[at].end as usize)
    }
}
