//! The golden corpus of the reference parser: every case with its real output. The corpus is not part of the
//! repository; where it is absent the test says so and passes.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::Value;
use vthost_cartesian::{
    Config, Error, MapLoader, NoIncludes, Options, OriginKind, Source, Variant,
};

/// Cases where this engine answers otherwise, and why.
const DEVIATIONS: &[(&str, &str)] = &[
    ("bom", "a byte order mark is no part of the first key"),
    (
        "cond-named-1",
        "a condition on a named variant is a condition (guide: Filters), not a key `(v`",
    ),
    (
        "cond-named-3",
        "a negated condition on a named variant is a condition, not a key `!(v`",
    ),
    (
        "subst",
        "an undefined `${x}` does not stop the substitutions after it",
    ),
    (
        "meta-before-name",
        "the name after `[default=a]` is the name of the block, not a Python class",
    ),
];

fn text(case: &Value, key: &str) -> String {
    case[key].as_str().unwrap_or_default().to_owned()
}

fn words(case: &Value, key: &str) -> Vec<String> {
    let items = case[key].as_array().map(Vec::as_slice).unwrap_or_default();
    items
        .iter()
        .filter_map(|item| item.as_str().map(str::to_owned))
        .collect()
}

/// The output that the reference's command line gives for these variants.
fn print(variants: &[Variant], args: &[String]) -> String {
    let has = |flag: &str| args.iter().any(|arg| arg == flag);
    if has("-r") {
        let dicts: Vec<String> = variants
            .iter()
            .map(|variant| format!("{{{}}},\n", repr(variant).join(",\n ")))
            .collect();
        return format!("[\n{}]\n", dicts.concat());
    }
    let mut out = String::new();
    for (index, variant) in variants.iter().enumerate() {
        let name = if has("-f") {
            variant.name()
        } else {
            variant.short_name()
        };
        out.push_str(&format!("dict {:4}:  {name}\n", index + 1));
        if has("-c") {
            for (key, value) in keys(variant) {
                out.push_str(&format!("    {key} = {value}\n"));
            }
        }
    }
    out
}

fn map_repr(map: &[(&str, String)]) -> String {
    let items: Vec<String> = map
        .iter()
        .map(|(file, name)| format!("'{file}': '{name}'"))
        .collect();
    format!("{{{}}}", items.join(", "))
}

fn keys(variant: &Variant) -> BTreeMap<String, String> {
    let mut keys: BTreeMap<String, String> = variant
        .iter()
        .map(|(k, v)| (k.to_owned(), v.to_owned()))
        .collect();
    keys.insert("name".to_owned(), variant.name().to_owned());
    keys.insert("shortname".to_owned(), variant.short_name().to_owned());
    let dep: Vec<String> = variant
        .dep()
        .iter()
        .map(|name| format!("'{name}'"))
        .collect();
    keys.insert("dep".to_owned(), format!("[{}]", dep.join(", ")));
    for (key, map) in [
        ("_name_map_file", variant.name_map()),
        ("_short_name_map_file", variant.short_name_map()),
    ] {
        if !map.is_empty() {
            keys.insert(key.to_owned(), map_repr(&map));
        }
    }
    keys
}

fn repr(variant: &Variant) -> Vec<String> {
    let structured = ["dep", "_name_map_file", "_short_name_map_file"];
    let item = |(key, value): (String, String)| match structured.contains(&key.as_str()) {
        true => format!("'{key}': {value}"),
        false => format!("'{key}': '{value}'"),
    };
    keys(variant).into_iter().map(item).collect()
}

fn run(case: &Value) -> Result<String, Error> {
    let files = case["files"].as_object().cloned().unwrap_or_default();
    let mut loader = MapLoader::new(
        files
            .into_iter()
            .map(|(name, text)| (name, text.as_str().unwrap_or_default().to_owned())),
    );
    loader.insert("t.cfg", text(case, "text"));
    let mut config = Config::parse(
        Source::new("t.cfg", text(case, "text")),
        OriginKind::Operator,
        &loader,
    )?;
    for line in words(case, "extra") {
        config.extend(
            Source::new("<string>", line),
            OriginKind::CommandLine,
            &NoIncludes,
        )?;
    }
    let args = words(case, "args");
    let expand = args
        .iter()
        .skip_while(|arg| *arg != "-e")
        .nth(1)
        .cloned()
        .unwrap_or_default();
    let options = Options {
        defaults: args.iter().any(|arg| arg == "-d"),
        expand: expand
            .split([',', ' '])
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect(),
    };
    let variants: Vec<Variant> = config.variants_with(options).collect::<Result<_, _>>()?;
    Ok(print(&variants, &args))
}

/// Does the message of the reference say where the mistake is? Some have no line, or line -1.
fn has_place(message: &str) -> bool {
    [".cfg:", "<string>:"]
        .iter()
        .any(|mark| message.contains(mark))
        && !message.contains(":-1)")
}

#[test]
fn the_golden_corpus() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/corpus/cartesian-golden.json");
    let Ok(corpus) = std::fs::read_to_string(&path) else {
        println!("skipped: no corpus at {}", path.display());
        return;
    };
    let cases: Vec<Value> = serde_json::from_str(&corpus).expect("the corpus is JSON");
    let mut wrong = Vec::new();
    let mut passed = 0;
    for case in &cases {
        let name = text(case, "name");
        let fails = case["rc"].as_i64() != Some(0);
        let equal = match run(case) {
            Ok(out) => !fails && out == text(case, "out"),
            Err(error) => {
                assert!(
                    error.line() > 0 && error.column() > 0 && !error.source_name().is_empty(),
                    "{name}: {error}"
                );
                let place = format!("({}:{})", error.source_name(), error.line());
                fails && (text(case, "err").contains(&place) || !has_place(&text(case, "err")))
            }
        };
        let deviation = DEVIATIONS.iter().find(|(deviating, _)| *deviating == name);
        match (equal, deviation) {
            (true, None) => passed += 1,
            (false, Some(_)) => {}
            (true, Some((_, why))) => {
                wrong.push(format!("{name}: listed as a deviation ({why}), but equal"));
            }
            (false, None) => wrong.push(format!(
                "{name}:\n{}\nexpected (rc {}):\n{}\ngot:\n{}",
                text(case, "text"),
                case["rc"],
                text(case, "out"),
                run(case).unwrap_or_else(|error| error.render()),
            )),
        }
    }
    println!(
        "{passed} of {} cases equal, {} deviate as listed",
        cases.len(),
        DEVIATIONS.len()
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n----\n"));
}
