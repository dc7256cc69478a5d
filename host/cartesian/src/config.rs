//! The door of the crate: a configuration, parsed once, extended, expanded.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::error::Error;
use crate::expand::Options;
use crate::filter::{Label, parse_filter};
use crate::near;
use crate::origin::OriginKind;
use crate::parse;
use crate::source::{Loader, Source};
use crate::tree::{Block, Tree};
use crate::variants::Variants;

/// A parsed configuration; can be extended line by line as the reference's command line does. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Config {
    tree: Arc<Tree>,
    includes: usize,
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
        let mut includes = self.includes;
        let stmts = parse::parse(source, kind, loader, &mut includes)?;
        self.includes = includes;
        Arc::make_mut(&mut self.tree).append(stmts);
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

    /// Every label that a variant has, in order: `x`, and `(block=x)` for a named block.
    pub fn labels(&self) -> impl Iterator<Item = &str> {
        let mut labels: Vec<&str> = self.known_labels().collect();
        labels.sort_unstable();
        labels.into_iter()
    }

    /// The names of the named variants blocks, in order.
    pub fn blocks(&self) -> impl Iterator<Item = &str> {
        fn collect<'t>(block: &'t Block, names: &mut BTreeSet<&'t str>) {
            for fork in &block.forks {
                names.extend(fork.name.as_deref());
                for choice in &fork.choices {
                    collect(&choice.body, names);
                }
            }
        }
        let mut names = BTreeSet::new();
        collect(&self.tree.root, &mut names);
        names.into_iter()
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
        id.is_some_and(|id| !self.tree.places[id as usize].is_empty())
    }

    fn known_labels(&self) -> impl Iterator<Item = &str> {
        let places = self
            .tree
            .places
            .iter()
            .enumerate()
            .filter(|(_, places)| !places.is_empty());
        places.map(|(id, _)| &**self.tree.labels.text(id as u32))
    }
}
