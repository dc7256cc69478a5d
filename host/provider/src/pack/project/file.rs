//! `pack.toml`.

use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use vthost_cartesian::{did_you_mean, nearest};
use vthost_policy::GRANTS;

use super::ProjectError;
use crate::pack::{Capability, PackLimits};

/// `pack.toml`: every key may be left out.
#[derive(Debug, Clone, Default)]
pub struct ProjectFile {
    /// The name of the pack.
    pub name: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// A component that is ready, relative to the directory. Without it, the directory is a Cargo package.
    pub component: Option<PathBuf>,
    /// The directory of configuration; `cfg` if that is there.
    pub cfg: Option<PathBuf>,
    /// The directory of auxiliary files; `deps` if that is there.
    pub deps: Option<PathBuf>,
    /// The grants that the pack asks for.
    pub capabilities: Vec<Capability>,
    /// What its tests get by with.
    pub limits: PackLimits,
}

/// The form of the file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct Form {
    name: Option<String>,
    version: Option<String>,
    component: Option<PathBuf>,
    cfg: Option<PathBuf>,
    deps: Option<PathBuf>,
    capabilities: std::collections::BTreeMap<toml::Spanned<String>, String>,
    limits: LimitsForm,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct LimitsForm {
    memory_mib: Option<u32>,
    deadline_seconds: Option<u32>,
    log_mib: Option<u32>,
}

/// Reads the text of the file.
pub(super) fn parse(path: &Path, text: &str) -> Result<ProjectFile, ProjectError> {
    let form: Form = toml::from_str(text).map_err(|error| {
        let span = error.span().unwrap_or_default();
        let word = text.get(span.clone()).unwrap_or_default().trim_matches('"');
        // The message names the keys that can stand there: `unknown field `a`, expected one of `b`, `c``.
        let known = error
            .message()
            .strip_prefix("unknown field ")
            .and_then(|rest| rest.split_once(", expected "));
        let near = known.map_or_else(Vec::new, |(_, known)| {
            nearest(word, known.split('`').skip(1).step_by(2))
        });
        wrong(path, text, &span, error.message(), did_you_mean(&near))
    })?;
    let mut capabilities = Vec::new();
    for (grant, reason) in form.capabilities {
        let names = GRANTS.iter().map(|grant| grant.name);
        if names.clone().all(|name| name != grant.as_ref()) {
            let near = did_you_mean(&nearest(grant.as_ref(), names.clone()));
            let message = format!("there is no grant `{}`", grant.as_ref());
            let known = format!("known are {}", names.collect::<Vec<_>>().join(", "));
            return Err(wrong(
                path,
                text,
                &grant.span(),
                &message,
                near.or(Some(known)),
            ));
        }
        capabilities.push(Capability {
            grant: grant.into_inner(),
            reason: Some(reason).filter(|reason| !reason.is_empty()),
        });
    }
    let bytes = |mib: Option<u32>| mib.map(|mib| u64::from(mib) << 20);
    Ok(ProjectFile {
        name: form.name,
        version: form.version,
        component: form.component,
        cfg: form.cfg,
        deps: form.deps,
        capabilities,
        limits: PackLimits {
            memory: bytes(form.limits.memory_mib),
            deadline: form.limits.deadline_seconds.map(u64::from),
            log: bytes(form.limits.log_mib),
        },
    })
}

fn wrong(
    path: &Path,
    text: &str,
    span: &Range<usize>,
    message: &str,
    suggestion: Option<String>,
) -> ProjectError {
    let before = text.get(..span.start).unwrap_or_default();
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    ProjectError::File {
        path: path.to_owned(),
        line: before.matches('\n').count() + 1,
        column: before[line_start..].chars().count() + 1,
        message: message.lines().next().unwrap_or_default().to_owned(),
        suggestion,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> String {
        parse(Path::new("pack.toml"), text).unwrap_err().to_string()
    }

    #[test]
    fn a_mistake_is_pointed_at() {
        let unknown = told("name = \"a\"\nverson = \"1\"\n");
        assert!(
            unknown.starts_with("pack.toml:2:1: unknown field `verson`")
                && unknown.ends_with("did you mean `version`?"),
            "{unknown}"
        );
        let nested = told("[limits]\nmemory-mb = 3\n");
        assert!(
            nested.starts_with("pack.toml:2:1:") && nested.ends_with("did you mean `memory-mib`?"),
            "{nested}"
        );
        let kind = told("\nname = 3\n");
        assert!(kind.starts_with("pack.toml:2:8: invalid type"), "{kind}");
        let syntax = told("name\n");
        assert!(
            syntax.starts_with("pack.toml:1:") && !syntax.contains("did you mean"),
            "{syntax}"
        );
        let grant = told("[capabilities]\nraw-qpm = \"why\"\n");
        assert_eq!(
            grant,
            "pack.toml:2:1: there is no grant `raw-qpm`; did you mean `raw-qmp`?"
        );
    }
}
