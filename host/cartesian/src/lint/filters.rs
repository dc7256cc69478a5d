//! What the filters, the conditions and the joins ask for, and whether any variant could have it.

use std::collections::HashMap;

use crate::lint::finding::Findings;
use crate::lint::forest::{Forest, LabelId, Place};
use crate::lint::labels;
use crate::lint::rule::Rule;
use crate::lint::search::Search;
use crate::syntax::{Atom, Joint, Kind, Stmt, Syntax};
use crate::text::span::Extent;

/// One alternative of a filter.
pub(super) struct Alternative {
    /// Labels that follow each other. All rows must match.
    pub(super) rows: Vec<Vec<LabelId>>,
    pub(super) at: Extent,
    /// Why no variant of the configuration matches it.
    pub(super) fault: Option<Fault>,
}

impl Alternative {
    pub(super) fn labels(&self) -> impl Iterator<Item = LabelId> {
        self.rows.iter().flatten().copied()
    }

    /// The one label that it is.
    pub(super) fn label(&self) -> Option<LabelId> {
        match &*self.rows {
            [row] if row.len() == 1 => Some(row[0]),
            _ => None,
        }
    }
}

/// Why no variant matches.
pub(super) enum Fault {
    /// No variant has one of the labels: that is another rule.
    Unknown,
    /// Two labels are never chosen together.
    Apart(LabelId, LabelId),
    /// Each two of the labels can be chosen together, but not all of them.
    NotAll,
    /// The labels of this row never follow each other.
    Row(usize),
}

/// The alternatives of each statement that is a filter, a condition or a join.
pub(super) struct Filters(HashMap<usize, Vec<Alternative>>);

impl Filters {
    pub(super) fn new(syntax: &Syntax, forest: &Forest, search: &mut Search<'_>) -> Self {
        let mut by_stmt = HashMap::new();
        for (at, stmt) in syntax.stmts.iter().enumerate() {
            let (Kind::Filter { atoms, .. } | Kind::Join { atoms } | Kind::Condition { atoms, .. }) =
                stmt.kind
            else {
                continue;
            };
            let atoms = atoms.items(&syntax.atoms);
            let mut alternatives = alternatives(atoms, syntax.text(stmt), forest);
            for alternative in &mut alternatives {
                if alternative.fault.is_none() {
                    alternative.fault = fault(alternative, search);
                }
            }
            by_stmt.insert(at, alternatives);
        }
        Self(by_stmt)
    }

    /// The alternatives of a statement, those that no variant matches too.
    pub(super) fn of(&self, stmt: usize) -> &[Alternative] {
        self.0.get(&stmt).map_or(&[], Vec::as_slice)
    }

    /// Tells of the alternatives with known labels that no variant matches.
    pub(super) fn check(&self, syntax: &Syntax, forest: &Forest, findings: &mut Findings<'_>) {
        for (at, stmt) in syntax.stmts.iter().enumerate() {
            let alternatives = self.of(at);
            for alternative in alternatives {
                let Some(fault) = &alternative.fault else {
                    continue;
                };
                let notes = explained(alternative, fault, syntax, forest);
                let Some((first, others)) = notes.split_first() else {
                    continue;
                };
                let text = shown(alternative, forest);
                let message = format!("no variant matches `{text}`");
                let rule = Rule::ImpossibleCombination;
                let lint = findings.add_once(rule, stmt, alternative.at, message, &text);
                lint.note(first);
                others.iter().for_each(|note| lint.note(note));
                if let ([_], Some(consequence)) = (alternatives, labels::consequence(stmt)) {
                    lint.note(consequence);
                }
                if matches!(fault, Fault::Row(_)) {
                    lint.help_with("`.` joins neighbours in a name, `..` labels anywhere in it");
                }
            }
        }
    }
}

/// What the labels of a filter ask for.
fn alternatives(atoms: &[Atom], text: &str, forest: &Forest) -> Vec<Alternative> {
    let mut alternatives: Vec<Alternative> = Vec::new();
    for atom in atoms {
        let at = labels::extent(atom, text);
        let label = forest.find(atom, text);
        let row = label.into_iter().collect();
        match alternatives.last_mut() {
            Some(last) if atom.joint != Joint::Or => {
                last.at.end = at.end;
                match last.rows.last_mut() {
                    Some(rest) if atom.joint == Joint::Dot => rest.extend(row),
                    _ => last.rows.push(row),
                }
            }
            _ => alternatives.push(Alternative {
                rows: vec![row],
                at,
                fault: None,
            }),
        }
        if let (None, Some(last)) = (label, alternatives.last_mut()) {
            last.fault = Some(Fault::Unknown);
        }
    }
    alternatives
}

/// Why no variant matches an alternative with known labels, if that is certain.
fn fault(alternative: &Alternative, search: &mut Search<'_>) -> Option<Fault> {
    if !search.can_meet(alternative.labels(), None, &[]) {
        let labels: Vec<LabelId> = alternative.labels().collect();
        let pairs = (1..labels.len()).flat_map(|b| (0..b).map(move |a| (a, b)));
        let mut pairs = pairs.map(|(a, b)| (labels[a], labels[b]));
        let apart = pairs.find(|(a, b)| !search.can_meet([*a, *b], None, &[]));
        return Some(apart.map_or(Fault::NotAll, |(a, b)| Fault::Apart(a, b)));
    }
    let is_broken = |row: &Vec<LabelId>| row.len() > 1 && !search.can_follow(row, None);
    alternative.rows.iter().position(is_broken).map(Fault::Row)
}

/// What to say of a fault that is told here.
fn explained(
    alternative: &Alternative,
    fault: &Fault,
    syntax: &Syntax,
    forest: &Forest,
) -> Vec<String> {
    match *fault {
        Fault::Unknown => Vec::new(),
        Fault::Apart(a, b) => {
            let (first, second) = (forest.label(a), forest.label(b));
            let mut notes = vec![format!(
                "`{first}` and `{second}` are never chosen together"
            )];
            if let ([a], [b]) = (forest.places(a), forest.places(b))
                && let Some(conflict) = forest.conflict(*a, *b)
            {
                notes.push(conflict_of(conflict, syntax, forest));
            }
            notes
        }
        Fault::NotAll => vec!["some of the labels come together, but never all".to_owned()],
        Fault::Row(at) => {
            let labels = alternative.rows[at].iter();
            let labels: Vec<String> = labels
                .map(|label| format!("`{}`", forest.label(*label)))
                .collect();
            vec![format!(
                "there are variants with these labels, but in no name they are neighbours in this order: {}",
                labels.join(", ")
            )]
        }
    }
}

/// Says that two variants are choices of one block.
pub(super) fn conflict_of((a, b): (Place, Place), syntax: &Syntax, forest: &Forest) -> String {
    let [a, b] = [a, b].map(|place| &syntax.stmts[forest.stmt(place)]);
    format!(
        "`{}` ({}) and `{}` ({}) are variants of one block",
        name_of(a, syntax),
        place_of(a, syntax),
        name_of(b, syntax),
        place_of(b, syntax),
    )
}

/// `file:line`
pub(super) fn place_of(stmt: &Stmt, syntax: &Syntax) -> String {
    let file = &syntax.files[stmt.file as usize].name;
    format!("{file}:{}", stmt.line)
}

/// The name of a variant, as it stands in the text.
pub(super) fn name_of<'s>(choice: &Stmt, syntax: &'s Syntax) -> &'s str {
    choice.at.of(syntax.text(choice)).trim_end_matches('.')
}

/// The alternative in normal form.
fn shown(alternative: &Alternative, forest: &Forest) -> String {
    let rows = alternative.rows.iter().map(|row| {
        let labels: Vec<&str> = row.iter().map(|label| forest.label(*label)).collect();
        labels.join(".")
    });
    rows.collect::<Vec<String>>().join("..")
}
