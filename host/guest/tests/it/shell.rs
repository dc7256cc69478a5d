//! The shell engine over bash, dash and busybox ash.

use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::time::Duration;

use tokio::process::Child;
use vthost_guest::{Error, Expect, Pattern, Shell, ShellOptions};

use crate::pty;

const SOON: Duration = Duration::from_secs(20);
const ENOUGH_TO_BEGIN: Duration = Duration::from_millis(1500);
const AT_ONCE: Duration = Duration::from_millis(300);

/// Shells to test: what to start, and which program runs a script the same way without a terminal.
const SHELLS: &[(&[&str], &[&str])] = &[
    (&["bash", "-l", "-i"], &["bash"]),
    (&["bash", "--norc", "-i"], &["bash"]),
    (&["dash", "-i"], &["dash"]),
    (&["busybox", "ash", "-i"], &["busybox", "ash"]),
];

async fn open(argv: &[&str]) -> (Shell, Child) {
    let (transport, child) = pty::spawn(argv);
    let shell = Shell::take_over(Expect::new(transport, None), ShellOptions::default(), SOON)
        .await
        .unwrap();
    (shell, child)
}

/// Output and status as a script sees them; standard error goes where standard output goes.
fn reference(shell: &[&str], command: &str) -> (String, i32) {
    let output = Command::new(shell[0])
        .args(&shell[1..])
        .args(["-c", "exec 2>&1; \\command eval \"$1\"", "sh", command])
        .env("HOME", "/tmp")
        .env("LC_ALL", "C.UTF-8")
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    let status = output
        .status
        .code()
        .unwrap_or_else(|| 128 + output.status.signal().unwrap());
    (String::from_utf8_lossy(&output.stdout).into_owned(), status)
}

/// Commands that must give the same output and status typed into a session as in a script.
fn nasty_commands() -> Vec<String> {
    let mut commands: Vec<String> = [
        "true",
        "false",
        "",
        "   ",
        "# only a comment",
        "echo hello",
        "printf 'no newline'",
        "printf ''",
        "printf '\\n\\n\\n'",
        "echo one; echo two >&2; echo three",
        "(exit 7)",
        "sh -c 'exit 255'",
        "{ sh -c 'kill -9 $$'; } 2>/dev/null; echo $?",
        "echo 'single' \"double\" \\\\ `echo tick` $(echo dollar)",
        "echo \"it's\" 'say \"hi\"'",
        "echo '!!' \"!\" !x",
        "echo a#b # comment",
        "echo ends with backslash\\\\",
        "echo line one\necho line two\n\necho line four",
        "for i in 1 2 3; do echo $i; done",
        "for i in 1 2 3\ndo\n  echo $i\ndone",
        "cat <<EOF\nheredoc $((1+1))\n\ttabbed\nEOF",
        "cat <<'EOF'\nquoted $HOME `x` \\n\nEOF",
        "if false; then echo no; else echo yes; fi",
        "f() { echo in f \"$@\"; return 9; }; f a 'b c'",
        "echo tab\there",
        "printf 'a\\tb\\rc\\n'",
        "printf 'dos\\r\\nlines\\r\\n'",
        "printf '\\033[31mred\\033[0m\\n'",
        "printf '\\000\\001\\002\\n' | od -An -c",
        "printf '\\377\\376\\n'",
        "echo äöü €uro \u{1f600}",
        "printf '%s' 'raw \u{1} \u{3} \u{4} \u{8} \u{11} \u{12} \u{13} \u{15} \u{16} \u{17} \u{1a} \u{1b} \u{1c} \u{7f}' | od -An -tx1",
        "printf '%s' 'cr\rlf\nend' | od -An -c",
        "cat /nonexistent",
        "nonexistent_command_x 2>/dev/null",
        "exec 3>&1; echo three >&3; exec 3>&-",
        "echo out | cat | cat",
        "! true",
        "true && false || echo or",
        "cd / && pwd",
        "cd /nonexistent 2>/dev/null",
        "echo vthost-0123456789abcdef#",
        "printf 'vthost-0123456789abcdef# '",
        "echo '@vte:0123456789abcdef:0@'",
        "echo '@%s:%s@'",
        "echo $(( 40 + 2 ))",
        "X='a  b'; echo $X; echo \"$X\"",
        "printf '%s\\n' \"a\nb\"",
        "echo 'unbalanced ( [ { < |'",
        "read x </dev/null; echo \"status $?\"",
        "echo in | { read x; echo \"got $x\"; }",
        "set -- a b c; echo $# $2",
        "seq 1 5000",
        "head -c 300000 /dev/zero | tr '\\0' x",
        "sh -c 'printf out; printf err >&2; exit 3'",
        "echo \\",
        "trap 'echo t' USR1; kill -USR1 $$; trap - USR1",
        "sh -c 'trap \"\" HUP; echo ok'",
        "break 2>/dev/null; echo after",
        "eval 'echo nested \"eval\"'",
        "command -v true >/dev/null",
        "test -t 1; test -t 0; true",
        "echo a; sh -c 'exit 4'",
    ]
    .map(str::to_owned)
    .to_vec();
    commands.push(format!("echo {}", "long ".repeat(4000)));
    commands.push(format!("printf %s '{}' | wc -c", "x".repeat(4095)));
    commands.push(format!("printf %s '{}' | wc -c", "x".repeat(100_000)));
    commands.push(format!("printf %s \"{}\" | wc -l", "y\n".repeat(20_000)));
    commands.push(format!(
        "printf %s '{}' | cksum",
        "\u{e4}\u{1}'\\''".repeat(3000)
    ));
    commands
}

#[tokio::test]
async fn commands_give_exactly_what_a_script_gives() {
    let mut differences = Vec::new();
    for (argv, script) in SHELLS {
        let (mut shell, _child) = open(argv).await;
        for command in nasty_commands() {
            let (output, status) = reference(script, &command);
            let expected = format!("{status} {output:?}");
            let got = match shell.cmd_status_output(&command, SOON).await {
                Ok(got) => format!("{} {:?}", got.status, got.output),
                Err(error) => error.to_string(),
            };
            if got != expected {
                let cut = |text: &str| text.chars().take(200).collect::<String>();
                let (command, got, expected) = (cut(&command), cut(&got), cut(&expected));
                differences.push(format!(
                    "{argv:?} {command:?}\n  got      {got}\n  expected {expected}"
                ));
            }
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[tokio::test]
async fn a_session_is_one_shell() {
    for (argv, _) in SHELLS {
        let (mut shell, _child) = open(argv).await;
        shell.cmd("cd /usr", SOON).await.unwrap();
        shell
            .cmd("export VAR='a b'; local_var=x", SOON)
            .await
            .unwrap();
        shell
            .cmd("greet() { echo \"hello $1\"\n}", SOON)
            .await
            .unwrap();
        assert_eq!(
            shell
                .cmd("pwd; sh -c 'echo $VAR'; echo $local_var; greet you", SOON)
                .await
                .unwrap(),
            "/usr\na b\nx\nhello you\n"
        );
        assert_eq!(shell.cmd_status("(exit 3)", SOON).await.unwrap(), 3);
        let error = shell.cmd("echo why; false", SOON).await.unwrap_err();
        assert!(
            matches!(&error, Error::CommandFailed { status: 1, output, .. } if output == "why\n"),
            "{error}"
        );
        assert_eq!(
            error.to_string(),
            "command \"echo why; false\" ended with status 1; last output: why"
        );
        assert!(shell.is_responsive(SOON).await);
    }
}

#[tokio::test]
async fn errors_of_the_shell_itself_have_a_status() {
    for (argv, _) in SHELLS {
        let (mut shell, _child) = open(argv).await;
        for command in [
            "echo 'open",
            "if",
            "fi",
            "echo ${unset?message}",
            ". /nonexistent/file",
            "echo $((1/0))",
            "readonly r=1; r=2",
            "return 3 2>/dev/null || false",
        ] {
            if argv[0] != "bash" && command.starts_with("return") {
                continue; // ends the shell there
            }
            let got = shell.cmd_status_output(command, SOON).await;
            let got = got.unwrap_or_else(|e| panic!("{argv:?} {command:?}: {e}"));
            assert!(
                (1..=2).contains(&got.status) || got.status == 127,
                "{argv:?} {command:?} {got:?}"
            );
            assert_eq!(
                shell.cmd("echo fine", SOON).await.unwrap(),
                "fine\n",
                "{argv:?} {command:?}"
            );
        }
        shell.cmd("set -x", SOON).await.unwrap();
        // The `eval` that carries the command is traced too, nothing else.
        let traced = shell.cmd("echo traced", SOON).await.unwrap();
        assert!(
            traced.ends_with("+ echo traced\ntraced\n") && traced.lines().count() <= 3,
            "{argv:?} {traced}"
        );
    }
}

#[tokio::test]
async fn a_changed_terminal_does_no_harm() {
    for (argv, _) in SHELLS {
        let (mut shell, _child) = open(argv).await;
        assert_eq!(shell.cmd_status("stty sane", SOON).await.unwrap(), 0);
        for _ in 0..2 {
            assert_eq!(
                shell.cmd("printf 'a\\nb\\r\\n'", SOON).await.unwrap(),
                "a\nb\r\n",
                "{argv:?}"
            );
        }
        shell.cmd("PS1='other> '", SOON).await.unwrap();
        assert_eq!(shell.cmd("echo x", SOON).await.unwrap(), "x\n");
    }
}

#[tokio::test]
async fn a_shell_that_ends_tells_its_status() {
    for (argv, _) in SHELLS {
        for (command, expected) in [("echo bye; exit 3", 3), ("set -e; false", 1), ("exit", 0)] {
            let (mut shell, _child) = open(argv).await;
            let error = shell.cmd_status_output(command, SOON).await.unwrap_err();
            let Error::Gone { status, output, .. } = &error else {
                panic!("{argv:?} {command:?} {error}")
            };
            assert_eq!(*status, Some(expected), "{argv:?} {command:?}");
            assert_eq!(
                output.starts_with("bye\n"),
                command.starts_with("echo"),
                "{output:?}"
            );
            let again = shell.cmd("true", SOON).await.unwrap_err();
            assert!(
                matches!(again, Error::Gone { status: s, .. } if s == Some(expected)),
                "{again}"
            );
            assert!(!shell.is_responsive(SOON).await);
        }
        let (mut shell, _child) = open(argv).await;
        let error = shell.cmd("exec true", SOON).await.unwrap_err();
        assert!(matches!(error, Error::Gone { .. }), "{error}");
    }
}

#[tokio::test]
async fn a_timeout_keeps_the_output_and_the_session() {
    let mut shells = tokio::task::JoinSet::new();
    for (argv, _) in SHELLS {
        shells.spawn(time_out(argv));
    }
    shells.join_all().await;
}

async fn time_out(argv: &[&str]) {
    let (mut shell, _child) = open(argv).await;
    for command in [
        "echo begun; cat",
        "echo begun; read x",
        "echo begun; while :; do :; done",
    ] {
        let mut time = ENOUGH_TO_BEGIN;
        loop {
            let error = shell.cmd(command, time).await.unwrap_err();
            let Error::CommandTimeout { output, .. } = &error else {
                panic!("{argv:?} {command:?} {error}")
            };
            if output == "begun\n" {
                break;
            }
            // On a busy host the command may not even have begun: the endless loops of this test make it busy.
            assert!(output.is_empty() && time < SOON, "{argv:?} {output:?}");
            time *= 2;
        }
        let back = shell.cmd("echo back", SOON).await;
        let back = back.unwrap_or_else(|e| panic!("{argv:?} {command:?} {e}"));
        assert_eq!(back, "back\n", "{argv:?} {command:?}");
    }
}

#[tokio::test]
async fn a_stubborn_program_makes_the_session_unusable_while_it_runs() {
    let argv = &["bash", "-i"];
    let (mut shell, _child) = open(argv).await;
    // A program that survives both Ctrl-C and Ctrl-\\ holds the shell until it ends by itself.
    let stubborn = "trap '' INT QUIT; read x; trap - INT QUIT";
    let error = shell
        .cmd(&format!("sh -c \"{stubborn}\""), AT_ONCE)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::CommandTimeout { .. }), "{error}");
    let error = shell.cmd("echo no", AT_ONCE).await.unwrap_err();
    assert!(matches!(error, Error::Unusable { .. }), "{argv:?} {error}");
    shell.send_line("done").await.unwrap();
    shell.read_until_prompt(SOON).await.unwrap();
    assert_eq!(
        shell.cmd("echo back", SOON).await.unwrap(),
        "back\n",
        "{argv:?}"
    );
}

#[tokio::test]
async fn a_command_given_up_on_by_its_caller_is_recovered_from() {
    let (mut shell, _child) = open(&["bash", "-i"]).await;
    let given_up = tokio::time::timeout(AT_ONCE, shell.cmd("cat", SOON)).await;
    assert!(given_up.is_err());
    assert_eq!(shell.cmd("echo back", SOON).await.unwrap(), "back\n");
}

#[tokio::test]
async fn lines_and_prompts() {
    for (argv, _) in SHELLS {
        let (mut shell, _child) = open(argv).await;
        shell.cmd("true", SOON).await.unwrap();
        shell.send_line("echo typed").await.unwrap();
        assert_eq!(
            shell.read_until_prompt(SOON).await.unwrap(),
            "typed\n",
            "{argv:?}"
        );
        shell
            .send_line("read answer; echo \"got $answer\"")
            .await
            .unwrap();
        shell.send_line("42").await.unwrap();
        let found = shell
            .read_until(
                &[
                    Pattern::literal("nothing").unwrap(),
                    Pattern::new("got ([0-9]+)").unwrap(),
                ],
                SOON,
            )
            .await;
        let found = found.unwrap();
        assert_eq!((found.index, found.matched.as_str()), (1, "got 42"));
        shell.read_until_prompt(SOON).await.unwrap();
        shell.send_line("sh").await.unwrap();
        shell.read_until_prompt(SOON).await.unwrap();
        assert_eq!(shell.cmd("echo nested", SOON).await.unwrap(), "nested\n");
        shell.send(b"\x04").await.unwrap();
        shell.read_until_prompt(SOON).await.unwrap();
        assert!(shell.is_responsive(SOON).await);
        let error = shell
            .read_until(&[Pattern::literal("never").unwrap()], AT_ONCE)
            .await
            .unwrap_err();
        assert!(matches!(error, Error::NoMatch { .. }), "{error}");
    }
}

#[tokio::test]
async fn nul_is_refused_and_the_session_goes_on() {
    let (mut shell, _child) = open(&["dash", "-i"]).await;
    assert!(matches!(
        shell.cmd("a\0b", SOON).await,
        Err(Error::InvalidCommand { offset: 1 })
    ));
    assert_eq!(shell.cmd("echo on", SOON).await.unwrap(), "on\n");
}

#[tokio::test]
async fn too_much_output_keeps_its_end() {
    let (transport, _child) = pty::spawn(&["dash", "-i"]);
    let expect = Expect::with_capacity(transport, None, 16 * 1024);
    let mut shell = Shell::take_over(expect, ShellOptions::default(), SOON)
        .await
        .unwrap();
    let got = shell
        .cmd_status_output(
            "head -c 1000000 /dev/zero | tr '\\0' x; echo end; (exit 5)",
            SOON,
        )
        .await
        .unwrap();
    assert_eq!(got.status, 5);
    assert!(got.output.ends_with("xend\n") && got.output.len() < 20_000);
    assert!(got.dropped > 900_000, "{}", got.dropped);
}
