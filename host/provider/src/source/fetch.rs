//! Making a clone of one commit.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::{Git, PublicKey, Signed, SourceError, Target, Wanted};
use crate::definition::{Protocol, is_sha};

/// A clone that is being made has this prefix until it is whole. No commit looks like it.
const UNFINISHED: &str = ".fetch-";
/// What is to be removed has this prefix before its first file goes.
const OLD: &str = ".old-";
/// What is fetched gets this name in the clone.
const HERE: &str = "refs/vthost/wanted";

/// A clone that was made.
#[derive(Debug)]
pub(crate) struct Fetched {
    pub(crate) commit: String,
    /// Whose signature was checked.
    pub(crate) signed_by: Option<String>,
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
    let info = dir.join(".git/info");
    let path = info.join("attributes");
    fs::create_dir_all(&info)
        .and_then(|()| fs::write(&path, ATTRIBUTES))
        .map_err(SourceError::io("write", &path))
}

/// What wins over the attributes that a repository brings: they name filters, which are programs that the operator has,
/// and change the ends of lines, so that a clone is not what was committed.
const ATTRIBUTES: &str = "* -filter -text -ident -working-tree-encoding -eol\n";

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
    let attributes = clone.join(".git/info/attributes");
    if fs::read_to_string(&attributes).ok().as_deref() != Some(ATTRIBUTES) {
        return Ok(Some(".git/info/attributes".to_owned()));
    }
    let status = Git::new(clone, Protocol::File)
        .args(&[
            "status",
            "--porcelain",
            "--untracked-files=all",
            "--ignored",
        ])
        .run(format!("read {}", clone.display()))?;
    let mut files: Vec<String> = status
        .lines()
        .take(3)
        .map(|line| line.trim().to_owned())
        .collect();
    // Git never looks into the place of a submodule, which is not fetched: whatever lies there was put there.
    let index = Git::new(clone, Protocol::File)
        .args(&["ls-files", "--stage", "-z"])
        .run(format!("read {}", clone.display()))?;
    let links = index
        .split('\0')
        .filter(|entry| entry.starts_with("160000 "));
    for path in links.filter_map(|entry| Some(entry.split_once('\t')?.1)) {
        let is_empty = fs::read_dir(clone.join(path)).map_or(true, |mut dir| dir.next().is_none());
        if !is_empty {
            files.push(format!("?? {path}"));
        }
    }
    Ok((!files.is_empty()).then(|| files.join(", ")))
}
