//! What a caller chooses about a copy, and what it is told while and after it runs.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// What carries files between host and guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// The sftp subsystem of an ssh connection.
    Sftp,
    /// `scp` in the guest, driven over an ssh connection: for guests without sftp.
    Scp,
    /// The rss file server in the guest, for guests without ssh; see [`crate::rss`].
    Rss,
}

impl Carrier {
    /// The name in messages.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sftp => "sftp",
            Self::Scp => "scp",
            Self::Rss => "rss",
        }
    }
}

impl fmt::Display for Carrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What becomes of a symbolic link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Symlinks {
    /// What the link leads to is copied in its place. On the host a link inside a copied tree is followed only as far as
    /// the tree reaches; what leads out of it is skipped and reported. A guest follows its own links on its own side.
    #[default]
    Follow,
    /// The link itself is copied. From a guest only a link that stays inside the copied tree is made; others are skipped and
    /// reported. `scp` from a guest and `rss` cannot carry links.
    Keep,
}

/// Bounds on what a guest can make the host store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Files, directories and links of one copy.
    pub entries: u64,
    /// Bytes of one copy.
    pub bytes: u64,
    /// Directories inside each other.
    pub depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            entries: 250_000,
            bytes: 64 << 30,
            depth: 64,
        }
    }
}

/// Called after every piece of data and every file, from the task that copies: it must be quick.
pub type ProgressFn = Arc<dyn Fn(&Progress) + Send + Sync>;

/// How a copy is done.
#[derive(Clone)]
pub struct TransferOptions {
    /// For the whole copy.
    pub timeout: Duration,
    /// For one answer of the guest.
    pub operation_timeout: Duration,
    /// The greatest average rate, in KiB/s.
    pub limit: Option<u64>,
    /// What becomes of symbolic links.
    pub symlinks: Symlinks,
    /// Whether permissions go along. From a guest only the nine permission bits are taken, and a directory always stays
    /// usable by its owner. `rss` cannot carry them.
    pub modes: bool,
    /// Whether modification times go along. `rss` cannot carry them.
    pub times: bool,
    /// Bounds on what is stored on the host, and on the number and depth of what is sent.
    pub limits: Limits,
    /// Who wants to know how far the copy is.
    pub progress: Option<ProgressFn>,
}

impl Default for TransferOptions {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(600),
            operation_timeout: Duration::from_secs(60),
            limit: None,
            symlinks: Symlinks::default(),
            modes: true,
            times: false,
            limits: Limits::default(),
            progress: None,
        }
    }
}

impl fmt::Debug for TransferOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TransferOptions")
            .field("timeout", &self.timeout)
            .field("operation_timeout", &self.operation_timeout)
            .field("limit", &self.limit)
            .field("symlinks", &self.symlinks)
            .field("modes", &self.modes)
            .field("times", &self.times)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// How far a copy is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Files that are complete.
    pub files: u64,
    /// Directories made or entered.
    pub directories: u64,
    /// Symbolic links made.
    pub links: u64,
    /// Bytes of file content.
    pub bytes: u64,
    /// Bytes of file content there are in all, where that is known beforehand (to a guest).
    pub total: Option<u64>,
    /// The file that is being copied, fit for a terminal.
    pub current: Option<String>,
    /// Bytes of that file.
    pub offset: u64,
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} files and {}", self.files, self.bytes)?;
        if let Some(total) = self.total {
            write!(f, " of {total}")?;
        }
        f.write_str(" bytes")?;
        match &self.current {
            Some(name) => write!(f, ", at byte {} of {name:?}", self.offset),
            None => Ok(()),
        }
    }
}

/// What a copy has done.
#[derive(Clone, Debug)]
pub struct TransferReport {
    /// What carried it.
    pub carrier: Carrier,
    /// Files copied.
    pub files: u64,
    /// Directories made or entered.
    pub directories: u64,
    /// Symbolic links made.
    pub links: u64,
    /// Bytes of file content.
    pub bytes: u64,
    /// The time it took.
    pub elapsed: Duration,
    /// The first entries that were left out on purpose.
    pub skipped: Vec<Skipped>,
    /// How many were left out in all.
    pub skipped_count: u64,
}

/// An entry that was left out: a device, a link that leads out of the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Its path, fit for a terminal.
    pub path: String,
    /// Why.
    pub reason: &'static str,
}
