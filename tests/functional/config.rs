//! `vthost config`, and the layers of settings.

use std::fs;
use std::process::Command;

use tempfile::TempDir;
use vthost_tests::{Printed, output, vthost};

/// A home of vthost and an empty directory to work in.
fn place() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for name in ["config", "work"] {
        fs::create_dir(dir.path().join(name)).unwrap();
    }
    dir
}

fn command(dir: &TempDir) -> Command {
    let mut command = vthost();
    command
        .current_dir(dir.path().join("work"))
        .env("HOME", dir.path())
        .env("VTHOST_HOME", dir.path())
        .env("VTHOST_SYSTEM_CONFIG", dir.path().join("system.toml"))
        .arg("config");
    command
}

fn config(dir: &TempDir, args: &[&str]) -> Printed {
    output(command(dir).args(args))
}

fn write(dir: &TempDir, path: &str, text: &str) {
    fs::write(dir.path().join(path), text).unwrap();
}

#[test]
fn every_layer_beats_the_one_below() {
    let dir = place();
    let shown = || config(&dir, &["show", "guest.os"]).stdout;
    assert_eq!(shown(), "JeOS\n");
    for (path, name) in [
        ("system.toml", "A"),
        ("config/vthost.toml", "B"),
        ("work/vthost.toml", "C"),
    ] {
        write(&dir, path, &format!("guest.os = \"{name}\"\n"));
        assert_eq!(shown(), format!("{name}\n"));
    }
    write(&dir, "named.toml", "guest.os = \"D\"\n");
    let mut named = command(&dir);
    named.args(["show", "guest.os", "--config", "../named.toml"]);
    assert_eq!(output(&mut named).stdout, "D\n");
    assert_eq!(output(named.env("VTHOST_GUEST_OS", "E")).stdout, "E\n");
    let flag = config(
        &dir,
        &["show", "colors.when", "--color", "never", "--origin"],
    );
    assert_eq!(flag.stdout, "never  # flag: --color\n");
}

#[test]
fn origins_are_shown() {
    let dir = place();
    write(
        &dir,
        "config/vthost.toml",
        "[machine]\nsmp = 4\n[params]\nmem = 512\n",
    );
    let shown = config(&dir, &["show", "--origin"]);
    assert_eq!((shown.code, shown.stderr.as_str()), (0, ""));
    let home = dir.path().display().to_string();
    for line in ["smp = 4", "mem = \"512\"", "os = \"JeOS\""] {
        assert!(shown.stdout.contains(line), "{}", shown.stdout);
    }
    assert!(
        shown
            .stdout
            .contains(&format!("# {home}/config/vthost.toml:2\n")),
        "{}",
        shown.stdout
    );
    assert!(shown.stdout.contains("# built-in\n"));
    assert!(!shown.stdout.contains('\x1b'));
    let json: serde_json::Value =
        serde_json::from_str(&config(&dir, &["show", "machine", "--json"]).stdout).unwrap();
    assert_eq!(json["machine.smp"]["value"], 4);
    assert_eq!(json["machine.mem"]["value"], serde_json::Value::Null);
}

#[test]
fn colours_follow_flag_and_environment() {
    let dir = place();
    let coloured = config(&dir, &["show", "--color", "always"]);
    assert!(coloured.stdout.contains('\x1b'));
    let setting = output(
        command(&dir)
            .arg("show")
            .env("VTHOST_COLORS_WHEN", "always"),
    );
    assert!(setting.stdout.contains('\x1b'));
    let plain = output(
        command(&dir)
            .arg("show")
            .env("NO_COLOR", "1")
            .env("CLICOLOR_FORCE", "1"),
    );
    assert!(!plain.stdout.contains('\x1b'));
}

#[test]
fn what_cannot_be_read_is_told() {
    let dir = place();
    let missing = config(&dir, &["show", "--config", "none.toml"]);
    assert_eq!(missing.code, 2);
    assert!(missing.stderr.contains("none.toml"), "{}", missing.stderr);
    fs::create_dir(dir.path().join("config/vthost.toml")).unwrap();
    let directory = config(&dir, &["show"]);
    assert_eq!(directory.code, 2);
    assert!(
        directory.stderr.contains("it is a directory"),
        "{}",
        directory.stderr
    );
    // What helps to put it right works.
    assert_eq!(config(&dir, &["path"]).code, 0);
}

#[test]
fn mistakes_stop_every_command() {
    let dir = place();
    write(&dir, "config/vthost.toml", "[qemu]\naccell = \"kvm\"\n");
    let told = config(&dir, &["show"]);
    assert_eq!(told.code, 2);
    assert!(told.stderr.contains("vthost.toml:2:1"), "{}", told.stderr);
    assert!(
        told.stderr.contains("did you mean `accel`?"),
        "{}",
        told.stderr
    );
    let bad = output(
        command(&place())
            .arg("show")
            .env("VTHOST_MACHINE_MEM", "much"),
    );
    assert_eq!(bad.code, 2);
    assert!(bad.stderr.contains("VTHOST_MACHINE_MEM"), "{}", bad.stderr);
    let unknown = config(&place(), &["show", "guest.oss"]);
    assert_eq!(unknown.code, 2);
    assert!(
        unknown.stderr.contains("did you mean `guest.os`?"),
        "{}",
        unknown.stderr
    );
}

#[test]
fn init_writes_once() {
    let dir = place();
    assert_eq!(config(&dir, &["init"]).code, 0);
    assert_eq!(config(&dir, &["show"]).code, 0);
    write(&dir, "config/vthost.toml", "# mine\n");
    let again = config(&dir, &["init"]);
    assert_eq!(again.code, 2);
    assert!(again.stderr.contains("there already"), "{}", again.stderr);
    let kept = fs::read_to_string(dir.path().join("config/vthost.toml")).unwrap();
    assert_eq!(kept, "# mine\n");
}
