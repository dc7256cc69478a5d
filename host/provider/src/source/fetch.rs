//! Making a clone of one commit.

use std::fs;
use std::path::Path;

use tempfile::TempDir;
use vthost_cartesian::{did_you_mean, nearest};

use super::{Git, PublicKey, Signed, SourceError};
use crate::definition::{Protocol, is_sha};

/// A clone that is being made has this prefix until it is whole. No commit looks like it.
const UNFINISHED: &str = ".fetch-";
/// What is to be removed has this prefix before its first file goes.
const OLD: &str = ".old-";
/// What is fetched gets this name in the clone.
const HERE: &str = "refs/vthost/wanted";

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

/// A clone that was made.
#[derive(Debug)]
pub(crate) struct Fetched {
    pub(crate) commit: String,
    /// Whose signature was checked.
    pub(crate) signed_by: Option<String>,
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
    fn git(&self, dir: &Path) -> Git {
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

/// Fetches `target` to a directory below `clones` that is named after its commit, unless it is there already. Whoever
/// calls this holds the lock of the provider.
pub(crate) fn fetch(
    clones: &Path,
    wanted: &Wanted<'_>,
    target: &Target,
    key: Option<&PublicKey>,
) -> Result<Fetched, SourceError> {
    fs::create_dir_all(clones).map_err(SourceError::io("make", clones))?;
    remove_debris(clones)?;
    let dir = tempfile::Builder::new()
        .prefix(UNFINISHED)
        .tempdir_in(clones)
        .map_err(SourceError::io("make", clones))?;
    init(wanted, target, dir.path())?;
    let commit = get(wanted, target, dir.path())?;
    let signed = match target {
        Target::Tag { tag, .. } => Signed::Tag(tag),
        _ => Signed::Commit(&commit),
    };
    let signed_by = key.map(|key| key.verify(dir.path(), signed)).transpose()?;
    wanted
        .git(dir.path())
        .args(&["checkout", "--quiet", "--force", "--detach", &commit])
        .run(format!("check out {commit}"))?;
    place(dir, &clones.join(&commit))?;
    Ok(Fetched { commit, signed_by })
}

/// Removes what an interrupted process left.
fn remove_debris(clones: &Path) -> Result<(), SourceError> {
    for entry in fs::read_dir(clones).map_err(SourceError::io("list", clones))? {
        let entry = entry.map_err(SourceError::io("list", clones))?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with(UNFINISHED) || name.starts_with(OLD) {
            // A git that outlived its killed vthost may still write there: then the next run removes it.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
    Ok(())
}

fn init(wanted: &Wanted<'_>, target: &Target, dir: &Path) -> Result<(), SourceError> {
    let format = match target.commit().map(str::len) {
        Some(64) => "sha256",
        _ => "sha1",
    };
    // Without a template there are no hooks.
    wanted
        .git(dir)
        .args(&["init", "--quiet", "--template="])
        .args(&[&format!("--object-format={format}")])
        .run(format!("make a repository in {}", dir.display()))?;
    Ok(())
}

/// Fetches as little as will do, and gives the commit.
fn get(wanted: &Wanted<'_>, target: &Target, dir: &Path) -> Result<String, SourceError> {
    let what = format!("fetch {}", wanted.uri);
    let shallow = |refspec: &str| {
        wanted
            .git(dir)
            .args(&["fetch", "--quiet", "--no-tags", "--depth=1"])
            .args(&[
                "--no-write-fetch-head",
                "--end-of-options",
                wanted.uri,
                refspec,
            ])
            .run(what.clone())
    };
    let id = |name: &str| {
        let revision = format!("{name}^{{commit}}");
        wanted
            .git(dir)
            .args(&["rev-parse", "--verify", "--quiet", "--end-of-options"])
            .args(&[&revision])
            .run(format!("find {name}"))
            .map(|id| id.trim().to_owned())
    };
    match target {
        Target::Branch { name, .. } => {
            shallow(&format!("+{name}:{HERE}"))?;
            id(HERE)
        }
        Target::Tag { tag, commit } => {
            shallow(&format!("+refs/tags/{tag}:refs/tags/{tag}"))?;
            let now = id(&format!("refs/tags/{tag}"))?;
            match wanted.pinned {
                Some(pinned) if pinned != now => Err(SourceError::Moved {
                    uri: wanted.uri.to_owned(),
                    tag: tag.clone(),
                    pinned: commit.clone(),
                    now,
                }),
                _ => Ok(now),
            }
        }
        Target::Commit(commit) => {
            // Not every server gives a commit that no branch points to: then the whole history holds it.
            if shallow(&format!("+{commit}:{HERE}")).is_err() {
                whole(wanted, dir)?;
            }
            id(commit).map_err(|_| missing(wanted, commit))
        }
        Target::Abbreviated(commit) => {
            whole(wanted, dir)?;
            id(commit).map_err(|_| missing(wanted, commit))
        }
    }
}

fn whole(wanted: &Wanted<'_>, dir: &Path) -> Result<String, SourceError> {
    wanted
        .git(dir)
        .args(&[
            "fetch",
            "--quiet",
            "--no-write-fetch-head",
            "--end-of-options",
            wanted.uri,
        ])
        .args(&[
            "+refs/heads/*:refs/vthost/heads/*",
            "+refs/tags/*:refs/tags/*",
        ])
        .run(format!("fetch {}", wanted.uri))
}

fn missing(wanted: &Wanted<'_>, commit: &str) -> SourceError {
    SourceError::NoReference {
        uri: wanted.uri.to_owned(),
        reference: commit.to_owned(),
        hint: None,
    }
}

/// Puts a clone in its place. One that is there already stays, unless somebody changed it.
fn place(dir: TempDir, path: &Path) -> Result<(), SourceError> {
    if path.exists() {
        if changes(path)?.is_none() {
            return Ok(());
        }
        retire(path)?;
    }
    fs::rename(dir.path(), path).map_err(SourceError::io("write", path))?;
    // It has another name now.
    let _ = dir.keep();
    Ok(())
}

/// Takes a clone away. It never stands half removed under the name of its commit.
fn retire(path: &Path) -> Result<(), SourceError> {
    let old = tempfile::Builder::new()
        .prefix(OLD)
        .tempdir_in(path.parent().unwrap_or(path))
        .map_err(SourceError::io("remove", path))?;
    fs::rename(path, old.path().join("clone")).map_err(SourceError::io("remove", path))
}

/// Removes all clones but these.
pub(crate) fn retain(clones: &Path, keep: &[&str]) -> Result<(), SourceError> {
    remove_debris(clones)?;
    for entry in fs::read_dir(clones).map_err(SourceError::io("list", clones))? {
        let path = entry.map_err(SourceError::io("list", clones))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if is_sha(&name) && !keep.contains(&&*name) {
            retire(&path)?;
        }
    }
    Ok(())
}

/// What differs between a clone and its commit; `None` if nothing does.
pub(crate) fn changes(clone: &Path) -> Result<Option<String>, SourceError> {
    let expected = clone.file_name().unwrap_or_default().to_string_lossy();
    let head = Git::new(clone, Protocol::File)
        .args(&["rev-parse", "HEAD"])
        .run(format!("read {}", clone.display()))?;
    if head.trim() != expected {
        return Ok(Some(format!("it is at commit {}", head.trim())));
    }
    let status = Git::new(clone, Protocol::File)
        .args(&[
            "status",
            "--porcelain",
            "--untracked-files=all",
            "--ignored",
        ])
        .run(format!("read {}", clone.display()))?;
    let files: Vec<&str> = status.lines().take(3).map(str::trim).collect();
    Ok((!files.is_empty()).then(|| files.join(", ")))
}
