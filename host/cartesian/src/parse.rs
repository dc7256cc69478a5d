//! Lines to the syntax tree.
//!
//! Only the relation of indentations matters: whatever stands deeper than the line that opens a block belongs to the
//! block, however deep, until a line stands no deeper than the opening one.

use std::ops::Range;
use std::sync::Arc;

use crate::error::{Error, ErrorKind};
use crate::filter::{Fault, Filter};
use crate::lex::{self, Keyword};
use crate::lines::{self, Line};
use crate::origin::{Operator, OriginKind};
use crate::parse_parts::{condition_head, filter_from, one_word, pattern};
use crate::source::{Loader, Source, SourceFile, Span};
use crate::syntax::{Assign, Stmt, Target};

/// Blocks inside of blocks: far beyond any real configuration, and within what a thread's stack holds.
const MAX_NESTING: usize = 100;

/// Parses `source` and all it includes; `includes` counts over the whole configuration.
pub(crate) fn parse(
    source: Source,
    kind: OriginKind,
    loader: &dyn Loader,
    includes: &mut usize,
) -> Result<Vec<Stmt>, Error> {
    let mut parser = Parser { loader, includes };
    let file = SourceFile {
        name: source.name.into(),
        text: source.text,
        kind,
        included_from: None,
    };
    let mut out = Vec::new();
    parser.file(
        &Arc::new(file),
        Within {
            condition: false,
            depth: 0,
        },
        &mut out,
    )?;
    Ok(out)
}

/// What a statement stands in.
#[derive(Clone, Copy)]
pub(crate) struct Within {
    /// In the body of a condition, where no variants may stand.
    condition: bool,
    depth: usize,
}

impl Within {
    fn deeper(self, condition: bool) -> Self {
        Self {
            condition: self.condition || condition,
            depth: self.depth + 1,
        }
    }
}

pub(crate) struct Parser<'p> {
    pub(crate) loader: &'p dyn Loader,
    /// Includes so far.
    pub(crate) includes: &'p mut usize,
}

/// The lines of one source, to be taken one by one.
pub(crate) struct Reader<'a> {
    pub(crate) file: &'a Arc<SourceFile>,
    lines: std::iter::Peekable<Box<dyn Iterator<Item = Line<'a>> + 'a>>,
}

impl<'a> Reader<'a> {
    fn new(file: &'a Arc<SourceFile>) -> Self {
        let lines: Box<dyn Iterator<Item = Line<'a>> + 'a> = Box::new(lines::lines(&file.text));
        Self {
            file,
            lines: lines.peekable(),
        }
    }

    /// The next line, if it stands deeper than `outer` (at any depth, if there is no outer line).
    pub(crate) fn next_within(&mut self, outer: Option<usize>) -> Option<Line<'a>> {
        self.lines
            .next_if(|line| outer.is_none_or(|outer| line.indent > outer))
    }

    /// A part of a line as a place.
    pub(crate) fn span(&self, line: &Line<'_>, at: Range<usize>) -> Span {
        let chars = |range: Range<usize>| {
            line.text.get(range).map_or(0, |text| text.chars().count()) as u32
        };
        Span {
            file: Arc::clone(self.file),
            line: line.number,
            column: chars(0..at.start) + 1,
            width: chars(at).max(1),
        }
    }

    pub(crate) fn error(
        &self,
        line: &Line<'_>,
        at: Range<usize>,
        message: impl Into<String>,
    ) -> Error {
        Error::new(ErrorKind::Syntax, &self.span(line, at), message)
    }

    pub(crate) fn fault(&self, line: &Line<'_>, fault: Fault) -> Error {
        self.error(line, fault.at, fault.message)
    }
}

impl Parser<'_> {
    /// The statements of a whole source.
    pub(crate) fn file(
        &mut self,
        file: &Arc<SourceFile>,
        within: Within,
        out: &mut Vec<Stmt>,
    ) -> Result<(), Error> {
        let mut reader = Reader::new(file);
        while let Some(line) = reader.next_within(None) {
            self.statement(&mut reader, &line, line.start, within, out)?;
        }
        Ok(())
    }

    /// The statements that stand deeper than `outer`.
    pub(crate) fn block(
        &mut self,
        reader: &mut Reader<'_>,
        outer: &Line<'_>,
        within: Within,
        out: &mut Vec<Stmt>,
    ) -> Result<(), Error> {
        while let Some(line) = reader.next_within(Some(outer.indent)) {
            self.statement(reader, &line, line.start, within, out)?;
        }
        Ok(())
    }

    /// One level deeper than `within`, or an error on a source that nests without end.
    pub(crate) fn deeper(
        &self,
        reader: &Reader<'_>,
        line: &Line<'_>,
        within: Within,
        condition: bool,
    ) -> Result<Within, Error> {
        if within.depth >= MAX_NESTING {
            let message = format!("blocks are nested deeper than {MAX_NESTING}");
            return Err(Error::new(
                ErrorKind::Limit,
                &reader.span(line, line.start..line.text.len()),
                message,
            ));
        }
        Ok(within.deeper(condition))
    }

    /// The statement at byte `start` of `line`, with the block it opens.
    fn statement(
        &mut self,
        reader: &mut Reader<'_>,
        line: &Line<'_>,
        start: usize,
        within: Within,
        out: &mut Vec<Stmt>,
    ) -> Result<(), Error> {
        let text = &line.text[start..];
        let whole = start..line.text.len();
        if let Some((keyword, width)) = lex::keyword(text) {
            let rest = start + width;
            let misplaced = match keyword {
                Keyword::Variants => Some("`variants` may not stand in a condition"),
                Keyword::Join => Some("`join` may not stand in a condition"),
                Keyword::Suffix => Some("`suffix` may not stand in a condition"),
                _ => None,
            };
            if let (true, Some(message)) = (within.condition, misplaced) {
                return Err(reader.error(line, whole, message));
            }
            let stmt = match keyword {
                Keyword::Variants => self.variants(reader, line, rest, within)?,
                Keyword::Only => Stmt::Filter {
                    keep: true,
                    filter: filter_from(reader, line, rest)?,
                },
                Keyword::No => Stmt::Filter {
                    keep: false,
                    filter: filter_from(reader, line, rest)?,
                },
                Keyword::Join => Stmt::Join {
                    filter: filter_from(reader, line, rest)?,
                    span: reader.span(line, whole),
                },
                Keyword::Suffix => Stmt::Suffix {
                    text: one_word(reader, line, rest, "a suffix, as in `suffix _vm1`")?,
                },
                Keyword::Del => Stmt::Delete {
                    key: one_word(reader, line, rest, "the name of one key")?,
                },
                Keyword::Include => return self.include(reader, line, rest, within, out),
            };
            out.push(stmt);
            return Ok(());
        }
        let assignment = lex::assignment(text);
        let colon = text.find(':');
        let assigned = assignment
            .as_ref()
            .map_or(usize::MAX, |found| found.operator_at);
        // `(v=a): ..` holds an operator before its colon, and is a condition all the same (guide: Filters).
        let named = assigned != usize::MAX && text[..assigned].contains('(');
        if colon.is_some_and(|colon| colon < assigned) {
            let (head, end) = condition_head(line, start)
                .map_err(|fault| self.no_statement(reader, line, start, fault))?;
            return self.condition(reader, line, head, end, within, out);
        }
        if named && let Ok((head, end)) = condition_head(line, start) {
            return self.condition(reader, line, head, end, within, out);
        }
        let Some(found) = assignment else {
            let fault = Fault::new(
                whole,
                "expected `key = value`, a condition `filter:`, or a statement",
            );
            return Err(self.no_statement(reader, line, start, fault));
        };
        let span = reader.span(line, start..start + found.key.len());
        let target = match found.operator {
            Operator::PatternSet | Operator::PatternAppend | Operator::PatternPrepend => {
                pattern(found.key, &span)?
            }
            _ => Target::Key(found.key.to_owned()),
        };
        out.push(Stmt::Assign(Assign {
            target,
            operator: found.operator,
            value: found.value.to_owned(),
            span,
        }));
        Ok(())
    }

    /// The error for a line that is no statement, with a hint where the mistake is a known one.
    fn no_statement(
        &self,
        reader: &Reader<'_>,
        line: &Line<'_>,
        start: usize,
        fault: Fault,
    ) -> Error {
        let text = &line.text[start..];
        if text.starts_with('-') {
            return reader
                .error(
                    line,
                    start..line.text.len(),
                    "a variant outside of a `variants:` block",
                )
                .with_help("variants stand deeper than the `variants:` line they belong to");
        }
        let error = reader.fault(line, fault);
        if matches!(text, "only" | "no" | "join" | "suffix" | "include" | "del") {
            return error.with_help(format!("`{text}` needs something after it"));
        }
        error
    }

    fn condition(
        &mut self,
        reader: &mut Reader<'_>,
        line: &Line<'_>,
        (negated, filter): (bool, Filter),
        end: usize,
        within: Within,
        out: &mut Vec<Stmt>,
    ) -> Result<(), Error> {
        let inner = self.deeper(reader, line, within, true)?;
        let mut body = Vec::new();
        let rest = &line.text[end..];
        let next = end + (rest.len() - rest.trim_start().len());
        if next < line.text.len() && !line.text[next..].starts_with('#') {
            self.statement(reader, line, next, inner, &mut body)?;
        }
        self.block(reader, line, inner, &mut body)?;
        out.push(Stmt::Condition {
            negated,
            filter,
            body,
        });
        Ok(())
    }
}
