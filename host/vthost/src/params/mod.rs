//! `vthost params`: the keys that vthost knows.

mod explain;
mod json;
mod list;
mod shipped;

use std::collections::BTreeSet;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Arg, Args, Command};
use vthost_cartesian::{did_you_mean, nearest};
use vthost_metadata::ExitCode;
use vthost_params::registry::{self, Key, Object, Phase};
use vthost_report::text::line;

use crate::failure::Failure;
use crate::output;

#[derive(Debug, Args)]
pub(crate) struct ParamsArgs {
    /// A key, also that of an object as `mem_vm1`, or a part of a key [default: all keys]
    #[arg(value_name = "KEY", value_parser = KeyParser)]
    key: Option<String>,
    /// Only keys that have this text in their name, their description or their values; repeat it for more, all must
    /// match
    #[arg(short, long, value_name = "TEXT")]
    grep: Vec<String>,
    /// Only keys that are read in this phase
    #[arg(long, value_name = "PHASE", value_parser = phases())]
    phase: Option<Phase>,
    /// Only keys that such an object can have its own value of
    #[arg(long, value_name = "KIND", value_parser = objects())]
    object: Option<Object>,
    /// Print one JSON object a line
    #[arg(long)]
    json: bool,
}

/// The phases by their names.
fn phases() -> impl TypedValueParser<Value = Phase> {
    let names = Phase::ALL.iter().map(|phase| phase.name());
    PossibleValuesParser::new(names)
        .try_map(|name| Phase::named(&name).ok_or("there is no such phase"))
}

/// The kinds of objects by their names.
fn objects() -> impl TypedValueParser<Value = Object> {
    let names = Object::ALL.iter().map(|object| object.name());
    PossibleValuesParser::new(names)
        .try_map(|name| Object::named(&name).ok_or("there is no such kind of objects"))
}

/// Takes any text, and tells shells which keys there are.
#[derive(Debug, Clone)]
struct KeyParser;

impl TypedValueParser for KeyParser {
    type Value = String;

    fn parse_ref(
        &self,
        command: &Command,
        arg: Option<&Arg>,
        value: &std::ffi::OsStr,
    ) -> Result<String, clap::Error> {
        clap::builder::NonEmptyStringValueParser::new().parse_ref(command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue>>> {
        let keys = registry::keys().map(|key| PossibleValue::new(key.name).help(key.doc));
        Some(Box::new(keys))
    }
}

pub(crate) fn main(args: &ParamsArgs, color: bool) -> Result<ExitCode, Failure> {
    let exact = args.key.as_deref().and_then(registry::find);
    let text = match (exact, args.json) {
        (Some(key), false) => explain::text(key, args.key.as_deref().unwrap_or(key.name), color),
        (Some(key), true) => json::explained(key),
        (None, is_json) => {
            let keys = select(args)?;
            match is_json {
                true => json::lines(&keys),
                false => list::text(&keys, color),
            }
        }
    };
    output::print(text.as_bytes())?;
    Ok(ExitCode::Ok)
}

/// The keys that are asked for, topic by topic.
fn select(args: &ParamsArgs) -> Result<Vec<&'static Key>, Failure> {
    let words: Vec<String> = args.grep.iter().map(|word| word.to_lowercase()).collect();
    let found: Vec<_> = registry::keys()
        .filter(|key| {
            let part = args.key.as_ref().map(|part| part.to_lowercase());
            part.is_none_or(|part| key.name.to_lowercase().contains(&part) || has(key, &part))
        })
        .filter(|key| words.iter().all(|word| has(key, word)))
        .filter(|key| args.phase.is_none_or(|phase| key.phase == phase))
        .filter(|key| args.object.is_none_or(|object| key.objects.has(object)))
        .collect();
    if !found.is_empty() {
        return Ok(found);
    }
    let Some(wanted) = &args.key else {
        return Err(Failure::new(
            ExitCode::Usage,
            "no key passes all of that; `vthost params` lists all keys",
        ));
    };
    let mut near = nearest(wanted, registry::keys().map(|key| key.name));
    if near.is_empty() {
        // A part of a key is found, too.
        let parts: BTreeSet<&str> = registry::keys()
            .flat_map(|key| key.name.split('_'))
            .collect();
        near = nearest(wanted, parts);
    }
    let hint = did_you_mean(&near).unwrap_or_else(|| {
        "packs read keys of their own, which vthost does not know; `vthost params` lists those that it does".to_owned()
    });
    let text = format!("no key has `{}` in it; {hint}", line(wanted));
    Err(Failure::new(ExitCode::Usage, text))
}

/// Whether a text in small letters stands in what is known of a key.
fn has(key: &Key, text: &str) -> bool {
    let stands_in = |other: &str| other.to_lowercase().contains(text);
    stands_in(key.name) || stands_in(key.doc) || stands_in(&key.kind.describe())
}
