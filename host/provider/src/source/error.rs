//! Why a repository cannot be cloned, or is not trusted.

use std::io;
use std::path::PathBuf;

/// Why a repository cannot be cloned, or is not trusted.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// A program that is needed cannot be run.
    #[error("cannot run `{program}`; install it")]
    Program {
        /// The program.
        program: &'static str,
        /// Why.
        source: io::Error,
    },
    /// A file or directory cannot be read or written.
    #[error("cannot {what} {}", .path.display())]
    Io {
        /// `read`, `write`, `make`, `lock`, `list` or `remove`.
        what: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Git could not do it.
    #[error("git cannot {what}: {said}")]
    Git {
        /// What it was to do.
        what: String,
        /// What it said.
        said: String,
    },
    /// The repository has no such branch.
    #[error("{uri} has no branch `{branch}`{}", also(.hint))]
    NoBranch {
        /// The repository.
        uri: String,
        /// The branch.
        branch: String,
        /// The question whether another one was meant.
        hint: Option<String>,
    },
    /// The repository has no such tag, and no such commit.
    #[error("{uri} has no tag and no commit `{reference}`{}", also(.hint))]
    NoReference {
        /// The repository.
        uri: String,
        /// What was looked for.
        reference: String,
        /// What to write instead.
        hint: Option<String>,
    },
    /// A tag was moved since it was pinned.
    #[error(
        "the tag `{tag}` of {uri} was moved from {pinned} to {now}; `vthost provider update` takes it from there"
    )]
    Moved {
        /// The repository.
        uri: String,
        /// The tag.
        tag: String,
        /// Where it was.
        pinned: String,
        /// Where it is.
        now: String,
    },
    /// There is no commit at all.
    #[error("{uri} has no commits")]
    Empty {
        /// The repository.
        uri: String,
    },
    /// The lock file cannot be read.
    #[error("{} is damaged; remove it and run `vthost provider update`", .path.display())]
    LockFile {
        /// The file.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
    /// A later version of vthost wrote the lock file.
    #[error("{} was written by a later version of vthost (form {version})", .path.display())]
    LockVersion {
        /// The file.
        path: PathBuf,
        /// The version of its form.
        version: u32,
    },
    /// The lock file names something that is no commit or no provider.
    #[error("{} is damaged: what it pins of `{name}` is no commit; remove the entry, and `vthost provider update {name}` pins the newest commit", .path.display())]
    LockEntry {
        /// The file.
        path: PathBuf,
        /// The entry, escaped.
        name: String,
    },
    /// The file is no public key.
    #[error(
        "{} is no public key; it has to be one armored OpenPGP public key (`gpg --armor --export ID`) or one ssh public key (`id_ed25519.pub`)",
        .path.display()
    )]
    NoKey {
        /// The file.
        path: PathBuf,
    },
    /// The file is a private key.
    #[error("{} is a private key; `pubkey` names the public one", .path.display())]
    PrivateKey {
        /// The file.
        path: PathBuf,
    },
    /// The file holds several keys.
    #[error("{} holds {count} keys; it has to hold exactly one", .path.display())]
    ManyKeys {
        /// The file.
        path: PathBuf,
        /// How many.
        count: usize,
    },
    /// The signature is not what the key demands.
    #[error("{what} is refused: {why}")]
    Signature {
        /// The tag or the commit.
        what: String,
        /// Why it is not trusted.
        why: String,
    },
    /// Somebody changed the clone.
    #[error("{} was changed since it was fetched ({what})", .path.display())]
    Modified {
        /// The clone.
        path: PathBuf,
        /// The first files that differ.
        what: String,
    },
}

impl SourceError {
    /// For `map_err`: a file or directory that could not be used.
    pub(crate) fn io(what: &'static str, path: &std::path::Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { what, path, source }
    }
}

fn also(hint: &Option<String>) -> String {
    hint.as_ref()
        .map_or_else(String::new, |hint| format!("; {hint}"))
}
