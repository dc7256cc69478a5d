use std::ffi::OsString;
use std::fs;
use std::path::Path;

use tempfile::TempDir;
use vthost_provider::Choices;

use super::reference::{Now, REFERENCE, hint};
use super::*;
use crate::failure::Failure;

fn places(dir: &TempDir) -> Places {
    let at = |name: &str| dir.path().join(name);
    fs::create_dir_all(at("home/project/below")).unwrap();
    Places {
        system: at("system.toml"),
        user: Some(at("user.toml")),
        current: at("home/project/below"),
        home: Some(at("home")),
        named: None,
    }
}

fn write(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
}

fn set(settings: &Settings, name: &str) -> (String, String) {
    let set = settings.get(name).unwrap();
    (set.value.to_string(), set.origin.to_string())
}

/// The message for a file of the user with this text.
fn refused(text: &str) -> String {
    let dir = tempfile::tempdir().unwrap();
    let places = places(&dir);
    write(places.user.as_deref().unwrap(), text);
    let error = Settings::load(&places, []).unwrap_err();
    format!("{:?}", Failure::from(error))
}

#[test]
fn each_layer_beats_the_one_below_and_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let mut places = places(&dir);
    let os = |name: &str| format!("# first\n[guest]\nos = \"{name}\"\n");
    let check = |places: &Places, variables: &[(&str, &str)], value: &str, origin: &str| {
        let variables: Vec<(OsString, OsString)> = variables
            .iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect();
        let settings = Settings::load(places, variables).unwrap();
        let (found, from) = set(&settings, "guest.os");
        assert_eq!(found, format!("\"{value}\""));
        assert!(from.ends_with(origin), "{from}");
    };
    check(&places, &[], "JeOS.12", "built-in");
    write(&places.system, &os("A"));
    check(&places, &[], "A", "system.toml:3");
    write(places.user.as_deref().unwrap(), &os("B"));
    check(&places, &[], "B", "user.toml:3");
    write(&dir.path().join("home/project/vthost.toml"), &os("C"));
    check(&places, &[], "C", "project/vthost.toml:3");
    let named = dir.path().join("named.toml");
    write(&named, &os("D"));
    places.named = Some(named);
    check(&places, &[], "D", "named.toml:3");
    check(
        &places,
        &[("VTHOST_GUEST_OS", "E")],
        "E",
        "environment: VTHOST_GUEST_OS",
    );
    check(&places, &[("VTHOST_GUEST_OS", "")], "D", "named.toml:3");
}

#[test]
fn a_file_above_home_is_nobodys_project() {
    let dir = tempfile::tempdir().unwrap();
    let places = places(&dir);
    write(&dir.path().join("vthost.toml"), "[guest]\nos = \"X\"\n");
    let settings = Settings::load(&places, []).unwrap();
    assert_eq!(set(&settings, "guest.os").1, "built-in");
}

#[test]
fn a_project_must_not_reach_the_host_unless_it_is_named() {
    for text in [
        "[qemu]\nbinary = \"./evil\"",
        "[grants]\nallow = [\"raw-qmp\"]",
        "[packs]\nrequire-signature = false",
        "[packs]\ntrusted-keys = [\"k\"]",
        "[params]\nqemu_binary = \"./evil\"",
        "[qemu]\naccel = \"tcg\"",
        "[run]\nconfig-file = \"evil.cfg\"",
        "[run]\nresults = \"/tmp\"",
    ] {
        let dir = tempfile::tempdir().unwrap();
        let mut places = places(&dir);
        let path = dir.path().join("home/project/vthost.toml");
        write(&path, text);
        let error = Settings::load(&places, []).unwrap_err();
        assert!(
            error.message.contains("reaches the host"),
            "{}",
            error.message
        );
        assert!(error.help.unwrap().contains("--config"));
        places.named = Some(path);
        Settings::load(&places, []).unwrap();
    }
}

#[test]
fn no_filter_is_two_lines_of_configuration() {
    let told = refused("[filters]\nonly = [\"a\", \"b\\nqemu_binary = /evil\"]\n");
    assert!(
        told.contains("`filters.only` has a control character"),
        "{told}"
    );
    assert!(told.contains("user.toml:2:14"), "{told}");
}

#[test]
fn mistakes_are_pointed_at() {
    for (text, parts) in [
        (
            "[gest]\nos = \"x\"",
            ["no section `gest`", "user.toml:1:2", "did you mean `guest`"],
        ),
        (
            "[guest]\nso = \"x\"",
            ["no key `so`", "user.toml:2:1", "did you mean `os`"],
        ),
        (
            "[machine]\nsmp = \"two\"",
            [
                "`machine.smp` has to be a whole number",
                "user.toml:2:7",
                "not a text",
            ],
        ),
        (
            "[machine]\nsmp = 0",
            ["from 1 to", "user.toml:2:7", "machine.smp"],
        ),
        (
            "[qemu]\naccel = \"tgc\"",
            ["not `tgc`", "user.toml:2:9", "did you mean `tcg`"],
        ),
        (
            "[grants]\nallow = [\"raw-qpm\"]",
            [
                "no grant `raw-qpm`",
                "user.toml:2:10",
                "did you mean `raw-qmp`",
            ],
        ),
        ("[guest\nos = 1", ["user.toml:1:", "-->", "^"]),
        (
            "guest = 1",
            [
                "`guest` is a section, not a number",
                "user.toml:1:1",
                "[guest]",
            ],
        ),
        (
            "[vt.qemu]\nqemu_bin = \"q\"",
            [
                "vt.qemu.qemu_bin",
                "user.toml:2:1",
                "`binary` in the section `[qemu]`",
            ],
        ),
        (
            "qemu_bin = \"q\"",
            [
                "qemu_bin",
                "user.toml:1:1",
                "`binary` in the section `[qemu]`",
            ],
        ),
    ] {
        let told = refused(text);
        for part in parts {
            assert!(told.contains(part), "{text}: {told}");
        }
    }
}

#[test]
fn what_the_environment_says_is_checked() {
    let dir = tempfile::tempdir().unwrap();
    let places = places(&dir);
    let load = |name: &str, value: &str| Settings::load(&places, [(name.into(), value.into())]);
    let error = load("VTHOST_MACHINE_SMP", "many").unwrap_err();
    assert!(
        error.message.contains("VTHOST_MACHINE_SMP"),
        "{}",
        error.message
    );
    let error = load("VTHOST_MACHINE_SPM", "1").unwrap_err();
    assert!(error.help.unwrap().contains("VTHOST_MACHINE_SMP"));
    let settings = load("VTHOST_FILTERS_ONLY", "[\"a\", \"b\"]").unwrap();
    assert_eq!(set(&settings, "filters.only").0, "[\"a\", \"b\"]");
    let settings = load("VTHOST_FILTERS_ONLY", "a, b").unwrap();
    assert_eq!(set(&settings, "filters.only").0, "[\"a, b\"]");
    let settings = load("VTHOST_PARAMS_mem", "512").unwrap();
    let presets = settings.presets(false);
    assert_eq!(presets.len(), 1);
    assert_eq!(
        (presets[0].text.as_str(), presets[0].place.as_str()),
        ("mem=512", "VTHOST_PARAMS_mem")
    );
    load("VTHOST_LOG", "debug").unwrap();
}

#[test]
fn the_built_in_values_are_those_of_a_job_without_settings() {
    let settings = Settings::built_in();
    assert_eq!(settings.choices(), Choices::default());
    assert_eq!(settings.vt_type(), "qemu");
    assert_eq!(settings.guest_os(), None);
    assert!(settings.downloads());
    assert!(!settings.trust().unwrap().is_required());
    assert!(settings.presets(false).is_empty());
}

#[test]
fn assignments_know_their_place() {
    let dir = tempfile::tempdir().unwrap();
    let places = places(&dir);
    let user = places.user.clone().unwrap();
    let text =
        "[machine]\nmem = 512\n[qemu]\naccel = \"tcg\"\nbinary = \"q/emu\"\n[params]\nmem = 2048\n";
    write(&user, text);
    let settings = Settings::load(&places, []).unwrap();
    let told = |is_own| {
        let presets = settings.presets(is_own).into_iter();
        presets
            .map(|preset| (preset.line, preset.text))
            .collect::<Vec<_>>()
    };
    let binary = format!("qemu_binary={}", dir.path().join("q/emu").display());
    let all = [
        (2, "mem=512".to_owned()),
        (5, binary),
        (4, "enable_kvm=no".to_owned()),
        (7, "mem=2048".to_owned()),
    ];
    assert_eq!(told(false), all);
    assert_eq!(told(true), all[1..]);
    let origin = |filter| settings.with_filter(filter).map(|(name, _)| name);
    assert_eq!(origin("JeOS.12"), None, "nobody set it");
    assert_eq!(origin("tcg"), None, "it is no filter");
}

#[test]
fn the_tables_are_consistent() {
    let built_in = Settings::built_in();
    for key in KEYS {
        assert_eq!(
            key.default.is_some(),
            built_in.get(key.name).is_some(),
            "{}",
            key.name
        );
    }
    for old in REFERENCE {
        if let Now::Setting(now) = old.now {
            assert!(Key::named(now).is_some(), "{now}");
        }
        assert!(hint(old.name).is_some());
    }
}
