//! `variants name [default=x]:` and the variants in it.

use crate::error::{Error, ErrorKind};
use crate::syntax::filter::{self, Blanks};
use crate::syntax::parse::{Parser, Reader, Within, check_length};
use crate::syntax::{Kind, Stmt};
use crate::text::lex::{self, Lexeme, Token};
use crate::text::lines::Line;
use crate::text::span::Extent;

/// What stands between `variants` and the end of its line.
struct Header<'a> {
    name: Option<Extent>,
    defaults: Vec<Default<'a>>,
}

/// `[default=name]`: the variant that stands for the block. The first variant that fits uses it up.
struct Default<'a> {
    at: Extent,
    parts: Vec<&'a str>,
}

impl Default<'_> {
    /// Does it mean the variant with a name of these parts? The reference compares so many parts as both have: `a` means
    /// `a.b` too, `a.b` means `a` too, and nothing at all means any.
    fn fits(&self, name: &[&str]) -> bool {
        self.parts.iter().zip(name).all(|(a, b)| a == b)
    }
}

/// The texts of these tokens as names are compared: dots count one by one, blanks not at all.
fn parts<'a>(text: &'a str, tokens: &[Lexeme<'a>]) -> Vec<&'a str> {
    let mut parts = Vec::new();
    for lexeme in tokens {
        match lexeme.token {
            Token::Blank | Token::Plus => {}
            Token::And => parts.extend([".", "."]),
            Token::Quoted("") => parts.push(""),
            // As the reference reads it: `[default="a"]` means `- a:`, and `[default="a.b"]` means nothing.
            Token::Quoted(inner) => parts.extend([inner, inner]),
            _ => parts.push(lexeme.at.of(text)),
        }
    }
    parts
}

impl Parser<'_> {
    /// The block of variants that `line` opens; `rest` is the byte after the word `variants`.
    pub(crate) fn variants(
        &mut self,
        reader: &mut Reader<'_>,
        line: &Line,
        rest: u32,
        within: Within,
    ) -> Result<(), Error> {
        let mut header = header(reader, line, rest)?;
        let inner = self.deeper(reader, line, within, false)?;
        let kind = Kind::Variants { name: header.name };
        let block = self.open(reader.stmt(line, header.name.unwrap_or(line.at), kind))?;
        // The first variant says for all how deep their bodies stand.
        let mut indent = None;
        while let Some(item) = reader.lines.next_within(Some(line.indent)) {
            let indent = *indent.get_or_insert(item.indent);
            let choice = self.choice(reader, &item, &mut header.defaults)?;
            let at = self.open(choice)?;
            self.scope(|parser| parser.block(reader, indent, inner))?;
            self.close(at);
        }
        self.close(block);
        if indent.is_none() {
            let message = "a variants block without a variant";
            return Err(reader
                .error(line, line.at, message)
                .with_help("variants are written `- name:`, deeper than the `variants:` line"));
        }
        if let Some(missing) = header.defaults.first() {
            let at = missing.at;
            let default = at.of(reader.text());
            let message =
                format!("there is no variant `{default}` in this block to be the default");
            let error = Error::new(ErrorKind::Default, &reader.span(line, at), message);
            return Err(match default.starts_with('"') {
                true => error.with_help("write the name without quotes"),
                false => error,
            });
        }
        Ok(())
    }

    /// `- @name: dependencies`, without the body; takes out the default that it is.
    fn choice(
        &mut self,
        reader: &mut Reader<'_>,
        line: &Line,
        defaults: &mut Vec<Default<'_>>,
    ) -> Result<Stmt, Error> {
        check_length(reader, line)?;
        if !line.at.of(reader.text()).starts_with('-') {
            return Err(reader
                .error(line, line.at, "expected a variant `- name:`")
                .with_help("what holds for all variants stands before or after the block, not deeper than `variants:`"));
        }
        let after = Extent {
            start: line.at.start + 1,
            ..line.at
        };
        // Most variants are a word and a colon, which are found faster than tokens.
        if defaults.is_empty()
            && let Some(name) = lex::plain_name(after.of(reader.text()))
        {
            let end = after.end - 1;
            let start = end - name.len() as u32;
            let at = Extent { start, end };
            self.out.labels.push(at);
            let kind = Kind::Choice {
                labels: Extent::since(&self.out.labels, self.out.labels.len() - 1),
                hidden: false,
                dependencies: Extent::default(),
            };
            return Ok(reader.stmt(line, at, kind));
        }
        lex::tokens(reader.text(), after, &mut reader.tokens);
        let mut tokens = reader.tokens.as_slice();
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
        let whole = tokens;
        let first = self.out.labels.len();
        let mut at = line.at;
        // May a label stand here? Any number of dots may stand between two, and after the last one.
        let mut joint = true;
        loop {
            let Some((lexeme, rest)) = tokens.split_first() else {
                let message = "expected `:` after the name of the variant";
                return Err(reader.error(line, line.end(), message));
            };
            let nameless = self.out.labels.len() == first;
            match lexeme.token {
                Token::Word(_) if joint => {
                    if nameless {
                        at.start = lexeme.at.start;
                    }
                    at.end = lexeme.at.end;
                    self.out.labels.push(lexeme.at);
                    joint = false;
                }
                Token::Dot | Token::And if !nameless => joint = true,
                // `a+b` is read as `a.b`, as it always was.
                Token::Plus if !joint => joint = true,
                Token::Colon if !nameless => break,
                other => {
                    let wanted = if nameless {
                        "the name of the variant"
                    } else {
                        "`.` or `:`"
                    };
                    let message = format!("expected {wanted}, found {}", other.describe());
                    return Err(reader.error(line, lexeme.at, message));
                }
            }
            tokens = rest;
        }
        let name = &whole[..whole.len() - tokens.len()];
        let tokens = &tokens[1..];
        if !defaults.is_empty() {
            let name = parts(reader.text(), name);
            if let Some(fits) = defaults.iter().position(|default| default.fits(&name)) {
                defaults.remove(fits);
                hidden = true;
            }
        }
        let dependencies = if tokens.iter().all(|lexeme| lexeme.token == Token::Blank) {
            Extent::default()
        } else {
            filter::parse(tokens, line.at.end, Blanks::Or, &mut self.out.atoms).map_err(
                |fault| {
                    reader.fault(line, fault).with_help(
                        "after the colon stand dependencies; keys stand on their own lines",
                    )
                },
            )?
        };
        let kind = Kind::Choice {
            labels: Extent::since(&self.out.labels, first),
            hidden,
            dependencies,
        };
        Ok(reader.stmt(line, at, kind))
    }
}

fn header<'a>(reader: &mut Reader<'a>, line: &Line, rest: u32) -> Result<Header<'a>, Error> {
    let after = Extent {
        start: rest,
        ..line.at
    };
    lex::tokens(reader.text(), after, &mut reader.tokens);
    reader.tokens.retain(|lexeme| lexeme.token != Token::Blank);
    let reader = &*reader;
    let mut tokens = reader.tokens.as_slice();
    let mut header = Header {
        name: None,
        defaults: Vec::new(),
    };
    loop {
        let Some((lexeme, rest)) = tokens.split_first() else {
            return Err(reader.error(line, line.end(), "expected `:` at the end of `variants`"));
        };
        tokens = rest;
        match lexeme.token {
            Token::Colon => break,
            Token::Word(_) if header.name.is_none() => header.name = Some(lexeme.at),
            Token::BracketOpen => {
                let close = tokens
                    .iter()
                    .position(|lexeme| lexeme.token == Token::BracketClose);
                let Some(close) = close else {
                    return Err(reader.error(line, line.end(), "expected `]`"));
                };
                let brackets = Extent {
                    start: lexeme.at.start,
                    end: tokens[close].at.end,
                };
                let default = metadata(reader, line, brackets, &tokens[..close])?;
                header.defaults.extend(default);
                tokens = &tokens[close + 1..];
            }
            other => {
                let message = format!("expected `[` or `:`, found {}", other.describe());
                return Err(reader.error(line, lexeme.at, message));
            }
        }
    }
    match tokens.first() {
        Some(lexeme) => {
            let message = format!(
                "expected the end of the line, found {}",
                lexeme.token.describe()
            );
            Err(reader.error(line, lexeme.at, message))
        }
        None => Ok(header),
    }
}

/// `[key]`, `[key=]` or `[key=text]`: a default, and nothing for any other key.
fn metadata<'a>(
    reader: &Reader<'a>,
    line: &Line,
    brackets: Extent,
    inside: &[Lexeme<'a>],
) -> Result<Option<Default<'a>>, Error> {
    let wrong = |message: &str| Err(reader.error(line, brackets, message));
    let [key, rest @ ..] = inside else {
        return wrong("expected `[key]` or `[key=value]`");
    };
    let Token::Word(key) = key.token else {
        return wrong("expected `[key]` or `[key=value]`");
    };
    match rest {
        [] if key == "default" => wrong("expected `[default=name]`"),
        [] => Ok(None),
        [equals, value @ ..] if equals.token == Token::Equals => {
            if let Some(other) = value
                .iter()
                .find(|lexeme| matches!(lexeme.token, Token::Other(_)))
            {
                let message = format!("unexpected {} in brackets", other.token.describe());
                return Err(reader.error(line, other.at, message));
            }
            let at = match (value.first(), value.last()) {
                (Some(first), Some(last)) => Extent {
                    start: first.at.start,
                    end: last.at.end,
                },
                _ => equals.at,
            };
            let parts = parts(reader.text(), value);
            Ok((key == "default").then_some(Default { at, parts }))
        }
        _ => wrong("expected `[key]` or `[key=value]`"),
    }
}
