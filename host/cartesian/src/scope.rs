//! The labels chosen so far, and what a filter says about them.

use crate::tree::{Choice, Guarded, LabelId, Matcher};

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
#[derive(Debug, Clone)]
pub(crate) struct Scope {
    /// Each label in its two forms, as in [`Choice::labels`].
    path: Vec<(LabelId, LabelId)>,
    /// For each label, how often it is in the path.
    present: Vec<u32>,
}

impl Scope {
    pub(crate) fn new(labels: usize) -> Self {
        Self {
            path: Vec::new(),
            present: vec![0; labels],
        }
    }

    pub(crate) fn path(&self) -> &[(LabelId, LabelId)] {
        &self.path
    }

    pub(crate) fn push(&mut self, choice: &Choice) {
        for (plain, exact) in &choice.labels {
            self.present[*plain as usize] += 1;
            self.present[*exact as usize] += 1;
            self.path.push((*plain, *exact));
        }
    }

    pub(crate) fn pop(&mut self, choice: &Choice) {
        for (plain, exact) in &choice.labels {
            self.present[*plain as usize] -= 1;
            self.present[*exact as usize] -= 1;
            self.path.pop();
        }
    }

    /// What `matcher` says if the labels for which `reachable` holds may still be chosen.
    pub(crate) fn test(&self, matcher: &Matcher, reachable: &impl Fn(LabelId) -> bool) -> Outcome {
        let mut best = Outcome::Fails;
        for alternative in &matcher.alternatives {
            let mut worst = Outcome::Matches;
            for row in alternative {
                match self.test_row(row, reachable) {
                    Outcome::Matches => {}
                    Outcome::Open => worst = Outcome::Open,
                    Outcome::Fails => {
                        worst = Outcome::Fails;
                        break;
                    }
                }
            }
            match worst {
                Outcome::Matches => return Outcome::Matches,
                Outcome::Open => best = Outcome::Open,
                Outcome::Fails => {}
            }
        }
        best
    }

    /// Does `matcher` match the path as it is?
    pub(crate) fn matches(&self, matcher: &Matcher) -> bool {
        self.test(matcher, &|_| false) == Outcome::Matches
    }

    fn test_row(&self, row: &[LabelId], reachable: &impl Fn(LabelId) -> bool) -> Outcome {
        let chosen = |label: &LabelId| self.present[*label as usize] > 0;
        if let [label] = row {
            return match label {
                label if chosen(label) => Outcome::Matches,
                label if reachable(*label) => Outcome::Open,
                _ => Outcome::Fails,
            };
        }
        let is = |(label, (plain, exact)): (&LabelId, &(LabelId, LabelId))| {
            label == plain || label == exact
        };
        let follows = |row: &[LabelId], path: &[(LabelId, LabelId)]| row.iter().zip(path).all(is);
        if row.iter().all(chosen) && self.path.windows(row.len()).any(|path| follows(row, path)) {
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
        let verdict = match (self.test(&guarded.filter, reachable), guarded.keep) {
            (Outcome::Matches, true) | (Outcome::Fails, false) => return Verdict::Accept,
            (Outcome::Matches, false) | (Outcome::Fails, true) => Verdict::Reject,
            (Outcome::Open, _) => Verdict::Open,
        };
        let mut held = true;
        for (negated, filter) in &guarded.guards {
            match (self.test(filter, reachable), *negated) {
                (Outcome::Matches, false) | (Outcome::Fails, true) => {}
                (Outcome::Matches, true) | (Outcome::Fails, false) => return Verdict::Accept,
                (Outcome::Open, _) => held = false,
            }
        }
        if held { verdict } else { Verdict::Open }
    }
}
