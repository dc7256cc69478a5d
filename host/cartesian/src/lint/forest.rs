//! Which variants there are, and which of them can be chosen together.
//!
//! Every variant has a place: its number in the order of the text. Those in a variant are the places that follow it, so
//! a piece of the text is a range of places. Two variants exclude each other if, and only if, they lie in different
//! choices of one block of variants; any set of variants that do not exclude each other in pairs can be chosen
//! together, as far as filters let it.

use std::ops::Range;

use crate::syntax::{Atom, Kind, Syntax};
use crate::text::span::Extent;
use crate::tree::intern::Interner;

pub(super) type LabelId = u32;
pub(super) type Place = u32;

/// The variants of a configuration.
#[derive(Default)]
pub(super) struct Forest {
    /// Labels in the form in which filters write them: `x` and `(block=x)`.
    labels: Interner,
    /// By label, the places of the variants that have it, in order.
    places: Vec<Vec<Place>>,
    /// By place.
    choices: Vec<Choice>,
    /// Each label of a choice as `x` and as `(block=x)`; twice the same in an unnamed block.
    choice_labels: Vec<(LabelId, LabelId)>,
    forks: Vec<Fork>,
}

/// A variant.
struct Choice {
    /// The statement.
    stmt: usize,
    fork: usize,
    /// The place after the last one in it.
    end: Place,
    /// In [`Forest::choice_labels`].
    labels: Extent,
    /// The last block of variants in it.
    last_fork: Option<usize>,
}

/// A block of variants.
struct Fork {
    /// The variant it stands in.
    parent: Option<Place>,
    /// The block before it in the same variant.
    previous: Option<usize>,
    /// All variants in it, nested ones too.
    places: Range<Place>,
}

impl Forest {
    pub(super) fn new(syntax: &Syntax) -> Self {
        let mut forest = Self::default();
        forest.body(syntax, 0, syntax.stmts.len(), None);
        forest
    }

    /// Adds the variants in some statements; gives the last block of them.
    fn body(
        &mut self,
        syntax: &Syntax,
        start: usize,
        end: usize,
        parent: Option<Place>,
    ) -> Option<usize> {
        let mut previous = None;
        for (at, stmt) in syntax.children(start, end) {
            let Kind::Variants { name } = stmt.kind else {
                continue;
            };
            let name = name.map(|name| name.of(syntax.text(stmt)));
            let fork = self.forks.len();
            let first = self.choices.len() as Place;
            self.forks.push(Fork {
                parent,
                previous,
                places: first..first,
            });
            for (at, _) in syntax.body(at) {
                self.choice(syntax, at, fork, name);
            }
            self.forks[fork].places.end = self.choices.len() as Place;
            previous = Some(fork);
        }
        previous
    }

    fn choice(&mut self, syntax: &Syntax, at: usize, fork: usize, block: Option<&str>) {
        let stmt = &syntax.stmts[at];
        let Kind::Choice { labels, .. } = stmt.kind else {
            return;
        };
        let text = syntax.text(stmt);
        let place = self.choices.len() as Place;
        let first = self.choice_labels.len();
        for label in labels.items(&syntax.labels) {
            let name = label.of(text);
            let plain = self.label_at(name, place);
            let exact = match block {
                Some(block) => self.label_at(&exact(block, name), place),
                None => plain,
            };
            self.choice_labels.push((plain, exact));
        }
        self.choices.push(Choice {
            stmt: at,
            fork,
            end: place,
            labels: Extent::since(&self.choice_labels, first),
            last_fork: None,
        });
        let last_fork = self.body(syntax, at + 1, stmt.end as usize, Some(place));
        let end = self.choices.len() as Place;
        let choice = &mut self.choices[place as usize];
        (choice.last_fork, choice.end) = (last_fork, end);
    }

    fn label_at(&mut self, text: &str, place: Place) -> LabelId {
        let label = self.labels.intern(text);
        if label as usize == self.places.len() {
            self.places.push(Vec::new());
        }
        let places = &mut self.places[label as usize];
        if places.last() != Some(&place) {
            places.push(place);
        }
        label
    }

    /// The label that an atom names, if a variant has it.
    pub(super) fn find(&self, atom: &Atom, text: &str) -> Option<LabelId> {
        let name = atom.name.of(text);
        match atom.block {
            Some(block) => self.labels.find(&exact(block.of(text), name)),
            None => self.labels.find(name),
        }
    }

    pub(super) fn label(&self, label: LabelId) -> &str {
        self.labels.text(label)
    }

    /// All labels, in the order of the text.
    pub(super) fn labels(&self) -> impl Iterator<Item = &str> {
        (0..self.labels.len() as LabelId).map(|label| self.label(label))
    }

    /// The places of the variants that have the label.
    pub(super) fn places(&self, label: LabelId) -> &[Place] {
        &self.places[label as usize]
    }

    /// The place of the variant that the statement `stmt` is.
    pub(super) fn place(&self, stmt: usize) -> Option<Place> {
        let found = self
            .choices
            .binary_search_by_key(&stmt, |choice| choice.stmt);
        found.ok().map(|place| place as Place)
    }

    /// The statement of a variant.
    pub(super) fn stmt(&self, place: Place) -> usize {
        self.choices[place as usize].stmt
    }

    /// The labels of one variant, in order, each as `x` and as `(block=x)`.
    pub(super) fn labels_of(&self, place: Place) -> &[(LabelId, LabelId)] {
        let labels = self.choices[place as usize].labels;
        labels.items(&self.choice_labels)
    }

    /// A variant and those it stands in, the innermost first: none of them is chosen without the others.
    pub(super) fn up(&self, place: Option<Place>) -> impl Iterator<Item = Place> {
        std::iter::successors(place, |place| {
            let fork = self.choices[*place as usize].fork;
            self.forks[fork].parent
        })
    }

    /// Does the variant have the label, or one that it stands in?
    pub(super) fn carries(&self, place: Option<Place>, label: LabelId) -> bool {
        let has = |place| {
            let labels = self.labels_of(place);
            labels
                .iter()
                .any(|(plain, exact)| *plain == label || *exact == label)
        };
        self.up(place).any(has)
    }

    /// The two different choices of one block in which `a` and `b` lie, if they do.
    pub(super) fn conflict(&self, a: Place, b: Place) -> Option<(Place, Place)> {
        let (low, high) = (a.min(b), a.max(b));
        for place in self.up(Some(low)) {
            let choice = &self.choices[place as usize];
            if high < choice.end {
                return None;
            }
            let fork = choice.fork;
            if self.forks[fork].places.contains(&high) {
                let is_here = |place: &Place| self.choices[*place as usize].fork == fork;
                let other = self.up(Some(high)).find(is_here)?;
                return Some(if low == a {
                    (place, other)
                } else {
                    (other, place)
                });
            }
        }
        None
    }

    /// The choices of the block that is chosen from next after `place`: the one whose labels follow in a name.
    pub(super) fn following(&self, place: Place) -> impl Iterator<Item = Place> {
        let fork = self.following_fork(place);
        let places = fork.map_or(0..0, |fork| self.forks[fork].places.clone());
        let mut next = places.start;
        std::iter::from_fn(move || {
            let place = next;
            if place >= places.end {
                return None;
            }
            next = self.choices[place as usize].end;
            Some(place)
        })
    }

    /// The last block of a variant is chosen from first.
    fn following_fork(&self, place: Place) -> Option<usize> {
        let choice = &self.choices[place as usize];
        choice.last_fork.or_else(|| {
            self.up(Some(place))
                .find_map(|place| self.forks[self.choices[place as usize].fork].previous)
        })
    }
}

fn exact(block: &str, name: &str) -> String {
    format!("({block}={name})")
}
