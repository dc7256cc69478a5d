//! Words of a command line.

use super::Dialect;
use crate::error::{Error, Result};
use crate::script;

pub(super) fn quote(dialect: Dialect, text: &str) -> Result<String> {
    script::check(text)?;
    match dialect {
        Dialect::Posix | Dialect::Prompt => Ok(format!("'{}'", text.replace('\'', r"'\''"))),
        Dialect::Cmd => cmd(text),
    }
}

/// A word for `cmd.exe` and the C runtime's reading of a command line: in double quotes, where backslashes count double only
/// before a quote. A percent sign expands there too, and nothing at an interactive prompt prevents it; `cmd.exe` does not
/// know that a quote behind a backslash is no end of a word, so operators after one would act.
fn cmd(text: &str) -> Result<String> {
    let operators: &[char] = if text.contains('"') {
        &['&', '|', '<', '>', '^', '(', ')']
    } else {
        &[]
    };
    let bad = |c: char| matches!(c, '\r' | '\n' | '%') || operators.contains(&c);
    if let Some((offset, character)) = text.char_indices().find(|(_, c)| bad(*c)) {
        return Err(Error::Unquotable {
            shell: "cmd.exe",
            character,
            offset,
        });
    }
    let mut word = String::from('"');
    let mut backslashes = 0;
    for c in text.chars() {
        if c == '"' {
            word.push_str(&"\\".repeat(backslashes + 1));
        }
        backslashes = if c == '\\' { backslashes + 1 } else { 0 };
        word.push(c);
    }
    word.push_str(&"\\".repeat(backslashes));
    word.push('"');
    Ok(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_a_posix_shell_survive_it() {
        for text in ["", "a b", "it's $HOME `id` \\ \"", "line\nline\n"] {
            let word = quote(Dialect::Posix, text).unwrap();
            let output = std::process::Command::new("sh")
                .args(["-c", &format!("printf %s {word}")])
                .output()
                .unwrap();
            assert_eq!(String::from_utf8(output.stdout).unwrap(), text);
        }
    }

    #[test]
    fn words_of_cmd_follow_the_rules_of_the_c_runtime() {
        for (text, word) in [
            ("", r#""""#),
            ("a b", r#""a b""#),
            (r"C:\a b\", r#""C:\a b\\""#),
            (r#"say "hi""#, r#""say \"hi\"""#),
            (r#"\\"#, r#""\\\\""#),
            ("a&b|c", r#""a&b|c""#),
        ] {
            assert_eq!(quote(Dialect::Cmd, text).unwrap(), word);
        }
        for (text, at) in [("100%", 3), ("a\nb", 1), ("\"a\"&b", 3)] {
            let error = quote(Dialect::Cmd, text).unwrap_err();
            assert!(matches!(error, Error::Unquotable { offset, .. } if offset == at));
        }
        let error = quote(Dialect::Cmd, "a\0").unwrap_err();
        assert!(matches!(error, Error::InvalidCommand { offset: 1 }));
    }
}
