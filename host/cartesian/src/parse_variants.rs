//! `variants name [default=x]:` and the variants in it.

use std::ops::Range;

use crate::error::{Error, ErrorKind};
use crate::filter::{self, Blanks, Label};
use crate::lex::{self, Lexeme, Token};
use crate::lines::Line;
use crate::parse::{Parser, Reader, Within};
use crate::syntax::{Choice, Stmt, Variants};

/// What stands between `variants` and the end of its line.
struct Header {
    name: Option<String>,
    /// The names after `default=`, and where each one stands.
    defaults: Vec<(String, Range<usize>)>,
}

impl Parser<'_> {
    /// The block of variants that `line` opens; `rest` is the byte after the word `variants`.
    pub(crate) fn variants(
        &mut self,
        reader: &mut Reader<'_>,
        line: &Line<'_>,
        rest: usize,
        within: Within,
    ) -> Result<Stmt, Error> {
        let header = header(reader, line, rest)?;
        let inner = self.deeper(reader, line, within, false)?;
        let mut choices: Vec<Choice> = Vec::new();
        while let Some(item) = reader.next_within(Some(line.indent)) {
            let mut choice = variant(reader, &item)?;
            let name = choice.labels.join(".");
            choice.hidden |= header.defaults.iter().any(|(default, _)| *default == name);
            self.block(reader, &item, inner, &mut choice.body)?;
            choices.push(choice);
        }
        if choices.is_empty() {
            let message = "a variants block without a variant";
            return Err(reader
                .error(line, line.start..line.text.len(), message)
                .with_help("variants are written `- name:`, deeper than the `variants:` line"));
        }
        for (default, at) in header.defaults {
            if !choices
                .iter()
                .any(|choice| choice.labels.join(".") == default)
            {
                let message =
                    format!("there is no variant `{default}` in this block to be the default");
                return Err(Error::new(
                    ErrorKind::Default,
                    &reader.span(line, at),
                    message,
                ));
            }
        }
        Ok(Stmt::Variants(Variants {
            name: header.name,
            choices,
        }))
    }
}

fn header(reader: &Reader<'_>, line: &Line<'_>, rest: usize) -> Result<Header, Error> {
    let tokens = lex::tokens(&line.text, rest);
    let mut tokens = tokens.iter().filter(|lexeme| lexeme.token != Token::Blank);
    let mut header = Header {
        name: None,
        defaults: Vec::new(),
    };
    let end = line.text.len()..line.text.len();
    loop {
        let Some(lexeme) = tokens.next() else {
            return Err(reader.error(line, end, "expected `:` at the end of `variants`"));
        };
        match lexeme.token {
            Token::Colon => break,
            Token::Word(name) if header.name.is_none() => header.name = Some(name.to_owned()),
            Token::BracketOpen => {
                let inside: Vec<&Lexeme<'_>> = tokens
                    .by_ref()
                    .take_while(|lexeme| lexeme.token != Token::BracketClose)
                    .collect();
                let closed = inside.last().map_or(lexeme.at.end, |last| last.at.end);
                if !line.text[closed..].trim_start().starts_with(']') {
                    return Err(reader.error(line, end, "expected `]`"));
                }
                if let Some(default) = metadata(reader, line, lexeme.at.start..closed + 1, &inside)?
                {
                    header.defaults.push(default);
                }
            }
            other => {
                let message = format!("expected `[` or `:`, found {}", other.describe());
                return Err(reader.error(line, lexeme.at.clone(), message));
            }
        }
    }
    match tokens.next() {
        Some(lexeme) => {
            let message = format!(
                "expected the end of the line, found {}",
                lexeme.token.describe()
            );
            Err(reader.error(line, lexeme.at.clone(), message))
        }
        None => Ok(header),
    }
}

/// `[key]` or `[key=text]`: the text of `default`, nothing for any other key.
fn metadata(
    reader: &Reader<'_>,
    line: &Line<'_>,
    brackets: Range<usize>,
    inside: &[&Lexeme<'_>],
) -> Result<Option<(String, Range<usize>)>, Error> {
    let wrong = |message: &str| Err(reader.error(line, brackets.clone(), message));
    let Some((key, rest)) = inside.split_first() else {
        return wrong("expected `[key]` or `[key=value]`");
    };
    let Token::Word(key) = key.token else {
        return wrong("expected `[key]` or `[key=value]`");
    };
    let text = match rest.split_first() {
        None => None,
        Some((equals, text)) if equals.token == Token::Equals => {
            match (text.first(), text.last()) {
                (Some(first), Some(last)) => Some(first.at.start..last.at.end),
                _ => return wrong("expected a value after `=`"),
            }
        }
        Some(_) => return wrong("expected `[key]` or `[key=value]`"),
    };
    match (key, text) {
        ("default", None) => wrong("expected `[default=name]`"),
        ("default", Some(at)) => {
            let name = line.text[at.clone()].trim_matches(['"', '\'']).to_owned();
            Ok(Some((name, at)))
        }
        _ => Ok(None),
    }
}

/// `- @name: dependencies`, without the body.
fn variant(reader: &Reader<'_>, line: &Line<'_>) -> Result<Choice, Error> {
    if !line.text[line.start..].starts_with('-') {
        return Err(reader
            .error(line, line.start..line.text.len(), "expected a variant `- name:`")
            .with_help("what holds for all variants stands before or after the block, not deeper than `variants:`"));
    }
    let tokens = lex::tokens(&line.text, line.start + 1);
    let mut tokens = tokens.as_slice();
    while let Some((lexeme, rest)) = tokens.split_first()
        && lexeme.token == Token::Blank
    {
        tokens = rest;
    }
    let mut hidden = false;
    if let Some((lexeme, rest)) = tokens.split_first()
        && lexeme.token == Token::At
    {
        hidden = true;
        tokens = rest;
    }
    let mut labels = Vec::new();
    let mut at = line.start..line.text.len();
    let mut joint = true;
    loop {
        let Some((lexeme, rest)) = tokens.split_first() else {
            let end = line.text.len()..line.text.len();
            return Err(reader.error(line, end, "expected `:` after the name of the variant"));
        };
        tokens = rest;
        match lexeme.token {
            Token::Word(word) if joint => {
                if labels.is_empty() {
                    at = lexeme.at.clone();
                }
                at.end = lexeme.at.end;
                labels.push(word.to_owned());
                joint = false;
            }
            // `a+b` is read as `a.b`, as it always was.
            Token::Dot | Token::Plus if !joint => joint = true,
            Token::Colon if !labels.is_empty() => break,
            other => {
                let wanted = if labels.is_empty() {
                    "the name of the variant"
                } else {
                    "`.` or `:`"
                };
                let message = format!("expected {wanted}, found {}", other.describe());
                return Err(reader.error(line, lexeme.at.clone(), message));
            }
        }
    }
    let dependencies: Vec<Vec<Label>> = if tokens.iter().all(|lexeme| lexeme.token == Token::Blank)
    {
        Vec::new()
    } else {
        filter::parse(tokens, line.text.len(), Blanks::Or)
            .map_err(|fault| {
                reader
                    .fault(line, fault)
                    .with_help("after the colon stand dependencies; keys stand on their own lines")
            })?
            .into_rows()
    };
    Ok(Choice {
        labels,
        hidden,
        dependencies,
        body: Vec::new(),
        span: reader.span(line, at),
    })
}
