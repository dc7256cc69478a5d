//! Commands of shells that know no markers: output up to the prompt, then a question for the status.

use super::posix::{digits, number};
use super::{CommandOutput, Shell, token};
use crate::adapter::Dialect;
use crate::error::{Error, Result};
use crate::limit::Limit;
use crate::pattern::Pattern;

/// A question for the status of the last command.
struct Question {
    line: String,
    answer: Pattern,
}

/// What came between a question and its answer, and the status.
struct Answer {
    before: Vec<u8>,
    status: i32,
}

impl Shell {
    pub(super) async fn run_at_prompt(
        &mut self,
        command: &str,
        limit: Limit,
        wants_status: bool,
    ) -> Result<CommandOutput> {
        let question = self.question()?;
        if wants_status && question.is_none() {
            return Err(Error::Unsupported {
                operation: "the status of a command (no status command is set)",
                kind: "prompt",
            });
        }
        self.expect.drain();
        let lines: Vec<&str> = command.lines().collect();
        self.type_line(&lines.join(&self.options.linesep)).await?;
        let prompt = [self.any_prompt.clone()];
        let found = self.expect.read_until_raw(&prompt, limit).await?;
        let mut output = found.before;
        let mut status = 0;
        // A `cmd.exe` is always asked: only its answer is proof that the prompt was one.
        let asks = wants_status || self.options.dialect == Dialect::Cmd;
        if let Some(question) = question.filter(|_| asks) {
            let answer = self.ask(&question, limit).await?;
            status = answer.status;
            let rest = without_echo(answer.before, &question.line);
            if rest.iter().any(|b| !b.is_ascii_whitespace()) {
                // What looked like the prompt was output; the prompt is the last thing before the answer.
                output.extend(found.matched);
                let end = self.any_prompt.find(&rest, 0);
                output.extend(end.map_or(rest, |prompt| prompt.before));
            }
        }
        if self.echoes {
            remove_echo(&mut output, lines.first().copied().unwrap_or_default());
        }
        Ok(CommandOutput {
            status,
            signal: None,
            output: String::from_utf8_lossy(&output).into_owned(),
            dropped: found.dropped,
        })
    }

    /// Waits until the shell is at its prompt, and learns whether it shows what is typed.
    pub(super) async fn find_prompt(&mut self, limit: Limit) -> Result<()> {
        match self.question()? {
            Some(question) => {
                let answer = self.ask(&question, limit).await?;
                let before = answer.before.len();
                self.echoes = without_echo(answer.before, &question.line).len() < before;
                Ok(())
            }
            None => {
                self.type_line("").await?;
                let prompt = [self.any_prompt.clone()];
                self.expect.read_until_raw(&prompt, limit).await.map(drop)
            }
        }
    }

    fn question(&self) -> Result<Option<Question>> {
        if self.options.dialect == Dialect::Cmd {
            let token = token();
            // The caret is gone in the answer, so the echo of the question is none.
            return Ok(Some(Question {
                line: format!("echo @vte^:{token}:%errorlevel%@"),
                answer: self.markers.end(&token)?,
            }));
        }
        if self.options.status_command.is_empty() {
            return Ok(None);
        }
        Ok(Some(Question {
            line: self.options.status_command.clone(),
            answer: Pattern::new(r"(?m)^[ \t]*-?[0-9]+[ \t]*\r*\n")?,
        }))
    }

    /// Asks, and waits for the prompt after the answer.
    async fn ask(&mut self, question: &Question, limit: Limit) -> Result<Answer> {
        self.type_line(&question.line).await?;
        let answer = [question.answer.clone()];
        let found = self.expect.read_until_raw(&answer, limit).await?;
        let text = self.markers.mend(&found.matched);
        let status = match self.options.dialect {
            Dialect::Cmd => number(&text, 2),
            Dialect::Posix | Dialect::Prompt => digits(String::from_utf8_lossy(&text).trim()),
        };
        let prompt = [self.any_prompt.clone()];
        self.expect.read_until_raw(&prompt, limit).await?;
        Ok(Answer {
            before: found.before,
            status: status.unwrap_or(-1),
        })
    }
}

/// Takes the last echo of a typed line away, with its line end. It stands before what the shell printed until it read the
/// line where a terminal makes the echo, and behind that where the shell does.
fn without_echo(mut bytes: Vec<u8>, line: &str) -> Vec<u8> {
    let line = line.as_bytes();
    let place = bytes
        .windows(line.len().max(1))
        .rposition(|window| window == line);
    if let Some(start) = place {
        let mut end = start + line.len();
        while bytes.get(end) == Some(&b'\r') {
            end += 1;
        }
        if bytes.get(end) == Some(&b'\n') {
            end += 1;
        }
        bytes.drain(start..end);
    }
    bytes
}

/// Takes the first line away if it is the echo of what was typed.
fn remove_echo(output: &mut Vec<u8>, typed: &str) {
    let end = output.iter().position(|b| *b == b'\n').map(|i| i + 1);
    let end = end.unwrap_or(output.len());
    if String::from_utf8_lossy(&output[..end]).trim() == typed.trim() {
        output.drain(..end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn echoes_are_cut() {
        for (bytes, rest) in [
            ("a> echo $?\r\n", "a> "),
            ("echo $?\r\nmore\r\na> ", "more\r\na> "),
            ("0", "0"),
        ] {
            let rest = rest.as_bytes();
            assert_eq!(without_echo(bytes.as_bytes().to_vec(), "echo $?"), rest);
        }
        for (output, typed, rest) in [
            ("dir\r\nfile\r\n", "dir", "file\r\n"),
            ("dir ", "dir", ""),
            ("file\r\n", "dir", "file\r\n"),
            ("", "dir", ""),
        ] {
            let mut bytes = output.as_bytes().to_vec();
            remove_echo(&mut bytes, typed);
            assert_eq!(bytes, rest.as_bytes());
        }
    }
}
