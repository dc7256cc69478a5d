//! Why nothing came out below a choice, and how far to go back because of it.
//!
//! When every choice of a fork was rejected, most of the choices taken before it have nothing to do with that: only
//! those that the rejecting filters speak of, and those that brought the fork and the filters in. To try the other
//! choices of all forks between would only find the same rejections again, so the walk goes back to the last fork that
//! matters (in the literature: conflict-directed backjumping).

use crate::expand::Walk;
use crate::tree::{ForkId, GuardId, LabelId, Matcher, Tree};

/// The levels of the walk that something depends on, a bit each; the lowest bit is the first level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Blame(u128);

impl Blame {
    /// It may depend on every level.
    pub(crate) const ALL: Self = Self(u128::MAX);

    pub(crate) fn add(&mut self, other: Self) {
        self.0 |= other.0;
    }

    fn level(level: usize) -> Self {
        match level < u128::BITS as usize {
            true => Self(1 << level),
            false => Self::ALL,
        }
    }

    /// The last of the levels before `level`, and the blame without it; nothing if there is none.
    pub(crate) fn last_before(self, level: usize) -> Option<(usize, Self)> {
        if level >= u128::BITS as usize {
            return Some((level - 1, Self::ALL));
        }
        let before = self.0 & ((1 << level) - 1);
        let last = before.checked_ilog2()?;
        Some((last as usize, Self(before & !(1 << last))))
    }
}

/// Bytes of what is known of the reasons of filters.
const MAX_REASONS: usize = 16 << 20;

/// For a filter: what can change what it says.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reasons {
    /// The forks with a choice that it speaks of, and those around them: a bit for each fork.
    forks: Vec<u64>,
    /// Of labels that must follow each other immediately, all but the last: any choice can come between.
    begun: Vec<LabelId>,
}

impl Reasons {
    fn of(tree: &Tree, guard: GuardId) -> Self {
        let guarded = &tree.guards[guard as usize];
        let mut reasons = Self {
            forks: vec![0; tree.forks.len().div_ceil(64)],
            begun: Vec::new(),
        };
        if let Some(owner) = guarded.owner {
            add_with_ancestors(tree, owner, &mut reasons.forks);
        }
        let mut under = guarded.under;
        let mut matcher = Some(guarded.matcher);
        while let Some(id) = matcher {
            match tree.matchers[id as usize] {
                Matcher::One(label) => reasons.add(tree, &[label]),
                Matcher::Any(labels) | Matcher::All(labels) => {
                    for label in labels.items(&tree.row_labels) {
                        reasons.add(tree, std::slice::from_ref(label));
                    }
                }
                Matcher::Row(row) => reasons.add(tree, row.items(&tree.row_labels)),
                Matcher::Full(alternatives) => {
                    for rows in alternatives.items(&tree.alternatives) {
                        for row in rows.items(&tree.rows) {
                            reasons.add(tree, row.items(&tree.row_labels));
                        }
                    }
                }
            }
            let condition = under.map(|at| &tree.conditions[at as usize]);
            matcher = condition.map(|condition| condition.matcher);
            under = condition.and_then(|condition| condition.outer);
        }
        reasons
    }

    fn add(&mut self, tree: &Tree, row: &[LabelId]) {
        for label in row {
            for place in tree.places.of(*label) {
                add_with_ancestors(tree, tree.places.fork(*place), &mut self.forks);
            }
        }
        if let Some((_, begun)) = row.split_last() {
            self.begun.extend_from_slice(begun);
        }
    }

    fn has(&self, fork: ForkId) -> bool {
        self.forks[fork as usize / 64] >> (fork % 64) & 1 != 0
    }
}

/// Adds a fork, and those around it.
fn add_with_ancestors(tree: &Tree, fork: ForkId, forks: &mut [u64]) {
    let mut next = Some(fork);
    while let Some(fork) = next {
        let word = &mut forks[fork as usize / 64];
        let bit = 1 << (fork % 64);
        if *word & bit != 0 {
            return;
        }
        *word |= bit;
        next = tree.fork(fork).parent;
    }
}

impl Walk<'_> {
    /// Finds out what can change what the filter says, unless too much is known of other filters.
    fn learn_reasons(&mut self, guard: GuardId) {
        let tree = self.tree;
        let known = &mut self.reasons[guard as usize];
        if known.is_none() && self.reasons_size < MAX_REASONS {
            self.reasons_size += tree.forks.len() / 8;
            *known = Some(Box::new(Reasons::of(tree, guard)));
        }
    }

    /// The levels whose choices made the filter reject.
    pub(super) fn blame_of(&mut self, guard: GuardId) -> Blame {
        self.learn_reasons(guard);
        let known = self.reasons[guard as usize].as_ref();
        // Without knowing better, all are to blame.
        let Some(reasons) = known.filter(|known| known.begun.is_empty()) else {
            return Blame::ALL;
        };
        let mut blame = Blame::default();
        for (level, frame) in self.frames.iter().enumerate() {
            if reasons.has(frame.fork) {
                blame.add(Blame::level(level));
            }
        }
        blame
    }

    /// Has the last choice, one of `fork`, nothing to do with what the filter says?
    pub(super) fn says_the_same(&mut self, guard: GuardId, fork: ForkId) -> bool {
        self.learn_reasons(guard);
        let Some(reasons) = &self.reasons[guard as usize] else {
            return false;
        };
        // The last label before the choice may have begun a row that the choice has broken off.
        let breaks = || {
            let labels = self.path.last().map_or(0, |(_, before)| *before as usize);
            let before = self.scope.path()[..labels].last();
            before.is_some_and(|(plain, exact)| {
                reasons.begun.contains(plain) || reasons.begun.contains(exact)
            })
        };
        !reasons.has(fork) && (reasons.begun.is_empty() || !breaks())
    }

    /// The levels whose choices brought the fork in.
    fn blame_for(&self, fork: ForkId) -> Blame {
        let mut blame = Blame::default();
        let mut next = self.tree.fork(fork).parent;
        while let Some(fork) = next {
            // From the end: the fork around is mostly near.
            if let Some(level) = self.frames.iter().rposition(|frame| frame.fork == fork) {
                blame.add(Blame::level(level));
            }
            next = self.tree.fork(fork).parent;
        }
        blame
    }

    /// Takes the last level away. All its choices were tried, and if nothing came out, the levels before it that have
    /// nothing to do with that go with it.
    pub(super) fn leave_level(&mut self) {
        let Some(frame) = self.frames.pop() else {
            return;
        };
        if let Some(candidates) = frame.candidates {
            self.candidates.truncate(candidates.start as usize);
        }
        if frame.produced {
            return;
        }
        let mut blame = frame.blame;
        if let Some(guard) = frame.narrowed_by {
            blame.add(self.blame_of(guard));
        }
        blame.add(self.blame_for(frame.fork));
        match blame.last_before(self.frames.len()) {
            Some((level, rest)) => {
                while self.frames.len() > level + 1 {
                    self.drop_level();
                }
                self.frames[level].blame.add(rest);
            }
            None => {
                while !self.frames.is_empty() {
                    self.drop_level();
                }
            }
        }
    }

    /// Takes the last level away with the choice taken there.
    fn drop_level(&mut self) {
        let Some(frame) = self.frames.pop() else {
            return;
        };
        if let Some(choice) = frame.current {
            self.scope.pop(choice);
            self.path.pop();
        }
        if let Some(candidates) = frame.candidates {
            self.candidates.truncate(candidates.start as usize);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_level_before() {
        let mut blame = Blame::level(2);
        blame.add(Blame::level(5));
        assert_eq!(blame.last_before(5), Some((2, Blame::default())));
        assert_eq!(blame.last_before(6), Some((5, Blame::level(2))));
        assert_eq!(blame.last_before(2), None);
        assert_eq!(Blame::ALL.last_before(0), None);
        assert_eq!(Blame::ALL.last_before(200), Some((199, Blame::ALL)));
        assert_eq!(Blame::level(200), Blame::ALL);
    }
}
