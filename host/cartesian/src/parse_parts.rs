//! The parts of a statement: filters, heads of conditions, single words, patterns of keys.

use std::sync::Arc;

use regex::RegexBuilder;

use crate::error::{Error, ErrorKind};
use crate::filter::{self, Blanks, Fault, Filter};
use crate::lex::{self, Token};
use crate::lines::Line;
use crate::parse::Reader;
use crate::source::Span;
use crate::syntax::Target;

/// Memory that one compiled key pattern may take.
const MAX_PATTERN_SIZE: usize = 1 << 20;

/// The filter from byte `start` of the line to its end.
pub(crate) fn filter_from(
    reader: &Reader<'_>,
    line: &Line<'_>,
    start: usize,
) -> Result<Filter, Error> {
    filter::parse(&lex::tokens(&line.text, start), line.text.len(), Blanks::Or)
        .map_err(|fault| reader.fault(line, fault))
}

/// `!filter:` at byte `start`, and the byte after the colon.
pub(crate) fn condition_head(
    line: &Line<'_>,
    start: usize,
) -> Result<((bool, Filter), usize), Fault> {
    let (tokens, colon) = lex::tokens_to_colon(&line.text, start);
    let negated = tokens
        .first()
        .is_some_and(|first| first.token == Token::Bang);
    let Some(at) = colon else {
        let end = line.text.len();
        return Err(Fault::new(end..end, "expected `:`"));
    };
    let filter = filter::parse(&tokens[usize::from(negated)..], at.start, Blanks::Ignored)?;
    Ok(((negated, filter), at.end))
}

/// The one word that stands after a statement word.
pub(crate) fn one_word(
    reader: &Reader<'_>,
    line: &Line<'_>,
    start: usize,
    what: &str,
) -> Result<String, Error> {
    let tokens = lex::tokens(&line.text, start);
    let mut tokens = tokens
        .iter()
        .skip_while(|lexeme| lexeme.token == Token::Blank);
    let end = line.text.len()..line.text.len();
    let word = match tokens.next() {
        Some(lexeme) => match lexeme.token {
            Token::Word(word) => word.to_owned(),
            other => {
                return Err(reader.error(
                    line,
                    lexeme.at.clone(),
                    format!("expected {what}, found {}", other.describe()),
                ));
            }
        },
        None => return Err(reader.error(line, end, format!("expected {what}"))),
    };
    match tokens.next() {
        Some(lexeme) => {
            let message = format!(
                "expected the end of the line, found {}",
                lexeme.token.describe()
            );
            Err(reader.error(line, lexeme.at.clone(), message))
        }
        None => Ok(word),
    }
}

/// The left side of `?=`: most are plain names, which need no regular expression.
pub(crate) fn pattern(key: &str, span: &Span) -> Result<Target, Error> {
    if key.chars().all(lex::is_word) {
        return Ok(Target::Key(key.to_owned()));
    }
    let regex = RegexBuilder::new(&format!("^(?:{key})$"))
        .size_limit(MAX_PATTERN_SIZE)
        .build()
        .map_err(|error| {
            // The parser of `regex` answers with a picture of several lines; its last line is the reason.
            let text = error.to_string();
            let reason = text
                .lines()
                .last()
                .unwrap_or_default()
                .trim_start_matches("error: ");
            Error::new(
                ErrorKind::Pattern,
                span,
                format!("`{key}` is no pattern for keys: {reason}"),
            )
        })?;
    Ok(Target::Pattern(Arc::new(regex)))
}
