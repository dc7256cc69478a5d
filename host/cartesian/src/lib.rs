//! The Cartesian configuration language: source text to variants.
//!
//! The language is the one of Avocado-VT (user's guide: *Cartesian Configuration*). A configuration is a tree of blocks
//! of variants; each combination of variants that the filters leave is one [`Variant`]: a name and a set of keys.
//!
//! The way of a text through the crate: `lines` (what is left without comments and blanks), `lex` (tokens, with nom),
//! `parse` (a syntax tree with places), `tree` (variants, labels and filters as numbers), `expand` (a lazy walk over the
//! combinations), `apply` (the keys of one combination, by a program compiled from the statements when the first variant
//! is made), `leaf` (bounds, suffixes, order).
//!
//! The crate does no I/O: an `include` goes through a [`Loader`]. No input shall make it panic, run out of stack or fill
//! the memory: what can grow without end has a bound. Each value knows where it came from ([`Origin`]).
//!
//! ```
//! use vthost_cartesian::{Config, NoIncludes, OriginKind, Source};
//!
//! let text = "mem = 128\nvariants guest:\n    - fedora:\n        mem = 1024\n    - debian:\nonly fedora\n";
//! let config = Config::parse(Source::new("a.cfg", text), OriginKind::Operator, &NoIncludes)?;
//! for variant in config.variants() {
//!     let variant = variant?;
//!     assert_eq!(variant.name(), "(guest=fedora)");
//!     assert_eq!(variant.get("mem"), Some("1024"));
//!     assert_eq!(variant.origin("mem").map(|origin| origin.line()), Some(4));
//! }
//! # Ok::<(), vthost_cartesian::Error>(())
//! ```
//!
//! Where the reference is broken, the guide counts: a condition on a named variant, `(block=x):`, is a condition; an
//! unknown `${x}` stays and does not stop the substitutions after it; every error has a file, a line and a column.

mod apply;
mod config;
mod error;
mod expand;
mod history;
mod json;
mod lint;
mod near;
mod origin;
mod syntax;
mod text;
mod tree;
mod variant;
mod variants;

pub use config::Config;
pub use error::{Error, ErrorKind};
pub use expand::Options;
pub use expand::count::Count;
pub use history::{Action, Step, Within};
pub use json::JsonWriter;
pub use lint::{Lint, LintOptions, Rule, lint};
pub use near::{did_you_mean, nearest};
pub use origin::{Operator, Origin, OriginKind, Place};
pub use syntax::filter::{Filter, Label, parse_filter};
pub use text::lines::normalize;
pub use text::source::{LoadError, Loader, MapLoader, NoIncludes, Part, Source};
pub use variant::Variant;
pub use variants::{Name, Names, Variants};
