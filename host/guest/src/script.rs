//! The text that is typed into a guest's shell: settings, markers (as [`marker`](crate::marker) finds them), and commands
//! quoted so that no terminal can harm them.
//!
//! Every marker is printed from parts, so that an echo of the typed line never looks like the marker itself.

use russh::Pty;

use crate::error::{Error, Result};

/// A terminal in line mode drops what is beyond 4095 bytes of a line, and busybox reads lines of 1023: typed lines stay
/// well below.
const TYPED_LINE: usize = 500;

/// A command longer than this is typed in acknowledged pieces: what is typed ahead must fit into the buffers of the
/// guest's terminal, and on a serial line nothing tells the host that they are full.
pub(crate) const PIECE: usize = 8 * 1024;

/// Columns of the guest's terminal: wide, so that `ps` and friends do not cut their lines.
pub(crate) const COLUMNS: u32 = 1024;

/// Begins every typed line: after an `eval` whose text ended in a backslash, bash takes a reserved word at the start of the
/// next line for a command.
const SIMPLE: &str = ":; ";

/// Rows of the guest's terminal.
pub(crate) const ROWS: u32 = 24;

/// What must hold for the terminal: no echo, output unchanged, lines with signals, all eight bits. One program does it where
/// its `stty` knows the size of a terminal: to start one costs an emulated guest that still boots 0.1 s.
const STTY: &str = "{ stty -echo -opost -ixon -iexten -istrip icanon isig icrnl rows 24 cols 1024 || stty -echo -opost -ixon -iexten -istrip icanon isig icrnl; } 2>/dev/null; ";

/// The same for a terminal that an ssh server makes, so that the shell there starts no program for it.
pub(crate) const MODES: [(Pty, u32); 9] = [
    (Pty::ECHO, 0),
    (Pty::OPOST, 0),
    (Pty::ONLCR, 0),
    (Pty::IXON, 0),
    (Pty::IEXTEN, 0),
    (Pty::ISTRIP, 0),
    (Pty::ICANON, 1),
    (Pty::ISIG, 1),
    (Pty::ICRNL, 1),
];

/// The line that brings a fresh login shell under control; answers with [`Markers::ready`](crate::marker::Markers::ready).
/// It may be typed repeatedly. `terminal`: with what sets up the terminal, which costs the start of a program.
///
/// `command` before a special builtin keeps its failure from ending the line in ash and dash. The prompt goes through a
/// variable so that printing `PS1` is not mistaken for a prompt. The trap tells the status of a shell that exits.
pub(crate) fn settings(tag: &str, terminal: bool) -> String {
    format!(
        concat!(
            r#"\command set +o emacs +o vi 2>/dev/null; "#,
            r#"[ -n "$BASH_VERSION" ] && {{ set +H +o history; bind 'set enable-bracketed-paste off'; }} 2>/dev/null; "#,
            r#"\command unset PROMPT_COMMAND PS0 HISTFILE MAIL MAILPATH TMOUT 2>/dev/null; "#,
            r#"__vt_p={tag} PS1='vthost-$__vt_p# ' PS2= TERM=dumb PAGER=cat SYSTEMD_PAGER=cat GIT_PAGER=cat; "#,
            r#"export TERM PAGER SYSTEMD_PAGER GIT_PAGER; "#,
            r#"trap '{{ \printf "@%s:%s:%s@\n" vtx {tag} "$?"; }} 2>/dev/null' 0; "#,
            r#"{stty}\printf '@%s:%s@\n' vtr {tag}"#,
        ),
        tag = tag,
        stty = if terminal { STTY } else { "" },
    )
}

/// The typed text that runs a command between its two markers. `body` is a shell word. One logical line: the shell has
/// read all of it before the command starts, so a command that reads the terminal cannot eat the end marker.
pub(crate) fn run(token: &str, body: &str, renew_terminal: bool) -> String {
    format!(
        concat!(
            r#"{stty}{simple}{{ \printf '@%s:%s@\n' vtb {token}; }} 2>/dev/null; \command eval {body}; "#,
            r#"{{ __vt_s={token}:$?; \printf '@%s:%s@\n' vte "$__vt_s"; }} 2>/dev/null"#,
        ),
        simple = SIMPLE,
        stty = if renew_terminal { STTY } else { "" },
        token = token,
        body = body,
    )
}

/// Asks the shell for a sign of life; answers with
/// [`Markers::probe`](crate::marker::Markers::probe).
pub(crate) fn probe(token: &str) -> String {
    format!(
        r#"__vt_q=$?; {{ \printf '@%s:%s:%s:%s@\n' vtp {token} "$__vt_q" "$__vt_s"; }} 2>/dev/null"#
    )
}

/// Stores one piece of a command in the guest; answers with
/// [`Markers::stored`](crate::marker::Markers::stored). The dot keeps the line feeds at
/// the end of the piece, which a command substitution would drop.
pub(crate) fn store_piece(token: &str, piece: &str, first: bool) -> String {
    let so_far = if first { "" } else { "$__vt_c" };
    let format = quote(&printf_format(piece));
    format!(
        r#"{SIMPLE}{{ __vt_d=$(\printf {format}); __vt_c="{so_far}${{__vt_d%.}}"; \printf '@%s:%s@\n' vtr {token}; }} 2>/dev/null"#
    )
}

/// The text, and a dot, as a format of `printf` without control characters, which the terminal would obey. (Not one command
/// substitution for each such character: ash and dash crash on words with thousands of them.)
fn printf_format(text: &str) -> String {
    let mut format = String::with_capacity(text.len() + 1);
    for c in text.chars() {
        match c {
            '\\' => format.push_str(r"\\"),
            '%' => format.push_str("%%"),
            c if is_special(c) => format.push_str(&format!("\\{:03o}", u32::from(c))),
            c => format.push(c),
        }
    }
    format.push('.');
    format
}

/// True for a character that a terminal in line mode may act upon.
fn is_special(c: char) -> bool {
    c.is_ascii_control() && c != '\n'
}

/// True if a command can be typed as one word; otherwise it has to be stored piece by piece.
pub(crate) fn is_typable(command: &str) -> bool {
    command.len() <= PIECE && !command.contains(is_special)
}

/// The shell word for a command that was stored in pieces.
pub(crate) const STORED: &str = "\"$__vt_c\"";

/// Splits a command into pieces that may be typed ahead.
pub(crate) fn pieces(command: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = command;
    while rest.len() > PIECE {
        let (piece, tail) = rest.split_at(rest.floor_char_boundary(PIECE));
        pieces.push(piece);
        rest = tail;
    }
    pieces.push(rest);
    pieces
}

/// The text of a job. Its shell tells its process id first, see [`job_pattern`](crate::marker::job_pattern), and last the
/// status of the command on standard output and standard error, see [`job_end`](crate::marker::job_end). Then it stays
/// until a line comes, or for a second: dropbear loses the last output and the status of a program that ends while it is
/// busy with another channel.
pub(crate) fn job(token: &str, command: &str) -> String {
    format!(
        concat!(
            "{{ \\printf '@%s:%s:%s@\\n' vtj {token} \"$$\"; }} 2>/dev/null\n",
            "( \\command eval {body} )\n",
            "__vt_s=$?\n",
            "\\printf '@%s:%s:%s@' vtd {token} \"$__vt_s\" >&2\n",
            "{{ \\printf '@%s:%s:%s@' vtd {token} \"$__vt_s\"; read -r __vt_r || sleep 1; }} 2>/dev/null\n",
            "exit \"$__vt_s\"",
        ),
        token = token,
        body = quote(command),
    )
}

/// Kills a job once a line comes: its process group, or its shells alone where the server has made no group for it (dropbear).
pub(crate) fn kill(pid: u32) -> String {
    format!(
        "read -r __vt_r; kill -KILL -{pid} 2>/dev/null || {{ pkill -KILL -P {pid} 2>/dev/null; kill -KILL {pid}; }}"
    )
}

/// Refuses what cannot be an argument.
pub(crate) fn check(command: &str) -> Result<()> {
    command
        .bytes()
        .position(|b| b == 0)
        .map_or(Ok(()), |offset| Err(Error::InvalidCommand { offset }))
}

/// A text without control characters as one shell word that survives a terminal: single quotes, and typed lines of bounded
/// length (a backslash before a line feed outside quotes joins them).
pub(crate) fn quote(text: &str) -> String {
    let mut word = String::with_capacity(text.len() + text.len() / 8 + 2);
    let mut line = 0;
    word.push('\'');
    for c in text.chars() {
        let before = word.len();
        match c {
            '\'' => word.push_str(r"'\''"),
            c => word.push(c),
        }
        line = if c == '\n' {
            0
        } else {
            line + word.len() - before
        };
        if line > TYPED_LINE {
            word.push_str("'\\\n'");
            line = 0;
        }
    }
    word.push('\'');
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str) -> String {
        let output = std::process::Command::new("sh")
            .args(["-c", script])
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    #[test]
    fn quoting_survives_the_shell() {
        let long = "x".repeat(20_000);
        let quotes = "'\\''".repeat(1000);
        for text in [
            "",
            "a b",
            "it's",
            "$HOME `id` \"x\" \\n !! #",
            "line\nline\n\n",
            &long,
            &quotes,
            "äöü€\u{1f600}",
        ] {
            assert_eq!(sh(&format!("printf %s {}", quote(text))), text);
        }
    }

    #[test]
    fn storing_survives_the_shell() {
        let every_control: String = (1_u8..32).chain([127]).map(char::from).collect();
        let many = "\u{1}'%\\".repeat(2000);
        for text in ["", "\n\n", "100%\\n.", &every_control, &many] {
            let script = format!(
                "{}; printf '%s|%s' \"$__vt_c\" {STORED}",
                store_piece("t", text, true)
            );
            assert_eq!(sh(&script), format!("@vtr:t@\n{text}|{text}"));
            assert!(!script.contains(is_special));
        }
        let script = format!(
            "{}\n{}\nprintf %s {STORED}",
            store_piece("t", "a\n", true),
            store_piece("t", "b", false)
        );
        assert!(sh(&script).ends_with("@\na\nb"));
    }

    #[test]
    fn typed_lines_are_short() {
        assert!(
            store_piece("t", &"'\u{1}é%".repeat(5000), false)
                .lines()
                .all(|l| l.len() < 1000)
        );
        assert!(quote(&"'é".repeat(5000)).lines().all(|l| l.len() < 1000));
        assert!(
            settings("0123456789abcdef", true).len() < 1000,
            "busybox reads lines of 1023 bytes"
        );
    }

    #[test]
    fn pieces_join_to_the_whole() {
        let text = "é".repeat(PIECE);
        let pieces = pieces(&text);
        assert_eq!(pieces.concat(), text);
        assert!(pieces.len() > 1 && pieces.iter().all(|p| p.len() <= PIECE));
    }

    #[test]
    fn nul_is_refused() {
        assert!(matches!(
            check("a\0b"),
            Err(Error::InvalidCommand { offset: 1 })
        ));
        assert!(check("a\nb").is_ok());
    }
}
