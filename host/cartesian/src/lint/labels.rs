//! Labels that no variant has.

use std::collections::HashMap;

use crate::lint::finding::Findings;
use crate::lint::forest::Forest;
use crate::lint::rule::Rule;
use crate::lint::similar;
use crate::syntax::{Atom, Joint, Kind, Stmt, Syntax};
use crate::text::span::Extent;

pub(super) fn check(syntax: &Syntax, forest: &Forest, findings: &mut Findings<'_>) {
    let mut near: HashMap<String, Vec<String>> = HashMap::new();
    for stmt in &syntax.stmts {
        let text = syntax.text(stmt);
        let atoms = atoms(stmt).items(&syntax.atoms);
        let alternatives = atoms.chunk_by(|_, next| next.joint != Joint::Or);
        let is_only = alternatives.clone().count() == 1;
        // What follows an unknown label is most likely known where that one is: `Host_A.m7` on a host of another sort.
        let unknown = |alternative: &[Atom]| {
            let mut atoms = alternative.iter();
            atoms
                .find(|atom| forest.find(atom, text).is_none())
                .copied()
        };
        for atom in alternatives.filter_map(unknown) {
            let label = match atom.block {
                Some(block) => format!("({}={})", block.of(text), atom.name.of(text)),
                None => atom.name.of(text).to_owned(),
            };
            let message = format!("no variant has a label `{label}`");
            let at = extent(&atom, text);
            let lint = findings.add_once(Rule::UnknownLabel, stmt, at, message, &label);
            if let (true, Some(consequence)) = (is_only, consequence(stmt)) {
                lint.note(consequence);
            }
            let near = near.entry(label);
            lint.suggest(near.or_insert_with_key(|label| similar(label, forest.labels())));
        }
    }
}

/// The labels that the statement names.
fn atoms(stmt: &Stmt) -> Extent {
    match stmt.kind {
        Kind::Filter { atoms, .. }
        | Kind::Join { atoms }
        | Kind::Condition { atoms, .. }
        | Kind::Choice {
            dependencies: atoms,
            ..
        } => atoms,
        Kind::Assign { .. } | Kind::Delete | Kind::Suffix | Kind::Variants { .. } => {
            Extent::default()
        }
    }
}

/// What comes of it if the only alternative of a statement never matches.
pub(super) fn consequence(stmt: &Stmt) -> Option<&'static str> {
    match stmt.kind {
        Kind::Filter { keep: true, .. } => Some("this filter leaves nothing"),
        Kind::Filter { keep: false, .. } => Some("this filter rejects nothing"),
        Kind::Condition { negated: true, .. } => Some("this condition always holds"),
        Kind::Condition { negated: false, .. } => Some("this condition never holds"),
        _ => None,
    }
}

/// Where a label stands, with its parentheses.
pub(super) fn extent(atom: &Atom, text: &str) -> Extent {
    let Some(block) = atom.block else {
        return atom.name;
    };
    let before = &text[..block.start as usize];
    let start = before.rfind('(').unwrap_or(before.len());
    let name = atom.name.end as usize;
    let end = text[name..]
        .find(')')
        .map_or(name, |close| name + close + 1);
    Extent::new(start, end)
}
