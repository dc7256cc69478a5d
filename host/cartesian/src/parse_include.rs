//! `include path`.

use std::sync::Arc;

use crate::error::{Error, ErrorKind};
use crate::lines::Line;
use crate::parse::{Parser, Reader, Within};
use crate::source::SourceFile;
use crate::syntax::Stmt;

/// Includes inside of includes.
const MAX_INCLUDE_DEPTH: usize = 32;
/// Includes in one configuration, so that a chain of doubled includes ends.
const MAX_INCLUDES: usize = 4096;

impl Parser<'_> {
    /// Parses what the `include` of `line` means as if it stood there; `rest` is the byte after the word.
    pub(crate) fn include(
        &mut self,
        reader: &Reader<'_>,
        line: &Line<'_>,
        rest: usize,
        within: Within,
        out: &mut Vec<Stmt>,
    ) -> Result<(), Error> {
        let path = line.text[rest..].trim();
        let at = line.text.len() - path.len()..line.text.len();
        let span = reader.span(line, at);
        let from = reader.file;
        *self.includes += 1;
        if *self.includes > MAX_INCLUDES {
            return Err(Error::new(
                ErrorKind::Limit,
                &span,
                format!("more than {MAX_INCLUDES} includes"),
            ));
        }
        if from.depth() >= MAX_INCLUDE_DEPTH {
            let message = format!("includes are nested deeper than {MAX_INCLUDE_DEPTH}");
            return Err(Error::new(ErrorKind::Limit, &span, message));
        }
        let source = self.loader.load(&from.name, path).map_err(|error| {
            Error::new(
                ErrorKind::Include,
                &span,
                format!("cannot include `{path}`: {error}"),
            )
        })?;
        let mut chain: Vec<&str> = std::iter::once(&*from.name)
            .chain(from.including().map(|s| &*s.file.name))
            .collect();
        if let Some(again) = chain.iter().position(|name| *name == source.name) {
            chain.truncate(again + 1);
            chain.reverse();
            let message = format!(
                "`{}` includes itself: {} -> {}",
                source.name,
                chain.join(" -> "),
                source.name
            );
            return Err(Error::new(ErrorKind::Include, &span, message));
        }
        let file = SourceFile {
            kind: self
                .loader
                .kind(&source.name)
                .unwrap_or_else(|| from.kind.clone()),
            name: source.name.into(),
            text: source.text,
            included_from: Some(span),
        };
        self.file(&Arc::new(file), within, out)
    }
}
