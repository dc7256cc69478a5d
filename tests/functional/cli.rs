//! The command line, used rightly and wrongly.

use vthost_tests::{output, pack, vthost};

#[test]
fn help_is_complete() {
    for (name, args) in [
        ("help", &["--help"][..]),
        ("help-run", &["run", "--help"]),
        ("help-list", &["list", "--help"]),
        ("help-bootstrap", &["bootstrap", "--help"]),
        ("help-pack-build", &["pack", "build", "--help"]),
        ("help-config-show", &["config", "show", "--help"]),
        ("help-config-dump", &["config", "dump", "--help"]),
        ("help-cartesian", &["cartesian", "--help"]),
        ("help-cartesian-expand", &["cartesian", "expand", "--help"]),
        ("help-cartesian-lint", &["cartesian", "lint", "--help"]),
    ] {
        let printed = output(vthost().env("COLUMNS", "100").args(args));
        assert_eq!(printed.code, 0);
        insta::assert_snapshot!(name, printed.stdout);
    }
}

#[test]
fn completions_know_the_commands() {
    for shell in ["bash", "zsh", "fish"] {
        let printed = output(vthost().args(["completions", shell]));
        assert!(
            printed.code == 0
                && printed.stdout.contains("bootstrap")
                && printed.stdout.contains("cartesian"),
            "{shell}"
        );
    }
}

#[test]
fn wrong_use_is_2_and_says_what_is_wrong() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let pack_bytes = std::fs::read(pack("tp-qemu")).unwrap();
    for (path, told) in [
        (dir.path().join("nowhere.wasm"), "cannot read"),
        (
            file("text.wasm", b"hello"),
            "is not a WebAssembly component",
        ),
        (
            file("core.wasm", b"\0asm\x01\0\0\0"),
            "build it for the target wasm32-wasip2",
        ),
        (file("bare.wasm", b"\0asm\x0d\0\x01\0"), "vthost pack build"),
        (
            file("cut.wasm", &pack_bytes[..pack_bytes.len() / 2]),
            "is damaged",
        ),
    ] {
        let printed = output(vthost().args(["run", "--provider"]).arg(&path));
        assert_eq!(printed.code, 2, "{}", printed.stderr);
        assert!(printed.stderr.contains(told), "{told}: {}", printed.stderr);
    }
    let home = tempfile::tempdir().unwrap();
    let printed = output(vthost().env("VTHOST_HOME", home.path()).arg("run"));
    assert!(
        printed.code == 4 && printed.stderr.contains("vthost provider add URI"),
        "{}",
        printed.stderr
    );
}

#[test]
fn a_machine_that_is_not_ready_is_3_and_says_how_to_make_it() {
    let home = tempfile::tempdir().unwrap();
    let run = |path: Option<&str>| {
        let mut command = vthost();
        command.env("VTHOST_HOME", home.path());
        if let Some(path) = path {
            command.env("PATH", path);
        }
        output(
            command
                .args(["run", "--provider"])
                .arg(pack("tp-qemu"))
                .arg("boot"),
        )
    };
    let without_image = run(None);
    assert_eq!(without_image.code, 3);
    assert!(
        without_image
            .stderr
            .contains("jeos-12-x86_64.qcow2; `vthost bootstrap` builds"),
        "{}",
        without_image.stderr
    );
    let without_qemu = run(Some("/nonexistent"));
    assert_eq!(without_qemu.code, 3);
    assert!(
        without_qemu.stderr.contains("qemu-system-x86"),
        "{}",
        without_qemu.stderr
    );
    assert!(
        !home.path().join("job-results").exists(),
        "a job that cannot start leaves no results"
    );
}

#[test]
fn colours_are_for_terminals_and_on_demand() {
    let nothing = pack("fixture-nothing");
    let results = tempfile::tempdir().unwrap();
    let run = |color: &str| {
        output(
            vthost()
                .args(["run", "--color", color, "--results"])
                .arg(results.path())
                .arg("--provider")
                .arg(&nothing)
                .arg("fixture-nothing.nothing"),
        )
    };
    assert!(!run("auto").stdout.contains('\x1b'));
    assert!(run("always").stdout.contains("\x1b[32m"));
}

#[test]
fn nobody_has_to_read_standard_error() {
    use std::fs::File;
    use std::process::Stdio;

    let home = tempfile::tempdir().unwrap();
    let full = || Stdio::from(File::options().write(true).open("/dev/full").unwrap());
    for (args, code) in [
        (&["list"][..], 4),
        (&["provider", "add", "/nowhere"], 2),
        (&["bootstrap", "--no-downloads"], 3),
        (&["doctor"], 3),
    ] {
        let status = vthost()
            .env("VTHOST_HOME", home.path())
            .args(args)
            .stdout(Stdio::null())
            .stderr(full())
            .status()
            .unwrap();
        assert_eq!(status.code(), Some(code), "{args:?}");
    }
}

#[test]
fn each_stream_has_its_own_colours() {
    let home = tempfile::tempdir().unwrap();
    let told = |args: &[&str], no_color: &str| {
        let mut command = vthost();
        command
            .env("VTHOST_HOME", home.path())
            .env("NO_COLOR", no_color);
        output(command.args(args)).stderr
    };
    assert!(told(&["--color", "always", "list"], "").contains("\u{1b}["));
    assert!(!told(&["list"], "").contains("\u{1b}["));
    let mut forced = vthost();
    forced
        .env("VTHOST_HOME", home.path())
        .env("CLICOLOR_FORCE", "1")
        .arg("list");
    assert!(output(&mut forced).stderr.contains("\u{1b}["));
    // Whatever its value is.
    assert!(
        !output(forced.env("NO_COLOR", "0"))
            .stderr
            .contains("\u{1b}[")
    );
}
