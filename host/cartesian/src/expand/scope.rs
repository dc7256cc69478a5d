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
        let one = |label: LabelId| {
            if self.has(label) {
                Outcome::Matches
            } else if reachable(label) {
                Outcome::Open
            } else {
                Outcome::Fails
            }
        };
        match self.tree.matchers[matcher as usize] {
            Matcher::One(label) => one(label),
            Matcher::Any(labels) => {
                let labels = labels.items(&self.tree.row_labels);
                best(labels.iter().map(|label| one(*label)))
            }
            Matcher::Full(alternatives) => {
                let alternatives = alternatives.items(&self.tree.alternatives);
                best(alternatives.iter().map(|rows| {
                    let rows = rows.items(&self.tree.rows).iter();
                    worst(rows.map(|row| match row.items(&self.tree.row_labels) {
                        [label] => one(*label),
                        row => self.test_row(row, reachable),
                    }))
                }))
            }
        }
    }

    /// Does the filter match the path as it is?
    pub(crate) fn matches(&self, matcher: MatcherId) -> bool {
        match self.tree.matchers[matcher as usize] {
            Matcher::One(label) => self.has(label),
            Matcher::Any(labels) => {
                let labels = labels.items(&self.tree.row_labels);
                labels.iter().any(|label| self.has(*label))
            }
            Matcher::Full(_) => self.test(matcher, &|_| false) == Outcome::Matches,
        }
    }

    /// What labels that must follow each other say.
    fn test_row(&self, row: &[LabelId], reachable: &impl Fn(LabelId) -> bool) -> Outcome {
        let is = |(label, (plain, exact)): (&LabelId, &(LabelId, LabelId))| {
            label == plain || label == exact
        };
        let follows = |row: &[LabelId], path: &[(LabelId, LabelId)]| row.iter().zip(path).all(is);
        if row.iter().all(|label| self.has(*label))
            && self.path.windows(row.len()).any(|path| follows(row, path))
        {
            return Outcome::Matches;
        }
        // The row may still begin at the end of the path, or wholly in what comes.
        let can = (0..row.len()).any(|taken| {
            taken <= self.path.len()
                && follows(&row[..taken], &self.path[self.path.len() - taken..])
                && row[taken..].iter().all(|label| reachable(*label))
        });
        if can { Outcome::Open } else { Outcome::Fails }
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

/// What alternatives say together.
fn best(outcomes: impl Iterator<Item = Outcome>) -> Outcome {
    let mut best = Outcome::Fails;
    for outcome in outcomes {
        match outcome {
            Outcome::Matches => return Outcome::Matches,
            Outcome::Open => best = Outcome::Open,
            Outcome::Fails => {}
        }
    }
    best
}

/// What rows that must all match say together.
fn worst(outcomes: impl Iterator<Item = Outcome>) -> Outcome {
    let mut worst = Outcome::Matches;
    for outcome in outcomes {
        match outcome {
            Outcome::Matches => {}
            Outcome::Open => worst = Outcome::Open,
            Outcome::Fails => return Outcome::Fails,
        }
    }
    worst
}
