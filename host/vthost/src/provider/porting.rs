//! `vthost provider show NAME --porting`.

use std::fmt::Write;

use vthost_job::{Plan, Request};
use vthost_metadata::ExitCode;
use vthost_provider::{Dirs, Porting, Provider};
use vthost_report::text::line;

use super::print;
use crate::failure::Failure;
use crate::output;

pub(crate) fn main(provider: Provider, dirs: &Dirs, json: bool) -> Result<ExitCode, Failure> {
    // What `vthost list` shows of this provider, for the guest and the machine that it takes by itself.
    let plan = Plan::new(&Request {
        providers: vec![provider],
        dirs: Some(dirs.clone()),
        ..Request::default()
    })?;
    let ported = |test: &vthost_job::Planned| (test.test.clone(), test.pack.is_some());
    let porting = Porting::count(plan.tests.iter().map(ported));
    match json {
        true => print(&porting)?,
        false => output::print(table(&porting).as_bytes())?,
    }
    Ok(ExitCode::Ok)
}

/// Names that are longer do not push everything else to the right.
const MAX_WIDTH: usize = 80;

// Writing to a string does not fail.
fn table(porting: &Porting) -> String {
    let names = porting.types.iter().map(|row| line(&row.test_type));
    let width = names.map(|name| name.chars().count()).max().unwrap_or(0);
    let width = width.clamp(4, MAX_WIDTH);
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
