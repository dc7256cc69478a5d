//! Filters: `only x..y, (name=value)` and the conditions `x..y:` (guide: *Filters*).
//!
//! A filter is a list of alternatives (`,` or a blank); each one is a list of groups that must all match (`..`); each
//! group is a row of labels that must follow each other immediately (`.`). Labels are compared whole.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use crate::error::{Error, ErrorKind};
use crate::lex::{self, Lexeme, Token};
use crate::origin::OriginKind;
use crate::source::{SourceFile, Span};

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

    /// The rows of labels in the filter, whatever joins them: what the dependencies of a variant are made of.
    pub(crate) fn into_rows(self) -> Vec<Vec<Label>> {
        self.alternatives.into_iter().flatten().collect()
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
    let file = Arc::new(SourceFile {
        name: Arc::from("<filter>"),
        text: text.to_owned(),
        kind: OriginKind::CommandLine,
        included_from: None,
    });
    parse(&lex::tokens(text, 0), text.len(), Blanks::Or).map_err(|fault| {
        let column = text[..fault.at.start].chars().count() as u32 + 1;
        let width = text[fault.at].chars().count() as u32;
        Error::new(
            ErrorKind::Syntax,
            &Span {
                file,
                line: 1,
                column,
                width,
            },
            fault.message,
        )
    })
}

/// What a blank between two labels means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Blanks {
    /// Another alternative, as `,`: in `only`, `no`, `join` and dependencies.
    Or,
    /// Nothing: in a condition, where two labels with only a blank between them are a mistake.
    Ignored,
}

/// What is wrong with a filter: the bytes of the line, and why.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) at: Range<usize>,
    pub(crate) message: String,
}

impl Fault {
    pub(crate) fn new(at: Range<usize>, message: impl Into<String>) -> Self {
        Self {
            at,
            message: message.into(),
        }
    }
}

/// Parses all of `tokens`; `end` is where the line ends.
pub(crate) fn parse(tokens: &[Lexeme<'_>], end: usize, blanks: Blanks) -> Result<Filter, Fault> {
    let mut tokens = Tokens { tokens, at: 0, end };
    let mut filter = Filter {
        alternatives: Vec::new(),
    };
    // What stands before the next label: decides where the label goes.
    let mut joint = Joint::Or;
    // A blank was seen since the last label.
    let mut blank = false;
    loop {
        let at = tokens.place();
        match tokens.next() {
            None => break,
            Some(Token::Blank) => blank = true,
            Some(Token::Comma) => match joint {
                Joint::None | Joint::Or if !filter.alternatives.is_empty() => joint = Joint::Or,
                Joint::Or | Joint::None => {
                    return Err(Fault::new(at, "expected a label before `,`"));
                }
                Joint::Dot | Joint::And => {
                    return Err(Fault::new(at, "expected a label, found `,`"));
                }
            },
            Some(token @ (Token::Dot | Token::And)) => {
                if joint != Joint::None || (blank && blanks == Blanks::Or) {
                    return Err(Fault::new(
                        at,
                        format!("expected a label, found {}", token.describe()),
                    ));
                }
                joint = if token == Token::Dot {
                    Joint::Dot
                } else {
                    Joint::And
                };
                blank = false;
            }
            Some(token @ (Token::Word(_) | Token::Open)) => {
                let label = match token {
                    Token::Word(word) => Label {
                        block: None,
                        name: word.to_owned(),
                    },
                    _ => named(&mut tokens)?,
                };
                if joint == Joint::None && blank && blanks == Blanks::Or {
                    joint = Joint::Or;
                } else if blank && blanks == Blanks::Or && matches!(joint, Joint::Dot | Joint::And)
                {
                    return Err(Fault::new(
                        at,
                        "expected a label right after the dot, found a blank",
                    ));
                }
                place(&mut filter.alternatives, joint, label, at)?;
                joint = Joint::None;
                blank = false;
            }
            Some(other) => {
                return Err(Fault::new(
                    at,
                    format!("unexpected {} in a filter", other.describe()),
                ));
            }
        }
    }
    if filter.alternatives.is_empty() {
        return Err(Fault::new(tokens.place(), "expected a label"));
    }
    if joint == Joint::And {
        return Err(Fault::new(tokens.place(), "expected a label after `..`"));
    }
    Ok(filter)
}

/// What joins a label to the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Joint {
    None,
    Or,
    And,
    Dot,
}

fn place(
    alternatives: &mut Vec<Vec<Vec<Label>>>,
    joint: Joint,
    label: Label,
    at: Range<usize>,
) -> Result<(), Fault> {
    match (joint, alternatives.last_mut()) {
        (Joint::Or, _) => alternatives.push(vec![vec![label]]),
        (Joint::And, Some(alternative)) => alternative.push(vec![label]),
        (Joint::Dot, Some(alternative)) => match alternative.last_mut() {
            Some(row) => row.push(label),
            None => alternative.push(vec![label]),
        },
        _ => {
            return Err(Fault::new(
                at,
                "expected `,`, `.` or `..` between two labels",
            ));
        }
    }
    Ok(())
}

/// The rest of `(name=value)` or `(value)` after the parenthesis.
fn named(tokens: &mut Tokens<'_, '_>) -> Result<Label, Fault> {
    let mut words = Vec::new();
    let mut equals = false;
    loop {
        let at = tokens.place();
        match tokens.next() {
            Some(Token::Blank) => {}
            Some(Token::Word(word)) if words.len() == usize::from(equals) => {
                words.push(word.to_owned());
            }
            Some(Token::Quoted(word))
                if words.len() == usize::from(equals)
                    && !word.is_empty()
                    && word.chars().all(lex::is_word) =>
            {
                words.push(word.to_owned());
            }
            Some(Token::Equals) if words.len() == 1 && !equals => equals = true,
            Some(Token::Close) if words.len() == 1 + usize::from(equals) => break,
            Some(token) => {
                return Err(Fault::new(
                    at,
                    format!("unexpected {} in `(name=value)`", token.describe()),
                ));
            }
            None => return Err(Fault::new(at, "expected `)`")),
        }
    }
    let name = words.pop().unwrap_or_default();
    Ok(Label {
        block: words.pop(),
        name,
    })
}

struct Tokens<'t, 'a> {
    tokens: &'t [Lexeme<'a>],
    at: usize,
    end: usize,
}

impl<'a> Tokens<'_, 'a> {
    fn next(&mut self) -> Option<Token<'a>> {
        let token = self.tokens.get(self.at)?.token;
        self.at += 1;
        Some(token)
    }

    /// The bytes of the next token.
    fn place(&self) -> Range<usize> {
        self.tokens
            .get(self.at)
            .map_or(self.end..self.end, |lexeme| lexeme.at.clone())
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
            ("a.b..c , (v = \"x\")", "a.b..c, (v=x)"),
            ("(a)", "a"),
            ("a,", "a"),
            ("a.", "a"),
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
            ("x. a", 4),
            ("a...b", 4),
            ("a*", 2),
            ("!a", 1),
            ("a..", 4),
            ("(v=a.b)", 5),
            ("(v=\"a.b\")", 4),
            ("(v=", 4),
            ("= 1", 1),
            ("a,b)", 4),
            ("a(b)", 2),
            ("a .b", 3),
        ] {
            let error = parse_filter(text).expect_err(text);
            assert_eq!(error.column(), column, "{text}: {error}");
        }
    }
}
