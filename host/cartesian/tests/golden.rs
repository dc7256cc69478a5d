//! Golden cases: each directory under `tests/golden` holds `in.cfg`, the sources it includes, and either `expect.txt`
//! (the variants, each value with its origins) or `error.txt` (the report of the error).
//!
//! Cases with `reference.jsonl` hold what the reference parser says instead; `tests/oracle` compares them.
//!
//! `options.txt` may hold `defaults`, `expand NAME`, and `line TEXT` for a line of the command line.
//! `UPDATE_GOLDEN=1` writes what came out instead of comparing; read the difference before it is committed.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use vthost_cartesian::{
    Config, Error, MapLoader, NoIncludes, Options, OriginKind, Source, Variant,
};

fn sources(case: &Path, below: &Path, loader: &mut MapLoader) {
    for entry in fs::read_dir(below)
        .expect("a directory")
        .map(|entry| entry.expect("an entry").path())
    {
        if entry.is_dir() {
            sources(case, &entry, loader);
        } else if entry
            .extension()
            .is_some_and(|extension| extension == "cfg")
        {
            let name = entry
                .strip_prefix(case)
                .expect("below the case")
                .to_string_lossy()
                .into_owned();
            loader.insert(name, fs::read_to_string(&entry).expect("a source"));
        }
    }
}

fn show(out: &mut String, variant: &Variant) {
    let _ = writeln!(out, "variant {}", variant.name());
    if variant.short_name() != variant.name() {
        let _ = writeln!(out, "  short name: {}", variant.short_name());
    }
    if !variant.dep().is_empty() {
        let _ = writeln!(out, "  depends on: {}", variant.dep().join(", "));
    }
    if variant.name_map().len() > 1 {
        let _ = writeln!(out, "  by file: {:?}", variant.name_map());
    }
    for (key, value, origin) in variant.entries() {
        let joined: String = origin
            .joined()
            .map(|origin| format!(" & {origin}"))
            .collect();
        let _ = writeln!(
            out,
            "  {key} = {value:?} ({} {origin}{joined})",
            origin.operator().as_str()
        );
    }
}

fn run(case: &Path) -> Result<String, Error> {
    let mut loader = MapLoader::default();
    sources(case, case, &mut loader);
    let text = fs::read_to_string(case.join("in.cfg")).expect("in.cfg");
    let mut config = Config::parse(Source::new("in.cfg", text), OriginKind::Operator, &loader)?;
    let mut options = Options::default();
    for line in fs::read_to_string(case.join("options.txt"))
        .unwrap_or_default()
        .lines()
    {
        match line.split_once(' ').unwrap_or((line, "")) {
            ("defaults", _) => options.defaults = true,
            ("expand", name) => options.expand.push(name.to_owned()),
            ("line", text) => config.extend(
                Source::new("<line>", text),
                OriginKind::CommandLine,
                &NoIncludes,
            )?,
            (other, _) => panic!("{}: unknown option {other}", case.display()),
        }
    }
    let mut out = String::new();
    for variant in config.variants_with(options) {
        show(&mut out, &variant?);
    }
    Ok(out)
}

#[test]
fn golden_cases() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut cases: Vec<PathBuf> = fs::read_dir(&root)
        .expect("cases")
        .map(|entry| entry.expect("an entry").path())
        .filter(|case| !case.join("reference.jsonl").exists())
        .collect();
    cases.sort();
    assert!(cases.len() >= 20, "the golden cases are gone");
    let mut wrong = Vec::new();
    for case in cases {
        let (file, other, found) = match run(&case) {
            Ok(text) => ("expect.txt", "error.txt", text),
            Err(error) => ("error.txt", "expect.txt", error.render()),
        };
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(case.join(file), &found).expect("writable");
            let _ = fs::remove_file(case.join(other));
            continue;
        }
        let expected = fs::read_to_string(case.join(file))
            .unwrap_or_else(|_| format!("no {file}, but {other}"));
        if expected != found {
            wrong.push(format!(
                "{}\nexpected:\n{expected}\nfound:\n{found}",
                case.display()
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n----\n"));
}
