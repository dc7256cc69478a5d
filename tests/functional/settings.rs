//! What each setting selects, and that a flag beats it.

use crate::home::Home;

/// `vthost list` with full names and parameters, which has to succeed.
#[track_caller]
fn listed(home: &Home, args: &[&str]) -> String {
    let args = [&["list", "boot", "-v", "--params"], args].concat();
    let printed = home.run_pack("tp-qemu", &args);
    assert_eq!(printed.code, 0, "{args:?}: {}", printed.stderr);
    printed.stdout
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
    let usual = listed(&Home::new(), &[]);
    for (settings, expected, flags, beaten) in cases {
        let home = Home::with(settings);
        let found_with = |flags| {
            let place = home.path("").display().to_string();
            listed(&home, flags).replace(place.trim_end_matches('/'), "HOME")
        };
        assert!(!usual.contains(expected), "{settings}: {usual}");
        let found = found_with(&[]);
        assert!(found.contains(expected), "{settings}: {found}");
        let found = found_with(flags);
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
