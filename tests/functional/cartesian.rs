//! `vthost cartesian expand`.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};

use vthost_tests::{output, vthost};

use crate::cfg::Cfg;

/// What most tests expand.
const DISKS: &str = "\
mem = 512
variants:
    - small:
    - @large: small
        mem = 2048
        note = \" twice \"
        none =
variants disk:
    - @virtio:
    - ide:
        only small
";

impl Cfg {
    fn disks() -> Self {
        Cfg::new("expand", &[("t.cfg", DISKS)])
    }

    /// What it prints when all is well.
    fn expand(&self, args: &[&str]) -> String {
        let printed = self.run(args);
        assert_eq!(printed.code, 0, "{args:?}: {}", printed.stderr);
        assert_eq!(printed.stderr, "", "{args:?}");
        printed.stdout
    }

    /// Command lines, each with what it says on standard error.
    fn told(&self, cases: &[(&[&str], i32)]) -> String {
        let mut told = String::new();
        for (args, code) in cases {
            let printed = self.run(args);
            assert_eq!(printed.code, *code, "{args:?}: {}", printed.stderr);
            assert_eq!(printed.stdout, "", "{args:?}");
            told += &format!("$ expand {}\n{}\n", args.join(" "), printed.stderr);
        }
        told
    }
}

/// 2^60 variants.
fn endless() -> Cfg {
    let text = "variants:\n    - a:\n    - b:\n".repeat(60);
    Cfg::new("expand", &[("t.cfg", &text)])
}

#[test]
fn names_stand_in_a_line_each() {
    let cfg = Cfg::disks();
    assert_eq!(cfg.expand(&["t.cfg"]), "small\n\nide.small\n");
    assert_eq!(
        cfg.expand(&["t.cfg", "--fullname"]),
        "(disk=virtio).small\n(disk=virtio).large\n(disk=ide).small\n"
    );
    assert_eq!(cfg.expand(&["t.cfg", "--limit", "1"]), "small\n");
    assert_eq!(
        cfg.expand(&["--color", "always", "t.cfg", "ide:\n  only small"]),
        "small\n\nide.small\n"
    );
    assert_eq!(
        output(vthost().args(["cfg", "expand"]).arg(cfg.path("t.cfg"))).code,
        0
    );
}

#[test]
fn lines_follow_the_file() {
    let cfg = Cfg::disks();
    let lines = ["t.cfg", "only ide", "mem = 1", "mem += G", "# nothing"];
    let printed = cfg.expand(&[&lines[..], &["--json"]].concat());
    assert!(printed.contains("\"mem\":\"1G\""), "{printed}");
    // A line can be several, and what it brings can be named by the lines before it.
    let twice = [
        "t.cfg",
        "-f",
        "only (net=tap)",
        "variants net:\n  - tap:\n  - user:",
    ];
    assert_eq!(
        cfg.expand(&twice).lines().next(),
        Some("(net=tap).(disk=virtio).small")
    );
    fs::write(cfg.path("more.cfg"), "only ide\n").unwrap();
    assert_eq!(cfg.expand(&["t.cfg", "include more.cfg"]), "ide.small\n");
}

#[test]
fn defaults_can_be_asked_for() {
    let cfg = Cfg::disks();
    let full = |args: &[&str]| cfg.expand(&[&["t.cfg", "-f"], args].concat());
    assert_eq!(full(&["--defaults"]), "(disk=virtio).large\n");
    assert_eq!(full(&["-d", "only ide"]), "(disk=ide).small\n");
    assert_eq!(
        full(&["--defaults", "--expand", "disk"]),
        full(&["-d", "-e", "disk, disk"])
    );
    assert_eq!(
        full(&["-d", "-e", "disk"]),
        "(disk=virtio).large\n(disk=ide).small\n"
    );
}

#[test]
fn contents_for_people() {
    let cfg = Cfg::disks();
    insta::assert_snapshot!(cfg.expand(&["t.cfg", "--contents", "--fullname"]));
    let colored = cfg.expand(&["t.cfg", "-c", "--limit", "1", "--color", "always"]);
    assert!(
        colored.starts_with("\x1b[1msmall\x1b[0m\n    disk = virtio\n"),
        "{colored:?}"
    );
    // Nothing in a value acts on whoever reads it.
    let hostile = cfg.expand(&["t.cfg", "-c", "--limit", "1", "mem = \x1b[2J\u{202e}"]);
    assert!(hostile.contains("mem = \\x1b[2J\\u{202e}\n"), "{hostile:?}");
}

/// The outputs were recorded from the reference, `python -m virttest.cartesian_config` of Avocado-VT 113.0, and from
/// an oracle on top of it.
#[test]
fn formats_are_those_of_the_reference() {
    let cfg = Cfg::new(
        "expand",
        &[
            (
                "t.cfg",
                "a b = c\nvariants:\n    - @one:\n    - two: one..x\n        include dir/it's.cfg\nvariants n:\n    - x:\n",
            ),
            (
                "dir/it's.cfg",
                "Z = \"é\\\"\nvariants:\n    - deep:\n        z = 1\n",
            ),
        ],
    );
    let lines = ["t.cfg", "variants:\n    - last:", "q = \"'"];
    let print = |args: &[&str]| cfg.expand(&[&lines[..], args].concat());
    insta::assert_snapshot!("reference", print(&["--format", "reference"]));
    insta::assert_snapshot!(
        "reference-fullname",
        print(&["--format", "reference", "--fullname"])
    );
    insta::assert_snapshot!("json", print(&["--json"]));
    insta::assert_snapshot!("digest", print(&["--format", "digest"]));
}

#[test]
fn variants_can_be_counted() {
    let cfg = Cfg::disks();
    assert_eq!(cfg.expand(&["t.cfg", "--count"]), "3\n");
    assert_eq!(cfg.expand(&["t.cfg", "--count", "-d"]), "1\n");
    assert_eq!(
        endless().expand(&["t.cfg", "--count", "--limit", "7"]),
        "7\n"
    );
    let none = cfg.run(&["t.cfg", "only large", "only ide", "--count"]);
    assert_eq!((none.code, none.stdout.as_str()), (4, "0\n"));
}

#[test]
fn an_empty_result_is_4_and_says_what_made_it() {
    let cfg = Cfg::disks();
    fs::write(
        cfg.path("none.cfg"),
        "include t.cfg\nonly large\nonly ide\n",
    )
    .unwrap();
    let told = cfg.told(&[
        (
            &["t.cfg", "only ide", "mem = 3", "\n  no small", "only small"],
            4,
        ),
        (&["t.cfg", "only large", "only ide", "--json"], 4),
        (&["none.cfg", "mem = 3"], 4),
    ]);
    insta::assert_snapshot!(told);
}

#[test]
fn mistakes_are_pointed_at() {
    let cfg = Cfg::disks();
    for (name, text) in [
        ("include.cfg", &b"\ninclude gone.cfg\n"[..]),
        ("deep/down.cfg", b"include ../deep/gone.cfg\n"),
        ("directory.cfg", b"include deep\n"),
        ("device.cfg", b"include /dev/zero\n"),
        ("latin.cfg", b"a = 1\nb = caf\xe9\n"),
        ("latin1.cfg", b"include latin.cfg\n"),
        (
            "bound.cfg",
            b"variants:\n    - a:\n    - b:\n        n_max = many\nn = 1\n",
        ),
        ("syntax.cfg", b"a = 1\nvariants\n"),
    ] {
        fs::create_dir_all(cfg.path("deep")).unwrap();
        fs::write(cfg.path(name), text).unwrap();
    }
    let told = cfg.told(&[
        (&["gone.cfg"], 2),
        (&["deep"], 2),
        (&["syntax.cfg"], 2),
        (&["latin.cfg"], 2),
        (&["latin1.cfg"], 2),
        (&["include.cfg"], 2),
        (&["deep/down.cfg"], 2),
        (&["directory.cfg"], 2),
        (&["device.cfg"], 2),
        (&["t.cfg", "only small", "only"], 2),
        (&["t.cfg", "include gone.cfg"], 2),
        (&["t.cfg", "only lrage, small"], 2),
        (&["t.cfg", "no ( disk = scsi )"], 2),
        (&["t.cfg", "large:\n    no smal"], 2),
        (&["t.cfg", "-d", "-e", "dsik"], 2),
    ]);
    insta::assert_snapshot!(told);
    // What comes before a mistake is printed before it. Names alone do not need the values.
    let late = cfg.run(&["bound.cfg", "--format", "digest"]);
    assert_eq!((late.code, late.stdout.lines().count()), (2, 1));
    assert_eq!(cfg.expand(&["bound.cfg"]), "a\nb\n");
    assert!(late.stderr.contains(" --> bound.cfg:4:"), "{}", late.stderr);
}

#[test]
fn flags_that_contradict_each_other_are_refused() {
    let cfg = Cfg::disks();
    for args in [
        &["--json", "--contents"][..],
        &["--json", "--format", "digest"],
        &["--json", "--fullname"],
        &["--json", "--count"],
        &["--contents", "--format", "reference"],
        &["--count", "--format", "reference"],
        &["--count", "--fullname"],
        &["--expand", "disk"],
        &["-d", "--expand", ""],
        &["--limit", "0"],
        &["--format", "yaml"],
    ] {
        let printed = cfg.run(&[&["t.cfg"], args].concat());
        assert_eq!(printed.code, 2, "{args:?}");
        assert!(
            printed.stderr.contains(args[args.len() - 2]),
            "{}",
            printed.stderr
        );
    }
    assert_eq!(cfg.run(&[]).code, 2);
}

#[test]
fn a_file_that_includes_itself_is_noticed_by_whatever_path() {
    let cfg = Cfg::new(
        "expand",
        &[
            ("a/a.cfg", "include ../b/link/b.cfg\n"),
            ("b/real/b.cfg", "include ../../a/../a/a.cfg\n"),
        ],
    );
    symlink("real", cfg.path("b/link")).unwrap();
    let printed = cfg.run(&["./a/a.cfg"]);
    assert_eq!(printed.code, 2);
    let chain = "`./a/a.cfg` includes itself: ./a/a.cfg -> b/link/b.cfg -> ./a/a.cfg";
    assert!(printed.stderr.contains(chain), "{}", printed.stderr);
    // The same file twice, but not within itself, is no mistake.
    fs::write(
        cfg.path("twice.cfg"),
        "include a/k.cfg\ninclude a/./k.cfg\n",
    )
    .unwrap();
    fs::write(cfg.path("a/k.cfg"), "k += x\n").unwrap();
    assert!(cfg.expand(&["twice.cfg", "-c"]).contains("k = xx"));
}

#[test]
fn includes_are_found_where_they_are_meant() {
    let cfg = Cfg::new(
        "expand",
        &[
            ("t.cfg", "include ~/home.cfg\ninclude dir/a.cfg\n"),
            ("dir/a.cfg", "include b.cfg\n"),
            ("dir/b.cfg", "b = beside\n"),
            ("home/home.cfg", "include deep/c.cfg\n"),
            ("home/deep/c.cfg", "c = home\n"),
        ],
    );
    let mut command = cfg.command(&["t.cfg", "--contents"]);
    let printed = output(command.env("HOME", cfg.path("home")));
    assert_eq!(
        printed.stdout, "\n    b = beside\n    c = home\n",
        "{}",
        printed.stderr
    );
}

#[test]
fn standard_input_is_a_file_too() {
    let cfg = Cfg::disks();
    for name in ["-", "/dev/stdin"] {
        assert_eq!(cfg.fed(&[name, "only ide"], DISKS).stdout, "ide.small\n");
        // Its includes are relative to the current directory.
        assert_eq!(cfg.fed(&[name, "--count"], "include t.cfg\n").stdout, "3\n");
        let mut command = cfg.command(&[name, "--count"]);
        let printed = output(command.stdin(File::open(cfg.path("t.cfg")).unwrap()));
        assert_eq!(printed.stdout, "3\n");
    }
    let wrong = cfg.fed(&["-"], "a = 1\nvariants:\n");
    assert_eq!(wrong.code, 2);
    assert!(
        wrong.stderr.contains(" --> <stdin>:2:1\n"),
        "{}",
        wrong.stderr
    );
    assert_eq!(cfg.fed(&["-"], "variants:\n  - a:\n      only b\n").code, 4);
}

#[test]
fn nothing_is_waited_for_or_read_without_end() {
    let cfg = Cfg::disks();
    let pipe = cfg.path("pipe");
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    let printed = cfg.run(&["t.cfg", "include pipe"]);
    assert!(
        printed.stderr.contains("it is not a regular file"),
        "{}",
        printed.stderr
    );
    File::create(cfg.path("long.cfg"))
        .unwrap()
        .set_len(1 << 40)
        .unwrap();
    for name in ["/dev/zero", "long.cfg"] {
        let printed = cfg.run(&[name]);
        assert_eq!(printed.code, 2);
        assert!(
            printed.stderr.contains("at most 64 MiB"),
            "{}",
            printed.stderr
        );
    }
}

#[test]
fn whoever_has_read_enough_may_go() {
    let cfg = endless();
    for args in [
        &["t.cfg"][..],
        &["t.cfg", "--json"],
        &["t.cfg", "--format", "reference"],
    ] {
        let mut child = cfg
            .command(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        assert!(line.len() > 100, "{line}");
        let mut told = String::new();
        child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut told)
            .unwrap();
        assert_eq!((child.wait().unwrap().code(), told.as_str()), (Some(0), ""));
    }
}

#[test]
fn a_full_disk_is_a_failure() {
    let cfg = endless();
    let mut command = cfg.command(&["t.cfg"]);
    let full = File::options().write(true).open("/dev/full").unwrap();
    let printed = output(command.stdout(full));
    assert_eq!(printed.code, 5);
    assert!(
        printed.stderr.contains("cannot write to standard output"),
        "{}",
        printed.stderr
    );
}

#[test]
fn a_terminal_gets_no_control_characters() {
    let cfg = Cfg::new("expand", &[("t.cfg", "k = \x1b[2J\u{7f}\u{202e}\n")]);
    for (args, shown) in [
        (&["--json"][..], "\"k\":\"\\u001b[2J\\u007f\\u202e\""),
        (&["--format", "reference"], "k = \\x1b[2J\\x7f\\u{202e}"),
    ] {
        let printed = on_a_terminal(&mut cfg.command(&[&["t.cfg"], args].concat()));
        assert!(printed.contains(shown), "{printed:?}");
    }
    // Elsewhere, not a byte is changed.
    assert!(
        cfg.expand(&["t.cfg", "--json"])
            .contains("\"k\":\"\\u001b[2J\u{7f}\u{202e}\"")
    );
    assert!(
        cfg.expand(&["t.cfg", "--format", "reference"])
            .contains("k = \x1b[2J\u{7f}\u{202e}\n")
    );
}

/// What a command prints to a terminal.
fn on_a_terminal(command: &mut Command) -> String {
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    let screen = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&screen).unwrap();
    unlockpt(&screen).unwrap();
    let name = ptsname(&screen, Vec::new()).unwrap();
    let terminal = File::options()
        .read(true)
        .write(true)
        .open(name.to_str().unwrap())
        .unwrap();
    let status = command.stdout(terminal).status().unwrap();
    assert_eq!(status.code(), Some(0));
    // The other end is closed once the command is gone: reading ends with an error.
    *command = Command::new("true");
    let mut printed = Vec::new();
    let _ = File::from(screen).read_to_end(&mut printed);
    String::from_utf8(printed).unwrap()
}
