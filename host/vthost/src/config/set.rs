//! The files of the configuration set: `vthost config show FILE.cfg`, `show --files` and `dump`.

use std::fmt::Write;
use std::io::{self, IsTerminal};

use serde_json::json;
use vthost_cartesian::{did_you_mean, nearest};
use vthost_metadata::ExitCode;
use vthost_provider::{CfgFiles, Dirs};
use vthost_report::text;

use super::{DumpArgs, SetArgs};
use crate::failure::Failure;
use crate::output::{self, say};
use crate::settings::Settings;
use crate::sources;

/// The set. Its providers are opened only where they have a say.
fn files(
    args: &SetArgs,
    settings: &Settings,
    dirs: &Dirs,
    with_providers: bool,
) -> Result<CfgFiles, Failure> {
    let providers = match with_providers {
        true => sources::open_some(&args.providers, dirs, settings)?,
        false => Vec::new(),
    };
    let backend = sources::backend(args.vt_type.as_deref(), settings)?;
    Ok(CfgFiles::new(dirs, &providers, &backend))
}

/// Prints a file as it is parsed.
pub(super) fn show(name: &str, args: &SetArgs, settings: &Settings) -> Result<ExitCode, Failure> {
    let dirs = Dirs::from_env()?;
    let mut set = files(args, settings, &dirs, false)?;
    if set.is_made(name) {
        set = files(args, settings, &dirs, true)?;
    }
    let names = set.names()?;
    if !names.contains(name) {
        let near = nearest(name, names.iter().map(String::as_str));
        let help = did_you_mean(&near)
            .unwrap_or_else(|| "`vthost config show --files` lists them".to_owned());
        let text = format!("there is no file `{name}` in the configuration set; {help}");
        return Err(Failure::new(ExitCode::Usage, text));
    }
    let source = set.source(name)?;
    // Who redirects it wants the bytes.
    let shown = match io::stdout().is_terminal() {
        true => text::block(&source.text),
        false => source.text,
    };
    output::print(shown.as_bytes())?;
    Ok(ExitCode::Ok)
}

/// Prints the names of all files, and whose each is.
// Writing to a string does not fail.
pub(super) fn list(args: &SetArgs, settings: &Settings, json: bool) -> Result<ExitCode, Failure> {
    let dirs = Dirs::from_env()?;
    let set = files(args, settings, &dirs, false)?;
    let names = set.names()?;
    let width = names.iter().map(String::len).max().unwrap_or(0);
    let mut rows = Vec::new();
    let mut out = String::new();
    for name in &names {
        let own = set.own_path(name);
        let from = match (&own, set.is_made(name)) {
            (Some(_), _) => "yours",
            (None, true) => "made",
            (None, false) => "shipped",
        };
        let path = own.map(|path| path.display().to_string());
        let place = path.as_ref().map(|path| format!(": {path}"));
        let place = text::line(&place.unwrap_or_default());
        let _ = writeln!(out, "{:<width$}  {from}{place}", text::line(name));
        rows.push(json!({ "name": name, "from": from, "path": path }));
    }
    if json {
        out = format!("{:#}\n", json!(rows));
    }
    output::print(out.as_bytes())?;
    Ok(ExitCode::Ok)
}

/// Writes all files to a directory.
pub(super) fn dump(args: &DumpArgs, settings: &Settings) -> Result<ExitCode, Failure> {
    let dirs = Dirs::from_env()?;
    let count = files(&args.set, settings, &dirs, true)?.dump(&args.dir)?;
    let place = args.dir.display().to_string();
    say("Written", &text::line(&format!("{count} files to {place}")));
    Ok(ExitCode::Ok)
}
