//! What the lints say is true: random configurations, and what the expansion makes of them.
//!
//! A filter that is said to match nothing is replaced by a condition that sets a key, and no variant may have the key.
//! A value that is said to be seen by nothing is replaced by another, and every variant must be as it was.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use vthost_cartesian::{Config, Lint, LintOptions, NoIncludes, OriginKind, Rule, Source, lint};

/// The key that a variant gets if a filter matches.
const MARK: &str = "marked";

/// Variants that are looked at: a `join` makes many.
const MAX_VARIANTS: usize = 1_000;

/// Lines, each with how deep it stands.
type Lines = Vec<(usize, String)>;

fn label() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => select(vec!["a", "b", "c", "d", "e", "f"]).prop_map(str::to_owned),
        2 => select(vec!["(p=a)", "(p=b)", "(k=c)", "(q=d)"]).prop_map(str::to_owned),
    ]
}

fn filter() -> impl Strategy<Value = String> {
    let alternative =
        (label(), vec((select(vec![".", ".."]), label()), 0..3)).prop_map(|(first, others)| {
            let others = others
                .into_iter()
                .flat_map(|(joint, label)| [joint.to_owned(), label]);
            std::iter::once(first).chain(others).collect::<String>()
        });
    vec(alternative, 1..3).prop_map(|alternatives| alternatives.join(", "))
}

/// A statement that opens no block.
fn line() -> impl Strategy<Value = Lines> {
    let key = || select(vec!["k", "l", "kl", "p", "k_s"]);
    let value = select(vec!["1", "2", "${k}", "${l}x", "${k_s}", "${name}"]);
    let operator = select(vec!["=", "=", "=", "=", "=", "+=", "<=", "~=", "?="]);
    let line = prop_oneof![
        8 => (key(), operator, value).prop_map(|(key, op, value)| format!("{key} {op} {value}")),
        1 => key().prop_map(|key| format!("del {key}")),
        1 => select(vec!["k.* ?= 3", ".* ?+= 4", "l|p ?<= 5"]).prop_map(str::to_owned),
        2 => (select(vec!["only", "no"]), filter()).prop_map(|(word, of)| format!("{word} {of}")),
        1 => select(vec!["suffix _s", "suffix _t"]).prop_map(str::to_owned),
    ];
    line.prop_map(|line| vec![(0, line)])
}

/// A line, and what stands below it.
fn below(head: String, body: Vec<Lines>) -> Lines {
    let body = body.into_iter().flatten();
    let body = body.map(|(depth, line)| (depth + 1, line));
    std::iter::once((0, head)).chain(body).collect()
}

fn condition() -> impl Strategy<Value = Lines> {
    line().prop_recursive(2, 12, 3, |inner| {
        (select(vec!["", "", "!"]), filter(), vec(inner, 1..4))
            .prop_map(|(not, filter, body)| below(format!("{not}{filter}:"), body))
    })
}

/// The statements of a configuration, with at most so many blocks of variants.
fn config(blocks: usize) -> impl Strategy<Value = Lines> {
    let stmt = prop_oneof![2 => line(), 3 => condition()];
    let stmt = stmt.prop_recursive(3, 60, 5, |inner| {
        let names = select(vec!["a", "b", "c", "d", "e", "f", "a.b", "c.d", "@e"]);
        let choice =
            (names, vec(inner, 0..4)).prop_map(|(name, body)| below(format!("- {name}:"), body));
        let head = select(vec![
            "variants:",
            "variants:",
            "variants p:",
            "variants k:",
            "variants q:",
        ]);
        let variants =
            (head, vec(choice, 1..4)).prop_map(|(head, choices)| below(head.to_owned(), choices));
        // Two together, so that there is something that does not exclude each other.
        vec(variants, 1..3).prop_map(|both| both.concat())
    });
    vec(stmt, 1..6).prop_map(move |stmts| with_blocks(&stmts.concat(), blocks))
}

/// The lines without all but so many blocks of variants.
fn with_blocks(lines: &[(usize, String)], mut blocks: usize) -> Lines {
    let mut kept = Lines::new();
    let mut lines = lines;
    while let Some(((depth, line), rest)) = lines.split_first() {
        lines = rest;
        if !line.starts_with("variants") {
            kept.push((*depth, line.clone()));
        } else if blocks > 0 {
            blocks -= 1;
            kept.push((*depth, line.clone()));
        } else {
            let inner = rest.iter().take_while(|(below, _)| below > depth).count();
            lines = &rest[inner..];
        }
    }
    kept
}

/// The same with a `join` somewhere between variants.
fn config_with_join() -> impl Strategy<Value = Lines> {
    (config(3), filter(), config(2)).prop_map(|(before, filter, after)| {
        [before, vec![(0, format!("join {filter}"))], after].concat()
    })
}

fn text(lines: &[(usize, String)]) -> String {
    let lines = lines.iter();
    lines
        .map(|(depth, line)| format!("{}{line}\n", "    ".repeat(*depth)))
        .collect()
}

fn found(lines: &[(usize, String)]) -> Vec<Lint> {
    let source = Source::new("t.cfg", text(lines));
    lint(source, &NoIncludes, &LintOptions::default()).expect("a configuration")
}

/// Names and keys of all variants; nothing if there is a mistake that only the expansion finds.
fn expanded(lines: &[(usize, String)]) -> Option<Vec<Vec<(String, String)>>> {
    let source = Source::new("t.cfg", text(lines));
    let config = Config::parse(source, OriginKind::Operator, &NoIncludes).expect("a configuration");
    let variants = config.variants().take(MAX_VARIANTS).map(|variant| {
        let variant = variant.ok()?;
        let name = [("name".to_owned(), variant.name().to_owned())];
        let keys = variant
            .iter()
            .map(|(key, value)| (key.to_owned(), value.to_owned()));
        Some(name.into_iter().chain(keys).collect())
    });
    variants.collect()
}

/// The filter of a statement, and where it starts in the line.
fn filter_of(stmt: &str) -> (usize, &str) {
    let words = ["only ", "no ", "join ", "!"];
    let start = words
        .iter()
        .find(|word| stmt.starts_with(**word))
        .map_or(0, |word| word.len());
    (start, stmt[start..].trim_end_matches(':'))
}

/// The alternative that the finding points to.
fn alternative<'l>(lint: &Lint, depth: usize, stmt: &'l str) -> &'l str {
    let (mut start, filter) = filter_of(stmt);
    let column = lint.column() as usize - 1 - depth * 4;
    for alternative in filter.split(", ") {
        if column < start + alternative.len() {
            return alternative;
        }
        start += alternative.len() + 2;
    }
    panic!("{lint:?} points to nothing")
}

/// The configuration with a condition in place of the statement that the finding is about: if the finding is right, the
/// condition never holds.
fn with_mark(lint: &Lint, lines: &[(usize, String)]) -> Lines {
    let at = lint.line() as usize - 1;
    let (depth, stmt) = &lines[at];
    let depth = *depth;
    let (_, filter) = filter_of(stmt);
    let matches = |filter: &str| {
        [
            (depth, format!("{filter}:")),
            (depth + 1, format!("{MARK} = 1")),
        ]
    };
    // What stands below the statement goes with it.
    let inner = lines[at + 1..]
        .iter()
        .take_while(|(below, _)| *below > depth)
        .count();
    let mut marked: Lines = Vec::new();
    let is_filter = |stmt: &str| stmt.starts_with("only ") || stmt.starts_with("no ");
    let everywhere = matches!(
        lint.rule(),
        Rule::UnknownLabel | Rule::ImpossibleCombination
    );
    // Filters that the finding does not rely on.
    let is_kept =
        |(depth, stmt): &&(usize, String)| !is_filter(stmt) || (*depth > 0 && !everywhere);
    marked.extend(lines[..at].iter().filter(is_kept).cloned());
    match lint.message() {
        "this filter leaves nothing" if stmt.starts_with("no ") => {
            marked.extend(matches(&format!("!{filter}")));
        }
        "this condition never holds" if stmt.starts_with('!') => {
            marked.extend(matches(&format!("!{filter}")));
        }
        "this filter leaves nothing"
        | "this filter rejects nothing"
        | "this condition never holds"
        | "this condition always holds"
        | "there is nothing to join" => marked.extend(matches(filter)),
        _ => marked.extend(matches(alternative(lint, depth, stmt))),
    }
    marked.extend(lines[at + 1 + inner..].iter().filter(is_kept).cloned());
    if everywhere {
        // It holds wherever the filter stands.
        let mark = matches(alternative(lint, depth, stmt));
        marked.extend(mark.map(|(below, line)| (below - depth, line)));
    }
    marked
}

fn check_filters(lines: &Lines) -> Result<(), TestCaseError> {
    for lint in found(lines) {
        if !matches!(
            lint.rule(),
            Rule::UnknownLabel | Rule::ImpossibleCombination | Rule::UnreachableCondition
        ) {
            continue;
        }
        let marked = with_mark(&lint, lines);
        let Some(variants) = expanded(&marked) else {
            continue;
        };
        let is_marked = variants
            .iter()
            .flatten()
            .any(|(key, _)| key.starts_with(MARK));
        prop_assert!(
            !is_marked,
            "{}\n{}\n{}",
            text(lines),
            lint.render(),
            text(&marked)
        );
    }
    Ok(())
}

fn check_values(lines: &Lines) -> Result<(), TestCaseError> {
    let Some(before) = expanded(lines) else {
        return Ok(());
    };
    for lint in found(lines) {
        let at = lint.line() as usize - 1;
        let mut changed = lines.clone();
        match lint.rule() {
            Rule::OverriddenAssignment => {
                let (key, _) = lines[at].1.split_once(" = ").expect("an assignment");
                changed[at].1 = format!("{key} = something else");
            }
            Rule::UselessDel => changed[at].1 = "untouched = 1".to_owned(),
            _ => continue,
        }
        let mut after = expanded(&changed);
        for variant in after.iter_mut().flatten() {
            variant.retain(|(key, _)| !key.starts_with("untouched"));
        }
        prop_assert_eq!(
            after.as_ref(),
            Some(&before),
            "{}\n{}",
            text(lines),
            lint.render()
        );
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn filters_said_to_match_nothing_match_nothing(lines in config(5)) {
        check_filters(&lines)?;
    }

    #[test]
    fn values_said_to_be_unseen_are_unseen(lines in config(5)) {
        check_values(&lines)?;
    }

    #[test]
    fn joins_change_nothing_of_it(lines in config_with_join()) {
        check_filters(&lines)?;
        check_values(&lines)?;
    }
}
