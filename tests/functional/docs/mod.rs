//! The pages for users in `docs/`: each command is run, and must print what stands below it.
//!
//! A page is one reader, who goes through it from top to bottom in a home of its own. There, `vthost` is the one that is
//! tested, `tp-qemu.wasm` lies in the home, the default guest has its image, and what is fetched by https comes from a
//! directory.
//!
//! A block of commands is a `console` fence. Below a command stands what it prints, standard output and standard error
//! together; `...` on a line of its own stands for any lines. A command with nothing below it has to succeed, whatever
//! it prints. Comments before a fence, which no renderer shows, are for this test:
//!
//! | comment | effect |
//! |---|---|
//! | `<!-- exit: 4 -->` | the exit code of each of its commands; 0 without it |
//! | `<!-- not run: why -->` | it cannot be run in a test. [`NOT_RUN`] counts them |
//! | `<!-- file: PATH -->` | the fence is written to that file |
//! | `<!-- before: COMMAND -->` | is run in the shell first: what the reader has done by other means |
//!
//! `UPDATE_DOCS=1` writes what was printed into the pages instead of comparing; read the difference before it is
//! committed.

mod links;
mod page;
mod place;

use std::fs;
use std::path::{Path, PathBuf};

use page::{Page, Shown, Step};
use place::Place;
use regex::Regex;

/// The pages whose commands are run.
const PAGES: [&str; 11] = [
    "README.md",
    "docs/src/getting-started.md",
    "docs/src/bootstrap.md",
    "docs/src/guests.md",
    "docs/src/providers.md",
    "docs/src/listing.md",
    "docs/src/packs.md",
    "docs/src/first-test.md",
    "docs/src/config-set.md",
    "docs/src/settings.md",
    "docs/src/sandbox.md",
];

/// Pages with commands that nobody runs here: those of developers, and those that tests of their own hold.
const OTHERS: [&str; 4] = [
    "docs/src/cartesian-command.md",
    "docs/src/cartesian.md",
    "docs/src/development.md",
    "docs/src/guest-image.md",
];

/// So many blocks of commands cannot be run in a test.
const NOT_RUN: usize = 2;

/// The variable that has the pages rewritten.
const UPDATE: &str = "UPDATE_DOCS";

/// What differs from run to run, and what stands for it when outputs are compared.
const CHANGING: [(&str, &str); 8] = [
    (r"[0-9]+\.[0-9]+ s\b", "TIME"),
    (r"job-[0-9-]+T[0-9.]+-[0-9a-f]{7}", "JOB"),
    (r"SHA256:[A-Za-z0-9+/]{43}", "FINGERPRINT"),
    (r"\b[0-9a-f]{12,64}\b", "ID"),
    (r"\b[0-9][0-9.,]* (bytes|KiB|MiB|GiB)\b", "SIZE"),
    (r"HostCpuFamily\.[^(]*\.Host_arch_[a-z0-9_]+", "HOST"),
    (r"configuration set: [0-9]+ files", "SET"),
    // Columns are as wide as what stands in them.
    (r" +", " "),
];

/// Goes through a page as its reader.
fn follow(name: &str) {
    let page = Page::read(name);
    let place = Place::new();
    let mut wrong = String::new();
    let mut edits = Vec::new();
    for step in &page.steps {
        match step {
            Step::Write { path, text } => place.write(path, text),
            Step::Before(line) => {
                let (code, printed) = place.run(line);
                assert_eq!(code, 0, "{name}: {line}: {printed}");
            }
            Step::Block(block) => {
                for shown in &block.commands {
                    let (code, printed) = place.run(&shown.command);
                    let at = format!("{name}:{}: $ {}", shown.line, shown.command);
                    if code != block.exit {
                        wrong +=
                            &format!("{at}\nexit code {code}, not {}\n{printed}\n", block.exit);
                    } else if !shown.output.is_empty() && !matches(shown, &printed) {
                        edits.push((shown, printed));
                    }
                }
            }
            Step::NotRun(why) => println!("not run: {why}"),
        }
    }
    if std::env::var_os(UPDATE).is_some() {
        update(&page, &edits);
    } else {
        for (shown, printed) in edits {
            wrong += &format!(
                "{name}:{}: $ {}\nprints\n{printed}\n",
                shown.line, shown.command
            );
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

/// Whether what was printed is what is shown.
fn matches(shown: &Shown, printed: &str) -> bool {
    let shown: Vec<String> = shown.output.iter().map(|line| plain(line)).collect();
    let printed: Vec<String> = printed.lines().map(plain).collect();
    fits(&shown, &printed)
}

/// A line without what differs from run to run.
fn plain(line: &str) -> String {
    CHANGING
        .iter()
        .fold(line.trim_end().to_owned(), |line, (pattern, word)| {
            let pattern = Regex::new(pattern).unwrap();
            pattern.replace_all(&line, *word).into_owned()
        })
}

/// Whether lines fit a pattern of lines, of which `...` stands for any number.
fn fits(pattern: &[String], lines: &[String]) -> bool {
    match pattern.split_first() {
        None => lines.is_empty(),
        Some((first, rest)) if first.trim() == "..." => {
            (0..=lines.len()).any(|skipped| fits(rest, &lines[skipped..]))
        }
        Some((first, rest)) => lines
            .split_first()
            .is_some_and(|(line, lines)| line == first && fits(rest, lines)),
    }
}

/// Puts what was printed in the place of what is shown.
fn update(page: &Page, edits: &[(&Shown, String)]) {
    let mut lines = page.lines.clone();
    for (shown, printed) in edits.iter().rev() {
        let command = &page.lines[shown.line - 1];
        let indent = &command[..command.len() - command.trim_start().len()];
        let printed = printed
            .lines()
            .map(|line| format!("{indent}{line}").trim_end().to_owned());
        lines.splice(shown.lines.clone(), printed);
    }
    fs::write(&page.path, lines.join("\n") + "\n").unwrap();
}

#[test]
fn lines_fit_a_pattern() {
    let fit = |pattern: &str, lines: &str| {
        let split = |text: &str| text.lines().map(plain).collect::<Vec<_>>();
        fits(&split(pattern), &split(lines))
    };
    assert!(fit("a\n...\nd", "a\nb\nc\nd"));
    assert!(fit("...", "") && fit("a\n...", "a"));
    assert!(!fit("a", "a\nb") && !fit("a\nb", "a") && !fit("...\nb", "a"));
    assert!(fit("x: PASS (4.15 s)", "x:  PASS (12.00 s)"));
    assert!(!fit("x: PASS (4.15 s)", "x: FAIL (4.15 s)"));
}

/// No command is forgotten: every page with one is here, and few of them are not run.
#[test]
fn every_page_with_commands_is_known() {
    let mut not_run = 0;
    let mut run = 0;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let listed = markdown(&root.join("docs/src"));
    let names = listed.iter().map(|path| path.strip_prefix(&root).unwrap());
    for name in names
        .map(|name| name.to_str().unwrap())
        .chain(["README.md"])
    {
        let page = Page::read(name);
        let commands = |step: &&Step| matches!(step, Step::Block(_) | Step::NotRun(_));
        let count = page.steps.iter().filter(commands).count();
        let known = PAGES.contains(&name) || OTHERS.contains(&name);
        assert!(count == 0 || known, "{name} has commands that nobody runs");
        if PAGES.contains(&name) {
            let skipped = page
                .steps
                .iter()
                .filter(|step| matches!(step, Step::NotRun(_)));
            let skipped = skipped.count();
            not_run += skipped;
            run += count - skipped;
        }
    }
    assert_eq!(not_run, NOT_RUN);
    assert!(run > 30, "{run}");
}

#[test]
fn links_lead_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut pages = markdown(&root.join("docs/src"));
    // It is included by a page that is a directory higher, and its links are of that page.
    pages.retain(|page| !page.ends_with("measured/cartesian.md"));
    pages.push(root.join("README.md"));
    let broken: Vec<_> = pages.iter().flat_map(|page| links::broken(page)).collect();
    assert!(broken.is_empty(), "{broken:#?}");
}

/// The pages below a directory.
fn markdown(dir: &Path) -> Vec<PathBuf> {
    let mut pages = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            pages.extend(markdown(&path));
        } else if path.extension().is_some_and(|ending| ending == "md") {
            pages.push(path);
        }
    }
    pages
}

#[test]
fn readme() {
    follow("README.md");
}

#[test]
fn getting_started() {
    follow("docs/src/getting-started.md");
}

#[test]
fn bootstrap() {
    follow("docs/src/bootstrap.md");
}

#[test]
fn guests() {
    follow("docs/src/guests.md");
}

#[test]
fn providers() {
    follow("docs/src/providers.md");
}

#[test]
fn listing() {
    follow("docs/src/listing.md");
}

#[test]
fn packs() {
    follow("docs/src/packs.md");
}

#[test]
fn first_test() {
    follow("docs/src/first-test.md");
}

#[test]
fn config_set() {
    follow("docs/src/config-set.md");
}

#[test]
fn sandbox() {
    follow("docs/src/sandbox.md");
}

#[test]
fn settings() {
    follow("docs/src/settings.md");
}
