//! The iterator that users of the crate see: the walk, and the variants made of what it finds.

use crate::apply::Values;
use crate::error::Error;
use crate::expand::{Options, Walk};
use crate::tree::Tree;
use crate::variant::Variant;

/// The variants of a configuration, made one by one. See [`Config::variants`](crate::Config::variants).
///
/// An error (a bound that is no number, a value without end) is the last item.
pub struct Variants<'c> {
    walk: Walk<'c>,
    values: Values<'c>,
    /// For each key, its place among all keys in order.
    ranks: Vec<u32>,
    failed: bool,
}

impl<'c> Variants<'c> {
    pub(crate) fn new(tree: &'c Tree, options: Options) -> Self {
        Self {
            walk: Walk::new(tree, options),
            values: Values::new(tree.keys.len()),
            ranks: tree.keys.ranks(),
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
        let leaf = self.walk.advance(&mut self.values)?;
        let variant =
            leaf.and_then(|leaf| leaf.finish(self.walk.tree, &mut self.values, &self.ranks));
        self.failed = variant.is_err();
        Some(variant)
    }
}

impl std::fmt::Debug for Variants<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Variants")
            .field("failed", &self.failed)
            .finish_non_exhaustive()
    }
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
        variants.walk.fruitless = MAX_FRUITLESS - 10_000;
        let error = variants
            .next()
            .expect("an item")
            .expect_err("no variant passes");
        assert_eq!(error.kind(), ErrorKind::Limit, "{error}");
        assert!(variants.next().is_none());
    }
}
