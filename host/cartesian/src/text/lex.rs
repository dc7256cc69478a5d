//! The lexical level, with nom: a line, or a part of one, to tokens with their places; an assignment to its three parts.

use nom::branch::alt;
use nom::bytes::complete::{tag, take, take_till, take_while1};
use nom::character::complete::{anychar, char};
use nom::combinator::{fail, map, value};
use nom::sequence::delimited;
use nom::{IResult, Parser};

use crate::origin::Operator;
use crate::text::span::Extent;

/// A word of the language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Token<'a> {
    /// A label, a key of `del`, a name of a variants block.
    Word(&'a str),
    /// `"text"`
    Quoted(&'a str),
    Blank,
    /// `..`
    And,
    Dot,
    Comma,
    Open,
    Close,
    Equals,
    Colon,
    Bang,
    At,
    Plus,
    BracketOpen,
    BracketClose,
    Other(char),
}

impl Token<'_> {
    /// How a message names the token.
    pub(crate) fn describe(self) -> String {
        match self {
            Self::Word(word) => format!("`{word}`"),
            Self::Quoted(_) => "a quoted text".to_owned(),
            Self::Blank => "a blank".to_owned(),
            Self::And => "`..`".to_owned(),
            Self::Dot => "`.`".to_owned(),
            Self::Comma => "`,`".to_owned(),
            Self::Open => "`(`".to_owned(),
            Self::Close => "`)`".to_owned(),
            Self::Equals => "`=`".to_owned(),
            Self::Colon => "`:`".to_owned(),
            Self::Bang => "`!`".to_owned(),
            Self::At => "`@`".to_owned(),
            Self::Plus => "`+`".to_owned(),
            Self::BracketOpen => "`[`".to_owned(),
            Self::BracketClose => "`]`".to_owned(),
            Self::Other(c) => format!("`{}`", c.escape_debug()),
        }
    }
}

/// A token and where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lexeme<'a> {
    pub(crate) token: Token<'a>,
    pub(crate) at: Extent,
}

/// Characters of a label: letters and digits of any script, `_` and `-`.
pub(crate) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '-'
}

/// By byte: is it an ASCII character of a label?
const ASCII_WORD: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 128 {
        let c = byte as u8;
        table[byte] = c.is_ascii_alphanumeric() || c == b'_' || c == b'-';
        byte += 1;
    }
    table
};

/// The bytes of `input` before the first one that is no ASCII character of a label.
fn ascii_word(input: &str) -> usize {
    let end = input
        .bytes()
        .position(|byte| !ASCII_WORD[usize::from(byte)]);
    end.unwrap_or(input.len())
}

/// The name in ` name:`, if there is nothing else in `text` and the name is a word of ASCII letters.
pub(crate) fn plain_name(text: &str) -> Option<&str> {
    let name = text.trim_start_matches(' ').strip_suffix(':')?;
    (!name.is_empty() && ascii_word(name) == name.len()).then_some(name)
}

fn word(input: &str) -> IResult<&str, &str> {
    let ascii = ascii_word(input);
    match input.as_bytes().get(ascii) {
        Some(byte) if !byte.is_ascii() => take_while1(is_word).parse(input),
        _ if ascii > 0 => take(ascii).parse(input),
        _ => fail().parse(input),
    }
}

fn blank(input: &str) -> IResult<&str, Token<'_>> {
    value(Token::Blank, take_while1(char::is_whitespace)).parse(input)
}

fn quoted(input: &str) -> IResult<&str, &str> {
    delimited(char('"'), take_till(|c| c == '"'), char('"')).parse(input)
}

fn sign(input: &str) -> IResult<&str, Token<'_>> {
    map(anychar, |c| match c {
        '.' => Token::Dot,
        ',' => Token::Comma,
        '(' => Token::Open,
        ')' => Token::Close,
        '=' => Token::Equals,
        ':' => Token::Colon,
        '!' => Token::Bang,
        '@' => Token::At,
        '+' => Token::Plus,
        '[' => Token::BracketOpen,
        ']' => Token::BracketClose,
        other => Token::Other(other),
    })
    .parse(input)
}

fn token(input: &str) -> IResult<&str, Token<'_>> {
    // Which of them it is, the first byte tells in nearly every case.
    match input.as_bytes().first() {
        Some(b'.') => alt((value(Token::And, tag("..")), sign)).parse(input),
        Some(b'"') => alt((map(quoted, Token::Quoted), sign)).parse(input),
        Some(b',' | b'(' | b')' | b'=' | b':') => sign(input),
        _ => alt((map(word, Token::Word), blank, sign)).parse(input),
    }
}

/// Reads the tokens of a part of `text` into `found`, up to a `#`, which opens a comment everywhere but in a value. If
/// the last one is a blank, a comment stands after it: lines have no blanks at their end.
pub(crate) fn tokens<'a>(text: &'a str, at: Extent, found: &mut Vec<Lexeme<'a>>) {
    found.clear();
    found.extend(scan(text, at));
}

/// As [`tokens`], up to the first colon and without it; gives the place of the colon, if there is one.
pub(crate) fn tokens_to_colon<'a>(
    text: &'a str,
    at: Extent,
    found: &mut Vec<Lexeme<'a>>,
) -> Option<Extent> {
    found.clear();
    for lexeme in scan(text, at) {
        if lexeme.token == Token::Colon {
            return Some(lexeme.at);
        }
        found.push(lexeme);
    }
    None
}

fn scan(text: &str, at: Extent) -> impl Iterator<Item = Lexeme<'_>> {
    let end = at.end as usize;
    let mut rest = at.of(text);
    std::iter::from_fn(move || {
        if rest.is_empty() || rest.starts_with('#') {
            return None;
        }
        let (after, token) = token(rest).ok()?;
        let at = Extent::new(end - rest.len(), end - after.len());
        rest = after;
        Some(Lexeme { token, at })
    })
}

/// The statement words. Each one is a word of the language only if a blank follows it: `only_x = 1` sets a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keyword {
    Variants,
    Only,
    No,
    Join,
    Suffix,
    Include,
    Del,
}

/// The statement word that `text` starts with, and the bytes of it.
pub(crate) fn keyword(text: &str) -> Option<(Keyword, usize)> {
    // Most lines set a key, and most keys start with another letter.
    if !matches!(
        text.as_bytes().first()?,
        b'v' | b'o' | b'n' | b'j' | b's' | b'i' | b'd'
    ) {
        return None;
    }
    let mut word = alt((
        value(Keyword::Variants, tag("variants")),
        value(Keyword::Only, tag("only")),
        value(Keyword::No, tag("no")),
        value(Keyword::Join, tag("join")),
        value(Keyword::Suffix, tag("suffix")),
        value(Keyword::Include, tag("include")),
        value(Keyword::Del, tag("del")),
    ));
    let found: IResult<&str, Keyword> = word.parse(text);
    let (rest, keyword) = found.ok()?;
    let ends = match rest.chars().next()? {
        ':' => keyword == Keyword::Variants,
        next => next.is_whitespace(),
    };
    ends.then_some((keyword, text.len() - rest.len()))
}

/// An assignment, split at its operator.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Assignment<'a> {
    pub(crate) key: &'a str,
    pub(crate) operator: Operator,
    /// What stands before the operator.
    pub(crate) head: &'a str,
    /// Without the blanks and the quotes around it.
    pub(crate) value: &'a str,
    /// The key is known to be a word.
    pub(crate) is_plain: bool,
}

/// Splits `text` at its first operator, if it has one: every operator ends with `=`.
pub(crate) fn assignment(text: &str) -> Option<Assignment<'_>> {
    // Most keys are words of ASCII letters, and most operators a single sign.
    let word = ascii_word(text);
    let key = &text[..word];
    let plain = match &text.as_bytes()[word..] {
        [b' ', b'=', ..] => Some(word + 2),
        [b'=', ..] => Some(word + 1),
        _ => None,
    };
    if let Some(value) = plain.filter(|_| word > 0) {
        return Some(Assignment {
            key,
            operator: Operator::Set,
            head: key,
            value: unquote(trim(&text[value..])),
            is_plain: true,
        });
    }
    let equals = memchr::memchr(b'=', text.as_bytes())?;
    let left = &text.as_bytes()[..equals];
    let (operator, width) = match left {
        [.., b'?', b'+'] => (Operator::PatternAppend, 2),
        [.., b'?', b'<'] => (Operator::PatternPrepend, 2),
        [.., b'?'] => (Operator::PatternSet, 1),
        [.., b'+'] => (Operator::Append, 1),
        [.., b'<'] => (Operator::Prepend, 1),
        [.., b'~'] => (Operator::SetDefault, 1),
        _ => (Operator::Set, 0),
    };
    let head = &text[..equals - width];
    Some(Assignment {
        key: trim(head),
        operator,
        head,
        value: unquote(trim(&text[equals + 1..])),
        is_plain: false,
    })
}

/// As [`str::trim`], fast for what nearly every text is: nothing or one blank on either side.
fn trim(text: &str) -> &str {
    let text = text.strip_prefix(' ').unwrap_or(text);
    let text = text.strip_suffix(' ').unwrap_or(text);
    let plain = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_graphic);
    match plain(text.as_bytes().first()) && plain(text.as_bytes().last()) {
        true => text,
        false => text.trim(),
    }
}

/// Takes one pair of equal quotes off, if the whole value stands in them. A lone quote is an empty value.
fn unquote(value: &str) -> &str {
    for quote in ['"', '\''] {
        if let Some(inner) = value.strip_prefix(quote) {
            if inner.is_empty() {
                return inner;
            }
            if let Some(inner) = inner.strip_suffix(quote) {
                return inner;
            }
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_operator_wins() {
        for (text, key, operator, value) in [
            ("k = a = b", "k", Operator::Set, "a = b"),
            ("k == 3", "k", Operator::Set, "= 3"),
            ("k+=x", "k", Operator::Append, "x"),
            ("k <= \" x \"", "k", Operator::Prepend, " x "),
            ("k. ?+= 'y'", "k.", Operator::PatternAppend, "y"),
            ("k.* ?<= y", "k.*", Operator::PatternPrepend, "y"),
            ("k ?=", "k", Operator::PatternSet, ""),
            ("a b ~= \"q", "a b", Operator::SetDefault, "\"q"),
            ("k = \"", "k", Operator::Set, ""),
            ("k = \"a\" b", "k", Operator::Set, "\"a\" b"),
            ("k = \"a\"b\"", "k", Operator::Set, "a\"b"),
        ] {
            let found = assignment(text).expect(text);
            assert_eq!(
                (found.key, found.operator, found.value),
                (key, operator, value),
                "{text}"
            );
        }
        assert_eq!(assignment("just a line"), None);
    }

    #[test]
    fn a_statement_word_needs_a_blank() {
        assert_eq!(keyword("only a"), Some((Keyword::Only, 4)));
        assert_eq!(keyword("variants:"), Some((Keyword::Variants, 8)));
        for text in [
            "only_x = 1",
            "noon = 3",
            "include",
            "suffix",
            "delx = 5",
            "variantsx = 1",
            "variants[default=a]:",
            "only: a = 1",
        ] {
            assert_eq!(keyword(text), None, "{text}");
        }
    }

    #[test]
    fn tokens_know_their_place() {
        let text = "only (a=b)..c # d";
        let mut found = Vec::new();
        tokens(text, Extent::new(5, text.len()), &mut found);
        let last = found.pop().expect("tokens");
        assert_eq!((last.token, last.at), (Token::Blank, Extent::new(13, 14)));
        let last = found.pop().expect("tokens");
        assert_eq!(
            (last.token, last.at),
            (Token::Word("c"), Extent::new(12, 13))
        );
        assert_eq!(found.len(), 6);
    }
}
