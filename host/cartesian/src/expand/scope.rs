//! The labels chosen so far, and what a filter says about them.

use crate::tree::{ChoiceId, Guarded, LabelId, Matcher, MatcherId, Tree};

/// What a filter says when some labels are chosen and others may still come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It matches, whatever comes.
    Matches,
    /// It depends on what comes.
    Open,
    /// It cannot match any more.
    Fails,
}

/// What an `only` or `no` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nothing that comes can be kept.
    Reject,
    /// Everything that comes can be kept.
    Accept,
    Open,
}

/// The labels chosen so far, the outermost first.
#[derive(Clone)]
pub(crate) struct Scope<'t> {
    tree: &'t Tree,
    /// Each label in its two forms, as in [`Tree::choice_labels`].
    path: Vec<(LabelId, LabelId)>,
    /// For each label, how often it is in the path.
    present: Vec<u32>,
}

impl<'t> Scope<'t> {
    pub(crate) fn new(tree: &'t Tree) -> Self {
        Self {
            tree,
            path: Vec::new(),
            present: vec![0; tree.labels.len()],
        }
    }

    pub(crate) fn path(&self) -> &[(LabelId, LabelId)] {
        &self.path
    }

    pub(crate) fn push(&mut self, choice: ChoiceId) {
        let labels = self.tree.labels_of(self.tree.choice(choice));
        for (plain, exact) in labels {
            self.present[*plain as usize] += 1;
            self.present[*exact as usize] += 1;
        }
        self.path.extend_from_slice(labels);
    }

    pub(crate) fn pop(&mut self, choice: ChoiceId) {
        let labels = self.tree.labels_of(self.tree.choice(choice));
        for (plain, exact) in labels {
            self.present[*plain as usize] -= 1;
            self.present[*exact as usize] -= 1;
        }
        self.path.truncate(self.path.len() - labels.len());
    }

    pub(crate) fn has(&self, label: LabelId) -> bool {
        self.present[label as usize] > 0
    }

    /// What a filter says if the labels for which `reachable` holds may still be chosen.
    fn test(&self, matcher: MatcherId, reachable: &impl Fn(LabelId) -> bool) -> Outcome {
        if self.matches(matcher) {
            Outcome::Matches
        } else if self.may_match(matcher, reachable) {
            Outcome::Open
        } else {
            Outcome::Fails
        }
    }

    /// Does the filter match the path as it is?
    pub(crate) fn matches(&self, matcher: MatcherId) -> bool {
        let tree = self.tree;
        match tree.matchers[matcher as usize] {
            Matcher::One(label) => self.has(label),
            Matcher::Any(labels) => {
                let labels = labels.items(&tree.row_labels);
                labels.iter().any(|label| self.has(*label))
            }
            Matcher::All(labels) => {
                let labels = labels.items(&tree.row_labels);
                labels.iter().all(|label| self.has(*label))
            }
            Matcher::Row(row) => self.has_row(row.items(&tree.row_labels)),
            Matcher::Full(alternatives) => {
                alternatives.items(&tree.alternatives).iter().any(|rows| {
                    let mut rows = rows.items(&tree.rows).iter();
                    rows.all(|row| self.has_row(row.items(&tree.row_labels)))
                })
            }
        }
    }

    /// May the filter match with what is chosen and what may still come?
    fn may_match(&self, matcher: MatcherId, reachable: &impl Fn(LabelId) -> bool) -> bool {
        let tree = self.tree;
        match tree.matchers[matcher as usize] {
            Matcher::One(label) => reachable(label),
            Matcher::Any(labels) => {
                let labels = labels.items(&tree.row_labels);
                labels.iter().any(|label| reachable(*label))
            }
            Matcher::All(labels) => {
                let labels = labels.items(&tree.row_labels);
                labels
                    .iter()
                    .all(|label| self.has(*label) || reachable(*label))
            }
            Matcher::Row(row) => self.may_have_row(row.items(&tree.row_labels), reachable),
            Matcher::Full(alternatives) => {
                alternatives.items(&tree.alternatives).iter().any(|rows| {
                    let mut rows = rows.items(&tree.rows).iter();
                    rows.all(|row| {
                        let row = row.items(&tree.row_labels);
                        self.has_row(row) || self.may_have_row(row, reachable)
                    })
                })
            }
        }
    }

    /// Do these labels follow each other in the path?
    fn has_row(&self, row: &[LabelId]) -> bool {
        row.iter().all(|label| self.has(*label))
            && (row.len() == 1 || self.path.windows(row.len()).any(|path| follows(row, path)))
    }

    /// May these labels still come to follow each other? The row may begin at the end of the path, or come as a whole.
    fn may_have_row(&self, row: &[LabelId], reachable: &impl Fn(LabelId) -> bool) -> bool {
        // From which label on all can still come. The last one has to.
        let to_come = row.iter().rev().take_while(|label| reachable(**label));
        let first = row.len() - to_come.count();
        first == 0
            || (first..row.len().min(self.path.len() + 1))
                .any(|taken| follows(&row[..taken], &self.path[self.path.len() - taken..]))
    }

    /// What the filter with its conditions says.
    pub(crate) fn judge(&self, guarded: &Guarded, reachable: &impl Fn(LabelId) -> bool) -> Verdict {
        let verdict = match (self.test(guarded.matcher, reachable), guarded.keep) {
            (Outcome::Matches, true) | (Outcome::Fails, false) => return Verdict::Accept,
            (Outcome::Matches, false) | (Outcome::Fails, true) => Verdict::Reject,
            (Outcome::Open, _) => Verdict::Open,
        };
        let mut held = true;
        let mut under = guarded.under;
        while let Some(condition) = under.map(|at| &self.tree.conditions[at as usize]) {
            match (self.test(condition.matcher, reachable), condition.negated) {
                (Outcome::Matches, false) | (Outcome::Fails, true) => {}
                (Outcome::Matches, true) | (Outcome::Fails, false) => return Verdict::Accept,
                (Outcome::Open, _) => held = false,
            }
            under = condition.outer;
        }
        if held { verdict } else { Verdict::Open }
    }

    /// The labels of which one must still be chosen for the filter to let anything through; nothing if that cannot be
    /// said so simply.
    pub(crate) fn required(&self, guarded: &Guarded) -> Option<&'t [LabelId]> {
        if !guarded.keep || guarded.under.is_some() {
            return None;
        }
        let tree = self.tree;
        match &tree.matchers[guarded.matcher as usize] {
            Matcher::One(label) => Some(std::slice::from_ref(label)),
            Matcher::Any(labels) => Some(labels.items(&tree.row_labels)),
            Matcher::All(labels) => labels
                .items(&tree.row_labels)
                .iter()
                .find(|label| !self.has(**label))
                .map(std::slice::from_ref),
            Matcher::Row(_) => None,
            Matcher::Full(alternatives) => match alternatives.items(&tree.alternatives) {
                [rows] => rows
                    .items(&tree.rows)
                    .iter()
                    .map(|row| row.items(&tree.row_labels))
                    .find(|row| row.len() == 1 && !self.has(row[0])),
                _ => None,
            },
        }
    }
}

/// Are these the labels of the path, each in one of its forms?
fn follows(row: &[LabelId], path: &[(LabelId, LabelId)]) -> bool {
    let mut both = row.iter().zip(path);
    both.all(|(label, (plain, exact))| label == plain || label == exact)
}
