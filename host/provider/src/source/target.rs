//! What of a repository is wanted, and what the repository has for that.

use std::path::Path;

use vthost_cartesian::{did_you_mean, nearest};

use super::{Git, SourceError};
use crate::definition::{Protocol, is_sha};

/// What of a repository is wanted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'a> {
    /// The repository, as git takes it: a URI that was checked, or an absolute path.
    pub(crate) uri: &'a str,
    pub(crate) protocol: Protocol,
    pub(crate) branch: Option<&'a str>,
    pub(crate) reference: Option<&'a str>,
    /// A commit that is pinned: it wins over the branch.
    pub(crate) pinned: Option<&'a str>,
}

/// What the other side has for that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// A branch, or what the repository points to: its name there.
    Branch { name: String, commit: String },
    /// A tag.
    Tag { tag: String, commit: String },
    /// A whole commit.
    Commit(String),
    /// The beginning of a commit.
    Abbreviated(String),
}

impl Target {
    /// The commit, as far as it is known without fetching.
    pub(crate) fn commit(&self) -> Option<&str> {
        match self {
            Self::Branch { commit, .. } | Self::Tag { commit, .. } | Self::Commit(commit) => {
                Some(commit)
            }
            Self::Abbreviated(_) => None,
        }
    }
}

impl Wanted<'_> {
    /// A git that reaches this repository.
    pub(super) fn git(&self, dir: &Path) -> Git {
        let git = Git::new(dir, self.protocol);
        match self.protocol {
            Protocol::Ssh => git.quiet_ssh(),
            _ => git,
        }
    }

    /// The references of the other side that match, with what they point to.
    fn remote(&self, patterns: &[&str]) -> Result<Vec<(String, String)>, SourceError> {
        let text = self
            .git(Path::new("/"))
            .args(&["ls-remote", "--quiet", "--end-of-options", self.uri])
            .args(patterns)
            .run(format!("ask {} what it has", self.uri))?;
        let pairs = text.lines().filter_map(|line| line.split_once('\t'));
        Ok(pairs
            .map(|(id, name)| (name.to_owned(), id.to_owned()))
            .collect())
    }

    /// The question whether another branch or tag was meant.
    fn hint(&self, wanted: &str, prefix: &str) -> Result<Option<String>, SourceError> {
        let all = self.remote(&[&format!("{prefix}*")])?;
        let names = all
            .iter()
            .filter_map(|(name, _)| name.strip_prefix(prefix))
            .filter(|name| !name.ends_with("^{}"));
        Ok(did_you_mean(&nearest(wanted, names)))
    }
}

/// Finds out what is wanted, without fetching it.
pub(crate) fn resolve(wanted: &Wanted<'_>) -> Result<Target, SourceError> {
    if let Some(reference) = wanted.reference {
        return match is_sha(reference) {
            true => Ok(Target::Commit(reference.to_ascii_lowercase())),
            false => tag(wanted, reference),
        };
    }
    if let Some(commit) = wanted.pinned {
        return Ok(Target::Commit(commit.to_owned()));
    }
    let name = match wanted.branch {
        Some(branch) => format!("refs/heads/{branch}"),
        None => "HEAD".to_owned(),
    };
    let found = wanted.remote(&[&name])?;
    match found.into_iter().find(|(there, _)| *there == name) {
        Some((name, commit)) => Ok(Target::Branch { name, commit }),
        None => match wanted.branch {
            Some(branch) => Err(SourceError::NoBranch {
                uri: wanted.uri.to_owned(),
                branch: branch.to_owned(),
                hint: wanted.hint(branch, "refs/heads/")?,
            }),
            None => Err(SourceError::Empty {
                uri: wanted.uri.to_owned(),
            }),
        },
    }
}

fn tag(wanted: &Wanted<'_>, reference: &str) -> Result<Target, SourceError> {
    let tag = format!("refs/tags/{reference}");
    let peeled = format!("{tag}^{{}}");
    let branch = format!("refs/heads/{reference}");
    let found = wanted.remote(&[&tag, &peeled, &branch])?;
    let get = |name: &str| {
        let found = found.iter().find(|(there, _)| there == name);
        found.map(|(_, id)| id.clone())
    };
    if let Some(commit) = get(&peeled).or_else(|| get(&tag)) {
        // A tag may be moved; a pin says where it was.
        let commit = wanted.pinned.map_or(commit, str::to_owned);
        let tag = reference.to_owned();
        return Ok(Target::Tag { tag, commit });
    }
    let hex = reference.bytes().all(|byte| byte.is_ascii_hexdigit());
    if hex && (7..64).contains(&reference.len()) {
        return Ok(match wanted.pinned {
            Some(commit) => Target::Commit(commit.to_owned()),
            None => Target::Abbreviated(reference.to_owned()),
        });
    }
    let hint = match get(&branch) {
        Some(_) => Some(format!(
            "there is a branch of that name: write `branch: {reference}` instead of `ref`"
        )),
        None => wanted.hint(reference, "refs/tags/")?,
    };
    Err(SourceError::NoReference {
        uri: wanted.uri.to_owned(),
        reference: reference.to_owned(),
        hint,
    })
}
