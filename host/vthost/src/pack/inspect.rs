//! `vthost pack inspect`.

use std::fmt::Write;

use vthost_metadata::ExitCode;
use vthost_policy::GRANTS;
use vthost_provider::Pack;
use vthost_provider::pack::{Signature, SignatureError};
use vthost_report::text::line;

use super::cli::InspectArgs;
use super::sign::trust;
use crate::failure::Failure;
use crate::output;
use crate::settings::Settings;

type Signed = Result<Option<Signature>, SignatureError>;

pub(super) fn main(args: &InspectArgs, settings: &Settings) -> Result<ExitCode, Failure> {
    let trust = trust(&args.trust, settings)?;
    let pack = Pack::open(&args.pack)?;
    let signed = pack.signature(&trust);
    let text = if args.json {
        json(&pack, &signed)
    } else {
        people(&pack, &signed)
    };
    output::print(text.as_bytes())?;
    Ok(ExitCode::Ok)
}

/// The grant that an import needs, or none.
fn grant_of(import: &str) -> Option<&'static str> {
    let interface = import.split('@').next();
    GRANTS
        .iter()
        .find(|grant| grant.interface.is_some() && grant.interface == interface)
        .map(|grant| grant.name)
}

fn json(pack: &Pack, signed: &Signed) -> String {
    let imports: Vec<_> = pack
        .imports
        .iter()
        .map(|import| {
            serde_json::json!({
                "interface": import,
                "grant": grant_of(import),
                "available": grant_of(import).is_some() || vthost_policy::is_open_interface(import),
            })
        })
        .collect();
    let object = serde_json::json!({
        "manifest": pack.manifest,
        "imports": imports,
        "exports": pack.exports,
        "size": pack.bytes.len(),
        "deps_digest": pack.deps_digest(),
        "signature": signed.as_ref().ok(),
        "signature_problem": signed.as_ref().err().map(ToString::to_string),
    });
    format!("{object}\n")
}

// Writing to a string does not fail.
fn people(pack: &Pack, signed: &Signed) -> String {
    let manifest = &pack.manifest;
    let mut text = format!(
        "{} {} ({})\n",
        manifest.name,
        line(&manifest.version),
        manifest.api
    );
    let _ = writeln!(text, "size:    {} bytes", pack.bytes.len());
    let _ = writeln!(text, "code:    sha256 {}", pack.code_digest);
    let _ = writeln!(text, "signed:  {}", line(&signature(signed)));
    let _ = writeln!(text, "imports:");
    for import in &pack.imports {
        let note = match grant_of(import) {
            Some(grant) => format!("    needs --grant {grant}"),
            None if vthost_policy::is_open_interface(import) => String::new(),
            None => "    not available".to_owned(),
        };
        let _ = writeln!(text, "  {}{note}", line(import));
    }
    let _ = writeln!(text, "exports:");
    for export in &pack.exports {
        let _ = writeln!(text, "  {}", line(export));
    }
    asked(pack, &mut text);
    files(pack, &mut text);
    let _ = writeln!(text, "tests:");
    for test in &manifest.tests {
        let _ = writeln!(text, "  {:<24} {}", line(&test.name), line(&test.summary));
        for (what, words) in [("tags", &test.tags), ("needs", &test.needs)] {
            if !words.is_empty() {
                let _ = writeln!(text, "  {:<24} {what}: {}", "", line(&words.join(" ")));
            }
        }
    }
    text
}

fn signature(signed: &Signed) -> String {
    match signed {
        Ok(None) => "no".to_owned(),
        Ok(Some(signature)) => {
            let place = if signature.detached {
                ", beside the pack"
            } else {
                ""
            };
            let trusted = match (&signature.owner, signature.trusted) {
                (Some(owner), _) => format!("trusted, {owner}"),
                (None, true) => "trusted".to_owned(),
                (None, false) => "not trusted".to_owned(),
            };
            format!("by {} ({trusted}{place})", signature.key)
        }
        Err(error) => error.to_string(),
    }
}

/// What the pack asks for: grants and limits.
fn asked(pack: &Pack, text: &mut String) {
    let manifest = &pack.manifest;
    if !manifest.capabilities.is_empty() {
        let _ = writeln!(text, "asks for:");
        for asked in &manifest.capabilities {
            let reason = asked.reason.as_deref().unwrap_or("no reason given");
            let _ = writeln!(text, "  --grant {}: {}", line(&asked.grant), line(reason));
        }
    }
    let limits = [
        ("memory", manifest.limits.memory, "bytes"),
        ("deadline", manifest.limits.deadline, "s"),
        ("log", manifest.limits.log, "bytes"),
    ];
    if limits.iter().any(|(_, limit, _)| limit.is_some()) {
        let _ = writeln!(text, "gets by with:");
        for (what, limit, unit) in limits {
            if let Some(limit) = limit {
                let _ = writeln!(text, "  {what}: {limit} {unit}");
            }
        }
    }
}

fn files(pack: &Pack, text: &mut String) {
    let _ = writeln!(text, "configuration:");
    for file in &pack.manifest.cfg {
        let _ = writeln!(
            text,
            "  {}/{} ({} bytes)",
            line(&file.backend),
            line(&file.name),
            file.size
        );
    }
    if pack.manifest.deps.is_empty() {
        return;
    }
    let _ = writeln!(text, "files:");
    for file in &pack.manifest.deps {
        let _ = writeln!(
            text,
            "  /deps/{} ({} bytes, sha256 {})",
            line(&file.path),
            file.size,
            line(&file.sha256)
        );
    }
}
