//! Filters: `only x..y, (name=value)` and the conditions `x..y:` (guide: *Filters*).
//!
//! A filter is a list of alternatives (`,` or a blank); each one is a list of groups that must all match (`..`); each
//! group is a row of labels that must follow each other immediately (`.`). Labels are compared whole.

use std::fmt;
use std::sync::Arc;

use crate::error::{Error, ErrorKind};
use crate::origin::OriginKind;
use crate::syntax::{Atom, Joint};
use crate::text::lex::{self, Lexeme, Token};
use crate::text::source::{Source, SourceFile};
use crate::text::span::{Extent, Span};

/// A label of a filter: `x` is any variant of that name, `(block=x)` only one of `variants block:`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Label {
    /// The name of the variants block, if the label asks for one.
    pub block: Option<String>,
    /// The name of the variant.
    pub name: String,
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.block {
            Some(block) => write!(f, "({block}={})", self.name),
            None => f.write_str(&self.name),
        }
    }
}

/// A parsed filter. `Display` writes it in normal form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    pub(crate) alternatives: Vec<Vec<Vec<Label>>>,
}

impl Filter {
    /// Every label in the filter, in the order written.
    pub fn labels(&self) -> impl Iterator<Item = &Label> {
        self.alternatives.iter().flatten().flatten()
    }

    /// The filter that `atoms` of `text` are.
    pub(crate) fn of(atoms: &[Atom], text: &str) -> Self {
        let mut alternatives: Vec<Vec<Vec<Label>>> = Vec::new();
        for atom in atoms {
            let label = Label {
                block: atom.block.map(|block| block.of(text).to_owned()),
                name: atom.name.of(text).to_owned(),
            };
            match (atom.joint, alternatives.last_mut()) {
                (Joint::Or, _) | (_, None) => alternatives.push(vec![vec![label]]),
                (Joint::And, Some(rows)) => rows.push(vec![label]),
                (Joint::Dot, Some(rows)) => match rows.last_mut() {
                    Some(row) => row.push(label),
                    None => rows.push(vec![label]),
                },
            }
        }
        Self { alternatives }
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (a, alternative) in self.alternatives.iter().enumerate() {
            f.write_str(if a > 0 { ", " } else { "" })?;
            for (g, row) in alternative.iter().enumerate() {
                f.write_str(if g > 0 { ".." } else { "" })?;
                for (l, label) in row.iter().enumerate() {
                    write!(f, "{}{label}", if l > 0 { "." } else { "" })?;
                }
            }
        }
        Ok(())
    }
}

/// Parses the text of a filter, as it would stand after `only`.
///
/// # Errors
/// The text is no filter; the error names the source `<filter>`.
pub fn parse_filter(text: &str) -> Result<Filter, Error> {
    let source = Source::new("<filter>", text);
    let file = Arc::new(SourceFile::new(source, OriginKind::CommandLine, None));
    let text = &file.text;
    let (mut tokens, mut atoms) = (Vec::new(), Vec::new());
    lex::tokens(text, Extent::new(0, text.len()), &mut tokens);
    match parse(&tokens, text.len() as u32, Blanks::Or, &mut atoms) {
        Ok(_) => Ok(Filter::of(&atoms, text)),
        Err(fault) => {
            let span = Span {
                file: Arc::clone(&file),
                line: 1,
                at: fault.at,
            };
            Err(Error::new(ErrorKind::Syntax, &span, fault.message))
        }
    }
}

/// What a blank between two labels means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Blanks {
    /// Another alternative, as `,`: in `only`, `no`, `join` and dependencies.
    Or,
    /// Nothing: in a condition, where two labels with only a blank between them are a mistake.
    Ignored,
}

/// What is wrong with a part of a line: where, and why.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) at: Extent,
    pub(crate) message: String,
}

impl Fault {
    pub(crate) fn new(at: Extent, message: impl Into<String>) -> Self {
        Self {
            at,
            message: message.into(),
        }
    }
}

/// What stands before the next token of a filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Before {
    /// Nothing.
    Start,
    Label,
    /// A label and a blank that opens another alternative.
    Blank,
    Comma,
    Dot,
    And,
    /// Dots that join nothing. At the end of a filter any number of them is no mistake.
    Dots,
}

/// Parses all of `tokens` and appends their labels to `atoms`; `end` is where the line ends.
pub(crate) fn parse(
    tokens: &[Lexeme<'_>],
    end: u32,
    blanks: Blanks,
    atoms: &mut Vec<Atom>,
) -> Result<Extent, Fault> {
    let first = atoms.len();
    let mut tokens = Tokens { tokens, at: 0, end };
    let mut before = Before::Start;
    loop {
        let at = tokens.place();
        let Some(token) = tokens.next() else { break };
        let unexpected = |wanted: &str| {
            let message = format!("expected {wanted}, found {}", token.describe());
            Err(Fault::new(at, message))
        };
        before = match (token, before) {
            (Token::Blank, _) if blanks == Blanks::Ignored => before,
            (Token::Blank, Before::Label) => Before::Blank,
            (Token::Blank, Before::Dot | Before::And | Before::Dots) => {
                return unexpected("a label right after the dot");
            }
            (Token::Blank, _) => before,
            (Token::Comma, Before::Label) => Before::Comma,
            (Token::Comma, Before::Start) => return unexpected("a label before `,`"),
            (Token::Comma, Before::Blank) => {
                return Err(Fault::new(at, "a blank may not stand before `,`"));
            }
            (Token::Comma, _) => return unexpected("a label"),
            (Token::Dot | Token::And, Before::Start) => return unexpected("a label"),
            (Token::Dot, Before::Label) => Before::Dot,
            // In a condition, `a. .b` is `a..b`.
            (Token::And, Before::Label) | (Token::Dot, Before::Dot) => Before::And,
            (Token::Dot | Token::And, _) => Before::Dots,
            (Token::Word(_) | Token::Open, _) => {
                let joint = match before {
                    Before::Start | Before::Blank | Before::Comma => Joint::Or,
                    Before::Dot => Joint::Dot,
                    Before::And => Joint::And,
                    Before::Label => {
                        let message = "expected `,`, `.` or `..` between two labels";
                        return Err(Fault::new(at, message));
                    }
                    Before::Dots => {
                        let message =
                            "too many dots before this label: expected `.` or `..`, without blanks";
                        return Err(Fault::new(at, message));
                    }
                };
                let (block, name) = match token {
                    Token::Word(_) => (None, at),
                    _ => named(&mut tokens)?,
                };
                atoms.push(Atom { joint, block, name });
                Before::Label
            }
            (other, _) => {
                let message = format!("unexpected {} in a filter", other.describe());
                return Err(Fault::new(at, message));
            }
        };
    }
    if atoms.len() == first {
        return Err(Fault::new(tokens.place(), "expected a label"));
    }
    Ok(Extent::since(atoms, first))
}

/// The rest of `(name=value)` or `(value)` after the parenthesis: the block, and the label.
fn named(tokens: &mut Tokens<'_, '_>) -> Result<(Option<Extent>, Extent), Fault> {
    let mut block = None;
    let mut word = None;
    let mut equals = false;
    loop {
        let at = tokens.place();
        match tokens.next() {
            Some(Token::Blank) => {}
            Some(Token::Word(_)) if word.is_none() => word = Some(at),
            Some(Token::Quoted(_)) => {
                let message = "a quoted text is no label: write the label without quotes";
                return Err(Fault::new(at, message));
            }
            Some(Token::Equals) if word.is_some() && !equals => {
                equals = true;
                block = word.take();
            }
            Some(Token::Close) => match word {
                Some(word) => return Ok((block, word)),
                None => return Err(Fault::new(at, "unexpected `)` in `(name=value)`")),
            },
            Some(token) => {
                return Err(Fault::new(
                    at,
                    format!("unexpected {} in `(name=value)`", token.describe()),
                ));
            }
            None => return Err(Fault::new(at, "expected `)`")),
        }
    }
}

struct Tokens<'t, 'a> {
    tokens: &'t [Lexeme<'a>],
    at: usize,
    end: u32,
}

impl<'a> Tokens<'_, 'a> {
    fn next(&mut self) -> Option<Token<'a>> {
        let token = self.tokens.get(self.at)?.token;
        self.at += 1;
        Some(token)
    }

    /// Where the next token stands.
    fn place(&self) -> Extent {
        let end = Extent {
            start: self.end,
            end: self.end,
        };
        self.tokens.get(self.at).map_or(end, |lexeme| lexeme.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_normal_form() {
        for (text, normal) in [
            ("a, b", "a, b"),
            ("a b", "a, b"),
            ("a.b..c, (v = x)", "a.b..c, (v=x)"),
            ("(a)", "a"),
            ("a,", "a"),
            ("a, # b", "a"),
            ("a.", "a"),
            ("a..", "a"),
            ("a b .....", "a, b"),
            ("14.04", "14.04"),
            ("a # b", "a"),
        ] {
            assert_eq!(
                parse_filter(text).expect(text).to_string(),
                normal,
                "{text}"
            );
        }
    }

    #[test]
    fn mistakes_have_a_column() {
        for (text, column) in [
            ("", 1),
            (".a", 1),
            ("x. a", 3),
            ("a...b", 5),
            ("a. # b", 3),
            ("a*", 2),
            ("!a", 1),
            ("a,,b", 3),
            ("a , b", 3),
            ("(v=a.b)", 5),
            ("(v=\"a\")", 4),
            ("(v='a')", 4),
            ("(v=\"a.b\")", 4),
            ("(v=", 4),
            ("= 1", 1),
            ("a,b)", 4),
            ("a(b)", 2),
            ("a .b", 4),
        ] {
            let error = parse_filter(text).expect_err(text);
            assert_eq!(error.column(), column, "{text}: {error}");
        }
    }
}
