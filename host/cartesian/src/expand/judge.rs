//! What the filters say of a choice before it is gone into.

use crate::expand::Walk;
use crate::expand::scope::Verdict;
use crate::text::span::Extent;
use crate::tree::{ForkId, GuardId, LabelId};

impl Walk<'_> {
    /// The filters that are still open at `place`, or the one that rejects all that may come; `chosen` is the fork of the
    /// choice just taken, if it is judged.
    ///
    /// An inherited filter that rejects moves to the front of its level, because it will most likely reject the next
    /// choice as well.
    pub(super) fn judge(
        &mut self,
        open: Extent,
        new: Extent,
        place: Option<u32>,
        chosen: Option<ForkId>,
    ) -> Result<Extent, GuardId> {
        let first = self.open.len();
        for at in open.range() {
            let guard = self.open[at];
            if chosen.is_some_and(|fork| self.says_the_same(guard, fork)) {
                self.open.push(guard);
                continue;
            }
            match self.verdict(guard, place) {
                Verdict::Reject => {
                    self.open.truncate(first);
                    self.open.swap(open.start as usize, at);
                    return Err(guard);
                }
                Verdict::Accept => {}
                Verdict::Open => self.open.push(guard),
            }
        }
        for guard in new.indices() {
            match self.verdict(guard, place) {
                Verdict::Reject => {
                    self.open.truncate(first);
                    return Err(guard);
                }
                Verdict::Accept => {}
                Verdict::Open => self.open.push(guard),
            }
        }
        Ok(Extent::since(&self.open, first))
    }

    fn verdict(&self, guard: GuardId, place: Option<u32>) -> Verdict {
        let guarded = &self.tree.guards[guard as usize];
        self.scope
            .judge(guarded, &|label| self.reachable(label, place))
    }

    /// May the label still be chosen at `place` or later?
    fn reachable(&self, label: LabelId, mut place: Option<u32>) -> bool {
        while let Some(at) = place {
            let pending = &self.pendings[at as usize];
            if self.tree.places.occurs(label, &pending.reach) {
                return true;
            }
            place = pending.parent;
        }
        false
    }

    /// Notes why the present choice was rejected.
    pub(super) fn rejected_by(&mut self, guard: GuardId) {
        let known = self.frames.last().and_then(|frame| frame.rejected_by);
        if known == Some(guard) {
            return;
        }
        let blame = self.blame_of(guard);
        if let Some(frame) = self.frames.last_mut() {
            frame.blame.add(blame);
            frame.rejected_by = Some(guard);
        }
    }

    /// The choices of a fork that can have a label which an open filter needs, and which nothing but this fork can give
    /// any more. All others need not be tried.
    pub(super) fn narrow(
        &mut self,
        fork: ForkId,
        rest: Option<u32>,
        open: Extent,
    ) -> Option<(GuardId, Extent)> {
        let fork = self.tree.fork(fork);
        if fork.choices.len() < 3 {
            return None;
        }
        let (guard, needed) = open.range().find_map(|at| {
            let guard = self.open[at];
            let labels = self.scope.required(&self.tree.guards[guard as usize])?;
            let elsewhere = labels.iter().any(|label| self.reachable(*label, rest));
            (!elsewhere).then_some((guard, labels))
        })?;
        let first = self.candidates.len();
        let choices = fork.choices.items(&self.tree.choices);
        for label in needed {
            let places = self.tree.places.of(*label);
            let mut from = places.partition_point(|place| *place < fork.positions.start);
            while let Some(place) = places.get(from).filter(|at| **at < fork.positions.end) {
                // The choice in which the position lies, and the first position after it.
                let index = choices.partition_point(|choice| choice.end <= *place);
                self.candidates.push(index as u32);
                from += places[from..].partition_point(|place| *place < choices[index].end);
            }
        }
        if needed.len() > 1 {
            self.candidates[first..].sort_unstable();
            let mut kept = first;
            for at in first..self.candidates.len() {
                if at == first || self.candidates[at] != self.candidates[kept - 1] {
                    self.candidates[kept] = self.candidates[at];
                    kept += 1;
                }
            }
            self.candidates.truncate(kept);
        }
        Some((guard, Extent::since(&self.candidates, first)))
    }
}
