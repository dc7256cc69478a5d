//! The expansion: a lazy walk over all combinations that the filters leave.
//!
//! The last block of the text is chosen first and changes slowest, as the reference has it. Before a choice is gone
//! into, every filter known so far is asked whether anything below can still pass; filters that can no longer fail are
//! dropped for the whole subtree. A complete combination has its names; its keys are another matter ([`apply`]).
//!
//! [`apply`]: crate::apply

mod blame;
pub(crate) mod count;
mod counts;
mod join;
mod judge;
pub(crate) mod scope;

use std::ops::Range;
use std::sync::Arc;

use crate::error::{Error, ErrorKind};
use crate::expand::blame::{Blame, Reasons};
use crate::expand::counts::{Counts, Live, MAX_LIVE};
use crate::expand::join::Joining;
use crate::expand::scope::Scope;
use crate::text::span::Extent;
use crate::tree::{Block, ChoiceId, ForkId, GuardId, Join, Tree};

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
pub(crate) const MAX_FRUITLESS: u64 = 100_000_000;

/// Bytes of the name of a variant.
const MAX_NAME: usize = 64 << 10;
/// Filters that are open, each once for each level that it is open at.
const MAX_OPEN: usize = 10_000_000;

/// What is still to be chosen: the first `left` forks of a block, then whatever `parent` says.
#[derive(Debug, Clone)]
struct Pending<'t> {
    block: &'t Block,
    left: usize,
    parent: Option<u32>,
    /// The join that stands here has been gone into.
    joined: bool,
    /// The positions of all variants in the forks left.
    reach: Range<u32>,
}

/// A fork being gone through.
#[derive(Debug, Clone)]
struct Frame {
    fork: ForkId,
    /// What is to be chosen after this fork.
    rest: Option<u32>,
    /// The choices to try, if filters leave only some of them: a range of [`Walk::candidates`].
    candidates: Option<Extent>,
    /// The filter that left only those.
    narrowed_by: Option<GuardId>,
    /// How many choices there are to try.
    choices: u32,
    /// Which of them stands for the fork, if only defaults are wanted.
    default: Option<u32>,
    /// How many choices were tried.
    tried: u32,
    current: Option<ChoiceId>,
    /// Something below came out: a default needs no stand-in.
    produced: bool,
    /// The levels that are to blame if nothing comes out.
    blame: Blame,
    /// The filter that rejected the last choice.
    rejected_by: Option<GuardId>,
    /// Filters still open before the choice: a range of [`Walk::open`].
    open: Extent,
    /// Lengths before the choice.
    pendings: u32,
    name: u32,
    short_name: u32,
}

/// A place to go on from: what is to be chosen, and the filters still open.
type Start = (Option<u32>, Extent);

/// What comes next at a place.
enum Step<'t> {
    Leaf,
    Fork { fork: ForkId, rest: Option<u32> },
    Join { join: &'t Join, opened: u32 },
}

/// The names of a combination.
#[derive(Debug, Clone, Default)]
pub(crate) struct Names {
    pub(crate) name: String,
    pub(crate) short_name: String,
}

/// The state of the walk.
#[derive(Clone)]
pub(crate) struct Walk<'t> {
    pub(crate) tree: &'t Tree,
    pub(crate) scope: Scope<'t>,
    /// By number of the fork.
    pub(crate) chosen: Vec<ChoiceId>,
    /// The choices taken, the outermost first, each with the number of labels before it.
    pub(crate) path: Vec<(ChoiceId, u32)>,
    names: Names,
    options: Arc<Options>,
    pendings: Vec<Pending<'t>>,
    frames: Vec<Frame>,
    /// The filters that are open at each level, one level after the other.
    open: Vec<GuardId>,
    candidates: Vec<u32>,
    /// By filter, for those that were asked more than once or have rejected something.
    reasons: Vec<Option<Box<Reasons>>>,
    /// Bytes of them.
    reasons_size: usize,
    start: Option<Start>,
    joining: Option<Box<Joining<'t>>>,
    /// What the walks of joins count together with the walk that they are a part of.
    pub(crate) counts: Arc<Counts>,
    /// Whether it is the walk of a filter of a join.
    is_part: bool,
    _live: Live,
}

impl<'t> Walk<'t> {
    pub(crate) fn new(tree: &'t Tree, options: Options) -> Self {
        let counts = Arc::new(Counts::default());
        let mut walk = Self {
            tree,
            scope: Scope::new(tree),
            chosen: vec![0; tree.forks.len()],
            path: Vec::new(),
            names: Names::default(),
            options: Arc::new(options),
            pendings: Vec::new(),
            frames: Vec::new(),
            open: Vec::new(),
            candidates: Vec::new(),
            reasons: vec![None; tree.guards.len()],
            reasons_size: 0,
            start: None,
            joining: None,
            _live: Live::new(&counts),
            counts,
            is_part: false,
        };
        let place = walk.enter(&tree.root, None);
        let open = walk.judge(Extent::default(), tree.root.guards, place, None);
        walk.start = open.ok().map(|open| (place, open));
        walk
    }

    /// A walk that stands at the combination of these choices.
    pub(crate) fn replay(tree: &'t Tree, path: &[ChoiceId]) -> Self {
        let mut walk = Self::new(tree, Options::default());
        for id in path {
            let fork = tree.places.fork(tree.choice(*id).position);
            walk.chosen[fork as usize] = *id;
            walk.path.push((*id, walk.scope.path().len() as u32));
            walk.scope.push(*id);
            walk.append_names(*id);
        }
        walk
    }

    /// A walk over what can be chosen from `opened`, with one filter more.
    fn branch(&self, opened: u32, open: Extent, filter: GuardId) -> Self {
        let mut walk = Self {
            frames: Vec::new(),
            start: None,
            joining: None,
            is_part: true,
            ..self.clone()
        };
        let filter = Extent {
            start: filter,
            end: filter + 1,
        };
        let place = Some(opened);
        let open = walk.judge(open, filter, place, None);
        walk.start = open.ok().map(|open| (place, open));
        walk
    }

    /// Goes to the next combination; nothing if there is none.
    pub(crate) fn advance(&mut self) -> Option<Result<(), Error>> {
        loop {
            if let Some(joining) = &mut self.joining {
                match joining.advance() {
                    None => {
                        self.joining = None;
                        // Why nothing came out, if nothing did, is not known.
                        if let Some(frame) = self.frames.last_mut() {
                            frame.blame = Blame::ALL;
                        }
                    }
                    result => {
                        self.mark_produced();
                        return result;
                    }
                }
            }
            let (place, open) = match self.next_start()? {
                Ok(start) => start,
                Err(error) => return Some(Err(error)),
            };
            match self.step(place) {
                Step::Leaf => {
                    self.mark_produced();
                    return Some(Ok(()));
                }
                Step::Fork { fork, rest } => self.open_frame(fork, rest, open),
                Step::Join { join, opened } => {
                    if let Err(error) = self.open_join(join, opened, open) {
                        return Some(Err(error));
                    }
                }
            }
        }
    }

    /// Where to go on: at the beginning, or after the next choice.
    fn next_start(&mut self) -> Option<Result<Start, Error>> {
        match self.start.take() {
            Some(start) => Some(Ok(start)),
            None => self.choose(),
        }
    }

    fn open_join(&mut self, join: &'t Join, opened: u32, open: Extent) -> Result<(), Error> {
        let live = self.counts.live.get() + join.filters.len() as u64;
        if live > MAX_LIVE {
            let message = format!("joins need more than {MAX_LIVE} searches at once");
            let span = self.tree.entry_span(join.entry);
            return Err(Error::new(ErrorKind::Limit, &span, message));
        }
        self.joining = Some(Box::new(Joining::new(self, join, opened, open)));
        Ok(())
    }

    /// The join that the combination came out of, if it is one of a join.
    pub(crate) fn joining(&self) -> Option<&Joining<'t>> {
        self.joining.as_deref()
    }

    /// The names of the combination that [`Walk::advance`] came to.
    pub(crate) fn names(&self) -> &Names {
        match &self.joining {
            Some(joining) => joining.names(),
            None => &self.names,
        }
    }

    /// Calls `each` with the walks whose combinations make up the one that [`Walk::advance`] came to: this one, or those
    /// of a join, the first filter's first.
    pub(crate) fn for_each_part<E>(
        &self,
        each: &mut impl FnMut(&Walk<'t>) -> Result<(), E>,
    ) -> Result<(), E> {
        match &self.joining {
            Some(joining) => joining
                .parts()
                .try_for_each(|walk| walk.for_each_part(each)),
            None => each(self),
        }
    }

    fn mark_produced(&mut self) {
        if !self.is_part {
            self.counts.fruitless.set(0);
        }
        // Whoever marks a frame marks all before it.
        for frame in self.frames.iter_mut().rev() {
            if std::mem::replace(&mut frame.produced, true) {
                break;
            }
        }
    }

    /// Adds `block` to what is to be chosen, before `parent`.
    fn enter(&mut self, block: &'t Block, parent: Option<u32>) -> Option<u32> {
        self.pend(block, block.forks.len(), parent, false)
    }

    /// The place where `left` forks of `block` are to be chosen, and then what `parent` says.
    fn pend(
        &mut self,
        block: &'t Block,
        left: usize,
        parent: Option<u32>,
        joined: bool,
    ) -> Option<u32> {
        // What has nothing to choose is no place of its own, so that a chain of places stays short.
        if left == 0 && (joined || block.joins.is_empty()) {
            return parent;
        }
        let reach = match &self.tree.forks_of(block)[..left] {
            [] => 0..0,
            [first, .., last] => {
                let first = &self.tree.fork(*first).positions;
                first.start..self.tree.fork(*last).positions.end
            }
            [only] => self.tree.fork(*only).positions.clone(),
        };
        self.pendings.push(Pending {
            block,
            left,
            parent,
            joined,
            reach,
        });
        Some(self.pendings.len() as u32 - 1)
    }

    /// What is to be done at `place`.
    fn step(&mut self, mut place: Option<u32>) -> Step<'t> {
        while let Some(at) = place {
            let pending = &self.pendings[at as usize];
            let (block, left, parent) = (pending.block, pending.left, pending.parent);
            if !pending.joined && !block.joins.is_empty() {
                let joins = block.joins.items(&self.tree.joins);
                if let Some(join) = joins.iter().find(|join| join.after as usize == left) {
                    let place = Pending {
                        joined: true,
                        ..pending.clone()
                    };
                    self.pendings.push(place);
                    let opened = self.pendings.len() as u32 - 1;
                    return Step::Join { join, opened };
                }
            }
            if left > 0 {
                let fork = self.tree.forks_of(block)[left - 1];
                let rest = self.pend(block, left - 1, parent, false);
                return Step::Fork { fork, rest };
            }
            place = parent;
        }
        Step::Leaf
    }

    fn open_frame(&mut self, id: ForkId, rest: Option<u32>, open: Extent) {
        let fork = self.tree.fork(id);
        let (narrowed_by, candidates) = self.narrow(id, rest, open).unzip();
        let expanded = |name: &str| self.options.expand.iter().any(|expand| **expand == *name);
        let default = fork
            .default
            .filter(|_| self.options.defaults && !fork.name.as_deref().is_some_and(expanded))
            .and_then(|default| match candidates {
                None => Some(default),
                Some(candidates) => {
                    let found = candidates.items(&self.candidates).binary_search(&default);
                    found.ok().map(|at| at as u32)
                }
            });
        self.frames.push(Frame {
            fork: id,
            rest,
            candidates,
            narrowed_by,
            choices: candidates.unwrap_or(fork.choices).len() as u32,
            default,
            tried: 0,
            current: None,
            produced: false,
            blame: Blame::default(),
            rejected_by: None,
            open,
            pendings: self.pendings.len() as u32,
            name: self.names.name.len() as u32,
            short_name: self.names.short_name.len() as u32,
        });
    }

    /// Takes the next choice that the filters let through.
    fn choose(&mut self) -> Option<Result<Start, Error>> {
        loop {
            let frame = self.frames.last_mut()?;
            self.pendings.truncate(frame.pendings as usize);
            self.open.truncate(frame.open.end as usize);
            self.names.name.truncate(frame.name as usize);
            self.names.short_name.truncate(frame.short_name as usize);
            if let Some(choice) = frame.current.take() {
                self.scope.pop(choice);
                self.path.pop();
            }
            let Some(index) = next_index(frame) else {
                self.leave_level();
                continue;
            };
            frame.tried += 1;
            self.counts.tried.set(self.counts.tried.get() + 1);
            let index = match frame.candidates {
                Some(candidates) => candidates.items(&self.candidates)[index as usize],
                None => index,
            };
            let id = self.tree.fork(frame.fork).choices.start + index;
            frame.current = Some(id);
            let (fork, rest, open) = (frame.fork, frame.rest, frame.open);
            let choice = self.tree.choice(id);
            self.path.push((id, self.scope.path().len() as u32));
            self.scope.push(id);
            self.chosen[fork as usize] = id;
            let place = self.enter(&choice.body, rest);
            match self.judge(open, choice.body.guards, place, Some(fork)) {
                Ok(open) => {
                    self.append_names(id);
                    return Some(self.check_size(id).map(|()| (place, open)));
                }
                Err(guard) => self.rejected_by(guard),
            }
            let fruitless = self.counts.fruitless.get() + 1;
            self.counts.fruitless.set(fruitless);
            if fruitless > MAX_FRUITLESS {
                let message = format!("the filters rejected {MAX_FRUITLESS} choices in a row");
                let span = self.tree.entry_span(choice.entry);
                return Some(Err(Error::new(ErrorKind::Limit, &span, message)));
            }
        }
    }

    /// No real variant comes near these bounds; without them a text of a megabyte could fill the memory.
    fn check_size(&self, id: ChoiceId) -> Result<(), Error> {
        let message = if self.open.len() > MAX_OPEN {
            format!("more than {MAX_OPEN} filters wait for choices to come")
        } else if self.names.name.len() > MAX_NAME {
            format!("the name of a variant is longer than {MAX_NAME} bytes")
        } else {
            return Ok(());
        };
        let span = self.tree.entry_span(self.tree.choice(id).entry);
        Err(Error::new(ErrorKind::Limit, &span, message))
    }

    fn append_names(&mut self, id: ChoiceId) {
        let choice = self.tree.choice(id);
        for (plain, exact) in self.tree.labels_of(choice) {
            append(&mut self.names.name, self.tree.labels.text(*exact));
            if !choice.hidden {
                append(&mut self.names.short_name, self.tree.labels.text(*plain));
            }
        }
    }
}

/// Which of the choices to try comes next: the default first, if only defaults are wanted.
fn next_index(frame: &Frame) -> Option<u32> {
    let index = match (frame.default, frame.tried) {
        (None, tried) => tried,
        (Some(default), 0) => default,
        // A default that gave nothing has all others stand in for it.
        (Some(_), 1) if frame.produced => return None,
        (Some(default), tried) if tried <= default => tried - 1,
        (Some(_), tried) => tried,
    };
    (index < frame.choices).then_some(index)
}

/// Appends one component of a name.
pub(crate) fn append(name: &mut String, component: &str) {
    if !name.is_empty() {
        name.push('.');
    }
    name.push_str(component);
}
