//! What is waited for in the output of a guest.

use std::sync::LazyLock;

use regex::bytes::{Regex, RegexBuilder};

use crate::error::{Error, Result};
use crate::escapes::strip_escapes;

/// A match that arrives in pieces is found if it is not longer than this, in bytes; without such a bound every byte that
/// arrives would cost a search of the whole buffer.
pub const LONGEST_MATCH: usize = 64 * 1024;

/// How much of the end of the buffer is looked at for the last line, in bytes.
const LAST_LINE_WINDOW: usize = 8 * 1024;

/// What the kernel prints on a console, with its timestamp, to the end of the line.
static KERNEL_NOISE: LazyLock<Option<regex::Regex>> =
    LazyLock::new(|| regex::Regex::new(r"(?m)\[ *\d+\.\d{6}\](?:\[ *[TC]\d+\])? .*$").ok());

/// A compiled expression takes at most this many bytes: it may come from someone who wants the host's memory
/// (`\w{1000}`).
const REGEX_SIZE: usize = 1 << 20;

fn line_regex(text: &str) -> Result<regex::Regex> {
    regex::RegexBuilder::new(text)
        .size_limit(REGEX_SIZE)
        .build()
        .map_err(|e| invalid(text, e))
}

/// Something to wait for in the output of a guest.
#[derive(Clone, Debug)]
pub struct Pattern {
    scope: Scope,
    text: String,
}

#[derive(Clone, Debug)]
enum Scope {
    Anywhere(Regex),
    LastLine {
        regex: regex::Regex,
        except: Option<regex::Regex>,
        console: bool,
    },
}

impl Pattern {
    /// A regular expression searched in all unread output (`read_until_output_matches` of the reference). `$` is the end
    /// of the output so far; use `(?m)` for line ends.
    ///
    /// # Errors
    /// [`Error::InvalidPattern`].
    pub fn new(regex: &str) -> Result<Self> {
        let compiled = RegexBuilder::new(regex)
            .size_limit(REGEX_SIZE)
            .build()
            .map_err(|e| invalid(regex, e))?;
        Ok(Self {
            scope: Scope::Anywhere(compiled),
            text: regex.to_owned(),
        })
    }

    /// A fixed text searched in all unread output.
    ///
    /// # Errors
    /// [`Error::InvalidPattern`] if the text is too long to search for.
    pub fn literal(text: &str) -> Result<Self> {
        Self::new(&regex::escape(text))
    }

    /// A regular expression searched in each line of the unread output (`read_until_any_line_matches` of the reference): `^`
    /// and `$` are the ends of a line, `\n` or `\r\n`. The last line may still be growing.
    ///
    /// # Errors
    /// [`Error::InvalidPattern`].
    pub fn any_line(regex: &str) -> Result<Self> {
        let compiled = RegexBuilder::new(regex)
            .multi_line(true)
            .crlf(true)
            .size_limit(REGEX_SIZE)
            .build()
            .map_err(|e| invalid(regex, e))?;
        Ok(Self {
            scope: Scope::Anywhere(compiled),
            text: regex.to_owned(),
        })
    }

    /// A regular expression searched in the last non-empty line only, the way prompts are matched by the reference
    /// (`read_until_last_line_matches`, parameter `shell_prompt`). Terminal escapes in that line are ignored.
    ///
    /// # Errors
    /// [`Error::InvalidPattern`].
    pub fn last_line(regex: &str) -> Result<Self> {
        Self::line(regex, None, false)
    }

    /// Like [`Pattern::last_line`] for a system console: messages of the kernel are ignored, so that a prompt with
    /// `[   12.345678] random: crng init done` behind or below it is still seen. Lines that match `except` do not count.
    ///
    /// # Errors
    /// [`Error::InvalidPattern`].
    pub fn console_line(regex: &str, except: Option<&str>) -> Result<Self> {
        Self::line(regex, except, true)
    }

    fn line(text: &str, except: Option<&str>, console: bool) -> Result<Self> {
        let regex = line_regex(text)?;
        let except = except.map(line_regex).transpose()?;
        Ok(Self {
            scope: Scope::LastLine {
                regex,
                except,
                console,
            },
            text: text.to_owned(),
        })
    }

    /// The text of the expression.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Looks for the pattern in `bytes`; what ends before `seen` was searched before and did not match.
    pub(crate) fn find(&self, bytes: &[u8], seen: usize) -> Option<Found> {
        match &self.scope {
            Scope::Anywhere(regex) => {
                let found = regex.find_at(bytes, seen.saturating_sub(LONGEST_MATCH))?;
                let (before, matched) =
                    (bytes[..found.start()].to_vec(), found.as_bytes().to_vec());
                Some(Found {
                    before,
                    matched,
                    end: found.end(),
                })
            }
            Scope::LastLine {
                regex,
                except,
                console,
            } => {
                let window = bytes.len().saturating_sub(LAST_LINE_WINDOW);
                let (line_start, line) = last_line(&bytes[window..], *console)?;
                if except.as_ref().is_some_and(|e| e.is_match(&line)) {
                    return None;
                }
                let found = regex.find(&line)?;
                let mut before = bytes[..window + line_start].to_vec();
                before.extend_from_slice(&line.as_bytes()[..found.start()]);
                Some(Found {
                    before,
                    matched: found.as_str().as_bytes().to_vec(),
                    end: bytes.len(),
                })
            }
        }
    }
}

fn invalid(pattern: &str, source: regex::Error) -> Error {
    Error::InvalidPattern {
        pattern: pattern.to_owned(),
        source: Box::new(source),
    }
}

/// The last line with something on it: where it starts, and its text without escapes (and without kernel messages).
fn last_line(bytes: &[u8], console: bool) -> Option<(usize, String)> {
    let mut end = bytes.len();
    loop {
        let start = bytes[..end]
            .iter()
            .rposition(|b| matches!(b, b'\n' | b'\r'))
            .map_or(0, |i| i + 1);
        let text = String::from_utf8_lossy(&bytes[start..end]);
        let mut line = strip_escapes(&text).into_owned();
        if console && let Some(noise) = KERNEL_NOISE.as_ref() {
            line = noise.replace_all(&line, "").into_owned();
        }
        if !line.trim().is_empty() {
            return Some((start, line));
        }
        end = start.checked_sub(1)?;
    }
}

/// Where a pattern matched.
pub(crate) struct Found {
    pub(crate) before: Vec<u8>,
    pub(crate) matched: Vec<u8>,
    pub(crate) end: usize,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapter::LINUX;

    fn matches(pattern: &Pattern, text: &str) -> bool {
        pattern.find(text.as_bytes(), 0).is_some()
    }

    #[test]
    fn prompts_are_matched_in_the_last_line_with_something_on_it() {
        let prompt = Pattern::last_line(&LINUX.shell_prompt).unwrap();
        for yes in [
            "[root@guest ~]# ",
            "out\r\n$ ",
            "x\n# \n\n",
            "\x1b[?2004h\x1b[1mroot#\x1b[0m ",
            "user$ \x1b[6n",
        ] {
            assert!(matches(&prompt, yes), "{yes:?}");
        }
        for no in [
            "# \nout",
            "costs 3$ now",
            "",
            "\n\n",
            "[root@guest ~]# [   12.000000] noise",
        ] {
            assert!(!matches(&prompt, no), "{no:?}");
        }
        let found = prompt.find(b"one\ntwo# ", 0).unwrap();
        assert_eq!((found.before.as_slice(), found.end), (&b"one\ntwo"[..], 9));
    }

    #[test]
    fn a_console_prompt_is_seen_through_kernel_messages() {
        let login = LINUX.login;
        let user = Pattern::console_line(&login.user_prompt, Some(&login.not_user_prompt)).unwrap();
        for yes in [
            "guest login: ",
            "guest login: [    1.234567] usb 1-1: new\r\n",
            "guest login: \n[  1.000000][ T12] x\n",
            "Username:",
        ] {
            assert!(matches(&user, yes), "{yes:?}");
        }
        for no in [
            "Last login:",
            "Last failed login: ",
            "login: service started",
            "guest login: root\nPassword: ",
        ] {
            assert!(!matches(&user, no), "{no:?}");
        }
        let password = Pattern::console_line(&login.password_prompt, None).unwrap();
        assert!(matches(&password, "Password: ") && matches(&password, "password for root:"));
    }

    #[test]
    fn lines_are_looked_at_one_by_one() {
        let pattern = Pattern::any_line("^status: [a-z]+$").unwrap();
        assert!(matches(&pattern, "one\r\nstatus: good\r\nthree\r\n"));
        assert!(matches(&pattern, "one\nstatus: good"));
        assert!(!matches(&pattern, "the status: good\n"));
        assert!(!matches(&pattern, "status: \ngood"));
    }

    #[test]
    fn a_bad_expression_is_an_error() {
        let error = Pattern::new("(").unwrap_err();
        assert_eq!(error.to_string(), "invalid pattern \"(\"");
        assert!(Pattern::literal("(").is_ok());
    }
}
