//! Whether labels can come together at all.

use crate::lint::forest::{Forest, LabelId, Place};

/// So many labels are looked at together; a filter with more is taken to match.
const MAX_LABELS: usize = 16;

/// Places tried for a whole configuration. Past that, everything is taken to match: a text can be written so that only
/// trying out everything shows that nothing does.
const MAX_TRIED: u64 = 20_000_000;

/// Looks for variants that can be chosen together.
pub(super) struct Search<'f> {
    forest: &'f Forest,
    /// Places that may still be tried.
    left: u64,
}

impl<'f> Search<'f> {
    pub(super) fn new(forest: &'f Forest) -> Self {
        Self {
            forest,
            left: MAX_TRIED,
        }
    }

    /// Can all `labels` be chosen together, within the variant `inside`, with none of the labels `without`? It may say
    /// so where it is not true, but never the other way round.
    pub(super) fn can_meet(
        &mut self,
        labels: impl IntoIterator<Item = LabelId>,
        inside: Option<Place>,
        without: &[LabelId],
    ) -> bool {
        let forest = self.forest;
        let mut labels: Vec<LabelId> = labels.into_iter().collect();
        // What is rare fails first.
        labels.sort_unstable_by_key(|label| (forest.places(*label).len(), *label));
        labels.dedup();
        if labels.len() > MAX_LABELS {
            return true;
        }
        let mut placed: Vec<Place> = inside.into_iter().collect();
        self.place(&labels, &mut placed, without)
    }

    /// Can the labels be given places that go with those `placed`?
    fn place(&mut self, labels: &[LabelId], placed: &mut Vec<Place>, without: &[LabelId]) -> bool {
        let Some((label, rest)) = labels.split_first() else {
            return true;
        };
        let forest = self.forest;
        for place in forest.places(*label) {
            if !self.may_try() {
                return true;
            }
            let goes_with = |other: &Place| forest.conflict(*place, *other).is_none();
            let is_ruled_out = |label: &LabelId| forest.carries(Some(*place), *label);
            if placed.iter().all(goes_with) && !without.iter().any(is_ruled_out) {
                placed.push(*place);
                if self.place(rest, placed, without) {
                    return true;
                }
                placed.pop();
            }
        }
        false
    }

    /// Can the labels of a row follow each other immediately in a name, within the variant `inside`?
    pub(super) fn can_follow(&mut self, row: &[LabelId], inside: Option<Place>) -> bool {
        let forest = self.forest;
        let Some((first, rest)) = row.split_first() else {
            return true;
        };
        // The labels that the beginning of the row may end at: a variant, and which of its labels.
        let mut ends: Vec<(Place, usize)> = Vec::new();
        for place in forest.places(*first) {
            if !self.may_try() {
                return true;
            }
            self.add_ends(&mut ends, *place, *first, inside);
        }
        for label in rest {
            let mut next = Vec::new();
            for (place, at) in ends {
                if at + 1 < forest.labels_of(place).len() {
                    if has(forest, place, at + 1, *label) {
                        next.push((place, at + 1));
                    }
                    continue;
                }
                for place in forest.following(place) {
                    if !self.may_try() {
                        return true;
                    }
                    if has(forest, place, 0, *label) && goes_with(forest, place, inside) {
                        next.push((place, 0));
                    }
                }
            }
            next.sort_unstable();
            next.dedup();
            ends = next;
        }
        !ends.is_empty()
    }

    /// Counts a place to be tried.
    fn may_try(&mut self) -> bool {
        let may = self.left > 0;
        self.left = self.left.saturating_sub(1);
        may
    }

    /// Adds every label of a variant that is this one.
    fn add_ends(
        &self,
        ends: &mut Vec<(Place, usize)>,
        place: Place,
        label: LabelId,
        inside: Option<Place>,
    ) {
        if !goes_with(self.forest, place, inside) {
            return;
        }
        let labels = 0..self.forest.labels_of(place).len();
        let found = labels.filter(|at| has(self.forest, place, *at, label));
        ends.extend(found.map(|at| (place, at)));
    }
}

fn goes_with(forest: &Forest, place: Place, inside: Option<Place>) -> bool {
    inside.is_none_or(|inside| forest.conflict(place, inside).is_none())
}

/// Is the label at this index of a variant this one?
fn has(forest: &Forest, place: Place, at: usize, label: LabelId) -> bool {
    let labels = forest.labels_of(place).get(at);
    labels.is_some_and(|(plain, exact)| *plain == label || *exact == label)
}
