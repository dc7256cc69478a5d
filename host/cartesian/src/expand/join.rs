//! `join a b`: every pair of a variant that matches `a` and one that matches `b`, merged into one.

use crate::error::{Error, ErrorKind};
use crate::expand::{Names, Walk};
use crate::text::span::Extent;
use crate::tree::Join;

/// A join being gone through: one walk for each of its filters, the last one changes fastest.
#[derive(Clone)]
pub(crate) struct Joining<'t> {
    join: &'t Join,
    /// The state of the walk where the join stands.
    base: Walk<'t>,
    opened: u32,
    open: Extent,
    /// The walks opened so far. All but the last stand at their present combination.
    levels: Vec<Walk<'t>>,
    /// Walks that came to their end since a combination last came out.
    fruitless: usize,
    names: Names,
}

/// Walks without a result after which a join is given up: its earlier filters may select any number of combinations
/// when the last one selects none.
const MAX_FRUITLESS_WALKS: usize = 100_000;

impl<'t> Joining<'t> {
    pub(crate) fn new(walk: &Walk<'t>, join: &'t Join, opened: u32, open: Extent) -> Self {
        let mut joining = Self {
            join,
            base: walk.clone(),
            opened,
            open,
            levels: Vec::new(),
            fruitless: 0,
            names: Names::default(),
        };
        joining.open_level();
        joining
    }

    fn open_level(&mut self) {
        let filter = self.join.filters.start + self.levels.len() as u32;
        let level = self.base.branch(self.opened, self.open, filter);
        self.levels.push(level);
    }

    /// Goes to the next merged combination.
    pub(crate) fn advance(&mut self) -> Option<Result<(), Error>> {
        loop {
            match self.levels.last_mut()?.advance() {
                Some(Ok(())) => {}
                Some(Err(error)) => return Some(Err(error)),
                None => {
                    self.levels.pop();
                    self.fruitless += 1;
                    if self.fruitless > MAX_FRUITLESS_WALKS {
                        let message =
                            format!("`join` found nothing in {MAX_FRUITLESS_WALKS} attempts");
                        return Some(Err(self.error(ErrorKind::Limit, message)));
                    }
                    continue;
                }
            }
            if self.levels.len() == self.join.filters.len() {
                self.fruitless = 0;
                return Some(self.merge_names());
            }
            self.open_level();
        }
    }

    pub(crate) fn names(&self) -> &Names {
        &self.names
    }

    /// The walks whose combinations are merged: later ones win.
    pub(crate) fn parts(&self) -> impl Iterator<Item = &Walk<'t>> {
        self.levels.iter()
    }

    fn merge_names(&mut self) -> Result<(), Error> {
        let mut names = Names::default();
        for (at, walk) in self.levels.iter().rev().enumerate() {
            let earlier = walk.names();
            if at == 0 {
                names = earlier.clone();
                continue;
            }
            let merged = merged_name(&earlier.name, &names.name)
                .zip(merged_name(&earlier.short_name, &names.short_name));
            let Some((name, short_name)) = merged else {
                let message = match earlier.name == names.name {
                    true => format!("`join` selects the variant `{}` twice", names.name),
                    false => format!(
                        "`join` cannot name a variant made of `{}` and `{}`: the name of one begins with that of the other",
                        earlier.name, names.name
                    ),
                };
                return Err(self.error(ErrorKind::Join, message));
            };
            names = Names { name, short_name };
        }
        self.names = names;
        Ok(())
    }

    /// An error that points to the join.
    pub(crate) fn error(&self, kind: ErrorKind, message: String) -> Error {
        let span = self.base.tree.entry_span(self.join.entry);
        Error::new(kind, &span, message)
    }
}

/// What both names begin with, then what each one goes on with; nothing if one of them is all the beginning.
fn merged_name(first: &str, second: &str) -> Option<String> {
    let differ = first.chars().zip(second.chars()).any(|(a, b)| a != b);
    if !differ {
        return None;
    }
    let (mut left, mut right) = (first.split('.'), second.split('.'));
    let mut name = String::new();
    loop {
        let (a, b) = (left.next()?, right.next()?);
        if a == b {
            super::append(&mut name, a);
            continue;
        }
        let rest = std::iter::once(a).chain(left).chain([b]).chain(right);
        rest.for_each(|part| super::append(&mut name, part));
        return Some(name);
    }
}

#[cfg(test)]
mod tests {
    use super::merged_name;

    #[test]
    fn the_common_beginning_stands_once() {
        for (first, second, merged) in [
            ("x.a", "x.b", Some("x.a.b")),
            ("x.a", "y.b", Some("x.a.y.b")),
            ("(v=a)", "(v=b)", Some("(v=a).(v=b)")),
            ("x.ab", "x.ac", Some("x.ab.ac")),
            ("", "b", None),
            ("a", "a", None),
            ("a", "a.b", None),
            ("a", "ab", None),
        ] {
            assert_eq!(
                merged_name(first, second).as_deref(),
                merged,
                "{first} {second}"
            );
        }
    }
}
