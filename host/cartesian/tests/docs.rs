//! The reference of the language in `docs/`: each example in it is run, and must give exactly what stands below it.
//!
//! An example is one or more `cartesian` fences and, as the next fence, a `text` fence with what they give:
//!
//! ````text
//! ```cartesian
//! variants:
//!     - small:
//!         mem = 512
//! ```
//!
//! ```text
//! small
//!     mem = 512
//! ```
//! ````
//!
//! A heading ends an example, and so does a file that belongs to the next one; an input without an output is found. A
//! `text` fence that follows no input is no example, and nobody looks at it.
//!
//! The first input is the file that is read, the others are files for its includes. A file is named by a comment in
//! its first line, `# disks.cfg`, which readers see as well; the first one may go without and is `example.cfg` then.
//! `~/` is the directory `/home/you`, because resolving paths is the part of whoever calls the engine. An example that
//! begins with a `line` or a `filter` goes on with the files of the example before it.
//!
//! Words after `cartesian` are for this test; no renderer shows them:
//!
//! | word | effect |
//! |---|---|
//! | `names` | the output has no keys |
//! | `keys=a,b` | it has only these; `name`, `shortname`, `dep` and the names by file, which are left out otherwise, too |
//! | `origins` | behind each value stands where it came from |
//! | `defaults`, `expand=a,b` | the options of the expansion |
//! | `bom` | the file begins with a byte order mark |
//! | `line` | no file, but lines of the command line, each appended to the configuration |
//! | `filter` | no file, but filters of the command line, each asked for labels that exist nowhere |
//!
//! `UPDATE_DOCS=1` writes what came out into the pages instead of comparing; read the difference before it is
//! committed.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use vthost_cartesian::{
    Config, Error, LoadError, Loader, MapLoader, NoIncludes, Options, Origin, OriginKind, Source,
    Variant,
};

/// So many examples there are at least: a test that finds nothing must not pass.
const MIN_EXAMPLES: usize = 100;

/// An example is something to read.
const MAX_VARIANTS: usize = 20;

/// The variable that has the pages rewritten.
const UPDATE: &str = "UPDATE_DOCS";

/// A fenced block of a page.
#[derive(Clone)]
struct Fence {
    /// The words after the backticks.
    info: Vec<String>,
    /// The lines between the backticks, counted from 0.
    lines: Range<usize>,
    text: String,
}

impl Fence {
    /// The fence whose first line, after the backticks, is line `start`.
    fn read(info: &str, lines: &[String], start: usize) -> Self {
        let length = lines[start..].iter().position(|line| line == "```");
        let end = start + length.expect("a fence that is closed");
        Self {
            info: info.split(' ').map(str::to_owned).collect(),
            lines: start..end,
            text: lines[start..end]
                .iter()
                .flat_map(|line| [line, "\n"])
                .collect(),
        }
    }

    fn is(&self, word: &str) -> bool {
        self.info.iter().any(|have| have == word)
    }

    /// The parts of `word=a,b`, if it is there.
    fn list(&self, word: &str) -> Option<Vec<String>> {
        let list = self
            .info
            .iter()
            .find_map(|have| have.strip_prefix(word)?.strip_prefix('='))?;
        Some(list.split(',').map(str::to_owned).collect())
    }

    /// Is it a file, and not something of the command line?
    fn is_file(&self) -> bool {
        !self.is("line") && !self.is("filter")
    }

    /// The name in the first line, `# disks.cfg`.
    fn name(&self) -> Option<&str> {
        let name = self.text.lines().next()?.strip_prefix("# ")?;
        (name.ends_with(".cfg") && !name.contains(' ')).then_some(name)
    }
}

/// An input and what stands below it.
struct Example {
    inputs: Vec<Fence>,
    expected: Option<Fence>,
    /// The heading it stands under.
    heading: String,
}

/// A page of the reference.
struct Page {
    path: PathBuf,
    lines: Vec<String>,
    examples: Vec<Example>,
}

impl Page {
    fn read(path: PathBuf) -> Self {
        let text = fs::read_to_string(&path).expect("a page");
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let mut examples = Vec::new();
        let mut heading = String::new();
        let mut inputs: Vec<Fence> = Vec::new();
        let mut at = 0;
        while let Some(line) = lines.get(at) {
            at += 1;
            if let Some(info) = line.strip_prefix("```") {
                let fence = Fence::read(info, &lines, at);
                at = fence.lines.end + 1;
                if !fence.is("cartesian") {
                    if !inputs.is_empty() {
                        let expected = fence.is("text").then_some(fence);
                        examples.push(Example::new(&mut inputs, expected, &heading));
                    }
                    continue;
                }
                if inputs.is_empty() && !fence.is_file() {
                    let before: &Example = examples.last().expect("an example to go on with");
                    inputs.extend(
                        before
                            .inputs
                            .iter()
                            .filter(|input| input.is_file())
                            .cloned(),
                    );
                }
                // A second file without a name, or of the same name, belongs to the next example.
                let begins = fence.is_file()
                    && (fence.name().is_none()
                        || inputs.iter().any(|input| input.name() == fence.name()));
                if begins && !inputs.is_empty() {
                    examples.push(Example::new(&mut inputs, None, &heading));
                }
                inputs.push(fence);
            }
            let title = line.starts_with('#').then(|| line.trim_start_matches('#'));
            if !inputs.is_empty() && (title.is_some() || at >= lines.len()) {
                examples.push(Example::new(&mut inputs, None, &heading));
            }
            if let Some(title) = title {
                heading = title.trim().to_owned();
            }
        }
        Self {
            path,
            lines,
            examples,
        }
    }

    /// Writes what came out of each example into the page.
    fn update(mut self) {
        // From the end, so that the lines of the examples before stay where they are.
        for example in self.examples.iter().rev() {
            let found = example.run();
            match &example.expected {
                Some(fence) => {
                    self.lines
                        .splice(fence.lines.clone(), found.lines().map(str::to_owned));
                }
                None => {
                    let last = example.inputs.last().expect("an input");
                    let after = last.lines.end + 1;
                    let fence = format!("\n```text\n{found}```");
                    self.lines
                        .splice(after..after, fence.lines().map(str::to_owned));
                }
            }
        }
        fs::write(&self.path, self.lines.join("\n") + "\n").expect("writable");
    }

    /// The place of an example, to be found in an editor.
    fn place(&self, example: &Example) -> String {
        let input = example.inputs.last().expect("an input");
        format!("{}:{}", self.path.display(), input.lines.start)
    }
}

impl Example {
    /// The example that `inputs` and `expected` make; the next one begins without inputs.
    fn new(inputs: &mut Vec<Fence>, expected: Option<Fence>, heading: &str) -> Self {
        Self {
            inputs: std::mem::take(inputs),
            expected,
            heading: heading.to_owned(),
        }
    }

    /// What the example gives, as it stands in the page.
    fn run(&self) -> String {
        self.expand().unwrap_or_else(|error| error.render())
    }

    fn expand(&self) -> Result<String, Error> {
        let root = &self.inputs[0];
        let mut files = Files::default();
        for file in &self.inputs[1..] {
            if file.is_file() {
                let name = file
                    .name()
                    .expect("an included file is named by its first line");
                files.0.insert(Files::home(name), &file.text);
            }
        }
        let name = root.name().unwrap_or("example.cfg");
        files.0.insert(name, &root.text);
        let mark = if root.is("bom") { "\u{feff}" } else { "" };
        let source = Source::new(name, format!("{mark}{}", root.text));
        let mut config = Config::parse(source, OriginKind::Operator, &files)?;
        let mut out = String::new();
        let mut filtered = false;
        for fence in &self.inputs[1..] {
            for line in fence.text.lines() {
                if fence.is("line") {
                    let source = Source::new("command line", line);
                    config.extend(source, OriginKind::CommandLine, &NoIncludes)?;
                }
                if fence.is("filter") {
                    filtered = true;
                    unknown(&mut out, &config, line)?;
                }
            }
        }
        if filtered {
            return Ok(out);
        }
        let options = Options {
            defaults: root.is("defaults"),
            expand: root.list("expand").unwrap_or_default(),
        };
        let variants: Vec<Variant> = config
            .variants_with(options)
            .take(MAX_VARIANTS + 1)
            .collect::<Result<_, _>>()?;
        assert!(variants.len() <= MAX_VARIANTS, "an example to be read");
        for variant in &variants {
            show(&mut out, variant, root);
        }
        if out.is_empty() {
            out.push_str("(no variant)\n");
        }
        Ok(out)
    }
}

/// The files of an example.
#[derive(Default)]
struct Files(MapLoader);

impl Files {
    /// A leading `~` as the directory that it stands for.
    fn home(path: &str) -> String {
        match path.strip_prefix("~/") {
            Some(rest) => format!("/home/you/{rest}"),
            None => path.to_owned(),
        }
    }
}

impl Loader for Files {
    fn load(&self, from: &str, path: &str) -> Result<Source, LoadError> {
        self.0
            .load(from, &Self::home(path))
            .map_err(|_| LoadError::new("no such file"))
    }
}

/// The labels of a filter that exist nowhere, with those that look like them.
fn unknown(out: &mut String, config: &Config, filter: &str) -> Result<(), Error> {
    for (label, near) in config.unknown_labels(filter)? {
        let near: Vec<String> = near.iter().map(|near| format!("`{near}`")).collect();
        let _ = writeln!(out, "no label `{label}`; near: {}", near.join(", "));
    }
    Ok(())
}

/// A variant: its name, and below it its keys. A configuration without blocks has one variant, which has no name.
fn show(out: &mut String, variant: &Variant, root: &Fence) {
    let indent = if variant.name().is_empty() {
        ""
    } else {
        let _ = writeln!(out, "{}", variant.name());
        "    "
    };
    if root.is("names") {
        return;
    }
    let wanted = root.list("keys");
    let mut values: Vec<(&str, String, Option<Origin>)> = variant
        .entries()
        .map(|(key, value, origin)| (key, value.to_owned(), Some(origin)))
        .collect();
    if let Some(wanted) = wanted {
        values.extend(itself(variant).map(|(key, value)| (key, value, None)));
        values.retain(|(key, ..)| wanted.iter().any(|wanted| wanted == key));
    }
    for (key, value, origin) in values {
        let blank = value.is_empty() || value.trim() != value;
        let quote = if blank { "\"" } else { "" };
        let _ = write!(out, "{indent}{key} = {quote}{value}{quote}");
        if let Some(origin) = origin.filter(|_| root.is("origins")) {
            let joined: String = origin
                .joined()
                .map(|joined| format!(", {joined}"))
                .collect();
            let _ = write!(out, "    <- {origin}{joined}");
        }
        out.push('\n');
    }
}

/// The keys that the expansion itself sets, as `${}` and the reference write them.
fn itself(variant: &Variant) -> impl Iterator<Item = (&'static str, String)> {
    let names = |map: Vec<(&str, String)>| {
        let names: Vec<String> = map
            .iter()
            .map(|(file, name)| format!("'{file}': '{name}'"))
            .collect();
        format!("{{{}}}", names.join(", "))
    };
    let dep: Vec<String> = variant
        .dep()
        .iter()
        .map(|name| format!("'{name}'"))
        .collect();
    [
        ("name", variant.name().to_owned()),
        ("shortname", variant.short_name().to_owned()),
        ("dep", format!("[{}]", dep.join(", "))),
        ("_name_map_file", names(variant.name_map())),
        ("_short_name_map_file", names(variant.short_name_map())),
    ]
    .into_iter()
}

/// The directory of the documentation's pages.
fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/src")
}

/// The pages of the reference: the overview, and one for each concern.
fn pages() -> Vec<Page> {
    let mut paths: Vec<PathBuf> = fs::read_dir(source().join("language"))
        .expect("the pages of the language")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.push(source().join("cartesian.md"));
    paths.sort();
    paths.into_iter().map(Page::read).collect()
}

#[test]
fn each_example_gives_what_stands_below_it() {
    if std::env::var_os(UPDATE).is_some() {
        pages().into_iter().for_each(Page::update);
    }
    let mut wrong = Vec::new();
    let mut count = 0;
    for page in pages() {
        if page.examples.is_empty() {
            wrong.push(format!("{}: no example", page.path.display()));
        }
        for example in &page.examples {
            count += 1;
            let place = page.place(example);
            let Some(expected) = &example.expected else {
                wrong.push(format!("{place}: an input without a `text` fence below it"));
                continue;
            };
            let (expected, found) = (&expected.text, example.run());
            if *expected != found {
                wrong.push(format!("{place}\nexpected:\n{expected}\nfound:\n{found}"));
            }
        }
    }
    println!("{count} examples");
    assert!(wrong.is_empty(), "{}", wrong.join("\n----\n"));
    assert!(
        count >= MIN_EXAMPLES,
        "{count} examples; most of them are gone"
    );
}

/// The anchor that renderers make of a heading.
fn anchor(heading: &str) -> String {
    heading
        .to_lowercase()
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}

#[test]
fn each_difference_has_an_example() {
    let page = Page::read(source().join("language/differences.md"));
    let shown: BTreeSet<String> = page
        .examples
        .iter()
        .map(|example| anchor(&example.heading))
        .collect();
    let rows: Vec<&String> = page
        .lines
        .split(|line| !line.starts_with('|'))
        .filter(|table| {
            table
                .first()
                .is_some_and(|head| head.starts_with("| point |"))
        })
        .flat_map(|table| &table[2..])
        .collect();
    assert!(rows.len() >= 30, "a table of differences is gone");
    for row in rows {
        let link = row
            .split_once("](#")
            .and_then(|(_, link)| link.split_once(')'));
        let (anchor, _) = link.unwrap_or_else(|| panic!("no link to a section: {row}"));
        assert!(shown.contains(anchor), "no example under #{anchor}: {row}");
    }
}
