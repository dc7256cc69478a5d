//! Filters and conditions that can never match where they stand.
//!
//! What is asked is whether any combination of variants could match, with or without the filters of the configuration:
//! whoever adds `only boot` at the end to select what to run has not written a mistake into every condition on another
//! test. Filters count only for what stands in the same variant, or in the same condition, as they do.

use crate::lint::filters::{Alternative, Filters, conflict_of, name_of, place_of};
use crate::lint::finding::Findings;
use crate::lint::forest::{Forest, LabelId, Place};
use crate::lint::rule::Rule;
use crate::lint::search::Search;
use crate::syntax::{Kind, Stmt, Syntax};
use crate::text::span::Extent;

/// So many filters and conditions around a statement are looked at.
const MAX_HELD: usize = 100;

pub(super) fn check(
    syntax: &Syntax,
    forest: &Forest,
    filters: &Filters,
    search: &mut Search<'_>,
    findings: &mut Findings<'_>,
) {
    let mut walk = Walk {
        syntax,
        forest,
        filters,
        search,
        findings,
        held: Vec::new(),
    };
    walk.body(0, syntax.stmts.len(), None, true);
}

/// A filter or condition that holds for all that stands here.
struct Held<'a> {
    /// It is `no`, or `!`.
    is_negated: bool,
    /// Those that can match.
    alternatives: Vec<&'a Alternative>,
    stmt: usize,
}

/// Why an alternative can never match here.
enum Why {
    /// The label exists only in variants that are not chosen together with the one that everything here stands in.
    Outside(LabelId),
    /// The same for several labels that come together elsewhere.
    AllOutside,
    /// A filter or condition lets nothing through that would match.
    Held(usize),
}

/// What a statement does with what matches.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Only,
    No,
    If,
    IfNot,
    Join,
}

struct Walk<'a, 's, 'f> {
    syntax: &'a Syntax,
    forest: &'a Forest,
    filters: &'a Filters,
    search: &'a mut Search<'s>,
    findings: &'a mut Findings<'f>,
    held: Vec<Held<'a>>,
}

impl<'a> Walk<'a, '_, '_> {
    /// Everything from `start` to `end`, in the variant `inside`.
    fn body(&mut self, start: usize, end: usize, inside: Option<Place>, is_root: bool) {
        let syntax = self.syntax;
        let outer = self.held.len();
        // Filters hold for what stands before them, too.
        for (at, stmt) in syntax.children(start, end) {
            let role = match stmt.kind {
                Kind::Filter { keep: true, .. } => Role::Only,
                Kind::Filter { keep: false, .. } => Role::No,
                Kind::Join { .. } => Role::Join,
                _ => continue,
            };
            let may_hold = self.check(at, role, inside);
            if may_hold && !is_root && role != Role::Join {
                self.hold(at, role == Role::No);
            }
        }
        for (at, stmt) in syntax.children(start, end) {
            match stmt.kind {
                Kind::Condition { negated, .. } => {
                    let role = if negated { Role::IfNot } else { Role::If };
                    // In what is never done, nothing else is worth telling.
                    if self.check(at, role, inside) {
                        let outer = self.held.len();
                        self.hold(at, negated);
                        self.body(at + 1, stmt.end as usize, inside, false);
                        self.held.truncate(outer);
                    }
                }
                Kind::Variants { .. } => {
                    for (at, stmt) in syntax.body(at) {
                        let place = self.forest.place(at);
                        self.body(at + 1, stmt.end as usize, place, false);
                    }
                }
                _ => {}
            }
        }
        self.held.truncate(outer);
    }

    fn hold(&mut self, stmt: usize, is_negated: bool) {
        let alternatives: Vec<&Alternative> = possible(self.filters.of(stmt)).collect();
        if !alternatives.is_empty() && self.held.len() < MAX_HELD {
            self.held.push(Held {
                is_negated,
                alternatives,
                stmt,
            });
        }
    }

    /// Tells what is wrong with a statement. Can what it lets through exist?
    fn check(&mut self, at: usize, role: Role, inside: Option<Place>) -> bool {
        let is_negated = matches!(role, Role::No | Role::IfNot);
        let alternatives: Vec<&Alternative> = possible(self.filters.of(at)).collect();
        if is_negated {
            let certain = alternatives.iter().find(|of| self.is_certain(of, inside));
            if let Some(certain) = certain {
                self.tell_certain(at, role, certain);
                return false;
            }
        }
        let mut never: Vec<(&Alternative, Why)> = Vec::new();
        let mut others: Vec<&Alternative> = Vec::new();
        for alternative in alternatives {
            match self.why_outside(alternative, inside) {
                Some(why) => never.push((alternative, why)),
                None => others.push(alternative),
            }
        }
        // What a filter takes away anyhow makes a difference only if nothing is left. To reject it once more, or to
        // name it among others, does no harm.
        if matches!(role, Role::Only | Role::If) {
            let mut held = Vec::new();
            for alternative in &others {
                held.extend(
                    self.why_held(alternative, inside)
                        .map(|why| (*alternative, why)),
                );
            }
            if held.len() == others.len() {
                others.clear();
                never.extend(held);
                never.sort_by_key(|(alternative, _)| alternative.at.start);
            }
        }
        self.tell(at, role, &never, others.is_empty(), inside);
        is_negated || !others.is_empty()
    }

    /// Does the alternative match whatever is chosen, within the variant `inside`?
    fn is_certain(&self, alternative: &Alternative, inside: Option<Place>) -> bool {
        let requires = |held: &Held<'_>, label| match (held.is_negated, &*held.alternatives) {
            (false, [only]) => only.labels().any(|required| required == label),
            _ => false,
        };
        alternative.rows.iter().all(|row| match **row {
            [label] => {
                self.forest.carries(inside, label)
                    || self.held.iter().any(|held| requires(held, label))
            }
            _ => false,
        })
    }

    /// Why the alternative, which some variant matches, matches none within the variant `inside`; nothing, if it may.
    fn why_outside(&mut self, alternative: &Alternative, inside: Option<Place>) -> Option<Why> {
        inside?;
        let search = &mut self.search;
        let mut labels = alternative.labels();
        if let Some(label) = labels.find(|label| !search.can_meet([*label], inside, &[])) {
            return Some(Why::Outside(label));
        }
        let mut rows = alternative.rows.iter();
        let is_apart = !search.can_meet(alternative.labels(), inside, &[])
            || rows.any(|row| row.len() > 1 && !search.can_follow(row, inside));
        is_apart.then_some(Why::AllOutside)
    }

    /// Which filter or condition takes away all that the alternative would match, if one does.
    fn why_held(&mut self, alternative: &Alternative, inside: Option<Place>) -> Option<Why> {
        let search = &mut self.search;
        let excludes = |held: &&Held<'_>| match held.is_negated {
            false => !held.alternatives.iter().any(|other| {
                let both = alternative.labels().chain(other.labels());
                search.can_meet(both, inside, &[])
            }),
            true => {
                let without = held.alternatives.iter().filter_map(|other| other.label());
                let without: Vec<LabelId> = without.collect();
                !search.can_meet(alternative.labels(), inside, &without)
            }
        };
        let held = self.held.iter().find(excludes)?;
        Some(Why::Held(held.stmt))
    }

    fn tell_certain(&mut self, at: usize, role: Role, alternative: &Alternative) {
        let stmt = &self.syntax.stmts[at];
        let message = match role {
            Role::No => "this filter leaves nothing",
            _ => "this condition never holds",
        };
        let text = alternative.at.of(self.syntax.text(stmt));
        self.findings
            .add(Rule::UnreachableCondition, stmt, alternative.at, message)
            .note(format!("`{text}` matches everything here"));
    }

    /// Tells of alternatives that never match; `is_all` if there are no others that could.
    fn tell(
        &mut self,
        at: usize,
        role: Role,
        never: &[(&Alternative, Why)],
        is_all: bool,
        inside: Option<Place>,
    ) {
        let stmt = &self.syntax.stmts[at];
        let rule = Rule::UnreachableCondition;
        let ([(first, _), ..], [.., (last, _)]) = (never, never) else {
            return;
        };
        if !is_all {
            for (alternative, why) in never {
                let notes = self.explain(stmt, alternative, why, inside);
                let message = "this alternative never matches";
                let lint = self.findings.add(rule, stmt, alternative.at, message);
                notes.into_iter().for_each(|note| lint.note(note));
            }
            return;
        }
        let at = Extent {
            start: first.at.start,
            end: last.at.end,
        };
        let message = match role {
            Role::Only => "this filter leaves nothing",
            Role::No => "this filter rejects nothing",
            Role::If => "this condition never holds",
            Role::IfNot => "this condition always holds",
            Role::Join => "there is nothing to join",
        };
        let mut notes: Vec<String> = Vec::new();
        for (alternative, why) in never {
            notes.extend(self.explain(stmt, alternative, why, inside));
        }
        notes.dedup();
        let lint = self.findings.add(rule, stmt, at, message);
        notes.into_iter().for_each(|note| lint.note(note));
    }

    fn explain(
        &self,
        stmt: &Stmt,
        alternative: &Alternative,
        why: &Why,
        inside: Option<Place>,
    ) -> Vec<String> {
        let (syntax, forest) = (self.syntax, self.forest);
        let own = alternative.at.of(syntax.text(stmt));
        let label = match *why {
            Why::Outside(label) => label,
            Why::AllOutside => {
                return vec![format!(
                    "`{own}` never comes with the variant this stands in"
                )];
            }
            Why::Held(at) => {
                let held = &syntax.stmts[at];
                let place = place_of(held, syntax);
                let text = held.at.of(syntax.text(held)).trim_end();
                let colon = match held.kind {
                    Kind::Condition { .. } => ":",
                    _ => "",
                };
                return vec![format!(
                    "it stands under `{text}{colon}` ({place}), which lets no `{own}` through"
                )];
            }
        };
        // Every place of the label is in conflict with this one; the first is as good as any.
        let places = forest.places(label).iter();
        let mut conflicts = places.filter_map(|place| forest.conflict(inside?, *place));
        let Some(conflict) = conflicts.next() else {
            return Vec::new();
        };
        let here = &syntax.stmts[forest.stmt(conflict.0)];
        vec![
            format!(
                "it stands in the variant `{}`, with which `{}` is never chosen",
                name_of(here, syntax),
                forest.label(label)
            ),
            conflict_of(conflict, syntax, forest),
        ]
    }
}

/// The alternatives that some variant of the configuration may match. The others are told of by other rules.
fn possible(alternatives: &[Alternative]) -> impl Iterator<Item = &Alternative> {
    let possible = alternatives.iter();
    possible.filter(|alternative| alternative.fault.is_none())
}
