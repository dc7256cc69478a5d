//! Where a value came from.
//!
//! A policy decides by origin what a key may do to the host, so an origin must never get lost: a value that was put
//! together from others (`${}`, `+=`) carries the origins of all of them.

use std::fmt;
use std::sync::Arc;

use crate::text::span::Span;

/// Who wrote a source: decides what its keys may do to the host.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum OriginKind {
    /// The configuration shipped with vthost.
    Default,
    /// The operator's own files.
    Operator,
    /// The command line.
    CommandLine,
    /// The configuration of a provider, by the provider's name. Not trusted.
    Provider(String),
}

impl fmt::Display for OriginKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Operator => f.write_str("operator"),
            Self::CommandLine => f.write_str("command line"),
            Self::Provider(name) => write!(f, "provider {name}"),
        }
    }
}

/// What gave a key its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Operator {
    /// `key = value`
    Set,
    /// `key += value`
    Append,
    /// `key <= value`
    Prepend,
    /// `key ~= value`: only if the key has no value yet.
    SetDefault,
    /// `pattern ?= value`: every key that matches and has a value.
    PatternSet,
    /// `pattern ?+= value`
    PatternAppend,
    /// `pattern ?<= value`
    PatternPrepend,
    /// `del key`; a step of a [history](crate::Variant::history), never the origin of a value.
    Delete,
    /// `suffix _text` gave the key its name.
    Suffix,
    /// `variants key:` gave the key the name of the chosen variant.
    Variant,
}

impl Operator {
    /// The operator as it is written; `variants` for [`Operator::Variant`].
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Set => "=",
            Self::Append => "+=",
            Self::Prepend => "<=",
            Self::SetDefault => "~=",
            Self::PatternSet => "?=",
            Self::PatternAppend => "?+=",
            Self::PatternPrepend => "?<=",
            Self::Delete => "del",
            Self::Suffix => "suffix",
            Self::Variant => "variants",
        }
    }
}

/// One statement that wrote a value.
#[derive(Debug, Clone)]
struct Site {
    span: Span,
    operator: Operator,
}

/// Where a value came from. Cheap to clone.
///
/// `Display` is `file:line`.
#[derive(Clone)]
pub struct Origin {
    site: Site,
    joined: Option<Arc<[Site]>>,
}

impl Origin {
    /// The origin of a value that a statement wrote, with the other statements whose text is in it.
    pub(crate) fn new(
        (span, operator): (Span, Operator),
        joined: impl ExactSizeIterator<Item = (Span, Operator)>,
    ) -> Self {
        let joined = (joined.len() > 0).then(|| {
            joined
                .map(|(span, operator)| Site { span, operator })
                .collect()
        });
        Self {
            site: Site { span, operator },
            joined,
        }
    }

    /// The name of the source.
    pub fn file(&self) -> &str {
        self.site.span.name()
    }

    /// The line, from 1.
    pub fn line(&self) -> u32 {
        self.site.span.number()
    }

    /// The column of the key, in characters from 1.
    pub fn column(&self) -> u32 {
        self.site.span.column()
    }

    /// Who wrote the source of the last statement. A value may carry more: see [`Origin::kinds`].
    pub fn kind(&self) -> &OriginKind {
        self.site.span.kind()
    }

    /// The operator of the statement.
    pub fn operator(&self) -> Operator {
        self.site.operator
    }

    /// The other origins in the value: of the keys substituted with `${}`, and of the value that `+=` and `<=` kept.
    ///
    /// Flat and without repetition. Beyond 32 only origins of a new kind are kept.
    pub fn joined(&self) -> impl Iterator<Item = Origin> + '_ {
        self.joined_sites().map(|site| Origin {
            site: site.clone(),
            joined: None,
        })
    }

    /// Every kind of origin in the value, its own first: what a policy must look at.
    pub fn kinds(&self) -> impl Iterator<Item = &OriginKind> + '_ {
        std::iter::once(&self.site)
            .chain(self.joined_sites())
            .map(|site| site.span.kind())
    }

    /// Whether any part of the value came from a provider, and so from someone who is not trusted.
    pub fn is_from_provider(&self) -> bool {
        self.kinds()
            .any(|kind| matches!(kind, OriginKind::Provider(_)))
    }

    /// The line of the source that wrote the value, as it is written there.
    pub fn source_line(&self) -> &str {
        self.site.span.source_line()
    }

    fn joined_sites(&self) -> impl Iterator<Item = &Site> + '_ {
        self.joined.iter().flat_map(|joined| joined.iter())
    }
}

/// A place in a source. `Display` is `file:line`.
#[derive(Clone)]
pub struct Place(Span);

impl Place {
    pub(crate) fn new(span: Span) -> Self {
        Self(span)
    }

    /// The name of the source.
    pub fn file(&self) -> &str {
        self.0.name()
    }

    /// The line, from 1.
    pub fn line(&self) -> u32 {
        self.0.number()
    }

    /// The column, in characters from 1.
    pub fn column(&self) -> u32 {
        self.0.column()
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file(), self.line())
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Place({self})")
    }
}

impl PartialEq for Place {
    fn eq(&self, other: &Self) -> bool {
        (self.file(), self.line(), self.0.at) == (other.file(), other.line(), other.0.at)
    }
}

impl Eq for Place {}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file(), self.line())
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let joined: Vec<String> = self.joined().map(|origin| origin.to_string()).collect();
        write!(
            f,
            "Origin({self} {} {} {joined:?})",
            self.operator().as_str(),
            self.kind()
        )
    }
}

/// The same place, written by the same statement, with the same origins joined.
impl PartialEq for Origin {
    fn eq(&self, other: &Self) -> bool {
        let place = |site: &Site| {
            (
                Arc::clone(&site.span.file.name),
                site.span.line,
                site.span.at,
            )
        };
        place(&self.site) == place(&other.site)
            && self.operator() == other.operator()
            && self.kind() == other.kind()
            && self
                .joined_sites()
                .map(place)
                .eq(other.joined_sites().map(place))
    }
}

impl Eq for Origin {}
