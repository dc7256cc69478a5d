//! Shells that are spoken to at their prompt: `cmd.exe`, and whatever a custom guest has.
//!
//! The `cmd.exe` is a mock, since there is no Windows here: a shell script with its prompt, its line ends, its expansion of
//! `%errorlevel%` before a line runs, and its carets. What conhost or a ConPTY do to the output is not in it.

use std::time::Duration;

use vthost_guest::adapter::{Dialect, WINDOWS};
use vthost_guest::{Error, Expect, NcTarget, Pattern, Session, SessionKind, Shell, ShellOptions};

use crate::network::{nc_server, terminal};
use crate::server::SOON;

const AT_ONCE: Duration = Duration::from_millis(300);

/// `ECHO=1` makes it echo what it reads, `TTY=1` prepares a terminal.
const CMD: &str = r#"
[ -n "$TTY" ] && stty -icrnl -opost -echoctl
cwd='C:\Users\test' level=0
trap 'level=-1073741510; printf "^C"' INT
printf 'Microsoft Windows [Version 10.0.20348.1]\r\n(c) Microsoft Corporation. All rights reserved.\r\n'
while :; do
    printf '\r\n%s>' "$cwd"
    IFS= read -r line || [ -n "$TTY" ] || exit
    line=${line%$'\r'}
    [ -n "$ECHO" ] && printf '%s\r\n' "$line"
    text=${line//%errorlevel%/$level} text=${text//^/}
    case $text in
    '') ;;
    'echo '*) printf '%s\r\n' "${text#echo }" ;;
    'cmd /c exit '*) level=${text##* } ;;
    'cd /d '*) cwd=${text#cd /d } level=0 ;;
    cd) printf '%s\r\n' "$cwd" ;;
    'type prompt.txt') printf 'before\r\nC:\\fake>'; until read -t 0; do :; done; printf '\r\nafter\r\n'; level=0 ;;
    pause) printf 'Press any key to continue . . . '; (trap - INT; IFS= read -r key); printf '\r\n' ;;
    exit*) exit ;;
    *) printf "'%s' is not recognized as an internal or external command,\r\noperable program or batch file.\r\n" "${text%% *}"; level=9009 ;;
    esac
done
"#;

const SILENT: &[&str] = &["bash", "-c", CMD];
const ECHOING: &[&str] = &["env", "ECHO=1", "bash", "-c", CMD];

async fn nc(target: &NcTarget) -> Session {
    Session::nc(target, WINDOWS.shell_options(), None, SOON)
        .await
        .unwrap()
}

async fn on_terminal() -> (Shell, tokio::process::Child) {
    let (transport, child) = terminal(&format!("TTY=1\n{CMD}"));
    let mut expect = Expect::new(transport, None);
    // What is typed before the mock has prepared its terminal is read otherwise.
    let prompt = Pattern::last_line(&WINDOWS.shell_prompt).unwrap();
    expect.read_until(&[prompt], SOON).await.unwrap();
    let shell = Shell::take_over(expect, WINDOWS.shell_options(), SOON)
        .await
        .unwrap();
    (shell, child)
}

/// What every `cmd.exe` must do, whoever echoes. It ends output with an empty line of its own.
async fn commands(shell: &mut Shell) {
    for (command, status, output) in [
        ("echo hello", 0, "hello\r\n\r\n"),
        ("cmd /c exit 3", 3, "\r\n"),
        ("echo %errorlevel%", 3, "3\r\n\r\n"),
        ("cmd /c exit -1073741510", -1_073_741_510, "\r\n"),
        (
            "nonsense x",
            9009,
            "'nonsense' is not recognized as an internal or external command,\r\noperable program or batch file.\r\n\r\n",
        ),
        ("type prompt.txt", 0, "before\r\nC:\\fake>\r\nafter\r\n\r\n"),
        (r"cd /d D:\a b", 0, "\r\n"),
        ("cd", 0, "D:\\a b\r\n\r\n"),
    ] {
        let got = shell.cmd_status_output(command, SOON).await.unwrap();
        assert_eq!(
            (got.status, got.output.as_str()),
            (status, output),
            "{command}"
        );
    }
    assert!(shell.is_responsive(SOON).await);
    let error = shell.cmd("nonsense", SOON).await.unwrap_err();
    assert!(matches!(error, Error::CommandFailed { status: 9009, .. }));
    shell.send_line("echo typed").await.unwrap();
    let before = shell.read_until_prompt(SOON).await.unwrap();
    assert!(before.ends_with("typed\r\n\r\n"), "{before:?}");
}

#[tokio::test]
async fn cmd_over_raw_tcp() {
    for argv in [SILENT, ECHOING] {
        let mut session = nc(&nc_server(argv).await).await;
        assert_eq!(session.kind(), SessionKind::Nc);
        commands(session.shell()).await;
        let error = session.start("ver").await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "starting a job is not supported by a nc session"
        );
        let mut sink = Vec::new();
        let error = session.cmd_to("ver", &mut sink, SOON).await.unwrap_err();
        assert!(matches!(error, Error::Unsupported { .. }), "{error}");
        let error = session.cmd("exit", SOON).await.unwrap_err();
        assert!(matches!(error, Error::Gone { .. }), "{error}");
    }
}

#[tokio::test]
async fn cmd_on_a_terminal() {
    let (mut shell, _child) = on_terminal().await;
    commands(&mut shell).await;
}

#[tokio::test]
async fn what_waits_on_a_terminal_is_interrupted() {
    let (mut shell, _child) = on_terminal().await;
    let error = shell.cmd("pause", AT_ONCE).await.unwrap_err();
    let Error::CommandTimeout { output, usable, .. } = &error else {
        panic!("{error}")
    };
    assert!(*usable && output.contains("Press any key"), "{error}");
    // `echo` leaves the status of the interrupted command as it is, there as here.
    assert_eq!(
        shell.cmd_output("echo back", SOON).await.unwrap(),
        "back\r\n\r\n"
    );
}

#[tokio::test]
async fn what_waits_behind_raw_tcp_holds_the_session() {
    let mut session = nc(&nc_server(&["bash", "-c", HOLDING]).await).await;
    let error = session.cmd("hold", AT_ONCE).await.unwrap_err();
    assert!(
        matches!(error, Error::CommandTimeout { usable: false, .. }),
        "{error}"
    );
    assert!(error.to_string().contains("not usable"), "{error}");
    let error = session.cmd("echo no", AT_ONCE).await.unwrap_err();
    assert!(matches!(error, Error::Unusable { .. }), "{error}");
    session.send_line("release").await.unwrap();
    assert!(session.is_responsive(SOON).await);
    let back = session.cmd("echo back", SOON).await.unwrap();
    assert!(back.starts_with("back\r\n"), "{back:?}");
}

/// A `cmd.exe` with a command that takes no end but one.
const HOLDING: &str = r#"
while :; do
    printf '\r\nC:\>'
    IFS= read -r line || exit
    text=${line%$'\r'} text=${text//%errorlevel%/0} text=${text//^/}
    case $text in
    hold) until [ "${line%$'\r'}" = release ]; do IFS= read -r line || exit; done ;;
    'echo '*) printf '%s\r\n' "${text#echo }" ;;
    esac
done
"#;

/// A shell that is no POSIX shell as far as the session knows.
fn router(status_command: &str) -> ShellOptions {
    ShellOptions {
        prompt: r"router(?:\(config\))?> $".to_owned(),
        dialect: Dialect::Prompt,
        status_command: status_command.to_owned(),
        ..ShellOptions::default()
    }
}

#[tokio::test]
async fn a_custom_prompt_and_status_command() {
    let (transport, _child) = terminal("PS1='router> ' exec bash --norc --noediting -i");
    let mut shell = Shell::take_over(Expect::new(transport, None), router("echo $?"), SOON)
        .await
        .unwrap();
    for (command, status, output) in [
        ("echo one; echo two", 0, "one\r\ntwo\r\n"),
        ("(exit 42)", 42, ""),
        ("printf 'no end'", 0, "no end"),
    ] {
        let got = shell.cmd_status_output(command, SOON).await.unwrap();
        assert_eq!(
            (got.status, got.output.as_str()),
            (status, output),
            "{command}"
        );
    }
    let error = shell.cmd("cat", AT_ONCE).await.unwrap_err();
    assert!(
        matches!(error, Error::CommandTimeout { usable: true, .. }),
        "{error}"
    );
    assert_eq!(shell.cmd("echo back", SOON).await.unwrap(), "back\r\n");
    // A prompt that changes is told.
    shell.set_prompt(r"other> $").unwrap();
    assert_eq!(shell.cmd("PS1='other> '", SOON).await.unwrap(), "");
    assert_eq!(shell.cmd("echo on", SOON).await.unwrap(), "on\r\n");
    let error = shell.set_prompt("(").unwrap_err();
    assert!(matches!(error, Error::InvalidPattern { .. }), "{error}");
    assert_eq!(shell.cmd("echo on", SOON).await.unwrap(), "on\r\n");
    shell.set_status_command("echo 7");
    assert_eq!(shell.cmd_status("true", SOON).await.unwrap(), 7);
    shell.set_status_command("");
    assert_eq!(shell.cmd_output("echo x", SOON).await.unwrap(), "x\r\n");
    let error = shell.cmd_status("true", SOON).await.unwrap_err();
    assert!(matches!(error, Error::Unsupported { .. }), "{error}");
    assert_eq!(shell.cmd_output("echo y", SOON).await.unwrap(), "y\r\n");
}

#[tokio::test]
async fn a_prompt_that_never_comes_is_said_so() {
    let (transport, _child) = terminal("PS1='other> ' exec bash --norc --noediting -i");
    let second = Duration::from_secs(1);
    let error = Shell::take_over(Expect::new(transport, None), router("echo $?"), second)
        .await
        .unwrap_err();
    let Error::ShellNotReady { output, .. } = &error else {
        panic!("{error}")
    };
    assert!(output.contains("other> "), "{error}");
}
