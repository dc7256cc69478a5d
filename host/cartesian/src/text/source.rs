//! Source texts, and where the text of an `include` comes from.
//!
//! The crate does no I/O: whoever parses a configuration hands in the text, and a [`Loader`] for the includes in it.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::origin::OriginKind;
use crate::text::lines;
use crate::text::span::Span;

/// One source text. `name` is what messages and origins show.
///
/// The name is also what a [`Loader`] gets as `from`, and the last component of it (after `/`) is the file name under
/// which [`Variant::name_map`](crate::Variant::name_map) groups the names of variants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The name of the source, usually a path.
    pub name: String,
    /// The text itself.
    pub text: String,
    /// Where its lines were taken from, in the order of the lines; empty for a text that is what it is called.
    pub parts: Vec<Part>,
}

/// Lines of a [`Source`] that was put together from others: origins and messages show where the lines came from.
///
/// A part ends where the next one begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Its first line in the source, from 1.
    pub line: u32,
    /// The name of the source that it was taken from.
    pub name: Arc<str>,
    /// Its first line there, from 1.
    pub first: u32,
    /// How many characters stand before the text of each line that do not stand there.
    pub indent: u32,
    /// Who wrote it; whoever wrote the source, if it is not said.
    pub kind: Option<OriginKind>,
}

impl Source {
    /// A source with this name and this text.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            text: text.into(),
            parts: Vec::new(),
        }
    }
}

/// Gives the text of an `include` (guide: *Include statements*).
pub trait Loader {
    /// Loads what `include path` means inside of the source named `from`.
    ///
    /// The path is as written: resolving it against `from` and expanding a leading `~` is the loader's part. The name
    /// of the returned source must be the same whenever the same text is meant, because a cycle of includes is told by
    /// its names.
    ///
    /// # Errors
    /// A [`LoadError`] says why there is no such text; the parser adds where the `include` stands.
    fn load(&self, from: &str, path: &str) -> Result<Source, LoadError>;

    /// Who wrote the source of this name. By default, whoever wrote what includes it: a loader that gives out the texts of
    /// someone less trusted must say so here, because origins decide what a key may do to the host.
    fn kind(&self, _name: &str) -> Option<OriginKind> {
        None
    }
}

/// Why a [`Loader`] gave no text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct LoadError {
    message: String,
}

impl LoadError {
    /// An error with this message: a lower-case fragment, as in "no such file".
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
        }
    }
}

/// A loader over texts in memory: tests, and configuration embedded in a pack.
///
/// Paths are relative to the including source, with `/` between components; `.` and `..` are resolved by name.
#[derive(Debug, Clone, Default)]
pub struct MapLoader(BTreeMap<String, String>);

impl MapLoader {
    /// A loader of these (path, text) pairs.
    pub fn new<N: Into<String>, T: Into<String>>(texts: impl IntoIterator<Item = (N, T)>) -> Self {
        Self(
            texts
                .into_iter()
                .map(|(name, text)| (name.into(), text.into()))
                .collect(),
        )
    }

    /// Adds one text, or replaces it.
    pub fn insert(&mut self, path: impl Into<String>, text: impl Into<String>) {
        self.0.insert(path.into(), text.into());
    }
}

impl Loader for MapLoader {
    fn load(&self, from: &str, path: &str) -> Result<Source, LoadError> {
        let name = resolve(from, path)
            .ok_or_else(|| LoadError::new("the path leads out of the set of texts"))?;
        match self.0.get(&name) {
            Some(text) => Ok(Source::new(name, text)),
            None => Err(LoadError::new(format!("no text named `{name}`"))),
        }
    }
}

/// `path` as seen from the directory of `from`; `None` if it climbs above the root.
fn resolve(from: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = Vec::new();
    let directory = from.rsplit_once('/').map_or("", |(directory, _)| directory);
    let absolute = path.starts_with('/') || (!directory.is_empty() && from.starts_with('/'));
    let start = if path.starts_with('/') { "" } else { directory };
    for part in start.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    let joined = parts.join("/");
    Some(if absolute {
        format!("/{joined}")
    } else {
        joined
    })
}

/// Refuses every include: for the lines of a command line, and for texts that must stand alone.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoIncludes;

impl Loader for NoIncludes {
    fn load(&self, _from: &str, _path: &str) -> Result<Source, LoadError> {
        Err(LoadError::new("an include is not allowed here"))
    }
}

/// Bytes of all source texts of a configuration, tabs as blanks; a text counts each time it is included. Places in them
/// are kept in 32 bits.
pub(crate) const MAX_TEXT: usize = 64 << 20;

/// A source as the tree keeps it: values, origins and errors point into it.
#[derive(Debug)]
pub(crate) struct SourceFile {
    pub(crate) name: Arc<str>,
    /// Where the last component of the name starts.
    base_name: usize,
    /// Normalized: see [`lines::normalize`].
    pub(crate) text: String,
    kind: OriginKind,
    parts: Vec<Part>,
    /// The `include` that brought this source in, if one did.
    pub(crate) included_from: Option<Span>,
}

impl SourceFile {
    pub(crate) fn new(source: Source, kind: OriginKind, included_from: Option<Span>) -> Self {
        Self {
            base_name: source.name.rfind('/').map_or(0, |at| at + 1),
            name: source.name.into(),
            text: lines::normalize(source.text),
            kind,
            parts: source.parts,
            included_from,
        }
    }

    /// The last component of the name, which groups the names of variants.
    pub(crate) fn base_name(&self) -> &str {
        &self.name[self.base_name..]
    }

    /// The part that a line stands in, if the source was put together from others.
    fn part(&self, line: u32) -> Option<&Part> {
        let behind = self.parts.partition_point(|part| part.line <= line);
        self.parts.get(behind.checked_sub(1)?)
    }

    /// The name of the source that a line was written in.
    pub(crate) fn name_at(&self, line: u32) -> &str {
        self.part(line).map_or(&self.name, |part| &part.name)
    }

    /// The number of a line in the source that it was written in.
    pub(crate) fn line_at(&self, line: u32) -> u32 {
        self.part(line)
            .map_or(line, |part| part.first + (line - part.line))
    }

    /// How many characters of a line are not of the source that it was written in.
    pub(crate) fn indent_at(&self, line: u32) -> u32 {
        self.part(line).map_or(0, |part| part.indent)
    }

    /// Who wrote a line.
    pub(crate) fn kind_at(&self, line: u32) -> &OriginKind {
        self.part(line)
            .and_then(|part| part.kind.as_ref())
            .unwrap_or(&self.kind)
    }

    /// How many includes lead to this source.
    pub(crate) fn depth(&self) -> usize {
        self.including().count()
    }

    /// The sources that include this one, the nearest first.
    pub(crate) fn including(&self) -> impl Iterator<Item = &Span> {
        std::iter::successors(self.included_from.as_ref(), |span| {
            span.file.included_from.as_ref()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_resolved_against_the_including_source() {
        for (from, path, expected) in [
            ("a.cfg", "b.cfg", Some("b.cfg")),
            ("dir/a.cfg", "b.cfg", Some("dir/b.cfg")),
            ("dir/a.cfg", "../b.cfg", Some("b.cfg")),
            ("dir/a.cfg", "./x//b.cfg", Some("dir/x/b.cfg")),
            ("/etc/a.cfg", "b.cfg", Some("/etc/b.cfg")),
            ("a.cfg", "/b.cfg", Some("/b.cfg")),
            ("a.cfg", "../b.cfg", None),
        ] {
            assert_eq!(resolve(from, path).as_deref(), expected, "{from} {path}");
        }
    }

    #[test]
    fn a_missing_text_is_named() {
        let error = MapLoader::new([("b.cfg", "")])
            .load("dir/a.cfg", "b.cfg")
            .expect_err("not there");
        assert_eq!(error.to_string(), "no text named `dir/b.cfg`");
    }
}
