//! Making a machine ready, and saying what it lacks.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};
use tempfile::TempDir;
use vthost_metadata::{ReadinessState, ReadinessStep};
use vthost_tests::server::{Answer, Gate, Server};
use vthost_tests::{Printed, output, vthost};

fn command(home: &Path, args: &[&str]) -> Command {
    let mut command = vthost();
    command
        .env("VTHOST_HOME", home)
        .args(args)
        .stdin(Stdio::null());
    command
}

/// A machine of its own that has the image of the default guest.
fn with_image() -> TempDir {
    let home = tempfile::tempdir().unwrap();
    let images = home.path().join("data/images");
    fs::create_dir_all(&images).unwrap();
    for name in ["jeos-12-x86_64.qcow2", "jeos-12-x86_64.json"] {
        symlink(built().join(name), images.join(name)).unwrap();
    }
    home
}

/// Where the image is that `cargo xtask test` had built.
fn built() -> PathBuf {
    let home = std::env::var_os("HOME").unwrap();
    std::env::var_os("XDG_DATA_HOME")
        .map_or_else(|| Path::new(&home).join(".local/share"), PathBuf::from)
        .join("vthost/images")
}

fn steps(printed: &Printed) -> Vec<ReadinessStep> {
    printed
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// All paths below a directory.
fn tree(dir: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        if entry.file_type().unwrap().is_dir() {
            found.extend(tree(&entry.path()));
        }
        found.insert(entry.path());
    }
    found
}

#[test]
fn all_eight_steps_are_taken_and_a_second_time_changes_nothing() {
    let home = with_image();
    let bootstrap = || output(&mut command(home.path(), &["bootstrap", "--json"]));
    let first = bootstrap();
    assert_eq!(first.code, 0, "{}", first.stderr);
    for told in ["1 - ", "2 - ", "8 - ", "QEMU ", "Ready"] {
        assert!(first.stderr.contains(told), "{told}: {}", first.stderr);
    }
    let numbers: Vec<_> = steps(&first).iter().map(|step| step.number).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5, 6, 7, 8]);
    assert_eq!(steps(&first)[3].state, ReadinessState::Changed);
    let gpg = fs::metadata(home.path().join("data/gpg")).unwrap();
    assert_eq!(gpg.permissions().mode() & 0o777, 0o700);

    let made = tree(home.path());
    let second = bootstrap();
    assert_eq!(second.code, 0, "{}", second.stderr);
    assert_eq!(steps(&second)[3].state, ReadinessState::Ok);
    assert_eq!(steps(&second)[5].state, ReadinessState::Ok);
    assert_eq!(tree(home.path()), made);
}

#[test]
fn the_doctor_changes_nothing() {
    let home = with_image();
    let before = tree(home.path());
    let sick = output(&mut command(home.path(), &["doctor", "--json"]));
    assert_eq!(
        sick.code, 3,
        "there are no directories yet: {}",
        sick.stderr
    );
    assert!(
        sick.stderr.contains("not ready; missing:"),
        "{}",
        sick.stderr
    );
    assert_eq!(tree(home.path()), before);
    let numbers: Vec<_> = steps(&sick).iter().map(|step| step.number).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(output(&mut command(home.path(), &["bootstrap"])).code, 0);
    let after = tree(home.path());
    let healthy = output(&mut command(home.path(), &["doctor"]));
    assert_eq!(healthy.code, 0, "{}", healthy.stderr);
    assert_eq!(tree(home.path()), after);
}

#[test]
fn all_that_is_missing_is_told_at_once() {
    let home = with_image();
    // A path with a package manager and nothing else.
    let path = home.path().join("bin");
    fs::create_dir(&path).unwrap();
    for (manager, install) in [
        (
            "apt-get",
            "apt-get install --no-install-recommends qemu-system-x86 qemu-utils",
        ),
        ("dnf", "dnf install qemu-img qemu-kvm"),
    ] {
        // The directories of the system are looked into, too; they have no package manager.
        fs::write(path.join(manager), "#!/bin/sh\n").unwrap();
        fs::set_permissions(path.join(manager), fs::Permissions::from_mode(0o755)).unwrap();
        let sick = output(command(home.path(), &["bootstrap", "--json"]).env("PATH", &path));
        assert_eq!(sick.code, 3, "{}", sick.stderr);
        assert!(sick.stderr.contains(install), "{install}: {}", sick.stderr);
        let steps = steps(&sick);
        assert_eq!(steps.len(), 8, "the other steps are taken all the same");
        let missing = steps[1]
            .items
            .iter()
            .filter(|item| item.state == ReadinessState::Missing);
        assert_eq!(missing.count(), 2);
        let tcpdump = steps[2].items.iter().find(|item| item.name == "tcpdump");
        assert!(
            tcpdump.is_none_or(
                |item| item.packages.as_ref().unwrap().dnf.as_deref() == Some("tcpdump")
            ),
            "{tcpdump:?}"
        );
        assert_eq!(
            steps[3].state,
            match manager {
                "apt-get" => ReadinessState::Changed,
                _ => ReadinessState::Ok,
            }
        );
        fs::remove_file(path.join(manager)).unwrap();
    }
}

#[test]
fn a_mistake_in_the_configuration_hides_no_other_step() {
    let home = with_image();
    let drop_in = home
        .path()
        .join("config/cfg/guest-os/Linux/LinuxCustom/foo.cfg");
    fs::create_dir_all(drop_in.parent().unwrap()).unwrap();
    fs::write(&drop_in, "- FooLinux:\n    only a....b\n").unwrap();
    let arguments = ["doctor", "--json", "--guest-os", "FooLinux"];
    let printed = output(&mut command(home.path(), &arguments));
    assert_eq!(printed.code, 3, "{}", printed.stderr);
    let numbers: Vec<_> = steps(&printed).iter().map(|step| step.number).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5, 6, 7]);
    assert!(
        printed.stderr.contains("foo.cfg:2:")
            && !printed.stderr.contains("configuration set: error"),
        "{}",
        printed.stderr
    );
}

#[test]
fn an_image_of_ones_own_is_never_replaced() {
    let home = tempfile::tempdir().unwrap();
    let image = home.path().join("data/images/jeos-12-x86_64.qcow2");
    fs::create_dir_all(image.parent().unwrap()).unwrap();
    fs::write(&image, "mine").unwrap();
    for stamp in [None, Some("nonsense")] {
        if let Some(stamp) = stamp {
            fs::write(image.with_extension("json"), stamp).unwrap();
        }
        let printed = output(&mut command(home.path(), &["bootstrap"]));
        assert_eq!(printed.code, 0, "{}", printed.stderr);
        assert!(
            printed.stderr.contains("an image of your own") && printed.stderr.contains("--force"),
            "{}",
            printed.stderr
        );
        assert_eq!(fs::read_to_string(&image).unwrap(), "mine");
    }
}

#[test]
fn a_provider_that_cannot_be_used_is_no_good_machine() {
    let home = with_image();
    let definitions = home.path().join("config/test-providers.d");
    fs::create_dir_all(&definitions).unwrap();
    fs::write(
        definitions.join("user-x.ini"),
        "[provider]\nuri: file:///nonexistent/tp\n[qemu]\nsubdir: qemu/\n",
    )
    .unwrap();
    for name in ["bootstrap", "doctor"] {
        let printed = output(&mut command(home.path(), &[name]));
        assert_eq!(printed.code, 3, "{name}: {}", printed.stderr);
        assert!(
            printed.stderr.contains("Missing user-x") && printed.stderr.contains("not ready"),
            "{name}: {}",
            printed.stderr
        );
    }
}

#[test]
fn other_types_of_tests_want_other_programs() {
    let home = with_image();
    let doctor = |vt_type| {
        let printed = output(&mut command(
            home.path(),
            &["doctor", "--json", "--vt-type", vt_type],
        ));
        format!("{:?}", steps(&printed)[1])
    };
    assert!(doctor("openvswitch").contains("ovs-vsctl"));
    assert!(!doctor("qemu").contains("ovs-vsctl"));
    let wrong = output(&mut command(home.path(), &["doctor", "--vt-type", "qemuu"]));
    assert!(
        wrong.code == 2 && wrong.stderr.contains("'qemu'"),
        "{}",
        wrong.stderr
    );
}

#[test]
fn a_guest_that_nobody_knows_is_4() {
    let home = tempfile::tempdir().unwrap();
    let unknown = output(&mut command(
        home.path(),
        &["bootstrap", "--guest-os", "JeOS.72"],
    ));
    assert_eq!(unknown.code, 4, "{}", unknown.stderr);
    assert!(
        unknown.stderr.contains("did you mean"),
        "{}",
        unknown.stderr
    );
    assert_eq!(tree(home.path()), BTreeSet::new());
}

/// A machine of its own with a guest of its own, whose image is to be downloaded.
fn with_asset(server: &Server, content: &[u8]) -> TempDir {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("config/downloads.d");
    fs::create_dir_all(&dir).unwrap();
    let definition = format!(
        "[own]\ntitle = a guest of our own\nurl = {}\nsha256 = {:x}\ndestination = images/own.qcow2\n",
        server.url("/own"),
        Sha256::digest(content),
    );
    fs::write(dir.join("own.ini"), definition).unwrap();
    let guests = home.path().join("config/cfg/guest-os/Linux/LinuxCustom");
    fs::create_dir_all(&guests).unwrap();
    let guest = "variants:\n    - x86_64:\n        image_name = images/own\n        vm_arch_name = x86_64\n";
    fs::write(guests.join("own.cfg"), guest).unwrap();
    home
}

#[test]
fn an_image_of_ones_own_is_told_where_to_be() {
    let server = Server::start(|_, _| Answer::status(404));
    let home = with_asset(&server, b"own");
    fs::remove_file(home.path().join("config/downloads.d/own.ini")).unwrap();
    let doctor = || {
        output(&mut command(
            home.path(),
            &["bootstrap", "--guest-os", "own"],
        ))
    };
    let missing = doctor();
    let image = home.path().join("data/images/own.qcow2");
    assert_eq!(missing.code, 3);
    let told = format!("put it to {}", image.display());
    assert!(missing.stderr.contains(&told), "{}", missing.stderr);
    fs::write(image, "own").unwrap();
    let there = doctor();
    assert_eq!(there.code, 0, "{}", there.stderr);
}

#[test]
fn providers_are_fetched_and_one_that_fails_is_told() {
    let home = with_image();
    let definitions = home.path().join("config/test-providers.d");
    fs::create_dir_all(&definitions).unwrap();
    let repository = home.path().join("repository");
    let git = |args: &[&str]| {
        let mut git = Command::new("git");
        git.current_dir(&repository).args(args);
        for name in ["GIT_AUTHOR", "GIT_COMMITTER"] {
            git.env(format!("{name}_NAME"), "a")
                .env(format!("{name}_EMAIL"), "a@b");
        }
        assert!(
            git.stdout(Stdio::null()).status().unwrap().success(),
            "{args:?}"
        );
    };
    fs::create_dir_all(repository.join("qemu/tests/cfg")).unwrap();
    fs::write(
        repository.join("qemu/tests/cfg/one.cfg"),
        "- one:\n    type = one\n",
    )
    .unwrap();
    git(&["init", "-q", "-b", "main"]);
    git(&["add", "."]);
    git(&["commit", "-q", "-m", "one"]);
    let define = |name: &str, from: &Path| {
        let text = format!(
            "[provider]\nuri: file://{}\nbranch: main\n[qemu]\nsubdir: qemu/\n",
            from.join(".git").display()
        );
        fs::write(definitions.join(format!("{name}.ini")), text).unwrap();
    };
    define("mine", &repository);
    define("gone", &home.path().join("nowhere"));
    let bootstrap = || output(&mut command(home.path(), &["bootstrap", "--json"]));
    let state = |printed: &Printed, name: &str| {
        let step = steps(printed).remove(0);
        let item = step.items.into_iter().find(|item| item.name == name);
        item.unwrap_or_else(|| panic!("{}", printed.stderr)).state
    };
    let first = bootstrap();
    assert_eq!(
        state(&first, "mine"),
        ReadinessState::Changed,
        "{}",
        first.stderr
    );
    assert_eq!(
        state(&first, "gone"),
        ReadinessState::Missing,
        "{}",
        first.stderr
    );
    let second = bootstrap();
    assert_eq!(
        state(&second, "mine"),
        ReadinessState::Ok,
        "{}",
        second.stderr
    );
}

#[test]
fn a_download_can_be_left_out() {
    let server = Server::start(|_, _| Answer::whole(b"own"));
    let home = with_asset(&server, b"own");
    let args = ["bootstrap", "--guest-os", "own", "--no-downloads"];
    let without = output(&mut command(home.path(), &args));
    assert_eq!(without.code, 0, "{}", without.stderr);
    assert!(
        without.stderr.contains("vthost asset fetch own"),
        "{}",
        without.stderr
    );
    assert_eq!(server.requests(), []);
    let with = output(&mut command(home.path(), &args[..3]));
    assert_eq!(with.code, 0, "{}", with.stderr);
    assert_eq!(
        fs::read(home.path().join("data/images/own.qcow2")).unwrap(),
        b"own"
    );
}

#[test]
fn two_at_once_do_not_disturb_each_other() {
    let gate = Arc::new(Gate::default());
    let held = gate.clone();
    let server = Server::start(move |_, _| Answer::whole(b"own image").hold(3, &held));
    let home = with_asset(&server, b"own image");
    let args = ["bootstrap", "--json", "--guest-os", "own"];
    let start = || {
        let mut command = command(home.path(), &args);
        command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let both = [start(), start()];
    let begun = Instant::now();
    while server.requests().is_empty() {
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "nobody downloads"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
    gate.open();
    let mut states: Vec<ReadinessState> = both
        .map(|child| {
            let output = child.wait_with_output().unwrap();
            let stderr = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{stderr}");
            let last = String::from_utf8_lossy(&output.stdout);
            let steps = last
                .lines()
                .map(|line| serde_json::from_str::<ReadinessStep>(line).unwrap());
            let guest = steps.into_iter().find(|step| step.number == 6).unwrap();
            guest.state
        })
        .into();
    states.sort();
    assert_eq!(states, [ReadinessState::Ok, ReadinessState::Changed]);
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_wrong_definition_is_told_and_does_not_end_the_rest() {
    let home = with_image();
    let dir = home.path().join("config/downloads.d");
    fs::create_dir_all(&dir).unwrap();
    fs::write(dir.join("wrong.ini"), "[own]\nurl = ftp://a/b\n").unwrap();
    let printed = output(&mut command(home.path(), &["bootstrap"]));
    assert_eq!(printed.code, 0, "{}", printed.stderr);
    assert!(
        printed.stderr.contains("wrong.ini:2:1:"),
        "{}",
        printed.stderr
    );
}
