//! The iterator that users of the crate see: the walk, and the variants made of what it finds.

use std::sync::Arc;

use crate::apply::leaf::Builder;
use crate::apply::trace::Untraced;
use crate::error::Error;
use crate::expand::{Options, Walk};
use crate::tree::Tree;
use crate::variant::Variant;

/// The variants of a configuration, made one by one. See [`Config::variants`](crate::Config::variants).
///
/// An error (a bound that is no number, a value without end) is the last item.
pub struct Variants<'c> {
    tree: &'c Arc<Tree>,
    walk: Walk<'c>,
    builder: Builder,
    failed: bool,
}

impl<'c> Variants<'c> {
    pub(crate) fn new(tree: &'c Arc<Tree>, options: Options) -> Self {
        Self {
            tree,
            walk: Walk::new(tree, options),
            builder: Builder::new(tree),
            failed: false,
        }
    }
}

impl Iterator for Variants<'_> {
    type Item = Result<Variant, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let found = self.walk.advance()?;
        let variant =
            found.and_then(|()| self.builder.variant(self.tree, &self.walk, &mut Untraced));
        self.failed = variant.is_err();
        Some(variant)
    }
}

/// A copy goes on where the original stands: the iteration can be taken up again from any point that was kept.
impl Clone for Variants<'_> {
    fn clone(&self) -> Self {
        Self {
            tree: self.tree,
            walk: self.walk.clone(),
            builder: Builder::new(self.tree),
            failed: self.failed,
        }
    }
}

impl std::fmt::Debug for Variants<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Variants")
            .field("failed", &self.failed)
            .finish_non_exhaustive()
    }
}

/// The names of the variants of a configuration, without their keys: many times faster where the names are enough.
///
/// See [`Config::names`](crate::Config::names). What is wrong with keys does not show here.
pub struct Names<'c> {
    walk: Walk<'c>,
    failed: bool,
}

impl<'c> Names<'c> {
    pub(crate) fn new(tree: &'c Tree, options: Options) -> Self {
        Self {
            walk: Walk::new(tree, options),
            failed: false,
        }
    }

    /// The names of the next variant. They are made in place, so this is no iterator.
    ///
    /// # Errors
    /// A search was given up, or a `join` cannot merge; nothing comes after that.
    pub fn next_name(&mut self) -> Option<Result<Name<'_>, Error>> {
        if self.failed {
            return None;
        }
        match self.walk.advance()? {
            Ok(()) => {
                let names = self.walk.names();
                Some(Ok(Name {
                    full: &names.name,
                    short: &names.short_name,
                }))
            }
            Err(error) => {
                self.failed = true;
                Some(Err(error))
            }
        }
    }
}

impl std::fmt::Debug for Names<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Names").finish_non_exhaustive()
    }
}

/// The names of one variant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Name<'n> {
    /// As [`Variant::name`].
    pub full: &'n str,
    /// As [`Variant::short_name`].
    pub short: &'n str,
}

#[cfg(test)]
mod tests {
    use crate::error::ErrorKind;
    use crate::expand::MAX_FRUITLESS;
    use crate::{Config, NoIncludes, OriginKind, Source};

    #[test]
    fn a_search_without_end_is_given_up() {
        // Which labels follow each other shows only when all are chosen: nothing prunes the 2^30 combinations.
        let mut text = String::new();
        for block in 0..30 {
            text.push_str(&format!("variants:\n    - a:\n    - b:\n    - c{block}:\n"));
        }
        text.push_str("only c0.c0\nonly a.b.a.c0.c0\n");
        let source = Source::new("t.cfg", text);
        let config = Config::parse(source, OriginKind::Operator, &NoIncludes).expect("valid");
        let mut variants = config.variants();
        variants.walk.counts.fruitless.set(MAX_FRUITLESS - 10_000);
        let error = variants
            .next()
            .expect("an item")
            .expect_err("no variant passes");
        assert_eq!(error.kind(), ErrorKind::Limit, "{error}");
        assert!(variants.next().is_none());
    }
}
