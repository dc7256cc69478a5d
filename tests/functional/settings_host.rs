//! What each setting does beside selecting: providers, grants, trust, results, bootstrap; and what a project may not set.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use vthost_tests::pack;

use crate::home::Home;

#[test]
fn providers_are_installed_ones_only() {
    let home = Home::new();
    for name in ["one", "two"] {
        let test = format!("- of_{name}:\n    type = x\n");
        home.write(&format!("{name}/generic/tests/x.cfg"), &test);
        let added = home.run(&["provider", "add", &format!("../{name}")]);
        assert_eq!(added.code, 0, "{}", added.stderr);
    }
    let listed = || home.run(&["list"]);
    let both = listed().stdout;
    assert!(both.contains("of_one") && both.contains("of_two"), "{both}");
    home.write("work/vthost.toml", "providers.use = ['two']\n");
    let one = listed().stdout;
    assert!(!one.contains("of_one") && one.contains("of_two"), "{one}");
    // A directory beside the file of the project is not taken for a provider.
    home.write(
        "work/mine/generic/tests/x.cfg",
        "- of_mine:\n    type = x\n",
    );
    home.write("work/vthost.toml", "providers.use = ['mine']\n");
    let none = listed();
    assert_eq!(none.code, 4, "{}", none.stderr);
    assert!(
        none.stderr.contains("`providers.use` says so"),
        "{}",
        none.stderr
    );
}

#[test]
fn grants_of_settings_and_flags_add_up() {
    let denied = |home: &Home, args: &[&str]| {
        let args = [&["list", "--json"], args].concat();
        let printed = home.run_pack("fixture-denied", &args);
        let kinds = printed.stdout.lines().map(|line| {
            let entry: serde_json::Value = serde_json::from_str(line).unwrap();
            entry["kind"] == "denied"
        });
        kinds.filter(|denied| *denied).count()
    };
    assert_eq!(denied(&Home::new(), &[]), 5);
    let home = Home::with("grants.allow = ['raw-qmp']");
    assert_eq!(denied(&home, &[]), 2);
    assert_eq!(denied(&home, &["--grant", "qemu-args"]), 1);
}

#[test]
fn keys_are_trusted_and_signatures_required() {
    let home = Home::new();
    let key = home.path("key");
    let mut keygen = Command::new("ssh-keygen");
    keygen.args(["-q", "-t", "ed25519", "-N", "", "-C", "us", "-f"]);
    assert!(keygen.arg(&key).status().unwrap().success());
    let copy = home.path("p.wasm");
    fs::copy(pack("fixture-nothing"), &copy).unwrap();
    let copy = copy.to_str().unwrap();
    let public = fs::read_to_string(key.with_extension("pub")).unwrap();
    let keys = format!("packs.trusted-keys = ['{}']\n", public.trim());
    home.write(
        "config/vthost.toml",
        &(keys + "packs.require-signature = true\n"),
    );
    let list = || home.run(&["list", "thousand.c0.b0.a0", "--provider", copy]);
    assert!(list().stderr.contains("is not signed"));
    assert_eq!(home.run(&["pack", "verify", copy]).code, 1);
    let sign = home.run(&["pack", "sign", copy, "--key", key.to_str().unwrap()]);
    assert_eq!(sign.code, 0, "{}", sign.stderr);
    assert_eq!(list().code, 0, "{}", list().stderr);
    let verified = home.run(&["pack", "verify", copy]);
    assert_eq!(verified.code, 0, "{}", verified.stderr);
    let inspected = home.run(&["pack", "inspect", copy]).stdout;
    assert!(inspected.contains("(trusted, us)"), "{inspected}");
    home.write("config/vthost.toml", "packs.trusted-keys = ['ssh-rsa x']\n");
    assert_eq!(list().code, 2, "{}", list().stderr);
}

#[test]
fn results_go_where_the_settings_say() {
    let home = Home::with("run.results = 'res'\n[params]\nvms = ''\nimages = ''\n");
    let run = |args: &[&str]| {
        let args = [&["run", "thousand.c0.b0.a0"], args].concat();
        let printed = home.run_pack("fixture-nothing", &args);
        assert_eq!(printed.code, 0, "{}{}", printed.stdout, printed.stderr);
    };
    let jobs = |dir: PathBuf| fs::read_dir(dir).map_or(0, Iterator::count);
    run(&[]);
    // The job, and the link to it.
    assert_eq!(jobs(home.path("config/res")), 2);
    run(&["--results", "../flag"]);
    assert_eq!(jobs(home.path("flag")), 2);
    assert_eq!(jobs(home.path("job-results")), 0);
    let path = home.run(&["config", "path"]).stdout;
    assert!(path.contains("/config/res "), "{path}");
}

#[test]
fn bootstrap_and_doctor_follow_settings() {
    let steps = |home: &Home, args: &[&str]| {
        let printed = home.run(args);
        let place = home.path("").display().to_string();
        printed.stdout.replace(place.trim_end_matches('/'), "HOME")
    };
    let flag = steps(&Home::new(), &["bootstrap", "--json", "--no-downloads"]);
    let setting = Home::with("bootstrap.downloads = false");
    assert_eq!(steps(&setting, &["bootstrap", "--json"]), flag);
    assert!(flag.contains("building the default guest downloads packages"));
    let home = Home::with("guest.os = 'JeOS.27.x86_64'\nqemu.binary = '/none/qemu'\n");
    let doctor = steps(&home, &["doctor", "--json"]);
    for told in [
        "/none/qemu is not an executable file",
        "/jeos-27-x86_64.qcow2",
    ] {
        assert!(doctor.contains(told), "{doctor}");
    }
    let doctor = steps(&home, &["doctor", "--json", "--guest-os", "JeOS.12"]);
    assert!(doctor.contains("/jeos-12-x86_64.qcow2"), "{doctor}");
}

#[test]
fn guests_are_shown_with_the_images_of_the_settings() {
    let args = ["list-guests", "--guest-os", "JeOS.12"];
    let home = Home::with("machine.image-type = 'raw'");
    let shown = home.run(&args).stdout;
    assert!(shown.contains("missing jeos-12-x86_64.raw"), "{shown}");
    let wrong = Home::with("run.vt-type = 'qemuu'").run(&["list-archs"]);
    assert_eq!(wrong.code, 2);
    assert!(
        wrong.stderr.contains("did you mean `qemu`?"),
        "{}",
        wrong.stderr
    );
}

#[test]
fn a_project_may_not_grant_unless_it_is_named() {
    let home = Home::new();
    home.write("work/vthost.toml", "grants.allow = ['raw-qmp']\n");
    let refused = home.run_pack("fixture-denied", &["list"]);
    assert_eq!(refused.code, 2);
    insta::assert_snapshot!(
        "project",
        refused
            .stderr
            .replace(home.path("").to_str().unwrap(), "HOME/")
    );
    let named = home.run_pack("fixture-denied", &["list", "--config", "vthost.toml"]);
    assert_eq!(named.code, 0, "{}", named.stderr);
    assert!(named.stdout.contains("3 ready"), "{}", named.stdout);
}

#[test]
fn the_project_of_somebody_else_is_not_read() {
    let home = Home::new();
    let file = home.write("work/vthost.toml", "guest.os = 'NoSuchGuest'\n");
    if let Err(error) = give_away(&file) {
        eprintln!("skipped: only root gives files away ({error})");
        return;
    }
    let printed = home.run_pack("tp-qemu", &["list", "boot"]);
    assert_eq!(printed.code, 0, "{}", printed.stderr);
    assert!(
        printed
            .stderr
            .contains("belongs to somebody else (user 12345)"),
        "{}",
        printed.stderr
    );
    let path = home.run(&["config", "path"]).stdout;
    assert!(
        path.contains("not read: it belongs to user 12345"),
        "{path}"
    );
    // Who names it has read it.
    let named = home.run_pack("tp-qemu", &["list", "boot", "--config", "vthost.toml"]);
    assert!(named.stderr.contains("NoSuchGuest"), "{}", named.stderr);
}

fn give_away(file: &Path) -> std::io::Result<()> {
    std::os::unix::fs::chown(file, Some(12345), None)
}
