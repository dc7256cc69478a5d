//! The expansion: a lazy walk over all combinations that the filters leave.
//!
//! The last block of the text is chosen first and changes slowest, as the reference has it. Before a choice is gone
//! into, every filter known so far is asked whether anything below can still pass; filters that can no longer fail are
//! dropped for the whole subtree. Only a complete combination gets its keys.

use crate::apply::Values;
use crate::error::{Error, ErrorKind};
use crate::join::Joining;
use crate::leaf::{self, Leaf};
use crate::scope::{Scope, Verdict};
use crate::tree::{Block, Choice, Fork, Guarded, Join, LabelId, Tree};

/// How to expand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// Take only the default variant of each block that has one (`- @name:` or `[default=name]`), or the others if a
    /// filter leaves nothing of it.
    pub defaults: bool,
    /// Names of variants blocks that are expanded in full even so.
    pub expand: Vec<String>,
}

/// Rejected choices in a row after which a search is given up: filters can be written so that only trying out all
/// combinations shows that none passes.
pub(crate) const MAX_FRUITLESS: usize = 100_000_000;

/// What is still to be chosen: the first `left` forks of a block, then whatever `parent` says.
#[derive(Debug, Clone, Copy)]
struct Pending<'t> {
    block: &'t Block,
    left: usize,
    parent: Option<usize>,
    /// The join that stands here has been gone into.
    joined: bool,
}

/// A fork being gone through.
#[derive(Debug, Clone)]
struct Frame<'t> {
    fork: &'t Fork,
    /// What is to be chosen after this fork.
    rest: usize,
    /// How many choices were tried.
    tried: usize,
    current: Option<&'t Choice>,
    /// Something below came out: a default needs no stand-in.
    produced: bool,
    /// Filters still open before the choice.
    open: Vec<&'t Guarded>,
    /// Length of the list of pendings before the choice.
    pendings: usize,
}

/// A place to go on from: what is to be chosen, and the filters still open.
pub(crate) type Start<'t> = (Option<usize>, Vec<&'t Guarded>);

/// What comes next at a place.
enum Step<'t> {
    Leaf,
    Fork { fork: &'t Fork, rest: usize },
    Join { join: &'t Join, opened: usize },
}

/// The state of the walk.
#[derive(Clone)]
pub(crate) struct Walk<'t> {
    pub(crate) tree: &'t Tree,
    pub(crate) scope: Scope,
    /// By number of the fork.
    pub(crate) chosen: Vec<usize>,
    /// The choices taken, the outermost first, each with the number of labels before it.
    pub(crate) path: Vec<(&'t Choice, usize)>,
    options: Options,
    pendings: Vec<Pending<'t>>,
    frames: Vec<Frame<'t>>,
    start: Option<Start<'t>>,
    joining: Option<Box<Joining<'t>>>,
    /// Choices that a filter rejected since a combination last came out.
    pub(crate) fruitless: usize,
}

impl<'t> Walk<'t> {
    pub(crate) fn new(tree: &'t Tree, options: Options) -> Self {
        let mut walk = Self {
            tree,
            scope: Scope::new(tree.labels.len()),
            chosen: vec![0; tree.forks],
            path: Vec::new(),
            options,
            pendings: Vec::new(),
            frames: Vec::new(),
            start: None,
            joining: None,
            fruitless: 0,
        };
        let place = walk.enter(&tree.root, None);
        walk.start = walk
            .judge(&[], &tree.root.filters, place)
            .map(|open| (place, open));
        walk
    }

    /// A walk over what can be chosen from here, with one filter more.
    pub(crate) fn branch(&self, opened: usize, open: &[&'t Guarded], filter: &'t Guarded) -> Self {
        let place = Some(opened);
        let start = self
            .judge(open, std::slice::from_ref(filter), place)
            .map(|open| (place, open));
        Self {
            tree: self.tree,
            scope: self.scope.clone(),
            chosen: self.chosen.clone(),
            path: self.path.clone(),
            options: self.options.clone(),
            pendings: self.pendings.clone(),
            frames: Vec::new(),
            start,
            joining: None,
            fruitless: 0,
        }
    }

    /// The next combination.
    pub(crate) fn advance(&mut self, values: &mut Values<'t>) -> Option<Result<Leaf<'t>, Error>> {
        loop {
            if let Some(mut joining) = self.joining.take()
                && let Some(result) = joining.advance(values)
            {
                self.joining = Some(joining);
                self.mark_produced();
                return Some(result);
            }
            let (place, open) = match self.start.take() {
                Some(start) => start,
                None => match self.choose()? {
                    Ok(start) => start,
                    Err(error) => return Some(Err(error)),
                },
            };
            match self.step(place) {
                Step::Leaf => {
                    self.mark_produced();
                    return Some(leaf::build(self, values));
                }
                Step::Fork { fork, rest } => {
                    let pendings = self.pendings.len();
                    self.frames.push(Frame {
                        fork,
                        rest,
                        tried: 0,
                        current: None,
                        produced: false,
                        open,
                        pendings,
                    });
                }
                Step::Join { join, opened } => {
                    self.joining = Some(Box::new(Joining::new(self, join, opened, &open)));
                }
            }
        }
    }

    fn mark_produced(&mut self) {
        self.fruitless = 0;
        for frame in &mut self.frames {
            frame.produced = true;
        }
    }

    /// Adds `block` to what is to be chosen, before `parent`.
    fn enter(&mut self, block: &'t Block, parent: Option<usize>) -> Option<usize> {
        if block.forks.is_empty() && block.joins.is_empty() {
            return parent;
        }
        self.pendings.push(Pending {
            block,
            left: block.forks.len(),
            parent,
            joined: false,
        });
        Some(self.pendings.len() - 1)
    }

    /// What is to be done at `place`.
    fn step(&mut self, mut place: Option<usize>) -> Step<'t> {
        while let Some(at) = place {
            let pending = self.pendings[at];
            if !pending.joined
                && let Some(join) = pending.block.join_after(pending.left)
            {
                self.pendings.push(Pending {
                    joined: true,
                    ..pending
                });
                return Step::Join {
                    join,
                    opened: self.pendings.len() - 1,
                };
            }
            if pending.left > 0 {
                let left = pending.left - 1;
                self.pendings.push(Pending {
                    left,
                    joined: false,
                    ..pending
                });
                return Step::Fork {
                    fork: &pending.block.forks[left],
                    rest: self.pendings.len() - 1,
                };
            }
            place = pending.parent;
        }
        Step::Leaf
    }

    /// Takes the next choice that the filters let through.
    fn choose(&mut self) -> Option<Result<Start<'t>, Error>> {
        loop {
            let frame = self.frames.last_mut()?;
            self.pendings.truncate(frame.pendings);
            if let Some(choice) = frame.current.take() {
                self.scope.pop(choice);
                self.path.pop();
            }
            let Some(index) = next_index(frame, &self.options) else {
                self.frames.pop();
                continue;
            };
            frame.tried += 1;
            let choice = &frame.fork.choices[index];
            frame.current = Some(choice);
            let (fork, rest) = (frame.fork, frame.rest);
            let mut open = std::mem::take(&mut frame.open);
            self.path.push((choice, self.scope.path().len()));
            self.scope.push(choice);
            self.chosen[fork.id] = index;
            let place = self.enter(&choice.body, Some(rest));
            let judged = self.judge_remembering(&mut open, &choice.body.filters, place);
            if let Some(frame) = self.frames.last_mut() {
                frame.open = open;
            }
            if let Some(open) = judged {
                return Some(Ok((place, open)));
            }
            self.fruitless += 1;
            if self.fruitless > MAX_FRUITLESS {
                let message = format!("the filters rejected {MAX_FRUITLESS} choices in a row");
                return Some(Err(Error::new(
                    ErrorKind::Limit,
                    choice.origin.span(),
                    message,
                )));
            }
        }
    }

    /// As [`Walk::judge`]; an inherited filter that rejects moves to the front, because it will most likely reject the
    /// next choice as well.
    fn judge_remembering(
        &self,
        open: &mut [&'t Guarded],
        new: &'t [Guarded],
        place: Option<usize>,
    ) -> Option<Vec<&'t Guarded>> {
        let reachable = |label| self.reachable(label, place);
        let rejects = |guarded: &&Guarded| self.scope.judge(guarded, &reachable) == Verdict::Reject;
        if let Some((first, _)) = open.split_first()
            && rejects(first)
        {
            return None;
        }
        let judged = self.judge(open, new, place);
        if judged.is_none()
            && let Some(at) = open.iter().position(rejects)
        {
            open.swap(0, at);
        }
        judged
    }

    /// The filters that are still open at `place`, or nothing if one of them rejects all that may come.
    fn judge(
        &self,
        open: &[&'t Guarded],
        new: &'t [Guarded],
        place: Option<usize>,
    ) -> Option<Vec<&'t Guarded>> {
        let mut still = Vec::new();
        for guarded in open.iter().copied().chain(new) {
            match self
                .scope
                .judge(guarded, &|label| self.reachable(label, place))
            {
                Verdict::Reject => return None,
                Verdict::Accept => {}
                Verdict::Open => still.push(guarded),
            }
        }
        Some(still)
    }

    /// May the label still be chosen at `place` or later?
    fn reachable(&self, label: LabelId, place: Option<usize>) -> bool {
        let pendings = std::iter::successors(place, |at| self.pendings[*at].parent);
        pendings.map(|at| &self.pendings[at]).any(|pending| {
            match &pending.block.forks[..pending.left] {
                [] => false,
                [first, .., last] => self
                    .tree
                    .occurs(label, &(first.positions.start..last.positions.end)),
                [only] => self.tree.occurs(label, &only.positions),
            }
        })
    }
}

/// Which choice of the frame comes next: its default first, if only defaults are wanted.
fn next_index(frame: &Frame<'_>, options: &Options) -> Option<usize> {
    let expanded = frame
        .fork
        .name
        .as_ref()
        .is_some_and(|name| options.expand.contains(name));
    let default = frame.fork.default.filter(|_| options.defaults && !expanded);
    let index = match (default, frame.tried) {
        (None, tried) => tried,
        (Some(default), 0) => default,
        (Some(_), _) if frame.produced => return None,
        (Some(default), tried) if tried <= default => tried - 1,
        (Some(_), tried) => tried,
    };
    (index < frame.fork.choices.len()).then_some(index)
}
