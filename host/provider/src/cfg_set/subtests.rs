//! `subtests.cfg`: the tests of all providers in one block of variants, as the reference makes it.
//!
//! What a backend has of its own stands below `@type_specific`; what is `generic` stands beside it. Each test is called
//! `<provider>.<test>`, and `provider` and, for a backend of its own, `virt_test_type` are set in front of what the test
//! sets itself. Files are taken in the order of their names, where the reference takes them as the disk has them; two
//! things hold whatever they are called: guests are installed first, and what shuts them down comes last.

use vthost_cartesian::{OriginKind, Source};

use super::paste::{Paste, Piece, indent_of, is_remark};

/// The backend whose tests run with every other.
pub(crate) const GENERIC: &str = "generic";
/// The block of the tests.
pub(super) const BLOCK: &str = "subtest";
/// What stands in it where there are no tests.
pub(super) const NONE: &str = "no_provider";
/// The tests that come first, and last: others depend on the former, and nothing runs after the latter.
const FIRST: &[&str] = &["unattended_install"];
const LAST: &[&str] = &["multi_host", "shutdown"];

/// A configuration of tests.
pub(super) struct TestCfg {
    /// The provider that it belongs to.
    pub(super) provider: String,
    /// The backend that it is for.
    pub(super) backend: String,
    /// The name of the file without `.cfg`: it gives the order.
    pub(super) stem: String,
    /// The text.
    pub(super) piece: Piece,
}

impl TestCfg {
    pub(super) fn new(provider: &str, backend: &str, stem: &str, name: &str, text: String) -> Self {
        let kind = OriginKind::Provider(provider.to_owned());
        Self {
            provider: provider.to_owned(),
            backend: backend.to_owned(),
            stem: stem.to_owned(),
            piece: Piece::new(name, kind, text),
        }
    }

    fn rank(&self) -> usize {
        let place = |names: &[&str]| names.iter().position(|name| *name == self.stem);
        match (place(FIRST), place(LAST)) {
            (Some(at), _) => at,
            (None, None) => FIRST.len(),
            (None, Some(at)) => FIRST.len() + 1 + at,
        }
    }
}

/// The tests for a backend.
pub(super) fn make(name: &str, mut tests: Vec<TestCfg>, backend: &str) -> Source {
    let mut providers: Vec<String> = tests.iter().map(|test| test.provider.clone()).collect();
    providers.dedup();
    // Provider by provider, but for what comes first and last of all.
    let place = |test: &TestCfg| providers.iter().position(|name| *name == test.provider);
    tests.sort_by_cached_key(|test| (test.rank(), place(test), test.stem.clone()));
    let (specific, shared): (Vec<_>, Vec<_>) = tests
        .into_iter()
        .filter(|test| test.backend == backend || test.backend == GENERIC)
        .partition(|test| test.backend != GENERIC);
    let mut paste = Paste::new(name);
    paste.own(0, &format!("variants {BLOCK}:"));
    if specific.is_empty() && shared.is_empty() {
        // A block without variants is an error of the language; this one matches nothing.
        paste.own(4, &format!("- {NONE}:"));
        paste.own(8, "only no_test");
    }
    let first = shared.partition_point(|test| test.rank() < FIRST.len());
    for test in &shared[..first] {
        add(&mut paste, 4, test);
    }
    if !specific.is_empty() {
        paste.own(4, "- @type_specific:");
        paste.own(8, &format!("variants {BLOCK}:"));
        for test in &specific {
            add(&mut paste, 12, test);
        }
    }
    for test in &shared[first..] {
        add(&mut paste, 4, test);
    }
    paste.finish()
}

fn add(paste: &mut Paste, indent: usize, test: &TestCfg) {
    if test.piece.is_of_variants() {
        variants(paste, indent, test);
    } else {
        whole(paste, indent, test);
    }
}

/// A configuration that is made of variants: each gets the name of the provider in front of its own.
fn variants(paste: &mut Paste, indent: usize, test: &TestCfg) {
    let lines: Vec<_> = test.piece.lines().collect();
    let prefix = format!("{}.", test.provider);
    for (at, &(number, line)) in lines.iter().enumerate() {
        let Some(rest) = line.strip_prefix('-') else {
            paste.line(&test.piece, indent, number, "", line);
            continue;
        };
        // The prefix belongs to the name, behind the mark that keeps it out of short names.
        let rest = rest.trim_start();
        let (mark, name) = match rest.strip_prefix('@') {
            Some(name) => ("- @", name),
            None => ("- ", rest),
        };
        paste.line(
            &test.piece,
            indent,
            number,
            &format!("{mark}{prefix}"),
            name,
        );
        // As deep as what stands in the variant: statements of one block begin in one column.
        let deep = lines[at + 1..]
            .iter()
            .map(|(_, line)| *line)
            .find(|line| !is_remark(line))
            .map(indent_of)
            .filter(|deep| *deep > 0)
            .unwrap_or(4);
        own_keys(paste, indent + deep, test);
    }
}

/// A configuration that stands for itself, as that of a pack: it becomes one variant, named after the provider.
fn whole(paste: &mut Paste, indent: usize, test: &TestCfg) {
    paste.own(indent, &format!("- {}:", test.provider));
    paste.piece(&test.piece, indent + 4);
    // Behind what the configuration sets itself: an assignment in it cannot name another provider.
    own_keys(paste, indent + 4, test);
}

fn own_keys(paste: &mut Paste, indent: usize, test: &TestCfg) {
    if test.backend != GENERIC {
        paste.own(indent, &format!("virt_test_type = {}", test.backend));
    }
    paste.own(indent, &format!("provider = {}", test.provider));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn test(provider: &str, backend: &str, stem: &str, text: &str) -> TestCfg {
        TestCfg::new(
            provider,
            backend,
            stem,
            &format!("{stem}.cfg"),
            text.to_owned(),
        )
    }

    #[test]
    fn tests_are_pasted_as_the_reference_does() {
        let made = make(
            "subtests.cfg",
            vec![
                test(
                    "p",
                    "generic",
                    "shutdown",
                    "- shutdown:\n    type = shutdown\n",
                ),
                test(
                    "p",
                    "generic",
                    "boot",
                    "# a remark\n- boot: install\n\n  # deep\n  type = boot\n",
                ),
                test(
                    "p",
                    "generic",
                    "unattended_install",
                    "- unattended_install:\n    type = x\n",
                ),
                test("p", "qemu", "b", "- b:\n- @c:\n    type = c\n"),
                test("p", "libvirt", "no", "- no:\n"),
                test("pack", "qemu", "tests", "variants:\n    - a:\n"),
            ],
            "qemu",
        );
        insta::assert_snapshot!(made.text);
        let places: Vec<_> = made
            .parts
            .iter()
            .map(|part| {
                format!(
                    "{} {}:{} +{}",
                    part.line, part.name, part.first, part.indent
                )
            })
            .collect();
        insta::assert_snapshot!("places", places.join("\n"));
    }

    #[test]
    fn no_tests_are_no_variants() {
        let made = make("subtests.cfg", Vec::new(), "qemu");
        let config = vthost_cartesian::Config::parse(
            made,
            OriginKind::Default,
            &vthost_cartesian::NoIncludes,
        )
        .unwrap();
        assert!(config.variants().next().is_none());
    }
}
