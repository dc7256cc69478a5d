//! `include path`.

use std::sync::Arc;

use crate::error::{Error, ErrorKind};
use crate::origin::OriginKind;
use crate::syntax::parse::{Parser, Reader, Within};
use crate::text::lines::Line;
use crate::text::source::SourceFile;
use crate::text::span::Extent;

/// Includes inside of includes.
const MAX_INCLUDE_DEPTH: usize = 32;
/// Includes in one configuration, so that a chain of doubled includes ends.
const MAX_INCLUDES: usize = 4096;

impl Parser<'_> {
    /// Parses what the `include` of `line` means as if it stood there; `rest` is the byte after the word.
    pub(crate) fn include(
        &mut self,
        reader: &Reader<'_>,
        line: &Line,
        rest: u32,
        within: Within,
    ) -> Result<(), Error> {
        let after = Extent {
            start: rest,
            ..line.at
        }
        .of(reader.text());
        let path = after.trim_start();
        let at = Extent::new(line.at.end as usize - path.len(), line.at.end as usize);
        let span = reader.span(line, at);
        let from = reader.file;
        self.size.includes += 1;
        if self.size.includes > MAX_INCLUDES {
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
        let source = self
            .loader
            .load(from.name_at(line.number), path)
            .map_err(|error| {
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
        // What somebody who is not trusted includes is theirs, whatever it is called: an include never raises trust.
        let kind = match from.kind_at(line.number) {
            by @ OriginKind::Provider(_) => by.clone(),
            by => self.loader.kind(&source.name).unwrap_or_else(|| by.clone()),
        };
        let file = Arc::new(SourceFile::new(source, kind, Some(span)));
        self.file(&file, within)
    }
}
