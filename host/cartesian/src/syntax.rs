//! The syntax tree: what a source says, before names are interned and filters compiled.

use std::sync::Arc;

use regex::Regex;

use crate::filter::{Filter, Label};
use crate::origin::Operator;
use crate::source::Span;

/// One statement.
#[derive(Debug)]
pub(crate) enum Stmt {
    Assign(Assign),
    /// `del key`
    Delete {
        key: String,
    },
    /// `only` and `no`
    Filter {
        keep: bool,
        filter: Filter,
    },
    /// `join`
    Join {
        filter: Filter,
        span: Span,
    },
    /// `suffix _text`
    Suffix {
        text: String,
    },
    /// `filter:` and `!filter:` with what they govern.
    Condition {
        negated: bool,
        filter: Filter,
        body: Vec<Stmt>,
    },
    Variants(Variants),
}

/// `key <operator> value`
#[derive(Debug)]
pub(crate) struct Assign {
    pub(crate) target: Target,
    pub(crate) operator: Operator,
    pub(crate) value: String,
    pub(crate) span: Span,
}

/// What the left side of an operator means.
#[derive(Debug)]
pub(crate) enum Target {
    Key(String),
    /// The pattern of `?=`, anchored at both ends.
    Pattern(Arc<Regex>),
}

/// `variants name [default=x]:` with its variants.
#[derive(Debug)]
pub(crate) struct Variants {
    pub(crate) name: Option<String>,
    pub(crate) choices: Vec<Choice>,
}

/// `- name: dependencies` with its body.
#[derive(Debug)]
pub(crate) struct Choice {
    pub(crate) labels: Vec<String>,
    /// Left out of the short name: written `- @name:`, or named by `[default=name]`.
    pub(crate) hidden: bool,
    pub(crate) dependencies: Vec<Vec<Label>>,
    pub(crate) body: Vec<Stmt>,
    pub(crate) span: Span,
}
