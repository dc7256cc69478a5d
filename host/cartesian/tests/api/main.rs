//! The promises of the crate to those who use it: laziness, origins, bounds on hostile input, no panic.

mod bounds;
mod origins;
mod parts;

use std::collections::BTreeSet;

use proptest::prelude::*;
use vthost_cartesian::{
    Config, Error, JsonWriter, LintOptions, MapLoader, Names, NoIncludes, Options, OriginKind,
    Source, Variant, Variants, lint,
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
