//! The promises of the crate to those who use it: laziness, origins, bounds on hostile input, no panic.

use std::collections::BTreeSet;

use proptest::prelude::*;
use vthost_cartesian::{
    Action, Config, Count, Error, ErrorKind, JsonWriter, LintOptions, LoadError, Loader, MapLoader,
    Names, NoIncludes, Operator, Options, Origin, OriginKind, Source, Step, Variant, Variants,
    Within, lint,
};

fn config(text: &str) -> Result<Config, Error> {
    Config::parse(
        Source::new("t.cfg", text),
        OriginKind::Operator,
        &NoIncludes,
    )
}

fn variants(config: &Config) -> Vec<Variant> {
    config
        .variants()
        .collect::<Result<_, _>>()
        .expect("an expansion without errors")
}

fn names(text: &str) -> Vec<String> {
    variants(&config(text).expect(text))
        .iter()
        .map(|variant| variant.name().to_owned())
        .collect()
}

#[test]
fn what_is_shared_between_threads_can_be() {
    fn shared<T: Clone + Send + Sync + 'static>() {}
    shared::<Config>();
    shared::<Variant>();
    shared::<Error>();
    // Whoever expands in a task takes the iterators from thread to thread.
    fn sent<T: Send>() {}
    sent::<Variants<'_>>();
    sent::<Names<'_>>();
}

#[test]
fn the_expansion_is_lazy() {
    // 2^60 combinations.
    let text = "variants:\n    - a:\n    - b:\n".repeat(60);
    let config = config(&text).expect("a configuration");
    assert_eq!(config.variants().take(3).count(), 3);
}

#[test]
fn counting_multiplies_where_nothing_is_filtered() {
    let count = |text: &str, options: &Options, limit| {
        let config = config(text).expect("a configuration");
        config.count(options.clone(), limit).expect("no error")
    };
    let all = Options::default();
    let block =
        "variants:\n    - a:\n    - b:\n        variants:\n            - x:\n            - @y:\n";
    assert_eq!(
        count(&block.repeat(60), &all, None),
        Count::Exactly(3_u128.pow(60))
    );
    assert_eq!(count(&block.repeat(60), &all, Some(7)), Count::AtLeast(7));
    assert_eq!(
        count(&block.repeat(90), &all, None),
        Count::AtLeast(u128::MAX)
    );
    // A filter that only one variant of the first block can fail.
    let filtered = format!(
        "{}variants:\n    - p:\n        only a\n    - q:\n",
        block.repeat(3)
    );
    assert_eq!(count(&filtered, &all, None), Count::Exactly(27 + (27 - 8)));
    let defaults = Options {
        defaults: true,
        ..Options::default()
    };
    assert_eq!(
        count(&block.repeat(60), &defaults, None),
        Count::Exactly(2_u128.pow(60))
    );
    assert_eq!(count("join nothing\n", &all, None), Count::Exactly(0));
    assert_eq!(count("", &all, None), Count::Exactly(1));
}

#[test]
fn a_count_that_takes_too_long_is_given_up() {
    // Whether a combination passes shows only at its end.
    let mut text = "variants:\n    - a:\n    - b:\n".repeat(60);
    text.push_str("only a.b.a.a.b\n");
    let config = config(&text).expect("a configuration");
    let count = config.count(Options::default(), None).expect("no error");
    assert!(matches!(count, Count::AtLeast(_)), "{count:?}");
}

#[test]
fn filters_prune_before_they_are_complete() {
    // Without pruning, each of the 2^60 combinations below `z` would be tried.
    let mut text = "variants:\n    - a:\n    - b:\n".repeat(60);
    text.push_str("variants:\n    - z:\n        only nothing\n    - y:\n");
    let config = config(&text).expect("a configuration");
    let first = config.variants().next().expect("one").expect("no error");
    assert!(first.name().starts_with("y."));
}

#[test]
fn a_conflict_is_not_found_again_and_again() {
    // Below `z`, each of the 2^60 ways down to `c` ends with the same rejection, which has to do with `z` alone.
    let text = format!(
        "variants:\n    - c:\n        only y\n{}variants:\n    - z:\n    - y:\n",
        "variants:\n    - a:\n    - b:\n".repeat(60)
    );
    let config = config(&text).expect("a configuration");
    let first = config.variants().next().expect("one").expect("no error");
    assert!(first.name().starts_with("y."));
}

#[test]
fn a_conditional_filter_prunes_too() {
    let mut text = "variants:\n    - a:\n    - b:\n".repeat(60);
    text.push_str("variants:\n    - z:\n    - y:\nz: no z\n");
    let config = config(&text).expect("a configuration");
    let first = config.variants().next().expect("one").expect("no error");
    assert!(first.name().starts_with("y."));
}

#[test]
fn a_join_without_end_is_given_up() {
    // 2^60 combinations have `z`, none has `nothing`; and 2^60 x 0 pairs are still 2^60 attempts.
    let mut text = "variants:\n    - a:\n    - b:\n".repeat(60);
    text.push_str("variants:\n    - z:\njoin z nothing\n");
    let config = config(&text).expect("a configuration");
    let error = config
        .variants()
        .next()
        .expect("an item")
        .expect_err("no pair");
    assert_eq!(error.kind(), ErrorKind::Limit, "{error}");
}

#[test]
fn filters_speak_of_named_blocks_and_dotted_names() {
    let text = "variants ver:\n    - 14.04:\n    - 15.10:\nvariants os:\n    - 14:\n    - b:\n";
    assert_eq!(
        names(&format!("{text}only (ver=14).(ver=04)\nonly b.\n")),
        ["(os=b).(ver=14).(ver=04)"]
    );
    assert_eq!(
        names(&format!("{text}only (os=14)..( ver = 15 )\n")),
        ["(os=14).(ver=15).(ver=10)"]
    );
    assert_eq!(
        names(&format!("{text}no 14\n")),
        ["(os=b).(ver=15).(ver=10)"]
    );
}

#[test]
fn a_row_may_span_blocks() {
    let text = "variants:\n    - a:\n    - b:\nvariants:\n    - x:\n    - y:\nvariants:\n    - o:\n    - p:\n";
    assert_eq!(
        names(&format!("{text}only o.x.a, p.y\n")),
        ["o.x.a", "p.y.a", "p.y.b"]
    );
    assert_eq!(names(&format!("{text}no o.a\nonly o.y.a\n")), ["o.y.a"]);
}

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

#[test]
fn joins_are_bounded() {
    let chain = "variants:\n    - a:\njoin a\n".repeat(400);
    let mut tree = String::new();
    for at in 0..30 {
        tree.push_str(&format!(
            "variants:\n    - a{at}:\n    - b{at}:\njoin a{at} b{at}\n"
        ));
    }
    for text in [chain, tree] {
        let config = config(&text).expect("a configuration");
        let error = config
            .variants()
            .next()
            .expect("an item")
            .expect_err("too much");
        assert_eq!(error.kind(), ErrorKind::Limit, "{error}");
    }
    let many = format!("variants:\n    - a:\n{}", "join a\n".repeat(5000));
    assert_eq!(
        config(&many).expect_err("too many").kind(),
        ErrorKind::Limit
    );
    // As many combinations as they are, counting them ends.
    let mut text = "variants:\n    - x:\n    - y:\n".to_owned();
    text.push_str(&"variants:\n    - a:\n    - b:\n".repeat(20));
    text.push_str("join x y\n");
    let config = config(&text).expect("a configuration");
    let count = config.count(Options::default(), None).expect("no error");
    assert!(matches!(count, Count::AtLeast(_)), "{count:?}");
}

#[test]
fn names_and_suffixes_are_bounded() {
    let long = "x".repeat(5000);
    for text in [
        format!("{long} = 1\n"),
        format!("suffix {long}\n"),
        format!("variants:\n    - {long}:\n"),
    ] {
        assert_eq!(config(&text).expect_err("long").kind(), ErrorKind::Limit);
    }
    let keys = |count| -> String { (0..count).map(|at| format!("k{at} = 1\n")).collect() };
    for text in [
        format!("{}suffix _a\n", keys(20_000)),
        format!("{}{}", keys(1_000), "!zz:\n    suffix _a\n".repeat(2_000)),
        format!("{}{}", keys(20_000), "k.* ?+= \n".repeat(400)),
    ] {
        let config = config(&text).expect("a configuration");
        let error = config
            .variants()
            .next()
            .expect("an item")
            .expect_err("too much");
        assert_eq!(error.kind(), ErrorKind::Limit, "{error}");
    }
}

#[test]
fn a_failed_extension_changes_nothing() {
    let mut config = config("variants:\n    - a:\n").expect("a configuration");
    let bad = Source::new("<line>", "k = 1\nonly\n");
    config
        .extend(bad, OriginKind::CommandLine, &NoIncludes)
        .expect_err("a mistake");
    assert_eq!(variants(&config)[0].iter().len(), 0);
}

#[test]
fn a_copy_is_independent() {
    let config = config("variants:\n    - a:\n    - b:\n").expect("a configuration");
    let mut copy = config.clone();
    copy.extend(
        Source::new("<line>", "only a"),
        OriginKind::CommandLine,
        &NoIncludes,
    )
    .expect("valid");
    assert_eq!((variants(&config).len(), variants(&copy).len()), (2, 1));
}

#[test]
fn unknown_labels_have_suggestions() {
    let config =
        config("variants os:\n    - fedora:\n    - debian:\nonly typo\n").expect("a configuration");
    let unknown = config
        .unknown_labels("fedroa, (os=debian), (oz=fedora), typo, fedroa")
        .expect("a filter");
    let expected = [
        ("fedroa".to_owned(), vec!["fedora".to_owned()]),
        ("(oz=fedora)".to_owned(), vec!["(os=fedora)".to_owned()]),
        ("typo".to_owned(), vec![]),
    ];
    assert_eq!(unknown, expected);
    assert_eq!(
        config.labels().collect::<Vec<_>>(),
        ["(os=debian)", "(os=fedora)", "debian", "fedora"]
    );
    assert_eq!(config.blocks().collect::<Vec<_>>(), ["os"]);
    assert!(config.unknown_labels("a..,b").is_err());
}

#[test]
fn nesting_has_a_bound() {
    let conditions = format!("{}k = 1\n", "a:".repeat(100_000));
    let mut variants = String::new();
    for depth in 0..200 {
        variants.push_str(&format!(
            "{:width$}variants:\n{:width$} - a:\n",
            "",
            "",
            width = depth * 2
        ));
    }
    for text in [conditions, variants] {
        assert_eq!(
            config(&text).expect_err("too deep").kind(),
            ErrorKind::Limit
        );
    }
}

#[test]
fn includes_have_a_bound() {
    struct Doubling;
    impl Loader for Doubling {
        fn load(&self, from: &str, _: &str) -> Result<Source, LoadError> {
            Ok(Source::new(format!("{from}x"), "include a\ninclude b\n"))
        }
    }
    let source = Source::new("t.cfg", "include a\n");
    let error = Config::parse(source, OriginKind::Operator, &Doubling).expect_err("too many");
    assert_eq!(error.kind(), ErrorKind::Limit);
}

/// Includes the same text so many times.
fn many_includes(text: &str, times: usize) -> Error {
    let loader = MapLoader::new([("a.cfg", text)]);
    let source = Source::new("t.cfg", "include a.cfg\n".repeat(times));
    let error = Config::parse(source, OriginKind::Operator, &loader).expect_err("too much");
    assert_eq!(error.kind(), ErrorKind::Limit, "{error}");
    assert_eq!(error.source_name(), "a.cfg");
    error
}

#[test]
fn the_text_has_a_bound() {
    let comment = format!("{}\n", "#".repeat(1023)).repeat(1 << 10);
    let error = many_includes(&comment, 65);
    assert_eq!(error.message(), "the configuration has more than 64 MiB");
}

#[test]
fn the_statements_have_a_bound() {
    let many = "the configuration has more than 2000000 statements, with the labels in them";
    let labels = format!("only {}\n", "a ".repeat(500));
    for text in ["k=1\n".repeat(1 << 18), labels.repeat(1 << 10)] {
        assert_eq!(many_includes(&text, 10).message(), many);
    }
}

#[test]
fn patterns_have_a_bound() {
    let error = many_includes("k.* ?= 1\n", 3000);
    let message = "the patterns for keys take more than 128 MiB";
    assert_eq!(error.message(), message);
}

#[test]
fn a_line_has_a_bound() {
    for text in [
        format!("only {}\n", "a ".repeat(1 << 20)),
        format!("k = {}\n", "a".repeat(1 << 20)),
        format!("variants:\n    - a: {}\n", "b ".repeat(1 << 20)),
    ] {
        let error = config(&text).expect_err("too long");
        assert_eq!(error.kind(), ErrorKind::Limit);
        assert_eq!(error.message(), "a line of more than 1 MiB");
    }
}

#[test]
fn the_same_text_may_be_included_twice() {
    let loader = MapLoader::new([("a.cfg", "k += x\n")]);
    let source = Source::new("t.cfg", "include a.cfg\ninclude a.cfg\n");
    let config = Config::parse(source, OriginKind::Operator, &loader).expect("no cycle");
    assert_eq!(variants(&config)[0].get("k"), Some("xx"));
}

#[test]
fn a_report_shows_no_control_characters() {
    let error = config("bad \u{1b}[31m line\n").expect_err("no statement");
    assert!(!error.render().contains('\u{1b}'));
    assert!(!error.to_string().contains('\u{1b}'));
}

/// Pieces of the language, thrown together.
fn piece() -> impl Strategy<Value = String> {
    let words = [
        "variants",
        "variants:",
        "variants v:",
        "- a:",
        "- @b.c:",
        "- d: a, b",
        "only",
        "no",
        "a",
        "(v=a)",
        "b..a",
        "a.b",
        ":",
        "!",
        "k",
        " = ",
        " += ",
        " <= ",
        " ~= ",
        " ?= ",
        " ?+= ",
        " ?<= ",
        "${k}",
        "${name}",
        "\"",
        "'",
        "#",
        "//",
        "\n",
        "\n    ",
        "\n        ",
        "\n\t",
        "\r",
        "join a b",
        "suffix _x",
        "del k",
        "include x",
        "[default=a]",
        "k_max = 1",
        "k = 2M",
        "é",
        "\u{feff}",
        "@",
        "(",
        ")",
        "[",
        "]",
        ",",
        "..",
        "*",
        "\u{85}",
        "k.* ?= 1",
    ];
    prop_oneof![
        8 => prop::sample::select(words.to_vec()).prop_map(str::to_owned),
        1 => any::<String>(),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_it_panic(pieces in prop::collection::vec(piece(), 0..40)) {
        let text = pieces.concat();
        let loader = MapLoader::new([("x", "k = 1\nvariants:\n    - inc:\n")]);
        let source = Source::new("t.cfg", text);
        match Config::parse(source.clone(), OriginKind::Operator, &loader) {
            Ok(config) => {
                let mut json = JsonWriter::default();
                for variant in config.variants().take(50) {
                    match variant {
                        Ok(variant) => {
                            let value: Result<serde_json::Value, _> = serde_json::from_str(json.write(&variant));
                            prop_assert!(value.is_ok());
                            for (key, text, _) in variant.entries() {
                                let end = variant.history(key).pop().and_then(|step| step.value);
                                prop_assert_eq!(end.as_deref(), Some(text), "{}", key);
                            }
                        }
                        Err(error) => prop_assert!(!error.render().is_empty()),
                    }
                }
                let options = Options { defaults: true, ..Options::default() };
                let mut names = config.names(options.clone());
                for _ in 0..50 {
                    names.next_name();
                }
                // Whether they can say how many, or what is wrong, is not asked here.
                let _ = config.count(options, Some(1_000));
                let _ = lint(source, &loader, &LintOptions::default());
            }
            Err(error) => prop_assert!(error.line() > 0 && error.render().contains('^')),
        }
    }

    /// Pruning must not change what is left: the filter at the end of the text, checked early, against the names of
    /// all variants, checked by hand.
    #[test]
    fn pruning_is_invisible(first in "[abx]", second in "[abx]", third in "[xyo]", joint in "(\\.|\\.\\.|, )", keep: bool) {
        let text = "variants:\n    - a:\n    - b:\n        variants:\n            - x:\n            - y:\nvariants:\n    - x:\n    - y:\nvariants:\n    - o:\n    - a:\n";
        let filter = format!("{first}{joint}{second}..{third}");
        let all = names(text);
        let kept: BTreeSet<String> = all.iter().filter(|name| {
            let labels: Vec<&str> = name.split('.').collect();
            let has = |label: &str| labels.contains(&label);
            let rows = |pair: bool| pair && has(&third);
            let matches = match joint.as_str() {
                "." => rows(labels.windows(2).any(|pair| pair == [first.as_str(), second.as_str()])),
                ".." => rows(has(&first) && has(&second)),
                _ => has(&first) || rows(has(&second)),
            };
            matches == keep
        }).cloned().collect();
        let word = if keep { "only" } else { "no" };
        let found: BTreeSet<String> = names(&format!("{text}{word} {filter}\n")).into_iter().collect();
        prop_assert_eq!(found, kept, "{} {}", word, filter);
    }
}
