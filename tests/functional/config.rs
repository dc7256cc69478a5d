//! `vthost config`, and the layers of settings.

use std::fs;
use std::process::Command;

use vthost_tests::{Printed, output};

use crate::home::Home;

fn command(home: &Home, args: &[&str]) -> Command {
    home.command(&[&["config"], args].concat())
}

fn config(home: &Home, args: &[&str]) -> Printed {
    output(&mut command(home, args))
}

#[test]
fn every_layer_beats_the_one_below() {
    let home = Home::new();
    let shown = || config(&home, &["show", "guest.os"]).stdout;
    assert_eq!(shown(), "JeOS.12\n");
    for (path, name) in [
        ("system.toml", "A"),
        ("config/vthost.toml", "B"),
        ("work/vthost.toml", "C"),
    ] {
        home.write(path, &format!("guest.os = \"{name}\"\n"));
        assert_eq!(shown(), format!("{name}\n"));
    }
    home.write("named.toml", "guest.os = \"D\"\n");
    let args = ["show", "guest.os", "--config", "../named.toml"];
    let mut named = command(&home, &args);
    assert_eq!(output(&mut named).stdout, "D\n");
    assert_eq!(output(named.env("VTHOST_GUEST_OS", "E")).stdout, "E\n");
    let flag = config(
        &home,
        &["show", "colors.when", "--color", "never", "--origin"],
    );
    assert_eq!(flag.stdout, "never  # flag: --color\n");
}

#[test]
fn origins_are_shown() {
    let home = Home::new();
    home.write(
        "config/vthost.toml",
        "[machine]\nsmp = 4\n[params]\nmem = 512\n",
    );
    let shown = config(&home, &["show", "--origin"]);
    assert_eq!((shown.code, shown.stderr.as_str()), (0, ""));
    let place = home.path("config").display().to_string();
    for line in ["smp = 4", "mem = \"512\"", "os = \"JeOS.12\""] {
        assert!(shown.stdout.contains(line), "{}", shown.stdout);
    }
    assert!(
        shown.stdout.contains(&format!("# {place}/vthost.toml:2\n")),
        "{}",
        shown.stdout
    );
    assert!(!shown.stdout.contains('\x1b'));
    insta::assert_snapshot!("origins", shown.stdout.replace(&place, "CONFIG"));
    let json: serde_json::Value =
        serde_json::from_str(&config(&home, &["show", "machine", "--json"]).stdout).unwrap();
    assert_eq!(json["machine.smp"]["value"], 4);
    assert_eq!(json["machine.mem"]["value"], serde_json::Value::Null);
}

#[test]
fn colours_follow_flag_and_environment() {
    let home = Home::new();
    let coloured = config(&home, &["show", "--color", "always"]);
    assert!(coloured.stdout.contains('\x1b'));
    let setting = output(command(&home, &["show"]).env("VTHOST_COLORS_WHEN", "always"));
    assert!(setting.stdout.contains('\x1b'));
    let plain = output(
        command(&home, &["show"])
            .env("NO_COLOR", "1")
            .env("CLICOLOR_FORCE", "1"),
    );
    assert!(!plain.stdout.contains('\x1b'));
}

#[test]
fn what_cannot_be_read_is_told() {
    let home = Home::new();
    let missing = config(&home, &["show", "--config", "none.toml"]);
    assert_eq!(missing.code, 2);
    assert!(missing.stderr.contains("none.toml"), "{}", missing.stderr);
    fs::create_dir_all(home.path("config/vthost.toml")).unwrap();
    let directory = config(&home, &["show"]);
    assert_eq!(directory.code, 2);
    assert!(
        directory.stderr.contains("it is a directory"),
        "{}",
        directory.stderr
    );
    // What helps to put it right works.
    assert_eq!(config(&home, &["path"]).code, 0);
}

#[test]
fn mistakes_stop_every_command() {
    let home = Home::new();
    home.write("config/vthost.toml", "[qemu]\naccell = \"tcg\"\n");
    let told = config(&home, &["show"]);
    assert_eq!(told.code, 2);
    assert!(told.stderr.contains("vthost.toml:2:1"), "{}", told.stderr);
    assert!(
        told.stderr.contains("did you mean `accel`?"),
        "{}",
        told.stderr
    );
    let bad = output(command(&Home::new(), &["show"]).env("VTHOST_MACHINE_MEM", "much"));
    assert_eq!(bad.code, 2);
    assert!(bad.stderr.contains("VTHOST_MACHINE_MEM"), "{}", bad.stderr);
    let unknown = config(&Home::new(), &["show", "guest.oss"]);
    assert_eq!(unknown.code, 2);
    assert!(
        unknown.stderr.contains("did you mean `guest.os`?"),
        "{}",
        unknown.stderr
    );
}

#[test]
fn init_writes_once() {
    let home = Home::new();
    assert_eq!(config(&home, &["init"]).code, 0);
    assert_eq!(config(&home, &["show"]).code, 0);
    home.write("config/vthost.toml", "# mine\n");
    let again = config(&home, &["init"]);
    assert_eq!(again.code, 2);
    assert!(again.stderr.contains("there already"), "{}", again.stderr);
    let kept = fs::read_to_string(home.path("config/vthost.toml")).unwrap();
    assert_eq!(kept, "# mine\n");
}
