//! Sources that are put together from others.

use vthost_cartesian::{Config, LoadError, Loader, NoIncludes, OriginKind, Part, Source};

/// Two lines of glue, then what stands in a pack's file from line 7, two levels deeper.
fn put_together(body: &str) -> Source {
    let part = |line, name: &str, first, indent, kind| Part {
        line,
        name: name.into(),
        first,
        indent,
        kind,
    };
    Source {
        parts: vec![
            part(1, "made.cfg", 1, 0, None),
            part(
                3,
                "pack/a.cfg",
                7,
                8,
                Some(OriginKind::Provider("p".to_owned())),
            ),
        ],
        ..Source::new("made.cfg", format!("variants:\n    - a:\n{body}"))
    }
}

fn parse(body: &str) -> Result<Config, vthost_cartesian::Error> {
    Config::parse(put_together(body), OriginKind::Default, &NoIncludes)
}

#[test]
fn an_origin_is_where_the_line_was_written() {
    let config = parse("        x = 1\n        name = a\n        y = 2\n").unwrap();
    let variant = config.variants().next().unwrap().unwrap();
    let origin = variant.origin("y").unwrap();
    assert_eq!((origin.file(), origin.line()), ("pack/a.cfg", 9));
    assert_eq!(origin.column(), 1);
    assert!(origin.is_from_provider());
    // Names are grouped by the file that they were put together in, as the reference does.
    assert_eq!(variant.short_name_map(), [("made.cfg", "a".to_owned())]);
}

#[test]
fn a_mistake_is_where_the_line_was_written() {
    let error = parse("        x = 1\n        only a....b\n").unwrap_err();
    assert_eq!((error.source_name(), error.line()), ("pack/a.cfg", 8));
    assert!(
        error.render().contains("--> pack/a.cfg:8:11"),
        "{}",
        error.render()
    );
}

#[test]
fn an_include_is_resolved_where_it_was_written() {
    struct From;
    impl Loader for From {
        fn load(&self, from: &str, path: &str) -> Result<Source, LoadError> {
            Ok(Source::new(path, format!("from = {from}\n")))
        }
    }
    let source = put_together("        include b.cfg\n");
    let config = Config::parse(source, OriginKind::Default, &From).unwrap();
    let variant = config.variants().next().unwrap().unwrap();
    assert_eq!(variant.get("from"), Some("pack/a.cfg"));
    assert!(variant.origin("from").unwrap().is_from_provider());
}

#[test]
fn a_label_has_alternatives() {
    let text = "variants:\n    - a:\n        variants:\n            - x:\n    - b:\nvariants disk:\n    - ide:\n    - scsi:\n";
    let config = Config::parse(
        Source::new("t.cfg", text),
        OriginKind::Operator,
        &NoIncludes,
    )
    .unwrap();
    assert_eq!(config.alternatives("a"), ["a", "b"]);
    assert_eq!(
        config.alternatives("(disk=ide)"),
        ["ide", "(disk=ide)", "scsi", "(disk=scsi)"]
    );
    assert!(config.is_in_block("ide", "disk") && !config.is_in_block("a", "disk"));
    assert!(config.alternatives("x").is_empty() && config.alternatives("none").is_empty());
}
