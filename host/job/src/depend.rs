//! Which tests are not begun because of others that did not pass (guide, section on dependencies).

use vthost_cartesian::Variant;
use vthost_metadata::Status;

/// What became of the tests of a job that did not pass.
#[derive(Debug, Default)]
pub(crate) struct Dependencies<'v> {
    failed: Vec<(&'v Variant, &'v str)>,
}

impl<'v> Dependencies<'v> {
    /// Notes how a test ended. One that was skipped for its own sake has not run, and holds up nobody; one that was
    /// skipped for the sake of another does, as that other would.
    pub(crate) fn ended(
        &mut self,
        variant: &'v Variant,
        name: &'v str,
        status: Status,
        was_blocked: bool,
    ) {
        let passed = matches!(status, Status::Pass | Status::Warn | Status::Skip);
        if was_blocked || !passed {
            self.failed.push((variant, name));
        }
    }

    /// Why a test cannot be begun: the first of its dependencies that has run and did not pass.
    pub(crate) fn blocked(&self, variant: &Variant) -> Option<String> {
        if self.failed.is_empty() {
            return None;
        }
        // The guide writes it as a parameter, the configuration language as labels behind a variant.
        let labels = variant.dep();
        let written = variant.get("depend").unwrap_or_default();
        let all = labels.iter().map(AsRef::<str>::as_ref);
        all.chain(written.split_whitespace())
            .find_map(|dependency| {
                let mut failed = self.failed.iter();
                let (_, name) = failed.find(|(failed, _)| is_part(dependency, failed.name()))?;
                Some(format!(
                    "the test depends on `{dependency}`, and {name} did not pass"
                ))
            })
    }
}

/// Whether the labels of `part` follow each other in `name`. `x` is any variant of that name, `(block=x)` only the one of
/// that block.
fn is_part(part: &str, name: &str) -> bool {
    let part: Vec<&str> = part.split('.').collect();
    let name: Vec<&str> = name.split('.').collect();
    let same = |wanted: &str, label: &str| {
        let inner = label
            .strip_prefix('(')
            .and_then(|label| label.strip_suffix(')'))
            .and_then(|label| label.split_once('='));
        wanted == label || inner.is_some_and(|(_, inner)| inner == wanted)
    };
    name.windows(part.len()).any(|row| {
        part.iter()
            .zip(row)
            .all(|(wanted, label)| same(wanted, label))
    })
}

#[cfg(test)]
mod tests {
    use vthost_cartesian::{Config, NoIncludes, OriginKind, Source};

    use super::*;

    #[test]
    fn labels_are_compared_whole_and_in_order() {
        assert!(is_part("one", "a.one.b") && is_part("a.one", "(v=a).one"));
        assert!(is_part("(v=a).one", "(v=a).one"));
        assert!(!is_part("(w=a)", "(v=a).one") && !is_part("on", "a.one"));
        assert!(!is_part("a.b", "a.one.b") && !is_part("a.b.c", "b.c"));
    }

    #[test]
    fn a_dependency_may_be_a_parameter() {
        let text = "variants:\n    - install:\n    - boot:\n        depend = install other\n";
        let source = Source::new("a.cfg", text);
        let config = Config::parse(source, OriginKind::Operator, &NoIncludes).unwrap();
        let all: Vec<Variant> = config.variants().map(Result::unwrap).collect();
        let mut ended = Dependencies::default();
        assert_eq!(ended.blocked(&all[1]), None);
        ended.ended(&all[0], "install", Status::Fail, false);
        assert!(ended.blocked(&all[1]).is_some());
    }

    #[test]
    fn what_depends_on_a_failure_is_not_begun() {
        let text = "variants:\n    - x:\n    - y:\nvariants:\n    - install:\n    - boot: install\n    - stress: boot\n    - other:\n";
        let source = Source::new("a.cfg", text);
        let config = Config::parse(source, OriginKind::Operator, &NoIncludes).unwrap();
        let all: Vec<Variant> = config.variants().map(Result::unwrap).collect();
        let find = |name: &str| all.iter().find(|one| one.name() == name).unwrap();
        let mut ended = Dependencies::default();
        assert_eq!(ended.blocked(find("boot.x")), None);
        ended.ended(find("install.x"), "install", Status::Fail, false);
        let why = ended.blocked(find("boot.x")).unwrap();
        assert_eq!(
            why,
            "the test depends on `install`, and install did not pass"
        );
        assert_eq!(ended.blocked(find("other.x")), None);
        ended.ended(find("boot.x"), "boot", Status::Skip, true);
        assert!(ended.blocked(find("stress.x")).unwrap().contains("boot"));

        let mut skipped = Dependencies::default();
        skipped.ended(find("install.x"), "install", Status::Skip, false);
        skipped.ended(find("install.y"), "install", Status::Pass, false);
        assert_eq!(skipped.blocked(find("boot.x")), None);
    }
}
