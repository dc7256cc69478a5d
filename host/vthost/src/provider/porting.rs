//! `vthost provider show NAME --porting`.

use std::collections::BTreeSet;
use std::fmt::Write;

use vthost_metadata::ExitCode;
use vthost_provider::{Pack, Porting, Provider, Source};
use vthost_report::text::line;

use super::{print, show};
use crate::failure::Failure;
use crate::output;

pub(crate) fn main(provider: &Provider, json: bool) -> Result<ExitCode, Failure> {
    let porting = Porting::count(types(provider)?);
    match json {
        true => print(&porting)?,
        false => output::print(table(&porting).as_bytes())?,
    }
    Ok(ExitCode::Ok)
}

/// The types of the provider's tests, and whether a pack of it has them.
fn types(provider: &Provider) -> Result<BTreeSet<(String, bool)>, Failure> {
    let mut modules = BTreeSet::new();
    let mut ported = BTreeSet::new();
    if let Source::Pack(pack) = &provider.source {
        ported.extend(tests(pack));
    }
    for (_, layout) in show::layouts(provider)? {
        for path in &layout.packs {
            ported.extend(tests(&Pack::open(path)?));
        }
        let stem =
            |path: &std::path::PathBuf| Some(path.file_stem()?.to_string_lossy().into_owned());
        modules.extend(layout.modules.iter().filter_map(stem));
    }
    let types = modules.union(&ported);
    Ok(types
        .map(|name| (name.clone(), ported.contains(name)))
        .collect())
}

fn tests(pack: &Pack) -> impl Iterator<Item = String> {
    pack.manifest.tests.iter().map(|test| test.name.clone())
}

// Writing to a string does not fail.
fn table(porting: &Porting) -> String {
    let width = porting
        .types
        .iter()
        .map(|row| row.test_type.len())
        .max()
        .unwrap_or(0)
        .max(4);
    let mut text = format!("{:<width$}  VARIANTS  PACK\n", "TYPE");
    for row in &porting.types {
        let pack = if row.ported { "yes" } else { "no" };
        let _ = writeln!(
            text,
            "{:<width$}  {:>8}  {pack}",
            line(&row.test_type),
            row.variants
        );
    }
    let _ = writeln!(
        text,
        "{} of {} variants have a pack",
        porting.ported, porting.variants
    );
    text
}
