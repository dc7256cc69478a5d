//! What is most likely not meant: text that is a configuration, and does nothing or not what it seems to say.
//!
//! Everything here looks at the syntax tree. A rule says nothing where it is not certain: what a filter does depends on
//! which variants can be chosen together, and that is told by the text alone ([`forest`]); what a key is in the end
//! depends on the order of the statements, and that is the order of the text.

mod duplicate;
mod filters;
mod finding;
mod forest;
mod keys;
mod labels;
mod overridden;
mod rule;
mod search;
mod unknown;
mod unreachable;

pub use finding::Lint;
pub use rule::Rule;

use crate::error::Error;
use crate::lint::filters::Filters;
use crate::lint::finding::Findings;
use crate::lint::forest::Forest;
use crate::lint::keys::Keys;
use crate::lint::search::Search;
use crate::near::{limit, nearest};
use crate::origin::OriginKind;
use crate::syntax::parse::{self, Size};
use crate::text::source::{Loader, Source};

/// What [`lint`] looks for: everything, by default.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct LintOptions {
    /// Rules that are not applied.
    pub allow: Vec<Rule>,
    /// The keys that somebody is known to read, without names of objects behind them. Without any, no key is unknown.
    pub known_keys: Vec<&'static str>,
    /// Those of them whose values are names of objects: such a name may stand behind any key.
    pub lists_of_objects: Vec<&'static str>,
}

/// Looks for what is most likely not meant, in a whole configuration: a source and all it includes.
///
/// The findings come in the order of the text: file by file, as they are first included, and line by line. What is
/// found in a file that is included several times is told once, and only if it holds wherever the file is included.
///
/// ```
/// use vthost_cartesian::{LintOptions, NoIncludes, Rule, Source, lint};
///
/// let text = "variants:\n    - boot:\n    - migrate:\nonly migrte\n";
/// let found = lint(Source::new("a.cfg", text), &NoIncludes, &LintOptions::default())?;
/// assert_eq!(found[0].rule(), Rule::UnknownLabel);
/// assert_eq!((found[0].line(), found[0].column()), (4, 6));
/// assert_eq!(found[0].help(), Some("did you mean `migrate`?"));
/// # Ok::<(), vthost_cartesian::Error>(())
/// ```
///
/// # Errors
/// As [`Config::parse`](crate::Config::parse): the first mistake in the text.
pub fn lint(
    source: Source,
    loader: &dyn Loader,
    options: &LintOptions,
) -> Result<Vec<Lint>, Error> {
    // Who wrote a text makes no difference to what is wrong with it.
    let syntax = parse::parse(source, OriginKind::Operator, loader, &mut Size::default())?;
    let forest = Forest::new(&syntax);
    let mut search = Search::new(&forest);
    let filters = Filters::new(&syntax, &forest, &mut search);
    let keys = Keys::new(&syntax);
    let mut findings = Findings::new(&syntax);
    for rule in Rule::ALL {
        if options.allow.contains(rule) {
            continue;
        }
        match rule {
            Rule::UnknownLabel => labels::check(&syntax, &forest, &mut findings),
            Rule::ImpossibleCombination => filters.check(&syntax, &forest, &mut findings),
            Rule::UnreachableCondition => {
                unreachable::check(&syntax, &forest, &filters, &mut search, &mut findings);
            }
            Rule::DuplicateVariant => duplicate::check(&syntax, &mut findings),
            Rule::OverriddenAssignment => overridden::check(&syntax, &keys, &mut findings),
            Rule::UndefinedReference => keys.check_references(&syntax, &mut findings),
            Rule::UselessDel => keys.check_deletions(&syntax, &mut findings),
            Rule::UnknownKey => unknown::check(&syntax, options, &mut findings),
        }
    }
    Ok(findings.in_order())
}

/// The names that look like this one.
fn similar<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> Vec<String> {
    let length = name.chars().count();
    let limit = limit(length);
    // Most names are too long or too short, which is told faster than whether they look alike. Two letters more or less
    // make any short name look like any other.
    let candidates = known.filter(|known| match length {
        ..=3 => known.eq_ignore_ascii_case(name),
        _ => known.chars().count().abs_diff(length) <= limit,
    });
    nearest(name, candidates)
}
