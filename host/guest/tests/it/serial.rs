//! Console logins: a dialogue like that of getty and login on a pseudo-terminal, and kernels that talk into it.

use std::time::Duration;

use tokio::process::Child;
use vthost_guest::{Error, LoginSpec, Session, SessionKind, Transport};

use crate::pty;
use crate::server::SOON;

/// `getty` and `login` as a shell script: user `root`, password `123456`. `$NOISE` is printed behind each prompt.
pub(crate) const LOGIN: &str = r#"
while :; do
    printf '\nDebian GNU/Linux 12 guest ttyS0\n\nguest login: %b' "$NOISE"
    read user || exit
    [ -n "$user" ] || continue
    stty -echo; printf 'Password: %b' "$NOISE"; read password; stty echo; echo
    [ "$user:$password" = root:123456 ] && break
    printf '\nLogin incorrect\n'
done
echo 'Last login: Sun Nov 22 14:00:00 UTC 2026 on ttyS0'
echo 'Welcome, the password: is not asked for any more'
export PS1='\033[01;32m[root@guest ~]# \033[0m'
exec bash --norc -i
"#;

fn console(script: &str) -> (Transport, Child) {
    pty::spawn(&["sh", "-c", script])
}

fn spec(password: &str) -> LoginSpec {
    LoginSpec::linux("root", password, SOON)
}

#[tokio::test]
async fn login_and_commands() {
    let (transport, _child) = console(LOGIN);
    let mut session = Session::serial(transport, &spec("123456"), None)
        .await
        .unwrap();
    assert_eq!(session.kind(), SessionKind::Serial);
    assert_eq!(session.cmd("echo $((1+1))", SOON).await.unwrap(), "2\n");
    let error = session.start("true").await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "starting a job is not supported by a serial session"
    );
    session.close().await;
}

#[tokio::test]
async fn kernel_messages_are_tolerated() {
    for noise in [
        r"[   12.345678] random: crng init done\r\n",
        r"\r\n[   12.345678] e1000: link up\r\n[   13.000001][  T123] another line\r\n",
        r"[   12.345678] a line without end",
    ] {
        let (transport, _child) = console(&format!("NOISE='{noise}'{LOGIN}"));
        let mut session = Session::serial(transport, &spec("123456"), None)
            .await
            .unwrap();
        assert_eq!(session.cmd("echo in", SOON).await.unwrap(), "in\n");
    }
}

#[tokio::test]
async fn a_wrong_password_is_refused_at_once() {
    let (transport, _child) = console(LOGIN);
    let error = Session::serial(transport, &spec("wrong"), None)
        .await
        .unwrap_err();
    assert!(
        matches!(&error, Error::SerialLoginRefused { .. }),
        "{error:?}"
    );
    assert!(
        error
            .to_string()
            .starts_with("serial login refused for user \"root\" (the guest says so)"),
        "{error}"
    );
}

#[tokio::test]
async fn a_silent_refusal_is_seen_by_the_second_question() {
    let (transport, _child) = console(&LOGIN.replace("Login incorrect", ""));
    let error = Session::serial(transport, &spec("wrong"), None)
        .await
        .unwrap_err();
    assert!(
        matches!(&error, Error::SerialLoginRefused { .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_shell_left_open_is_used() {
    for argv in [
        &["bash", "--norc", "-i"][..],
        &["dash", "-i"],
        &["busybox", "ash", "-i"],
    ] {
        let (transport, _child) = pty::spawn(argv);
        let mut session = Session::serial(transport, &spec("123456"), None)
            .await
            .unwrap();
        assert_eq!(session.cmd("echo open", SOON).await.unwrap(), "open\n");
    }
}

#[tokio::test]
async fn boot_output_that_looks_like_a_prompt_is_not_one() {
    let boot = "stty -echo; printf 'Loading ########## $ '; read a; printf 'login: service started\\n'; stty sane\n";
    let (transport, _child) = console(&format!("{boot}{LOGIN}"));
    let mut session = Session::serial(transport, &spec("123456"), None)
        .await
        .unwrap();
    assert_eq!(session.cmd("echo in", SOON).await.unwrap(), "in\n");
}

#[tokio::test]
async fn a_guest_that_never_gets_there_shows_its_last_words() {
    let (transport, _child) =
        console("echo 'Kernel panic - not syncing: VFS'; while read x; do :; done");
    let spec = LoginSpec {
        timeout: Duration::from_secs(1),
        ..spec("123456")
    };
    let error = Session::serial(transport, &spec, None).await.unwrap_err();
    let text = error.to_string();
    assert!(
        text.starts_with(
            "no serial login as \"root\" within 1s (waiting for a login or shell prompt)"
        ),
        "{text}"
    );
    assert!(text.contains("Kernel panic - not syncing: VFS"), "{text}");
}

#[tokio::test]
async fn a_console_that_ends_is_said_so() {
    let (transport, _child) = console("echo bye");
    let error = Session::serial(transport, &spec("123456"), None)
        .await
        .unwrap_err();
    assert!(
        matches!(&error, Error::Gone { .. } | Error::Write { .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_console_shell_that_exits_tells_its_status() {
    let (transport, _child) = console(LOGIN);
    let mut session = Session::serial(transport, &spec("123456"), None)
        .await
        .unwrap();
    let error = session.cmd("exit 3", SOON).await.unwrap_err();
    assert!(
        matches!(
            error,
            Error::Gone {
                status: Some(3),
                ..
            }
        ),
        "{error:?}"
    );
}

#[tokio::test]
async fn the_password_is_not_in_the_transcript() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    let transcript = vthost_guest::Transcript::to_file(&path).unwrap();
    let (transport, _child) = console(LOGIN);
    Session::serial(transport, &spec("123456"), Some(transcript))
        .await
        .unwrap();
    let log = std::fs::read_to_string(&path).unwrap();
    assert!(
        !log.contains("123456") && log.contains("= a password is sent"),
        "{log}"
    );
    assert!(!format!("{:?}", spec("123456")).contains("123456"));
}
