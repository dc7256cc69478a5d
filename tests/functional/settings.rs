//! What each setting does, and that a flag beats it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;
use vthost_tests::{Printed, output, pack, vthost};

/// A home of vthost, and a directory to work in.
pub(crate) struct Home(TempDir);

impl Home {
    pub(crate) fn new() -> Self {
        let home = Self(tempfile::tempdir().unwrap());
        fs::create_dir(home.path("work")).unwrap();
        home
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    /// With these settings of the user.
    fn with(text: &str) -> Self {
        let home = Self::new();
        home.write("config/vthost.toml", text);
        home
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = vthost();
        command
            .current_dir(self.path("work"))
            .env("HOME", self.0.path())
            .env("VTHOST_HOME", self.0.path())
            .env("VTHOST_SYSTEM_CONFIG", self.path("system.toml"))
            .stdin(Stdio::null())
            .args(args);
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Printed {
        output(&mut self.command(args))
    }

    /// The same with a pack.
    pub(crate) fn run_pack(&self, name: &str, args: &[&str]) -> Printed {
        output(self.command(args).arg("--provider").arg(pack(name)))
    }

    /// `vthost list` with full names and parameters, which has to succeed.
    #[track_caller]
    fn listed(&self, args: &[&str]) -> String {
        let args = [&["list", "boot", "-v", "--params"], args].concat();
        let printed = self.run_pack("tp-qemu", &args);
        assert_eq!(printed.code, 0, "{args:?}: {}", printed.stderr);
        printed.stdout
    }
}

#[test]
fn each_setting_changes_what_is_listed_and_a_flag_beats_it() {
    // The settings, what is listed then, the flags against them, and what is listed with these.
    let cases: &[(&str, &str, &[&str], &str)] = &[
        (
            "guest.os = 'JeOS.27'",
            ".JeOS.27.x86_64.",
            &["--guest-os", "JeOS.12"],
            ".JeOS.12.",
        ),
        (
            "machine.type = 'q35'",
            ".boot.q35\n",
            &["--machine-type", "i440fx"],
            ".boot.i440fx\n",
        ),
        (
            "guest.os = 'Fedora.43'\nmachine.arch = 'aarch64'",
            ".Fedora.43.aarch64.",
            &["--arch", "x86_64"],
            ".Fedora.43.x86_64.",
        ),
        ("machine.smp = 1", ".up.", &["--only", "smp2"], ".smp2."),
        (
            "machine.smp = 4",
            "    smp = 4    # HOME/config/vthost.toml:1\n",
            &["--only", "up"],
            "    smp = 1    # base.cfg",
        ),
        (
            "machine.mem = 512",
            "    mem = 512    # HOME/config/vthost.toml:1\n",
            &["--extra-params", "mem=256"],
            "    mem = 256    # command line:1\n",
        ),
        (
            "guest.os = 'JeOS.27.x86_64'\nmachine.nic-model = 'e1000'",
            ".e1000.",
            &["--only", "virtio_net"],
            ".virtio_net.",
        ),
        (
            "machine.disk-bus = 'virtio_scsi'",
            ".virtio_scsi.",
            &["--only", "virtio_blk"],
            ".virtio_blk.",
        ),
        (
            "machine.image-type = 'raw'",
            ".raw.",
            &["--only", "qcow2"],
            ".qcow2.",
        ),
        (
            "qemu.binary = 'q/emu'",
            "    qemu_binary = HOME/config/q/emu    # HOME/config/vthost.toml:1\n",
            &["--qemu-bin", "/other"],
            "    qemu_binary = /other    # command line:1\n",
        ),
        (
            "qemu.accel = 'tcg'",
            "    enable_kvm = no    # HOME/config/vthost.toml:1\n",
            &["--extra-params", "enable_kvm=yes"],
            "    enable_kvm = yes    # command line:1\n",
        ),
        (
            "[params]\nmem = 640\nnote = 'a = b'",
            "    note = a = b    # HOME/config/vthost.toml:3\n",
            &["--extra-params", "note=c"],
            "    mem = 640    # HOME/config/vthost.toml:2\n",
        ),
        (
            "filters.default-filters-off = ['smallpages']",
            ".hugepages.",
            &["--only", "smallpages"],
            "\n1 test\n",
        ),
    ];
    let usual = Home::new().listed(&[]);
    for (settings, expected, flags, beaten) in cases {
        let home = Home::with(settings);
        let listed = |flags| {
            let place = home.path("").display().to_string();
            home.listed(flags)
                .replace(place.trim_end_matches('/'), "HOME")
        };
        assert!(!usual.contains(expected), "{settings}: {usual}");
        let found = listed(&[]);
        assert!(found.contains(expected), "{settings}: {found}");
        let found = listed(flags);
        assert!(found.contains(beaten), "{settings}, {flags:?}: {found}");
        assert!(
            !found.contains(expected) || flags.contains(&"note=c"),
            "{settings}, {flags:?}: {found}"
        );
    }
}

#[test]
fn filters_of_settings_and_flags_add_up() {
    let home = Home::with("filters.only = ['boot,reboot,uptime']\nfilters.no = ['uptime']\n");
    let names = |args: &[&str]| {
        let printed = home.run_pack("tp-qemu", &[&["list", "--json"], args].concat());
        let names = printed.stdout.lines().map(|line| {
            let entry: serde_json::Value = serde_json::from_str(line).unwrap();
            entry["name"].as_str().unwrap().to_owned()
        });
        (printed.code, names.collect::<Vec<_>>())
    };
    let both = ["tp-qemu.boot", "tp-qemu.reboot"]
        .map(str::to_owned)
        .to_vec();
    assert_eq!(names(&[]), (0, both));
    assert_eq!(names(&["--no", "boot"]).1, ["tp-qemu.reboot"]);
    assert_eq!(names(&["uptime"]).0, 4);
}

#[test]
fn what_is_wrong_in_a_setting_is_told_with_its_place() {
    for (settings, code, told) in [
        ("machine.nic-model = 'e100'", 4, "did you mean `e1000`"),
        ("filters.no = ['boto']", 4, "did you mean `boot`"),
        ("filters.only = ['q35', 'i440fx']", 4, "no variant passes"),
        (
            "filters.default-filters-off = ['smallpage']",
            2,
            "did you mean `smallpages`",
        ),
    ] {
        let home = Home::with(settings);
        let printed = home.run_pack("tp-qemu", &["list", "boot"]);
        let name = settings.split(' ').next().unwrap();
        let place = home.path("config/vthost.toml:1");
        let says = format!("`{name}` says so: {}", place.display());
        assert!(
            printed.stderr.contains(told) && printed.stderr.contains(&says),
            "{}",
            printed.stderr
        );
        assert_eq!(printed.code, code, "{}", printed.stderr);
    }
}

#[test]
fn a_type_of_tests_and_a_configuration_are_taken_from_settings() {
    let home = Home::with("run.vt-type = 'libvirt'");
    let printed = home.run_pack("tp-qemu", &["run", "boot"]);
    assert_eq!(printed.code, 2);
    assert!(
        printed.stderr.contains("tests of type qemu only"),
        "{}",
        printed.stderr
    );
    assert_ne!(
        home.run_pack("tp-qemu", &["run", "boot", "--vt-type", "qemu"])
            .code,
        2
    );
    // Nothing is chosen for a configuration of one's own, not even the memory.
    let home = Home::with("run.config-file = 'own.cfg'\nmachine.mem = 77\nparams.note = 'x'\n");
    let own =
        "variants:\n    - mine:\n        type = nothing\n        provider = fixture-nothing\n";
    home.write("config/own.cfg", own);
    let listed = home.run_pack("fixture-nothing", &["list", "-v", "--params"]);
    assert!(
        listed.stdout.contains("variant: mine\n") && listed.stdout.contains("note = x "),
        "{}{}",
        listed.stdout,
        listed.stderr
    );
    assert!(!listed.stdout.contains("mem ="), "{}", listed.stdout);
}

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
