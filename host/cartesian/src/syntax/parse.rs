//! Lines to the syntax tree.
//!
//! Only the relation of indentations matters: whatever stands deeper than the line that opens a block belongs to the
//! block, however deep, until a line stands no deeper than the opening one.

use std::sync::Arc;

use crate::error::{Error, ErrorKind};
use crate::origin::{Operator, OriginKind};
use crate::syntax::filter::Fault;
use crate::syntax::parts::{Comment, Head, one_word, pattern};
use crate::syntax::{Kind, Stmt, Syntax};
use crate::text::lex::{self, Keyword, Lexeme};
use crate::text::lines::{Line, Lines};
use crate::text::source::{Loader, MAX_TEXT, Source, SourceFile};
use crate::text::span::{Extent, Span};

/// Blocks inside of blocks: far beyond any real configuration, and within what a thread's stack holds.
const MAX_NESTING: usize = 100;
/// Statements of a configuration, with the variants and the labels of filters: each one costs some two hundred bytes.
const MAX_STATEMENTS: usize = 2_000_000;
/// Bytes of one line: its tokens take many times as much.
const MAX_LINE: usize = 1 << 20;

/// Bytes of a key, of the name of a variant and of a suffix.
const MAX_NAME: usize = 4096;
/// Filters of all joins: each one is a search of its own.
const MAX_JOINS: usize = 1_000;

/// What is counted over a whole configuration, so that it stays within bounds.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Size {
    pub(crate) includes: usize,
    /// Bytes of all texts.
    pub(crate) text: usize,
    /// Statements, and the labels in them.
    pub(crate) statements: usize,
    /// The filters of joins.
    pub(crate) joins: usize,
    /// Bytes of the compiled patterns for keys.
    pub(crate) patterns: usize,
}

/// Parses `source` and all it includes, and adds to the `size` of the configuration.
pub(crate) fn parse(
    source: Source,
    kind: OriginKind,
    loader: &dyn Loader,
    size: &mut Size,
) -> Result<Syntax, Error> {
    let mut parser = Parser {
        loader,
        size,
        out: Syntax::default(),
        suffix: None,
    };
    let file = Arc::new(SourceFile::new(source, kind, None));
    let within = Within {
        condition: false,
        depth: 0,
    };
    parser.file(&file, within)?;
    Ok(parser.out)
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
    pub(crate) size: &'p mut Size,
    pub(crate) out: Syntax,
    /// The last `suffix` of the scope being read: it renames the keys when the scope ends.
    suffix: Option<Stmt>,
}

/// One source being read.
pub(crate) struct Reader<'a> {
    pub(crate) file: &'a Arc<SourceFile>,
    /// Its number in [`Syntax::files`].
    pub(crate) number: u32,
    pub(crate) lines: Lines<'a>,
    /// The tokens of the line being read; one table for all lines.
    pub(crate) tokens: Vec<Lexeme<'a>>,
}

impl<'a> Reader<'a> {
    pub(crate) fn text(&self) -> &'a str {
        &self.file.text
    }

    /// A part of a line as a place.
    pub(crate) fn span(&self, line: &Line, at: Extent) -> Span {
        Span {
            file: Arc::clone(self.file),
            line: line.number,
            at,
        }
    }

    pub(crate) fn error(&self, line: &Line, at: Extent, message: impl Into<String>) -> Error {
        Error::new(ErrorKind::Syntax, &self.span(line, at), message)
    }

    pub(crate) fn fault(&self, line: &Line, fault: Fault) -> Error {
        self.error(line, fault.at, fault.message)
    }

    pub(crate) fn stmt(&self, line: &Line, at: Extent, kind: Kind) -> Stmt {
        Stmt {
            kind,
            file: self.number,
            line: line.number,
            at,
            end: 0,
        }
    }
}

impl Line {
    /// The place after the last character.
    pub(crate) fn end(&self) -> Extent {
        Extent {
            start: self.at.end,
            end: self.at.end,
        }
    }
}

impl Parser<'_> {
    /// The statements of a whole source.
    pub(crate) fn file(&mut self, file: &Arc<SourceFile>, within: Within) -> Result<(), Error> {
        let mut reader = Reader {
            file,
            number: self.out.files.len() as u32,
            lines: Lines::new(&file.text),
            tokens: Vec::new(),
        };
        self.out.files.push(Arc::clone(file));
        // A statement takes fifty bytes of text, more or less.
        self.out.stmts.reserve(file.text.len() / 50);
        self.size.text = self.size.text.saturating_add(file.text.len());
        if self.size.text > MAX_TEXT {
            let span = Span {
                file: Arc::clone(file),
                line: 1,
                at: Extent::default(),
            };
            let message = format!("the configuration has more than {} MiB", MAX_TEXT >> 20);
            return Err(Error::new(ErrorKind::Limit, &span, message));
        }
        self.scope(|parser| {
            while let Some(line) = reader.lines.next_within(None) {
                parser.statement(&mut reader, &line, line.at.start, within)?;
            }
            Ok(())
        })
    }

    /// The statements that stand deeper than `indent`.
    pub(crate) fn block(
        &mut self,
        reader: &mut Reader<'_>,
        indent: u32,
        within: Within,
    ) -> Result<(), Error> {
        while let Some(line) = reader.lines.next_within(Some(indent)) {
            self.statement(reader, &line, line.at.start, within)?;
        }
        Ok(())
    }

    /// What `body` reads is a source, or the body of a variant or of a condition: the last `suffix` in it, wherever it
    /// stands, becomes its last statement.
    pub(crate) fn scope(
        &mut self,
        body: impl FnOnce(&mut Self) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let outer = self.suffix.take();
        body(self)?;
        match std::mem::replace(&mut self.suffix, outer) {
            Some(suffix) => self.push(suffix),
            None => Ok(()),
        }
    }

    /// Adds a statement that opens no block.
    fn push(&mut self, stmt: Stmt) -> Result<(), Error> {
        let at = self.open(stmt)?;
        self.close(at);
        Ok(())
    }

    /// Adds a statement; what is added from now on stands in its block.
    pub(crate) fn open(&mut self, stmt: Stmt) -> Result<usize, Error> {
        let labels = match stmt.kind {
            Kind::Filter { atoms, .. } | Kind::Join { atoms } | Kind::Condition { atoms, .. } => {
                atoms.len()
            }
            Kind::Choice {
                labels,
                dependencies,
                ..
            } => labels.len() + dependencies.len(),
            _ => 0,
        };
        self.size.statements += 1 + labels;
        if self.size.statements > MAX_STATEMENTS {
            let message = format!(
                "the configuration has more than {MAX_STATEMENTS} statements, with the labels in them"
            );
            return Err(Error::new(ErrorKind::Limit, &self.out.span(&stmt), message));
        }
        let is_name = match stmt.kind {
            Kind::Assign { .. } | Kind::Delete | Kind::Suffix | Kind::Choice { .. } => true,
            Kind::Variants { name } => name.is_some(),
            Kind::Join { atoms } => {
                self.size.joins += atoms.len();
                false
            }
            Kind::Filter { .. } | Kind::Condition { .. } => false,
        };
        let message = if is_name && stmt.at.len() > MAX_NAME {
            format!("the name is longer than {MAX_NAME} bytes")
        } else if self.size.joins > MAX_JOINS {
            format!("the joins of the configuration have more than {MAX_JOINS} filters")
        } else {
            self.out.stmts.push(stmt);
            return Ok(self.out.stmts.len() - 1);
        };
        Err(Error::new(ErrorKind::Limit, &self.out.span(&stmt), message))
    }

    /// Ends the block of the statement `at`.
    pub(crate) fn close(&mut self, at: usize) {
        self.out.stmts[at].end = self.out.stmts.len() as u32;
    }

    /// One level deeper than `within`, or an error on a source that nests without end.
    pub(crate) fn deeper(
        &self,
        reader: &Reader<'_>,
        line: &Line,
        within: Within,
        condition: bool,
    ) -> Result<Within, Error> {
        if within.depth >= MAX_NESTING {
            let message = format!("blocks are nested deeper than {MAX_NESTING}");
            return Err(Error::new(
                ErrorKind::Limit,
                &reader.span(line, line.at),
                message,
            ));
        }
        Ok(within.deeper(condition))
    }

    /// The statement at byte `start` of the text, with the block it opens.
    fn statement(
        &mut self,
        reader: &mut Reader<'_>,
        line: &Line,
        start: u32,
        within: Within,
    ) -> Result<(), Error> {
        check_length(reader, line)?;
        let whole = Extent { start, ..line.at };
        let text = whole.of(reader.text());
        if text.starts_with('-') {
            return Err(reader
                .error(line, whole, "a variant outside of a `variants:` block")
                .with_help("variants stand deeper than the `variants:` line they belong to"));
        }
        if let Some((keyword, width)) = lex::keyword(text) {
            let rest = start + width as u32;
            return self.keyword(reader, line, keyword, whole, rest, within);
        }
        let assignment = lex::assignment(text);
        let left = assignment.as_ref().map_or(text, |found| found.head);
        let is_plain = assignment.as_ref().is_some_and(|found| found.is_plain);
        if !is_plain && memchr::memchr2(b':', b'(', left.as_bytes()).is_some() {
            let has_colon = left.contains(':');
            match self.condition_head(reader, line, start) {
                Ok(head) if has_colon => {
                    return self.condition(reader, line, whole, &head, within);
                }
                Err(fault) if has_colon => return Err(no_statement(reader, line, text, fault)),
                // `(v=a): ..` holds an operator before its colon, and is a condition all the same (guide: Filters).
                Ok(head) if assignment.is_some() => {
                    return self.condition(reader, line, whole, &head, within);
                }
                _ => {}
            }
        }
        let Some(found) = assignment else {
            let message = "expected `key = value`, a condition `filter:`, or a statement";
            return Err(no_statement(reader, line, text, Fault::new(whole, message)));
        };
        let key = Extent::new(start as usize, start as usize + found.key.len());
        if found.key.starts_with("variants[") {
            let message = "expected a blank after `variants`, found `[`";
            return Err(reader.error(line, key, message));
        }
        let pattern = match found.operator {
            Operator::PatternSet | Operator::PatternAppend | Operator::PatternPrepend => {
                pattern(found.key, &reader.span(line, key), &mut self.size.patterns)?
            }
            _ => None,
        };
        let pattern = pattern.map(|pattern| {
            self.out.patterns.push(pattern);
            self.out.patterns.len() as u32 - 1
        });
        let value = found.value.as_ptr() as usize - reader.text().as_ptr() as usize;
        if found.value.starts_with(':') && reader.text().as_bytes()[value - 1] == b'=' {
            let colon = Extent::new(value, value + 1);
            let message = "a value may not begin with a colon right after the operator";
            return Err(reader
                .error(line, colon, message)
                .with_help("put a blank between them"));
        }
        let kind = Kind::Assign {
            operator: found.operator,
            value: Extent::new(value, value + found.value.len()),
            pattern,
        };
        self.push(reader.stmt(line, key, kind))
    }

    /// The statement that starts with `keyword`; `rest` is the byte after it.
    fn keyword(
        &mut self,
        reader: &mut Reader<'_>,
        line: &Line,
        keyword: Keyword,
        whole: Extent,
        rest: u32,
        within: Within,
    ) -> Result<(), Error> {
        let misplaced = match keyword {
            Keyword::Variants => Some("`variants` may not stand in a condition"),
            Keyword::Join => Some("`join` may not stand in a condition"),
            _ => None,
        };
        if let (true, Some(message)) = (within.condition, misplaced) {
            return Err(reader.error(line, whole, message));
        }
        let (at, kind) = match keyword {
            Keyword::Variants => return self.variants(reader, line, rest, within),
            Keyword::Include => return self.include(reader, line, rest, within),
            Keyword::Only | Keyword::No => {
                let atoms = self.filter(reader, line, rest)?;
                let keep = keyword == Keyword::Only;
                (whole, Kind::Filter { keep, atoms })
            }
            Keyword::Join => {
                let atoms = self.filter(reader, line, rest)?;
                (whole, Kind::Join { atoms })
            }
            Keyword::Suffix => {
                let what = "a suffix, as in `suffix _vm1`";
                let at = one_word(reader, line, rest, what, Comment::Refused)?;
                self.suffix = Some(reader.stmt(line, at, Kind::Suffix));
                return Ok(());
            }
            Keyword::Del => {
                let what = "the name of one key";
                let at = one_word(reader, line, rest, what, Comment::Allowed)?;
                (at, Kind::Delete)
            }
        };
        self.push(reader.stmt(line, at, kind))
    }

    fn condition(
        &mut self,
        reader: &mut Reader<'_>,
        line: &Line,
        whole: Extent,
        head: &Head,
        within: Within,
    ) -> Result<(), Error> {
        let inner = self.deeper(reader, line, within, true)?;
        let at = Extent {
            end: head.colon.start,
            ..whole
        };
        let kind = Kind::Condition {
            negated: head.negated,
            atoms: head.atoms,
        };
        let condition = self.open(reader.stmt(line, at, kind))?;
        let after = Extent {
            start: head.colon.end,
            ..line.at
        };
        let rest = after.of(reader.text());
        let body = rest.trim_start();
        self.scope(|parser| {
            if !body.is_empty() {
                let start = line.at.end - body.len() as u32;
                // Of `a: b: k = 1`, `b:` stands one deeper than `a:`: a line that stands two deeper belongs to it, and
                // one that stands one deeper to `a:`.
                let deeper = Line {
                    indent: line.indent + 1,
                    ..*line
                };
                parser.statement(reader, &deeper, start, inner)?;
            }
            parser.block(reader, line.indent, inner)
        })?;
        self.close(condition);
        Ok(())
    }
}

/// An error if the line is longer than any line needs to be.
pub(crate) fn check_length(reader: &Reader<'_>, line: &Line) -> Result<(), Error> {
    if line.at.len() <= MAX_LINE {
        return Ok(());
    }
    let start = Extent {
        end: line.at.start,
        ..line.at
    };
    let message = format!("a line of more than {} MiB", MAX_LINE >> 20);
    Err(Error::new(
        ErrorKind::Limit,
        &reader.span(line, start),
        message,
    ))
}

/// The error for a line that is no statement, with a hint where the mistake is a known one.
fn no_statement(reader: &Reader<'_>, line: &Line, text: &str, fault: Fault) -> Error {
    let error = reader.fault(line, fault);
    if text.starts_with('#') {
        return error.with_help(
            "a comment cannot stand after the colon of a condition: give it a line of its own",
        );
    }
    if matches!(text, "only" | "no" | "join" | "suffix" | "include" | "del") {
        return error.with_help(format!("`{text}` needs something after it"));
    }
    error
}
