//! `join a b`: every pair of a variant that matches `a` and one that matches `b`, merged into one.

use crate::apply::Values;
use crate::error::{Error, ErrorKind};
use crate::expand::Walk;
use crate::leaf::{Kept, Leaf};
use crate::tree::{Guarded, Join};
use crate::variant::Body;

/// A join being gone through: one walk for each of its filters, the last one changes fastest.
#[derive(Clone)]
pub(crate) struct Joining<'t> {
    join: &'t Join,
    /// The state of the walk where the join stands.
    base: Walk<'t>,
    opened: usize,
    open: Vec<&'t Guarded>,
    /// The walks opened so far, each with its present combination; the last one has none.
    levels: Vec<(Walk<'t>, Option<(Names, Kept<'t>)>)>,
    /// Walks that came to their end since a combination last came out.
    fruitless: usize,
}

/// Walks without a result after which a join is given up: its earlier filters may select any number of combinations
/// when the last one selects none.
const MAX_FRUITLESS_WALKS: usize = 100_000;

/// The names of one combination.
#[derive(Clone)]
struct Names {
    name: String,
    short_name: String,
}

impl<'t> Joining<'t> {
    pub(crate) fn new(
        walk: &Walk<'t>,
        join: &'t Join,
        opened: usize,
        open: &[&'t Guarded],
    ) -> Self {
        let mut joining = Self {
            join,
            base: walk.clone(),
            opened,
            open: open.to_vec(),
            levels: Vec::new(),
            fruitless: 0,
        };
        joining.open_level();
        joining
    }

    fn open_level(&mut self) {
        if let Some(filter) = self.join.filters.get(self.levels.len()) {
            self.levels
                .push((self.base.branch(self.opened, &self.open, filter), None));
        }
    }

    /// The next merged combination.
    pub(crate) fn advance(&mut self, values: &mut Values<'t>) -> Option<Result<Leaf<'t>, Error>> {
        loop {
            let last = self.levels.len() == self.join.filters.len();
            let (walk, present) = self.levels.last_mut()?;
            let mut leaf = match walk.advance(values) {
                Some(Ok(leaf)) => leaf,
                Some(Err(error)) => return Some(Err(error)),
                None => {
                    self.levels.pop();
                    self.fruitless += 1;
                    if self.fruitless > MAX_FRUITLESS_WALKS {
                        let message =
                            format!("`join` found nothing in {MAX_FRUITLESS_WALKS} attempts");
                        return Some(Err(Error::new(ErrorKind::Limit, &self.join.span, message)));
                    }
                    continue;
                }
            };
            leaf.take_out(values);
            if last {
                self.fruitless = 0;
                return Some(self.merge(leaf));
            }
            let kept = leaf.kept.take()?;
            *present = Some((
                Names {
                    name: leaf.body.name,
                    short_name: leaf.body.short_name,
                },
                kept,
            ));
            self.open_level();
        }
    }

    /// Merges the combinations of all levels; later ones win, and give the dependencies and the names by file.
    fn merge(&self, last: Leaf<'t>) -> Result<Leaf<'t>, Error> {
        let Leaf { mut body, kept } = last;
        let mut kept = kept.unwrap_or_else(|| Kept {
            plain: Vec::new(),
            suffixed: Vec::new(),
        });
        for (_, present) in self.levels.iter().rev() {
            let Some((names, earlier)) = present else {
                continue;
            };
            if names.name == body.name {
                let message = format!("`join` selects the variant `{}` twice", body.name);
                return Err(Error::new(ErrorKind::Join, &self.join.span, message));
            }
            body = Body {
                name: merged_name(&names.name, &body.name),
                short_name: merged_name(&names.short_name, &body.short_name),
                ..body
            };
            let mut merged = earlier.clone();
            merged.plain.extend(kept.plain);
            for suffixed in kept.suffixed {
                let same = |have: &crate::apply::Suffixed<'_>| {
                    have.key == suffixed.key && have.suffixes == suffixed.suffixes
                };
                match merged.suffixed.iter_mut().find(|have| same(have)) {
                    Some(have) => have.slot = suffixed.slot,
                    None => merged.suffixed.push(suffixed),
                }
            }
            kept = merged;
        }
        Ok(Leaf {
            body,
            kept: Some(kept),
        })
    }
}

/// What both names begin with, then what each one goes on with.
fn merged_name(first: &str, second: &str) -> String {
    let split = |name: &str| -> Vec<String> {
        name.split('.')
            .filter(|part| !part.is_empty())
            .map(str::to_owned)
            .collect()
    };
    let (first, second) = (split(first), split(second));
    let common = first
        .iter()
        .zip(&second)
        .take_while(|(a, b)| a == b)
        .count();
    first
        .into_iter()
        .chain(second.into_iter().skip(common))
        .collect::<Vec<_>>()
        .join(".")
}

#[cfg(test)]
mod tests {
    use super::merged_name;

    #[test]
    fn the_common_beginning_stands_once() {
        assert_eq!(merged_name("x.a", "x.b"), "x.a.b");
        assert_eq!(merged_name("x.a", "y.b"), "x.a.y.b");
        assert_eq!(merged_name("(v=a)", "(v=b)"), "(v=a).(v=b)");
        assert_eq!(merged_name("", "b"), "b");
        assert_eq!(merged_name("a", "a"), "a");
    }
}
