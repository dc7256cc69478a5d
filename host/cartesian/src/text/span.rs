//! Places: ranges of a text, and what a message shows of them.

use std::ops::Range;
use std::sync::Arc;

use crate::origin::OriginKind;
use crate::text::source::SourceFile;

/// A range of a text, or of one of the tables of a tree. Half the size of a `Range<usize>`, and `Copy`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Extent {
    pub(crate) start: u32,
    pub(crate) end: u32,
}

impl Extent {
    /// Texts and tables are bounded far below 4 GiB ([`MAX_TEXT`](crate::text::source::MAX_TEXT)).
    pub(crate) fn new(start: usize, end: usize) -> Self {
        Self {
            start: start as u32,
            end: end as u32,
        }
    }

    /// The items of a table from `start` to its present end.
    pub(crate) fn since<T>(table: &[T], start: usize) -> Self {
        Self::new(start, table.len())
    }

    pub(crate) fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    pub(crate) fn indices(self) -> Range<u32> {
        self.start..self.end
    }

    pub(crate) fn len(self) -> usize {
        (self.end - self.start) as usize
    }

    pub(crate) fn is_empty(self) -> bool {
        self.start == self.end
    }

    /// The same range of a text or a table in which what it is of starts at `base`.
    pub(crate) fn shifted(self, base: u32) -> Self {
        Self {
            start: self.start + base,
            end: self.end + base,
        }
    }

    /// The part of `text`.
    pub(crate) fn of(self, text: &str) -> &str {
        &text[self.range()]
    }

    /// The items of `table`.
    pub(crate) fn items<T>(self, table: &[T]) -> &[T] {
        &table[self.range()]
    }
}

/// A place in a source, for messages and origins.
#[derive(Debug, Clone)]
pub(crate) struct Span {
    pub(crate) file: Arc<SourceFile>,
    pub(crate) line: u32,
    /// Bytes of the text of the file.
    pub(crate) at: Extent,
}

impl Span {
    /// The name of the source that it was written in.
    pub(crate) fn name(&self) -> &str {
        self.file.name_at(self.line)
    }

    /// The line there, from 1.
    pub(crate) fn number(&self) -> u32 {
        self.file.line_at(self.line)
    }

    /// The column there, in characters from 1, after tabs became blanks.
    pub(crate) fn column(&self) -> u32 {
        let indent = self.file.indent_at(self.line);
        self.shown_column().saturating_sub(indent).max(1)
    }

    /// Who wrote it.
    pub(crate) fn kind(&self) -> &OriginKind {
        self.file.kind_at(self.line)
    }

    /// The column in [`source_line`](Self::source_line), in characters from 1.
    pub(crate) fn shown_column(&self) -> u32 {
        let before = &self.file.text[..self.at.start as usize];
        let line = before.rfind('\n').map_or(0, |at| at + 1);
        before[line..].chars().count() as u32 + 1
    }

    /// Characters to underline, at least 1.
    pub(crate) fn width(&self) -> usize {
        self.at.of(&self.file.text).chars().count().max(1)
    }

    /// The line it stands in.
    pub(crate) fn source_line(&self) -> &str {
        let text = &self.file.text;
        let start = text[..self.at.start as usize]
            .rfind('\n')
            .map_or(0, |at| at + 1);
        let end = text[start..].find('\n').map_or(text.len(), |at| start + at);
        text[start..end].trim_end()
    }
}
