//! One configuration with the way it is expanded, and what comes out.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use vthost_cartesian::{
    Config, Error, MapLoader, NoIncludes, Options, OriginKind, Source, Variant,
};

/// The main file of every case.
pub(crate) const MAIN: &str = "in.cfg";
/// What the reference makes of a case of `tests/golden`: a variant a line, or `error`.
pub(crate) const EXPECTED: &str = "reference.jsonl";
/// More variants than this are not compared.
pub(crate) const MAX_VARIANTS: usize = 400;

/// A configuration and how to expand it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Case {
    /// Texts by path; [`MAIN`] is among them.
    pub(crate) files: BTreeMap<String, String>,
    /// Lines of the command line.
    pub(crate) lines: Vec<String>,
    pub(crate) defaults: bool,
    pub(crate) expand: Vec<String>,
}

/// What a parser makes of a case.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Outcome {
    Variants(Vec<Value>),
    Error(String),
    /// Too many variants, or too long.
    Unbounded,
}

impl Outcome {
    /// The lines of [`EXPECTED`].
    pub(crate) fn to_lines(&self) -> String {
        match self {
            Self::Variants(variants) => variants
                .iter()
                .map(|variant| format!("{variant}\n"))
                .collect(),
            Self::Error(_) => "error\n".to_owned(),
            Self::Unbounded => "unbounded\n".to_owned(),
        }
    }

    pub(crate) fn from_lines(text: &str) -> Self {
        match text {
            "error\n" => Self::Error(String::new()),
            "unbounded\n" => Self::Unbounded,
            text => Self::Variants(
                text.lines()
                    .map(|line| serde_json::from_str(line).expect("a variant is JSON"))
                    .collect(),
            ),
        }
    }
}

fn strings(value: &Value) -> Vec<String> {
    let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
    items
        .iter()
        .filter_map(|item| item.as_str().map(str::to_owned))
        .collect()
}

impl Case {
    pub(crate) fn to_json(&self) -> Value {
        json!({
            "files": self.files,
            "lines": self.lines,
            "defaults": self.defaults,
            "expand": self.expand,
        })
    }

    pub(crate) fn from_json(value: &Value) -> Self {
        let files = value["files"].as_object().cloned().unwrap_or_default();
        Self {
            files: files
                .into_iter()
                .map(|(path, text)| (path, text.as_str().unwrap_or_default().to_owned()))
                .collect(),
            lines: strings(&value["lines"]),
            defaults: value["defaults"] == true,
            expand: strings(&value["expand"]),
        }
    }

    /// Reads a case of `tests/golden`: the sources, and `options.txt`.
    pub(crate) fn read(directory: &Path) -> std::io::Result<Self> {
        let mut case = Self::default();
        case.read_sources(directory, "")?;
        let options = fs::read_to_string(directory.join("options.txt")).unwrap_or_default();
        for line in options.lines() {
            match line.split_once(' ').unwrap_or((line, "")) {
                ("defaults", _) => case.defaults = true,
                ("expand", name) => case.expand.push(name.to_owned()),
                ("line", text) => case.lines.push(text.to_owned()),
                (other, _) => panic!("{}: unknown option {other}", directory.display()),
            }
        }
        Ok(case)
    }

    fn read_sources(&mut self, directory: &Path, prefix: &str) -> std::io::Result<()> {
        for entry in fs::read_dir(directory)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if path.is_dir() {
                self.read_sources(&path, &format!("{prefix}{name}/"))?;
            } else if name.ends_with(".cfg") {
                let text = fs::read_to_string(&path)?;
                self.files.insert(format!("{prefix}{name}"), text);
            }
        }
        Ok(())
    }

    /// Writes the case as [`Case::read`] reads it.
    pub(crate) fn write(&self, directory: &Path) -> std::io::Result<()> {
        for (path, text) in &self.files {
            let path = directory.join(path);
            fs::create_dir_all(path.parent().unwrap_or(directory))?;
            fs::write(path, text)?;
        }
        let mut options = String::new();
        if self.defaults {
            options.push_str("defaults\n");
        }
        options.extend(self.expand.iter().map(|name| format!("expand {name}\n")));
        options.extend(self.lines.iter().map(|line| format!("line {line}\n")));
        if !options.is_empty() {
            fs::write(directory.join("options.txt"), options)?;
        }
        Ok(())
    }

    /// Does this engine say the same as the reference? Two errors do, whatever their texts.
    pub(crate) fn agree(&self, ours: &Outcome, theirs: &Outcome) -> bool {
        match (ours, theirs) {
            (Outcome::Variants(ours), Outcome::Variants(theirs)) if self.has_merged_names() => {
                let nameless = |variants: &[Value]| {
                    let mut variants = variants.to_vec();
                    for variant in variants.iter_mut().filter_map(Value::as_object_mut) {
                        variant.remove("name");
                    }
                    variants
                };
                nameless(ours) == nameless(theirs)
            }
            (Outcome::Variants(ours), Outcome::Variants(theirs)) => ours == theirs,
            (Outcome::Error(_), Outcome::Error(_)) => true,
            // Nothing to compare with: the reference was stopped.
            (_, Outcome::Unbounded) => true,
            // Documented to be read otherwise. Never made on purpose, but a dash that is left out makes a condition of a
            // variant.
            (Outcome::Error(ours), _) => ours.contains("`join` may not stand in a condition"),
            _ => false,
        }
    }

    /// Does a join merge names that may begin with `(v=a)`? The reference does not take that for a common beginning.
    fn has_merged_names(&self) -> bool {
        let named = |line: &str| {
            let rest = line.trim_start().strip_prefix("variants ");
            rest.is_some_and(|rest| !rest.trim_start().starts_with('['))
        };
        let mut texts = self.files.values().chain(&self.lines);
        texts.clone().any(|text| text.contains("join "))
            && texts.any(|text| text.lines().any(named))
    }

    /// What this engine makes of it.
    pub(crate) fn expand_here(&self) -> Outcome {
        match self.try_expand() {
            Ok(variants) if variants.len() > MAX_VARIANTS => Outcome::Unbounded,
            Ok(variants) => Outcome::Variants(variants),
            Err(error) => Outcome::Error(format!("{:?}: {error}", error.kind())),
        }
    }

    fn try_expand(&self) -> Result<Vec<Value>, Error> {
        let text = self.files.get(MAIN).cloned().unwrap_or_default();
        let mut config = Config::parse(
            Source::new(MAIN, text),
            OriginKind::Operator,
            &MapLoader::new(self.files.clone()),
        )?;
        for line in &self.lines {
            // The reference calls it so, and shows the name where a variant stands in such a line.
            let source = Source::new("<string>", line.as_str());
            config.extend(source, OriginKind::CommandLine, &NoIncludes)?;
        }
        let options = Options {
            defaults: self.defaults,
            expand: self.expand.clone(),
        };
        config
            .variants_with(options)
            .take(MAX_VARIANTS + 1)
            .map(|variant| variant.map(|variant| canonical(&variant)))
            .collect()
    }
}

/// A variant with everything the reference puts into its dictionary.
fn canonical(variant: &Variant) -> Value {
    let mut all: BTreeMap<String, Value> = [
        ("name", json!(variant.name())),
        ("shortname", json!(variant.short_name())),
        ("dep", json!(variant.dep())),
    ]
    .into_iter()
    .map(|(key, value)| (key.to_owned(), value))
    .collect();
    for (key, map) in [
        ("_name_map_file", variant.name_map()),
        ("_short_name_map_file", variant.short_name_map()),
    ] {
        if !map.is_empty() {
            let map: BTreeMap<&str, String> = map.into_iter().collect();
            all.insert(key.to_owned(), json!(map));
        }
    }
    // Last, so that a key that should not be among them shows.
    all.extend(
        variant
            .iter()
            .map(|(key, value)| (key.to_owned(), json!(value))),
    );
    json!(all)
}
