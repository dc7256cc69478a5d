use std::time::Duration;

use vthost_cartesian::{Config, NoIncludes, OriginKind, Source};

use super::*;

fn params() -> Params {
    Params::from_pairs([
        ("mem", "512"),
        ("vms", " vm1  vm2 "),
        ("start_vm", "yes"),
        ("kill_vm", "maybe"),
        ("login_timeout", "2.5"),
        ("display", "vcn"),
        ("image_size", "10G"),
        ("empty", ""),
        ("blank", " "),
    ])
}

fn refused<T: std::fmt::Debug>(result: Result<T, ParamError>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn values_have_types() {
    let params = params();
    assert_eq!(params.objects("vms"), ["vm1", "vm2"]);
    assert_eq!(params.number("mem", 0_u32), Ok(512));
    assert_eq!(params.number("empty", 3_u32), Ok(3));
    assert_eq!(params.number("blank", 3_u32), Ok(3));
    assert_eq!(params.number_in("mem", 1, 1..=512_u32), Ok(512));
    assert_eq!(params.flag("start_vm", false), Ok(true));
    assert_eq!(params.flag("absent", true), Ok(true));
    assert_eq!(
        params.seconds("login_timeout", Duration::ZERO),
        Ok(Duration::from_millis(2500))
    );
    assert_eq!(params.size("image_size", 0, Unit::B), Ok(10 << 30));
    assert_eq!(params.size("mem", 0, Unit::MiB), Ok(512 << 20));
    assert_eq!(params.size("absent", 7, Unit::MiB), Ok(7));
    assert_eq!(params.word("absent", "vnc", &["vnc", "sdl"]), Ok("vnc"));
    assert_eq!(params.names("vms"), Ok(vec!["vm1", "vm2"]));
}

#[test]
fn what_cannot_be_read_is_told() {
    let params = params();
    let error = refused(params.flag("kill_vm", true));
    assert!(error.contains("`kill_vm` is `maybe`"), "{error}");
    assert!(params.number::<u32>("vms", 1).is_err());
    assert_eq!(
        refused(params.number_in("mem", 1, 1..=255_u32)),
        "the parameter `mem` is `512`, which is not a whole number from 1 to 255 (set at an unknown place)"
    );
    assert_eq!(
        refused(params.word("display", "vnc", &["vnc", "sdl", "none"])),
        "the parameter `display` is `vcn`, which is not `vnc`, `sdl` or `none` (set at an unknown place); \
         did you mean `vnc`?"
    );
    assert!(refused(params.size("vms", 0, Unit::MiB)).contains("a number alone is in MiB"));
    let error = params.object("vm1").require("empty").unwrap_err();
    assert_eq!(
        error.to_string(),
        "the parameter `empty` is not set for `vm1`"
    );
    for wrong in ["-1", "1e18", "inf", "nan", "soon"] {
        let params = Params::from_pairs([("test_timeout", wrong)]);
        let seconds = params.seconds("test_timeout", Duration::ZERO);
        assert!(seconds.is_err(), "{wrong}");
    }
}

#[test]
fn names_are_names_of_files() {
    for wrong in ["a/b", "..", "-x", "a a", "é", "a,b", &"x".repeat(65)] {
        let params = Params::from_pairs([("vms", wrong)]);
        assert!(params.names("vms").is_err(), "{wrong}");
    }
    let params = Params::from_pairs([("vms", "a-b.c_D 1")]);
    assert_eq!(params.names("vms"), Ok(vec!["a-b.c_D", "1"]));
}

#[test]
fn expressions_are_bounded() {
    let params = Params::from_pairs([
        ("good", r"[\#\$]\s*$"),
        ("bad", "a("),
        ("big", r"(\w{100}){100}"),
    ]);
    assert!(params.regex("good", "").unwrap().unwrap().is_match("~ # "));
    assert!(params.regex("absent", "").unwrap().is_none());
    assert!(params.regex("absent", "x").unwrap().is_some());
    assert!(refused(params.regex("bad", "")).contains("not a regular expression: unclosed group"));
    assert!(params.regex("big", "").is_err());
}

#[test]
fn addresses_of_cards() {
    let mac = |text: &str| Params::from_pairs([("mac", text)]).mac("mac");
    assert_eq!(
        mac("52:54:00:Ab:0c:ff"),
        Ok(Some([0x52, 0x54, 0, 0xab, 0x0c, 0xff]))
    );
    assert_eq!(mac("52-54-00-ab-0c-ff"), mac("52:54:00:ab:0c:ff"));
    assert_eq!(mac(""), Ok(None));
    for wrong in [
        "52:54:00:ab:0c",
        "52:54:00:ab:0c:ff:00",
        "52:54:00:ab:0c:f",
        "x",
        "+5:54:00:ab:0c:ff",
    ] {
        assert!(mac(wrong).is_err(), "{wrong}");
    }
    assert!(refused(mac("01:00:5e:00:00:01")).contains("of one card"));
}

#[test]
fn an_error_points_at_the_statement() {
    let text = "vms = vm1\nmem_vm1 = 1\nvariants:\n    - a:\n        ssh_port_vm1 = many\n";
    let source = Source::new("dir/a.cfg", text);
    let config = Config::parse(source, OriginKind::Operator, &NoIncludes).unwrap();
    let variant = config.variants().next().unwrap().unwrap();
    let vm1 = Params::new(&variant).object("vm1");
    assert_eq!(
        refused(vm1.flag("mem", false)),
        "the parameter `mem_vm1` is `1`, which is not `yes` or `no` (set at dir/a.cfg:2:1)"
    );
    // What is told is what is written.
    assert_eq!(
        refused(vm1.number::<u16>("shell_port", 22)),
        "the parameter `ssh_port_vm1` is `many`, which is not a whole number in range (set at dir/a.cfg:5:9)"
    );
}
