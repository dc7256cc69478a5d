//! What no configuration can do: search, count or grow without end.

use vthost_cartesian::{
    Config, Count, Error, ErrorKind, LoadError, Loader, MapLoader, Options, OriginKind, Source,
};

use crate::config;

/// Asserts that counting what the text makes is given up in time, and does not end with a wrong number.
#[track_caller]
fn assert_count_given_up(text: &str) {
    let config = config(text).expect("a configuration");
    let count = config.count(Options::default(), None).expect("no error");
    assert!(matches!(count, Count::AtLeast(_)), "{count:?}");
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
    assert_count_given_up(&text);
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
    assert_count_given_up(&text);
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
