//! What a guest and its users do to a session: noise, odd bytes, changed settings.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::Child;
use vthost_guest::{Error, Expect, LoginSpec, Pattern, Session, Shell, ShellOptions, Transport};

use crate::pty;
use crate::server::SOON;

const NOISE: &[u8] = b"[   12.345678] random: crng init done\r\n";

const SHELLS: &[&[&str]] = &[
    &["bash", "--norc", "-i"],
    &["dash", "-i"],
    &["busybox", "ash", "-i"],
];

async fn open(argv: &[&str]) -> (Shell, Child) {
    let (transport, child) = pty::spawn(argv);
    let expect = Expect::new(transport, None);
    let shell = Shell::take_over(expect, ShellOptions::default(), SOON)
        .await
        .unwrap();
    (shell, child)
}

/// A console whose output goes through `change` on its way: a mock of a kernel that writes to the port as well, and of a port
/// that loses bytes, which a test cannot make a real kernel do at a chosen byte.
fn console(
    argv: &[&str],
    mut change: impl FnMut(u8, &mut Vec<u8>) + Send + 'static,
) -> (Transport, Child) {
    let (terminal, child) = pty::stream(argv);
    let (near, far) = tokio::io::duplex(1 << 16);
    tokio::spawn(async move {
        let (mut from_terminal, mut to_terminal) = tokio::io::split(terminal);
        let (mut typed, mut printed) = tokio::io::split(far);
        let output = async {
            let mut chunk = [0; 4096];
            while let Ok(count @ 1..) = from_terminal.read(&mut chunk).await {
                let mut out = Vec::new();
                chunk[..count].iter().for_each(|b| change(*b, &mut out));
                if printed.write_all(&out).await.is_err() {
                    return;
                }
            }
        };
        tokio::select! {
            () = output => {}
            _ = tokio::io::copy(&mut typed, &mut to_terminal) => {}
        }
    });
    (Transport::from_stream(near), child)
}

async fn log_in(transport: Transport) -> Session {
    let spec = LoginSpec::linux("root", "123456", SOON);
    Session::serial(transport, &spec, None).await.unwrap()
}

#[tokio::test]
async fn a_kernel_that_talks_into_everything_harms_no_status() {
    for argv in SHELLS {
        for every in [5, 7, 11] {
            let mut count = 0_usize;
            let (transport, _child) = console(argv, move |byte, out| {
                out.push(byte);
                count += 1;
                if count.is_multiple_of(every) {
                    out.extend_from_slice(NOISE);
                }
            });
            let mut session = log_in(transport).await;
            for status in [0, 7, 255] {
                let command = format!("echo some output of {status}; (exit {status})");
                let got = session.cmd_status_output(&command, SOON).await.unwrap();
                assert_eq!(got.status, status, "{argv:?}");
                let noise = String::from_utf8_lossy(NOISE).into_owned();
                assert_eq!(
                    got.output.replace(&noise, ""),
                    format!("some output of {status}\n")
                );
            }
            session.send_line("echo typed").await.unwrap();
            let typed = session.read_until_prompt(SOON).await.unwrap();
            assert!(typed.contains("d\n") || typed.contains("\r\n"), "{typed:?}");
            let error = session.cmd("exit 3", SOON).await.unwrap_err();
            assert!(
                matches!(
                    error,
                    Error::Gone {
                        status: Some(3),
                        ..
                    }
                ),
                "{argv:?} {error}"
            );
        }
    }
}

#[tokio::test]
async fn a_console_that_loses_the_end_of_a_command_is_asked_again() {
    let mut last = Vec::new();
    let mut losing = 0;
    let (transport, _child) = console(&["bash", "--norc", "-i"], move |byte, out| {
        if losing > 0 {
            losing -= 1;
            return;
        }
        out.push(byte);
        last.push(byte);
        if last.ends_with(b"the last line\n") {
            last.clear();
            // The end marker, and the prompt behind it.
            losing = 50;
        }
    });
    let mut session = log_in(transport).await;
    let lossy = "echo one; printf 'the last '; echo line";
    let output = session.cmd_output_safe(lossy, SOON).await.unwrap();
    assert_eq!(output, "one\nthe last line\n");
    assert_eq!(session.cmd("echo after", SOON).await.unwrap(), "after\n");
    assert_eq!(
        session.cmd_output_safe("echo x", SOON).await.unwrap(),
        "x\n"
    );
    let error = session
        .cmd_output(lossy, Duration::from_secs(1))
        .await
        .unwrap_err();
    assert!(
        matches!(error, Error::CommandTimeout { usable: true, .. }),
        "{error}"
    );
}

#[tokio::test]
async fn every_status_is_exact() {
    for argv in SHELLS {
        let (mut shell, _child) = open(argv).await;
        for status in 0..=255 {
            let command = format!("(exit {status})");
            assert_eq!(shell.cmd_status(&command, SOON).await.unwrap(), status);
        }
        for signal in [1, 2, 6, 9, 11, 13, 15] {
            // In a shell of its own, whose words about it do not count.
            let command = format!("{{ sh -c 'kill -{signal} $$'; }} 2>/dev/null");
            let status = shell.cmd_status(&command, SOON).await.unwrap();
            assert_eq!(status, 128 + signal, "{argv:?}");
        }
    }
}

#[tokio::test]
async fn odd_output_is_no_trouble() {
    for argv in SHELLS {
        let (mut shell, _child) = open(argv).await;
        for (command, output) in [
            ("printf 'a\\000b\\000'", "a\0b\0"),
            ("printf '\\377\\376x'", "\u{fffd}\u{fffd}x"),
            ("printf 'dos\\r\\nlines\\r\\n'", "dos\r\nlines\r\n"),
            (
                "printf '\\033[31mred\\033[0m\\033[?2004h'",
                "\x1b[31mred\x1b[0m\x1b[?2004h",
            ),
            ("printf '# $ root@x:~# '", "# $ root@x:~# "),
            ("echo \"$PS1\"", "vthost-$__vt_p# \n"),
        ] {
            let got = shell.cmd(command, SOON).await.unwrap();
            assert_eq!(got, output, "{argv:?} {command}");
        }
        let line = shell
            .cmd("head -c 1000000 /dev/zero | tr '\\0' x; echo", SOON)
            .await
            .unwrap();
        assert_eq!((line.len(), line.trim_end().len()), (1_000_001, 1_000_000));
        // A prompt that waits for input is not taken for the shell's.
        shell
            .cmd("f() { printf 'root# '; read -r x; }", SOON)
            .await
            .unwrap();
        let error = shell.cmd("f", Duration::from_secs(1)).await.unwrap_err();
        let Error::CommandTimeout { output, usable, .. } = &error else {
            panic!("{error}")
        };
        assert!(*usable && output == "root# ", "{argv:?} {error}");
    }
}

#[tokio::test]
async fn settings_of_the_user_are_no_trouble() {
    for argv in SHELLS {
        let (mut shell, _child) = open(argv).await;
        for command in [
            "PS1='$(echo changed) \\w> '",
            "PROMPT_COMMAND='echo from PROMPT_COMMAND'",
            "PS2='more> '; PS4='trace> '",
            "export LC_ALL=C LANG=C",
            "stty sane -echo",
            "stty raw",
            "stty echo opost onlcr icrnl",
            "alias printf=false command=false eval=false",
            "set -u",
            "set -f",
            "IFS=@:0",
            "unset HOME TERM",
            "trap 'echo trapped' USR1",
        ] {
            shell.cmd(command, SOON).await.unwrap();
            let got = shell.cmd_status_output("echo one; (exit 5)", SOON).await;
            let got = got.unwrap_or_else(|e| panic!("{argv:?} {command}: {e}"));
            assert_eq!(
                (got.status, got.output.as_str()),
                (5, "one\n"),
                "{argv:?} {command}"
            );
        }
        shell.cmd("set -e", SOON).await.unwrap();
        assert_eq!(shell.cmd("echo still", SOON).await.unwrap(), "still\n");
        let error = shell.cmd_status("false", SOON).await.unwrap_err();
        assert!(
            matches!(
                error,
                Error::Gone {
                    status: Some(1),
                    ..
                }
            ),
            "{argv:?} {error}"
        );
    }
}

#[tokio::test]
async fn children_in_the_background_hold_nothing_up() {
    for argv in SHELLS {
        let (mut shell, _child) = open(argv).await;
        let start = Instant::now();
        let got = shell.cmd("sleep 1000 & echo started", SOON).await.unwrap();
        // An interactive shell tells the number of its job.
        assert!(
            got.ends_with("started\n") || got.contains("started\n"),
            "{got:?}"
        );
        assert_eq!(shell.cmd("echo next", SOON).await.unwrap(), "next\n");
        assert!(start.elapsed() < SOON);
        shell.cmd("kill $!", SOON).await.unwrap();
    }
}

#[tokio::test]
async fn what_comes_is_heard_line_by_line_and_kept() {
    let (transport, _child) = pty::spawn(&["dash", "-i"]);
    let mut session = log_in(transport).await;
    let heard: Arc<Mutex<Vec<String>>> = Arc::default();
    let ears = Arc::clone(&heard);
    session.on_output(Some(Box::new(move |line| {
        ears.lock().unwrap().push(line.to_owned());
    })));
    session
        .cmd("printf 'one\\ntwo\\r\\n\\033[1mthree\\033[0m\\n'", SOON)
        .await
        .unwrap();
    assert_eq!(
        *heard.lock().unwrap(),
        ["one", "two", "\x1b[1mthree\x1b[0m"]
    );
    session.on_output(None);
    session.cmd("echo four", SOON).await.unwrap();
    assert_eq!(heard.lock().unwrap().len(), 3);
    let (output, missing) = session.output();
    assert!(
        output.ends_with("one\ntwo\r\n\x1b[1mthree\x1b[0m\nfour\n"),
        "{output:?}"
    );
    assert_eq!(missing, 0);
    assert!(!output.contains("@vt"), "{output:?}");
    let (stripped, _) = session.stripped_output();
    assert!(stripped.ends_with("three\nfour\n"), "{stripped:?}");
}

#[tokio::test]
async fn a_session_is_a_terminal_too() {
    let (transport, _child) = pty::spawn(&["bash", "--norc", "-i"]);
    let mut session = log_in(transport).await;
    session.send_line("cat; echo \"status $?\"").await.unwrap();
    session.send_line("line").await.unwrap();
    let line = [Pattern::any_line("^line$").unwrap()];
    session.read_until(&line, SOON).await.unwrap();
    session.send_ctrl("^C").await.unwrap();
    session.read_until_prompt(SOON).await.unwrap();
    let error = session.send_ctrl("F1").await.unwrap_err();
    assert!(matches!(error, Error::InvalidKey { .. }), "{error}");
    session.send(b"echo sent\n").await.unwrap();
    let quiet = session.read_until_quiet(Duration::from_secs(1), SOON).await;
    assert!(quiet.starts_with("sent\n"), "{quiet:?}");
    // A program with a prompt of its own.
    session.set_prompt(r"^sub> $").unwrap();
    session
        .send_line("sh -c 'while printf \"sub> \"; do read -r x || exit; echo \"<$x>\"; done'")
        .await
        .unwrap();
    session.read_until_prompt(SOON).await.unwrap();
    session.set_linesep("!\n");
    session.send_line("in").await.unwrap();
    assert_eq!(session.read_until_prompt(SOON).await.unwrap(), "<in!>\n");
    session.set_linesep("\n");
    session.send_ctrl("d").await.unwrap();
    assert!(session.is_responsive(SOON).await);
    assert!(session.is_alive());
    session.kill().await;
}
