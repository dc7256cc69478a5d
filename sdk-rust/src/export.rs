//! The exports of a pack: its list of tests, and the run of one.

use crate::bindings::vthost::core::log::panic as log_panic;
use crate::bindings::vthost::core::types;
use crate::bindings::{Guest, Params as RawParams};
use crate::{Outcome, Result, Test};

/// A test that `#[vthost::test]` registered.
pub struct Registered {
    /// Its name: what the parameter `type` chooses.
    pub name: &'static str,
    /// What it tests, in one line.
    pub summary: &'static str,
    /// Words to select it by.
    pub tags: &'static [&'static str],
    /// Grants that it cannot do without.
    pub needs: &'static [&'static str],
    /// The test itself.
    pub run: fn(&Test) -> Result,
}

inventory::collect!(Registered);

/// The one implementor of the world `vthost:pack/pack` in every Rust pack.
pub(crate) struct Pack;

fn registered() -> Vec<&'static Registered> {
    let mut tests: Vec<_> = inventory::iter::<Registered>.into_iter().collect();
    tests.sort_unstable_by_key(|test| test.name);
    tests
}

fn strings(list: &[&str]) -> Vec<String> {
    list.iter().map(|&item| item.to_owned()).collect()
}

impl Guest for Pack {
    fn tests() -> Vec<types::Test> {
        registered()
            .into_iter()
            .map(|test| types::Test {
                name: test.name.to_owned(),
                summary: test.summary.to_owned(),
                tags: strings(test.tags),
                needs: strings(test.needs)
                    .into_iter()
                    .map(types::Need::Grant)
                    .collect(),
            })
            .collect()
    }

    fn run(name: String, params: &RawParams) -> std::result::Result<(), types::Outcome> {
        std::panic::set_hook(Box::new(|info| {
            let text = info
                .payload_as_str()
                .unwrap_or("a panic without a text")
                .to_owned();
            let location = info.location().map(ToString::to_string);
            log_panic(&text, location.as_deref());
        }));
        let Some(test) = registered().into_iter().find(|test| test.name == name) else {
            return Err(Outcome::error(format!("this pack has no test `{name}`")).into());
        };
        (test.run)(&Test::new(name, params)).map_err(Into::into)
    }
}
