//! What a shell under control prints for us, as patterns: markers that carry a token, and the prompt of one session.

use crate::error::Result;
use crate::pattern::Pattern;

/// What the kernel prints on a console into whatever stands there, with its line end. It may come between any two bytes: the
/// kernel writes to the port while the terminal's output waits in the port's queue.
const NOISE: &str = r"(?:\[ *[0-9]+\.[0-9]{6}\](?-u:[^\n])*\n)*";

/// The markers of one session.
#[derive(Clone, Debug)]
pub(crate) struct Markers {
    tag: String,
    /// True on a console, where messages of the kernel may tear a marker apart.
    torn: bool,
}

impl Markers {
    /// `tag` names the session.
    pub(crate) fn new(tag: &str, torn: bool) -> Self {
        Self {
            tag: tag.to_owned(),
            torn,
        }
    }

    pub(crate) fn tag(&self) -> &str {
        &self.tag
    }

    /// The answer to the settings, of the session.
    pub(crate) fn ready(&self) -> Result<Pattern> {
        self.line(&["vtr", &self.tag], &[])
    }

    /// The answer to a piece of a command.
    pub(crate) fn stored(&self, token: &str) -> Result<Pattern> {
        self.line(&["vtr", token], &[])
    }

    /// What stands before the output of a command.
    pub(crate) fn begin(&self, token: &str) -> Result<Pattern> {
        self.line(&["vtb", token], &[])
    }

    /// What stands behind it: the last field is the status.
    pub(crate) fn end(&self, token: &str) -> Result<Pattern> {
        self.line(&["vte", token], &["-?", "[0-9]+"])
    }

    /// The answer to a probe: `$?`, and token and status of the last command that came to its end.
    pub(crate) fn probe(&self, token: &str) -> Result<Pattern> {
        self.line(
            &["vtp", token],
            &["[0-9]+", ":", "[0-9a-f]*", ":?", "[0-9]*"],
        )
    }

    /// What an exiting shell prints: the last field is its status. Nothing need follow it.
    pub(crate) fn exit(&self) -> Result<Pattern> {
        Pattern::new(&self.marker(&["vtx", &self.tag], &["[0-9]+"]))
    }

    /// The prompt of the session, at the end of the output.
    pub(crate) fn prompt(&self) -> Result<Pattern> {
        let prompt = self.text(&format!("vthost-{}# ", self.tag));
        let noise = if self.torn { NOISE } else { "" };
        Pattern::new(&format!(r"{prompt}{noise}\z"))
    }

    /// A marker up to its line end, with what the terminal puts before a line feed.
    fn line(&self, words: &[&str], classes: &[&str]) -> Result<Pattern> {
        let noise = if self.torn { NOISE } else { "" };
        Pattern::new(&format!(
            r"{}{noise}\r*{noise}\n",
            self.marker(words, classes)
        ))
    }

    /// `words` stand between colons; `classes` follow as one field, in the syntax of regular expressions, each of a single
    /// character and its repetition.
    fn marker(&self, words: &[&str], classes: &[&str]) -> String {
        let mut pattern = self.text(&format!("@{}", words.join(":")));
        let noise = if self.torn { NOISE } else { "" };
        if !classes.is_empty() {
            pattern.push_str(noise);
            pattern.push(':');
        }
        for class in classes {
            pattern.push_str(noise);
            match class.chars().last() {
                Some(repetition @ ('*' | '+' | '?')) => {
                    let class = &class[..class.len() - 1];
                    pattern.push_str(&format!("(?:{class}{noise}){repetition}"));
                }
                _ => pattern.push_str(class),
            }
        }
        pattern.push_str(noise);
        pattern.push('@');
        pattern
    }

    fn text(&self, text: &str) -> String {
        let noise = if self.torn { NOISE } else { "" };
        let characters = text.chars().map(|c| regex::escape(&c.to_string()));
        characters.collect::<Vec<_>>().join(noise)
    }

    /// A marker that was found, without what tore it.
    pub(crate) fn mend(&self, found: &[u8]) -> Vec<u8> {
        let noise = self.torn.then(|| regex::bytes::Regex::new(NOISE).ok());
        match noise.flatten() {
            Some(noise) => noise.replace_all(found, &b""[..]).into_owned(),
            None => found.to_vec(),
        }
    }
}

/// Matches what a job says first; group 1 is the process id of its shell.
pub(crate) fn job_pattern(token: &str) -> String {
    format!(r"@vtj:{token}:([0-9]+)@\n")
}

/// What a job says last, up to the status and another `@`.
pub(crate) fn job_end(token: &str) -> String {
    format!("@vtd:{token}:")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "0123456789abcdef";

    #[test]
    fn a_torn_marker_is_found_and_mended() {
        let markers = Markers::new("fedcba9876543210", true);
        let end = markers.end(TOKEN).unwrap();
        let whole = format!("@vte:{TOKEN}:13@\r\n");
        let noise = "[   12.345678] random: crng init done\r\n[   12.345679][  T12] x [y]\r\n";
        for cut in 1..whole.len() {
            let torn = format!("out{}{noise}{}", &whole[..cut], &whole[cut..]);
            let found = end
                .find(torn.as_bytes(), 0)
                .unwrap_or_else(|| panic!("{torn:?}"));
            assert_eq!(found.before, b"out", "{torn:?}");
            assert_eq!(markers.mend(&found.matched), whole.as_bytes());
        }
        assert!(end.find(&whole.as_bytes()[..whole.len() - 1], 0).is_none());
        let pattern = markers.probe(TOKEN).unwrap();
        for kept in [format!("{TOKEN}:0"), String::new()] {
            let probe = format!("@vtp:{TOKEN}:1:{kept}@\n");
            assert!(pattern.find(probe.as_bytes(), 0).is_some(), "{probe}");
        }
        let prompt = format!("x\nvthost-fedc{noise}ba9876543210# {noise}");
        assert!(
            markers
                .prompt()
                .unwrap()
                .find(prompt.as_bytes(), 0)
                .is_some()
        );
    }

    #[test]
    fn only_a_console_tears_markers() {
        let markers = Markers::new("fedcba9876543210", false);
        let torn = format!("@vte:{}[   12.345678] x\n{}:0@\n", &TOKEN[..3], &TOKEN[3..]);
        assert!(
            markers
                .end(TOKEN)
                .unwrap()
                .find(torn.as_bytes(), 0)
                .is_none()
        );
        let whole = format!("@vte:{TOKEN}:-5@\r\r\n");
        assert!(
            markers
                .end(TOKEN)
                .unwrap()
                .find(whole.as_bytes(), 0)
                .is_some()
        );
        assert!(markers.mend(b"[    1.000000] x\n").starts_with(b"["));
    }
}
