//! This engine against the reference parser: random configurations, and what was found with them.
//!
//! Two tests need nothing but this crate: the recorded sample, and the recorded disagreements in `tests/golden`. The
//! comparison itself runs by `cargo xtask oracle`, which installs the reference.

mod case;
mod construct;
mod dice;
mod generate;
mod reference;
mod shrink;
mod statements;
mod words;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use case::{Case, EXPECTED, MAX_VARIANTS, Outcome};
use construct::{Construct, PENDING};
use generate::generate;
use reference::Reference;

/// The seed of the recorded sample.
const SAMPLE_SEED: u64 = 113;
/// How many configurations the sample has, and how long the line of one may be.
const SAMPLE_SIZE: usize = 200;
const SAMPLE_LINE: usize = 2500;

fn tests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn number(name: &str, default: u64) -> u64 {
    variable(name).map_or(default, |text| {
        text.parse()
            .unwrap_or_else(|_| panic!("{name} is no number: {text}"))
    })
}

/// The Python that has the reference: `cargo xtask oracle` says which.
fn python() -> PathBuf {
    variable("VTHOST_ORACLE_PYTHON")
        .expect("run this by `cargo xtask oracle`")
        .into()
}

/// The constructs to leave out: those known to be read otherwise, unless all are asked for, and those named.
fn left_out() -> Vec<Construct> {
    let named = variable("VTHOST_ORACLE_WITHOUT").unwrap_or_default();
    let named = named
        .split(',')
        .filter(|name| !name.is_empty())
        .map(construct::by_name);
    let pending: &[Construct] = if variable("VTHOST_ORACLE_ALL").is_some() {
        &[]
    } else {
        PENDING
    };
    pending.iter().copied().chain(named).collect()
}

/// What is wrong, in so many words as do not change while a case shrinks.
fn kind(ours: &Outcome, theirs: &Outcome) -> String {
    let kind = |outcome: &Outcome| match outcome {
        Outcome::Variants(_) => "variants".to_owned(),
        // The kind of ours and its message; of the reference's the exception only, as the rest shows the line.
        Outcome::Error(text) => match text.split(": ").collect::<Vec<_>>()[..] {
            [kind, place, message, ..] if place.ends_with(|c: char| c.is_ascii_digit()) => {
                format!("{kind} {message}")
            }
            [kind, ..] => kind.to_owned(),
            [] => String::new(),
        },
        Outcome::Unbounded => "unbounded".to_owned(),
    };
    format!("we: {}, the reference: {}", kind(ours), kind(theirs))
}

/// The smallest case with the same disagreement.
fn minimal(case: Case, reference: &mut Reference) -> Case {
    let wrong = kind(&case.expand_here(), &reference.expand(&case));
    shrink::shrink(case, |smaller| {
        let (ours, theirs) = (smaller.expand_here(), reference.expand(smaller));
        !smaller.agree(&ours, &theirs) && kind(&ours, &theirs) == wrong
    })
}

fn report(case: &Case, ours: &Outcome, theirs: &Outcome) -> String {
    let show = |outcome: &Outcome| match outcome {
        Outcome::Error(text) => format!("error: {text}\n"),
        other => other.to_lines(),
    };
    let mut out = String::new();
    for (path, text) in &case.files {
        out.push_str(&format!("--- {path}\n{text}"));
    }
    for line in &case.lines {
        out.push_str(&format!("--- command line: {line}\n"));
    }
    if case.defaults {
        out.push_str(&format!("--- defaults, without {:?}\n", case.expand));
    }
    format!(
        "{out}--- the reference\n{}--- this engine\n{}",
        show(theirs),
        show(ours)
    )
}

#[test]
#[ignore = "needs the reference: `cargo xtask oracle`"]
fn random_configurations() {
    let mut reference = Reference::start(&python());
    let configs = number("VTHOST_ORACLE_CONFIGS", 20_000);
    let seed = number("VTHOST_ORACLE_SEED", 1);
    let found = variable("VTHOST_ORACLE_FOUND").map(PathBuf::from);
    let mut left = number("VTHOST_ORACLE_MAX_FOUND", 1);
    let without = left_out();
    let (mut compared, mut errors, mut variants, mut index) = (0, 0, 0, 0);
    while compared < configs {
        let case = generate(seed, index, &without);
        index += 1;
        let (ours, theirs) = (case.expand_here(), reference.expand(&case));
        match &theirs {
            Outcome::Unbounded => continue,
            Outcome::Variants(all) => variants += all.len(),
            Outcome::Error(_) => errors += 1,
        }
        compared += 1;
        if compared % 2000 == 0 {
            eprintln!("{compared:>12} configurations, {variants} variants, {errors} errors");
        }
        if case.agree(&ours, &theirs) {
            continue;
        }
        let original = case.clone();
        let case = minimal(case, &mut reference);
        let (ours, theirs) = (case.expand_here(), reference.expand(&case));
        eprintln!(
            "configuration {} of seed {seed}, made small:\n{}",
            index - 1,
            report(&case, &ours, &theirs)
        );
        if let Some(found) = &found {
            let directory = found.join(format!("{seed}-{}", index - 1));
            case.write(&directory).expect("a case can be written");
            // What is small may disagree for another reason.
            let whole = directory.join("original");
            original.write(&whole).expect("a case can be written");
            fs::write(directory.join(EXPECTED), theirs.to_lines()).expect("writable");
        }
        left -= 1;
        assert!(left > 0, "disagreement");
    }
    assert_eq!(left, number("VTHOST_ORACLE_MAX_FOUND", 1), "disagreements");
    println!("{compared} configurations agree, of at most {MAX_VARIANTS} variants each");
}

/// The directories of `tests/golden` that hold what the reference says.
fn recorded_cases() -> Vec<PathBuf> {
    let mut directories: Vec<PathBuf> = fs::read_dir(tests().join("golden"))
        .expect("cases")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.join(EXPECTED).exists())
        .collect();
    directories.sort();
    directories
}

#[test]
#[ignore = "needs the reference: `cargo xtask oracle --record`"]
fn record() {
    let mut reference = Reference::start(&python());
    for directory in recorded_cases() {
        let expected = reference.expand(&Case::read(&directory).expect("a case"));
        fs::write(directory.join(EXPECTED), expected.to_lines()).expect("writable");
    }
    let mut lines = Vec::new();
    for index in 0.. {
        let case = generate(SAMPLE_SEED, index, &left_out());
        let expected = match reference.expand(&case) {
            Outcome::Variants(variants) => json!(variants),
            // Few of them are enough.
            Outcome::Error(_) if index % 4 == 0 => json!("error"),
            _ => continue,
        };
        let line = json!({"case": case.to_json(), "expected": expected}).to_string();
        // The short ones are the readable ones; one without variants says little.
        if line.len() <= SAMPLE_LINE && expected != json!([]) {
            lines.push(line + "\n");
        }
        if lines.len() == SAMPLE_SIZE {
            break;
        }
    }
    fs::write(tests().join("oracle/sample.jsonl"), lines.concat()).expect("writable");
}

#[test]
fn the_recorded_sample() {
    let text = fs::read_to_string(tests().join("oracle/sample.jsonl")).expect("the sample");
    let mut wrong = Vec::new();
    for line in text.lines() {
        let line: Value = serde_json::from_str(line).expect("a line of the sample is JSON");
        let case = Case::from_json(&line["case"]);
        let theirs = match line["expected"].as_array() {
            Some(variants) => Outcome::Variants(variants.clone()),
            None => Outcome::Error("recorded".to_owned()),
        };
        let ours = case.expand_here();
        if !case.agree(&ours, &theirs) {
            wrong.push(report(&case, &ours, &theirs));
        }
    }
    assert_eq!(text.lines().count(), SAMPLE_SIZE, "the sample is gone");
    assert!(
        wrong.is_empty(),
        "{} are wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn the_recorded_disagreements() {
    let mut wrong = Vec::new();
    for directory in recorded_cases() {
        let case = Case::read(&directory).expect("a case");
        let theirs = fs::read_to_string(directory.join(EXPECTED)).expect("just seen");
        let (ours, theirs) = (case.expand_here(), Outcome::from_lines(&theirs));
        if !case.agree(&ours, &theirs) {
            wrong.push(format!(
                "{}\n{}",
                directory.display(),
                report(&case, &ours, &theirs)
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} are wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}
