//! The door of the crate: a configuration, parsed once, extended, expanded.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::apply::program::RESERVED;
use crate::error::Error;
use crate::expand::Options;
use crate::expand::count::{Count, count};
use crate::near;
use crate::origin::OriginKind;
use crate::syntax::Kind;
use crate::syntax::filter::{Label, parse_filter};
use crate::syntax::parse::{self, Size};
use crate::text::source::{Loader, Source};
use crate::tree::{Fork, Tree};
use crate::variants::{Names, Variants};

/// A parsed configuration; can be extended line by line as the reference's command line does. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Config {
    tree: Arc<Tree>,
    size: Size,
}

impl Config {
    /// An empty configuration: it has one variant, without a name and without keys.
    pub fn new() -> Self {
        Self::default()
    }

    /// Parses a source and all it includes. Included sources are of the same kind.
    ///
    /// # Errors
    /// The first mistake in the text, an include that gives no text, or a bound that was passed.
    pub fn parse(source: Source, kind: OriginKind, loader: &dyn Loader) -> Result<Self, Error> {
        let mut config = Self::new();
        config.extend(source, kind, loader)?;
        Ok(config)
    }

    /// Appends a source at the top level: later keys win, filters restrict what there is, variants become the new
    /// outermost block.
    ///
    /// # Errors
    /// As [`Config::parse`]; the configuration is then as it was.
    pub fn extend(
        &mut self,
        source: Source,
        kind: OriginKind,
        loader: &dyn Loader,
    ) -> Result<(), Error> {
        let mut size = self.size;
        let syntax = parse::parse(source, kind, loader, &mut size)?;
        self.size = size;
        Arc::make_mut(&mut self.tree).append(syntax);
        Ok(())
    }

    /// All variants that the filters leave, made one by one, in the order of the reference: the last block of the text
    /// is the leftmost part of the name and changes slowest.
    pub fn variants(&self) -> Variants<'_> {
        self.variants_with(Options::default())
    }

    /// As [`Config::variants`], with options.
    pub fn variants_with(&self, options: Options) -> Variants<'_> {
        Variants::new(&self.tree, options)
    }

    /// The names of the variants that [`Config::variants_with`] gives, without the work on their keys.
    pub fn names(&self, options: Options) -> Names<'_> {
        Names::new(&self.tree, options)
    }

    /// How many variants [`Config::variants_with`] gives, up to `limit`. Where no filter can fail any more the choices are
    /// multiplied, so that the answer to an astronomically large product comes at once; and a count that would take
    /// minutes is given up.
    ///
    /// # Errors
    /// A search was given up, or a `join` cannot merge. What is wrong with keys does not show here.
    pub fn count(&self, options: Options, limit: Option<u128>) -> Result<Count, Error> {
        count(&self.tree, options, limit.unwrap_or(u128::MAX))
    }

    /// Every label that a variant has, in order: `x`, and `(block=x)` for a named block.
    pub fn labels(&self) -> impl Iterator<Item = &str> {
        let mut labels: Vec<&str> = self.known_labels().collect();
        labels.sort_unstable();
        labels.into_iter()
    }

    /// Every key that a statement sets by its name, or a block of variants does, in order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        let syntax = &self.tree.syntax;
        let names: BTreeSet<&str> = syntax
            .stmts
            .iter()
            .filter_map(|stmt| match stmt.kind {
                Kind::Assign { pattern: None, .. } => Some(stmt.at.of(syntax.text(stmt))),
                Kind::Variants { name } => Some(name?.of(syntax.text(stmt))),
                _ => None,
            })
            .filter(|key| !RESERVED.contains(key))
            .collect();
        names.into_iter()
    }

    /// The names of the named variants blocks, in order.
    pub fn blocks(&self) -> impl Iterator<Item = &str> {
        let names: BTreeSet<&str> = self
            .tree
            .forks
            .iter()
            .filter_map(|fork| fork.name.as_deref())
            .collect();
        names.into_iter()
    }

    /// The labels that stand in place of `label`: those of all variants of the outermost block that it is a label of,
    /// itself among them, in the order of the text. None if no outermost block has it; of several, the smallest block.
    ///
    /// A variant of a named block has two labels, `x` and `(block=x)`.
    pub fn alternatives(&self, label: &str) -> Vec<&str> {
        let tree = &self.tree;
        let labels_of = |fork: &Fork| {
            let choices = tree.choices[fork.choices.range()].iter();
            choices.flat_map(|choice| tree.labels_of(choice)).copied()
        };
        let Some(id) = tree.labels.find(label) else {
            return Vec::new();
        };
        let outermost = tree.forks.iter().filter(|fork| fork.parent.is_none());
        let fork = outermost
            .filter(|fork| labels_of(fork).any(|(plain, exact)| plain == id || exact == id))
            .min_by_key(|fork| fork.choices.len());
        let labels = fork.into_iter().flat_map(labels_of);
        let mut found: Vec<&str> = labels
            .flat_map(|(plain, exact)| [plain, exact])
            .map(|id| tree.labels.text(id))
            .collect();
        found.dedup();
        found
    }

    /// Whether a variant in one of the outermost blocks of that name (`variants block:`) has the label, nested ones too.
    pub fn is_in_block(&self, label: &str, block: &str) -> bool {
        let tree = &self.tree;
        let Some(id) = tree.labels.find(label) else {
            return false;
        };
        tree.forks
            .iter()
            .filter(|fork| fork.parent.is_none() && fork.name.as_deref() == Some(block))
            .any(|fork| tree.places.occurs(id, &fork.positions))
    }

    /// The labels in `filter` that no variant has, each with up to three labels that look like it.
    ///
    /// A filter on such a label never matches: after `only` it leaves nothing, after `no` it does nothing, silently.
    ///
    /// # Errors
    /// `filter` is no filter.
    pub fn unknown_labels(&self, filter: &str) -> Result<Vec<(String, Vec<String>)>, Error> {
        let filter = parse_filter(filter)?;
        let mut unknown: Vec<(String, Vec<String>)> = Vec::new();
        for label in filter.labels() {
            let text = label.to_string();
            if !self.is_known(label) && unknown.iter().all(|(seen, _)| *seen != text) {
                let near = near::nearest(&text, self.known_labels());
                unknown.push((text, near));
            }
        }
        Ok(unknown)
    }

    fn is_known(&self, label: &Label) -> bool {
        let id = self.tree.labels.find(&label.to_string());
        id.is_some_and(|id| !self.tree.places.of(id).is_empty())
    }

    fn known_labels(&self) -> impl Iterator<Item = &str> {
        let tree = &self.tree;
        (0..tree.labels.len() as u32)
            .filter(|id| !tree.places.of(*id).is_empty())
            .map(|id| tree.labels.text(id))
    }
}
