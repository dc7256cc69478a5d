//! `vthost provider show`.

use std::fmt::Write;

use serde_json::json;
use vthost_metadata::ExitCode;
use vthost_provider::{Backend, BackendStatus, Dirs, Layout, Provider, Providers, Source, Status};
use vthost_report::text::line;

use super::cli::ShowArgs;
use super::{kind, porting, print, state, value, warn};
use crate::failure::Failure;
use crate::output;

pub(crate) fn main(
    providers: &Providers,
    dirs: &Dirs,
    args: &ShowArgs,
) -> Result<ExitCode, Failure> {
    if args.porting {
        return porting::main(providers.get(&args.name)?, dirs, args.json);
    }
    let status = providers.status(&args.name)?;
    let layouts = match providers.get(&args.name) {
        Ok(provider) => layouts(&provider)?,
        // The status says why.
        Err(_) => Vec::new(),
    };
    if args.json {
        let mut shown = value(&status)?;
        shown["files"] = layouts
            .iter()
            .map(|(backend, layout)| {
                json!({
                    "backend": backend.name,
                    "base": layout.base,
                    "tests": layout.tests,
                    "packs": layout.packs,
                    "modules": layout.modules,
                    "deps": layout.deps,
                })
            })
            .collect();
        print(&shown)?;
    } else {
        output::print(people(&status, &layouts).as_bytes())?;
        for warning in &status.warnings {
            warn(warning);
        }
    }
    Ok(ExitCode::Ok)
}

/// What lies in each backend. A pack has no files.
pub(super) fn layouts(provider: &Provider) -> Result<Vec<(Backend, Layout)>, Failure> {
    if matches!(provider.source, Source::Pack(_)) {
        return Ok(Vec::new());
    }
    let mut layouts = Vec::new();
    for backend in &provider.backends {
        let layout = Layout::of(&provider.root, backend)?;
        layouts.push((backend.clone(), layout));
    }
    Ok(layouts)
}

// Writing to a string does not fail.
fn people(status: &Status, layouts: &[(Backend, Layout)]) -> String {
    let mut text = format!("{}\n", line(&status.name));
    let path = |path: &std::path::Path| Some(path.display().to_string());
    for (key, value) in [
        ("definition", path(&status.definition)),
        ("kind", status.kind.map(|one| kind(one).to_owned())),
        ("uri", status.uri.clone()),
        ("branch", status.branch.clone()),
        ("ref", status.reference.clone()),
        ("commit", status.commit.clone()),
        ("signed by", status.signed_by.clone()),
        ("root", status.root.as_deref().and_then(path)),
        ("state", Some(state(status.state).to_owned())),
        ("reason", status.reason.clone()),
    ] {
        if let Some(value) = value {
            let _ = writeln!(text, "  {:<12}{}", format!("{key}:"), line(&value));
        }
    }
    for BackendStatus { name, dir } in &status.backends {
        let _ = writeln!(text, "backend {}", line(name));
        let _ = writeln!(
            text,
            "  {:<12}{}",
            "directory:",
            line(&dir.display().to_string())
        );
        let Some((_, layout)) = layouts.iter().find(|(backend, _)| backend.name == *name) else {
            continue;
        };
        for (key, count) in [
            ("base cfg:", layout.base.len()),
            ("tests cfg:", layout.tests.len()),
            ("packs:", layout.packs.len()),
            ("modules:", layout.modules.len()),
        ] {
            let _ = writeln!(text, "  {key:<12}{count}");
        }
        let deps = if layout.deps.is_some() { "yes" } else { "no" };
        let _ = writeln!(text, "  {:<12}{deps}", "deps:");
    }
    text
}
