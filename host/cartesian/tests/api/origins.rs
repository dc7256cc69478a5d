//! Where values came from: origins, none of which may get lost, and histories.

use vthost_cartesian::{
    Action, Config, NoIncludes, Operator, Origin, OriginKind, Source, Step, Variant, Within,
};

use crate::{config, variants};

fn history(variant: &Variant, key: &str) -> Vec<String> {
    let show = |step: Step| {
        let what = match step.action {
            Action::Set(origin) => format!("{} {origin}", origin.operator().as_str()),
            Action::Kept(origin) => format!("{} {origin} kept", origin.operator().as_str()),
            Action::Deleted(origin) => format!("del {origin}"),
            Action::Renamed(suffix, origin) => format!("suffix {suffix} {origin}"),
            Action::Bounded(by, origin) => format!("{by} {origin}"),
            other => format!("{other:?}"),
        };
        let within: Vec<String> = step
            .within
            .into_iter()
            .map(|within| match within {
                Within::Variant(name, place) => format!("{name} {place}"),
                Within::Condition(text, place) => format!("{text}: {place}"),
                other => format!("{other:?}"),
            })
            .collect();
        format!(
            "{what} -> {:?} [{}]",
            step.value.as_deref().unwrap_or_default(),
            within.join(", ")
        )
    };
    variant.history(key).into_iter().map(show).collect()
}

#[test]
fn a_value_has_a_history() {
    let text = "mem = 1\nmem ~= 2\nother ?= 1\nx..(v=b), nothing:\n    !y: mem += 0${other}\nvariants v:\n    - a:\n    - b:\n        mem <= 2\n        (v=b): del mem\nvariants:\n    - x:\n        mem = 4\nmem_max = 3\n";
    let variant = &variants(&config(text).expect("a configuration"))[1];
    assert_eq!(
        history(variant, "mem"),
        [
            "= t.cfg:1 -> \"1\" []",
            "~= t.cfg:2 kept -> \"1\" []",
            "+= t.cfg:5 -> \"10${other}\" [x..(v=b), nothing: t.cfg:4, !y: t.cfg:5]",
            "<= t.cfg:9 -> \"210${other}\" [(v=b) t.cfg:8]",
            "del t.cfg:10 -> \"\" [(v=b) t.cfg:8, (v=b): t.cfg:10]",
            "= t.cfg:13 -> \"4\" [x t.cfg:12]",
            "mem_max t.cfg:14 -> \"3\" []",
        ]
    );
    assert_eq!(
        history(variant, "v"),
        ["variants t.cfg:8 -> \"b\" [(v=b) t.cfg:8]"]
    );
    assert_eq!(history(variant, "other"), ["?= t.cfg:3 kept -> \"\" []"]);
    assert!(history(variant, "nowhere").is_empty());
}

#[test]
fn a_step_tells_what_was_joined() {
    let text = "a = 1\nb = 2\nk = x${a}\nk += ${b}\nlimit = 5${a}\nlimit_max = 7\n";
    let variant = &variants(&config(text).expect("a configuration"))[0];
    let joined = |key: &str| -> Vec<String> {
        let origin = |step: Step| match step.action {
            Action::Set(origin) | Action::Bounded(_, origin) => origin,
            other => panic!("{other:?}"),
        };
        let lines = |origin: Origin| {
            let lines = origin.joined().map(|origin| origin.line().to_string());
            lines.collect::<Vec<_>>().join(" ")
        };
        let steps = variant.history(key).into_iter();
        steps.map(|step| lines(origin(step))).collect()
    };
    assert_eq!(joined("k"), ["1", "2 3 1"]);
    assert_eq!(joined("limit"), ["1", ""]);
}

#[test]
fn a_suffix_is_part_of_the_history() {
    let text = "variants:\n    - vm1:\n        k = 1\n        suffix _vm1\n    - vm2:\n        k = 2\n        suffix _vm2\njoin vm1 vm2\nk.* ?+= !\n";
    let variant = &variants(&config(text).expect("a configuration"))[0];
    assert_eq!(
        (variant.get("k_vm1"), variant.get("k_vm2")),
        (Some("1!"), Some("2!"))
    );
    assert_eq!(
        history(variant, "k_vm1"),
        [
            "= t.cfg:3 -> \"1\" [vm1 t.cfg:2]",
            "suffix _vm1 t.cfg:4 -> \"1\" [vm1 t.cfg:2]",
            "?+= t.cfg:9 -> \"1!\" []",
        ]
    );
}

#[test]
fn a_name_given_twice_has_both_origins() {
    let text = "variants:\n    - vm1:\n        k = 1\n        suffix _x\n    - vm2:\n        k = 2\n        suffix _x\n    - vm3:\n        k = 3\n        suffix _y\njoin vm1 vm2 vm3\n";
    let variant = &variants(&config(text).expect("a configuration"))[0];
    assert_eq!(variant.get("k_x"), Some("2"));
    let origin = variant.origin("k_x").expect("set");
    let joined: Vec<u32> = origin.joined().map(|origin| origin.line()).collect();
    assert_eq!((origin.line(), joined), (6, vec![4, 7]));
}

#[test]
fn every_kind_of_origin_survives() {
    let mut config = config("base = /x\n").expect("a configuration");
    let provider = OriginKind::Provider("p".to_owned());
    let source = |text: &str| Source::new("p.cfg", text);
    config
        .extend(
            source("evil = ; rm\nbase += /y\n"),
            provider.clone(),
            &NoIncludes,
        )
        .expect("valid");
    let line = Source::new("<line>", "cmd = run ${evil} ${base}");
    config
        .extend(line, OriginKind::CommandLine, &NoIncludes)
        .expect("valid");
    let variant = variants(&config).remove(0);
    let origin = variant.origin("cmd").expect("set");
    assert_eq!(
        (origin.kind(), origin.operator(), origin.column()),
        (&OriginKind::CommandLine, Operator::Set, 1)
    );
    assert_eq!(
        origin
            .joined()
            .map(|origin| origin.to_string())
            .collect::<Vec<_>>(),
        ["p.cfg:1", "p.cfg:2", "t.cfg:1"]
    );
    assert!(origin.kinds().any(|kind| *kind == provider));
    assert_eq!(variant.get("cmd"), Some("run ; rm /x/y"));
}

#[test]
fn many_joined_origins_keep_every_kind() {
    let mut config = Config::new();
    let provider = OriginKind::Provider("p".to_owned());
    config
        .extend(
            Source::new("p.cfg", "k = 1\n"),
            provider.clone(),
            &NoIncludes,
        )
        .expect("valid");
    let text = "k += x\n".repeat(500);
    config
        .extend(
            Source::new("o.cfg", text),
            OriginKind::Operator,
            &NoIncludes,
        )
        .expect("valid");
    let variant = variants(&config).remove(0);
    let origin = variant.origin("k").expect("set");
    assert!(origin.kinds().any(|kind| *kind == provider));
    assert!(origin.joined().count() <= 33);
}

#[test]
fn a_late_kind_of_origin_is_not_lost_in_the_crowd() {
    let mut config = Config::new();
    let provider = OriginKind::Provider("p".to_owned());
    config
        .extend(
            Source::new("o.cfg", "k += x\n".repeat(500)),
            OriginKind::Operator,
            &NoIncludes,
        )
        .expect("valid");
    config
        .extend(
            Source::new("p.cfg", "k += y\n"),
            provider.clone(),
            &NoIncludes,
        )
        .expect("valid");
    config
        .extend(
            Source::new("o.cfg", "k += z\n"),
            OriginKind::Operator,
            &NoIncludes,
        )
        .expect("valid");
    let variant = variants(&config).remove(0);
    assert!(
        variant
            .origin("k")
            .expect("set")
            .kinds()
            .any(|kind| *kind == provider)
    );
}

/// A configuration of these sources, in order.
fn of_sources<'t>(sources: impl IntoIterator<Item = (&'t str, OriginKind)>) -> Variant {
    let mut config = Config::new();
    for (text, kind) in sources {
        config
            .extend(Source::new("c.cfg", text), kind, &NoIncludes)
            .expect("valid");
    }
    variants(&config).remove(0)
}

#[test]
fn a_suffix_of_a_provider_shows_in_the_origin() {
    let provider = OriginKind::Provider("p".to_owned());
    let variant = of_sources([
        ("net = host0\n", OriginKind::Operator),
        ("suffix _vm1\n", provider.clone()),
    ]);
    let other = of_sources([
        ("net = host0\n", OriginKind::Operator),
        ("!zz:\n    suffix type\n!zz:\n    net = x\n", provider),
        ("all = ${nettype}\n", OriginKind::Operator),
    ]);
    assert_eq!(other.get("nettype"), Some("host0"));
    assert_eq!(other.get("all"), Some("host0"));
    for key in ["nettype", "all"] {
        assert!(other.origin(key).expect(key).is_from_provider(), "{key}");
    }
    // Alone, the suffix is not a part of the name.
    assert_eq!(variant.get("net"), Some("host0"));
}

#[test]
fn what_a_provider_wrote_too_shows_in_the_origin() {
    let provider = OriginKind::Provider("p".to_owned());
    let variant = of_sources([
        ("!zz:\n    mem = evil\n    suffix _a\n", provider),
        (
            "!zz:\n    mem = evil\n    suffix _b\nx = ${mem}\n",
            OriginKind::Operator,
        ),
    ]);
    for key in ["mem", "x"] {
        assert_eq!(variant.get(key), Some("evil"));
        assert!(variant.origin(key).expect(key).is_from_provider(), "{key}");
    }
}
