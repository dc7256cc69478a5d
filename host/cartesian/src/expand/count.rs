//! How many variants there are, without walking over all of them: where no filter is left that could fail, the numbers
//! of the choices are multiplied.

use crate::error::Error;
use crate::expand::{Options, Step, Walk};
use crate::tree::{Block, ForkId, Tree};

/// How many variants a configuration has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    /// So many.
    Exactly(u128),
    /// So many were counted when the counting was given up: filters made it necessary to try out too many choices, or
    /// the limit was reached, or the number has more than 38 digits.
    AtLeast(u128),
}

/// Choices that are tried before the counting is given up: about a second of work.
const MAX_TRIED: u64 = 5_000_000;

/// Counts the variants, up to `limit`.
pub(crate) fn count(tree: &Tree, options: Options, limit: u128) -> Result<Count, Error> {
    let mut products = Products {
        tree,
        known: vec![None; tree.forks.len()],
        expand: options.expand.clone(),
        defaults: options.defaults,
    };
    let mut walk = Walk::new(tree, options);
    let mut count: u128 = 0;
    // Where there are joins, combinations come one by one.
    let mut steps = 0;
    while let Some(found) = walk.advance_many(&mut products) {
        let more = found?;
        count = match more.and_then(|more| count.checked_add(more)) {
            Some(count) => count,
            None => return Ok(Count::AtLeast(u128::MAX)),
        };
        if count >= limit {
            return Ok(Count::AtLeast(limit));
        }
        steps += 1;
        if walk.counts.tried.get() + steps > MAX_TRIED {
            return Ok(Count::AtLeast(count));
        }
    }
    Ok(Count::Exactly(count))
}

/// What a fork multiplies the number of variants by.
#[derive(Debug, Clone, Copy)]
enum Product {
    /// There are filters or joins in it: it has to be walked over.
    Unknown,
    /// So many; nothing, if that is more than any number here.
    Known(Option<u128>),
}

impl Product {
    fn times(self, other: impl FnOnce() -> Self) -> Self {
        match self {
            Self::Unknown => Self::Unknown,
            Self::Known(a) => match other() {
                Self::Unknown => Self::Unknown,
                Self::Known(b) => Self::Known(a.zip(b).and_then(|(a, b)| a.checked_mul(b))),
            },
        }
    }
}

struct Products<'t> {
    tree: &'t Tree,
    /// By fork, as far as it is known.
    known: Vec<Option<Product>>,
    defaults: bool,
    expand: Vec<String>,
}

impl Products<'_> {
    fn of_forks(&mut self, forks: &[ForkId]) -> Product {
        forks.iter().fold(Product::Known(Some(1)), |product, fork| {
            product.times(|| self.of_fork(*fork))
        })
    }

    fn of_block(&mut self, block: &Block) -> Product {
        if !block.guards.is_empty() || !block.joins.is_empty() {
            return Product::Unknown;
        }
        let tree = self.tree;
        self.of_forks(tree.forks_of(block))
    }

    fn of_fork(&mut self, id: ForkId) -> Product {
        if let Some(product) = self.known[id as usize] {
            return product;
        }
        let tree = self.tree;
        let fork = tree.fork(id);
        let choices = fork.choices.items(&tree.choices);
        let expanded = fork
            .name
            .as_deref()
            .is_some_and(|name| self.expand.iter().any(|expand| expand == name));
        // Without a filter the default comes out, and nothing else of its fork.
        let choices = match fork.default {
            Some(default) if self.defaults && !expanded => {
                std::slice::from_ref(&choices[default as usize])
            }
            _ => choices,
        };
        let product = choices.iter().fold(Product::Known(Some(0)), |sum, choice| {
            match (sum, self.of_block(&choice.body)) {
                (Product::Known(a), Product::Known(b)) => {
                    Product::Known(a.zip(b).and_then(|(a, b)| a.checked_add(b)))
                }
                _ => Product::Unknown,
            }
        });
        self.known[id as usize] = Some(product);
        product
    }
}

impl<'t> Walk<'t> {
    /// Goes on to where the next combinations come out, and says how many; nothing, if no number is large enough.
    fn advance_many(&mut self, products: &mut Products<'t>) -> Option<Result<Option<u128>, Error>> {
        loop {
            if self.joining.is_some() {
                return Some(self.advance()?.map(|()| Some(1)));
            }
            let (place, open) = match self.next_start()? {
                Ok(start) => start,
                Err(error) => return Some(Err(error)),
            };
            if open.is_empty()
                && let Product::Known(product) = self.product(place, products)
            {
                self.mark_produced();
                return Some(Ok(product));
            }
            match self.step(place) {
                Step::Leaf => {
                    self.mark_produced();
                    return Some(Ok(Some(1)));
                }
                Step::Fork { fork, rest } => self.open_frame(fork, rest, open),
                Step::Join { join, opened } => {
                    if let Err(error) = self.open_join(join, opened, open) {
                        return Some(Err(error));
                    }
                }
            }
            if self.counts.tried.get() > MAX_TRIED {
                return Some(Ok(Some(0)));
            }
        }
    }

    /// How many combinations there are of all that is to be chosen from `place` on.
    fn product(&self, mut place: Option<u32>, products: &mut Products<'t>) -> Product {
        let mut product = Product::Known(Some(1));
        while let Some(at) = place {
            let pending = &self.pendings[at as usize];
            if !pending.block.joins.is_empty() {
                return Product::Unknown;
            }
            let forks = &self.tree.forks_of(pending.block)[..pending.left];
            product = product.times(|| products.of_forks(forks));
            place = pending.parent;
        }
        product
    }
}
