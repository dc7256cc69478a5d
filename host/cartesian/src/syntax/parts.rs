//! The parts of a statement: filters, heads of conditions, single words, patterns of keys.

use regex::{Regex, RegexBuilder};

use crate::error::{Error, ErrorKind};
use crate::syntax::filter::{self, Blanks, Fault};
use crate::syntax::parse::{Parser, Reader};
use crate::text::lex::{self, Token};
use crate::text::lines::Line;
use crate::text::span::{Extent, Span};

/// Memory that one compiled key pattern may take.
const MAX_PATTERN_SIZE: usize = 1 << 20;
/// What a pattern counts for if it does not take more.
const SMALL_PATTERN_SIZE: usize = 1 << 16;
/// Memory that all patterns of a configuration may take: two thousand small ones.
const MAX_PATTERNS_SIZE: usize = 128 << 20;

/// The head of a condition.
pub(crate) struct Head {
    pub(crate) negated: bool,
    pub(crate) atoms: Extent,
    pub(crate) colon: Extent,
}

impl Parser<'_> {
    /// The filter from byte `start` to the end of the line.
    pub(crate) fn filter(
        &mut self,
        reader: &mut Reader<'_>,
        line: &Line,
        start: u32,
    ) -> Result<Extent, Error> {
        let at = Extent { start, ..line.at };
        lex::tokens(reader.text(), at, &mut reader.tokens);
        filter::parse(&reader.tokens, line.at.end, Blanks::Or, &mut self.out.atoms)
            .map_err(|fault| reader.fault(line, fault))
    }

    /// `!filter:` at byte `start`.
    pub(crate) fn condition_head(
        &mut self,
        reader: &mut Reader<'_>,
        line: &Line,
        start: u32,
    ) -> Result<Head, Fault> {
        let at = Extent { start, ..line.at };
        let colon = lex::tokens_to_colon(reader.text(), at, &mut reader.tokens);
        let tokens = &reader.tokens;
        let negated = tokens
            .first()
            .is_some_and(|first| first.token == Token::Bang);
        let Some(colon) = colon else {
            let end = line.at.end;
            return Err(Fault::new(Extent { start: end, end }, "expected `:`"));
        };
        let known = self.out.atoms.len();
        let tokens = &tokens[usize::from(negated)..];
        let atoms = filter::parse(tokens, colon.start, Blanks::Ignored, &mut self.out.atoms)
            .inspect_err(|_| self.out.atoms.truncate(known))?;
        Ok(Head {
            negated,
            atoms,
            colon,
        })
    }
}

/// May a comment stand after the statement, with a blank between? The reference is particular about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comment {
    Allowed,
    Refused,
}

/// The one word that stands after a statement word, at byte `start`.
pub(crate) fn one_word(
    reader: &mut Reader<'_>,
    line: &Line,
    start: u32,
    what: &str,
    comment: Comment,
) -> Result<Extent, Error> {
    let at = Extent { start, ..line.at };
    lex::tokens(reader.text(), at, &mut reader.tokens);
    let mut tokens = reader
        .tokens
        .iter()
        .skip_while(|lexeme| lexeme.token == Token::Blank);
    let word = match tokens.next() {
        Some(lexeme) => match lexeme.token {
            Token::Word(_) => lexeme.at,
            other => {
                return Err(reader.error(
                    line,
                    lexeme.at,
                    format!("expected {what}, found {}", other.describe()),
                ));
            }
        },
        None => return Err(reader.error(line, line.end(), format!("expected {what}"))),
    };
    let end = match comment {
        // The blank before a comment is no mistake.
        Comment::Allowed => tokens.find(|lexeme| lexeme.token != Token::Blank),
        Comment::Refused => tokens.next(),
    };
    match end {
        Some(lexeme) => {
            let message = format!(
                "expected the end of the line, found {}",
                lexeme.token.describe()
            );
            Err(reader.error(line, lexeme.at, message))
        }
        None => Ok(word),
    }
}

/// The left side of `?=` as a pattern; `total` is the memory that all patterns take. Most are plain names, which need no
/// regular expression.
pub(crate) fn pattern(key: &str, span: &Span, total: &mut usize) -> Result<Option<Regex>, Error> {
    if key.chars().all(lex::is_word) {
        return Ok(None);
    }
    let compile = |pattern: &str, size: usize| RegexBuilder::new(pattern).size_limit(size).build();
    // A parenthesis too many must not close the group that is put around the pattern.
    let alone = match key.contains(')') {
        true => compile(key, MAX_PATTERN_SIZE).map(drop),
        false => Ok(()),
    };
    // The end belongs to the last alternative only: `k|b` is every key that begins with `k`, as in the reference.
    let whole = format!("^(?:{key}$)");
    let compiled = alone.and_then(|()| match compile(&whole, SMALL_PATTERN_SIZE) {
        Ok(small) => Ok((small, SMALL_PATTERN_SIZE)),
        Err(_) => compile(&whole, MAX_PATTERN_SIZE).map(|large| (large, MAX_PATTERN_SIZE)),
    });
    let (pattern, size) = compiled.map_err(|error| {
        // The parser of `regex` answers with a picture of several lines; its last line is the reason.
        let text = error.to_string();
        let reason = text
            .lines()
            .last()
            .unwrap_or_default()
            .trim_start_matches("error: ");
        let message = format!("`{key}` is no pattern for keys: {reason}");
        Error::new(ErrorKind::Pattern, span, message)
    })?;
    *total += size;
    if *total > MAX_PATTERNS_SIZE {
        let message = format!(
            "the patterns for keys take more than {} MiB",
            MAX_PATTERNS_SIZE >> 20
        );
        return Err(Error::new(ErrorKind::Limit, span, message));
    }
    Ok(Some(pattern))
}
