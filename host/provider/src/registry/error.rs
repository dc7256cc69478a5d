//! Why a provider cannot be used.

use std::path::PathBuf;
use std::sync::Arc;

use vthost_metadata::ExitCode;

use crate::definition::{DefinitionError, UriError};
use crate::{LayoutError, PackError, SourceError};

use super::State;

/// Why a provider cannot be used, or not be changed.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// There is a mistake in its definition.
    #[error(transparent)]
    Definition(#[from] Arc<DefinitionError>),
    /// The lock file cannot be used.
    #[error(transparent)]
    LockFile(SourceError),
    /// There is none of that name.
    #[error("there is no provider `{name}`; {}", .hint.as_deref().unwrap_or("`vthost provider list` shows what there is"))]
    Unknown {
        /// The name, escaped.
        name: String,
        /// The question whether another one was meant.
        hint: Option<String>,
    },
    /// It was never fetched.
    #[error("provider `{0}` is not fetched; `vthost provider update {0}` fetches it")]
    NotFetched(String),
    /// Its definition says something else than when it was fetched.
    #[error(
        "`{what}` of provider `{name}` changed since it was fetched; `vthost provider update {name}` fetches it anew"
    )]
    Changed {
        /// The provider.
        name: String,
        /// The key that changed.
        what: &'static str,
    },
    /// Its directory is not there.
    #[error("the directory of provider `{name}` is not there: {}", .path.display())]
    NoDirectory {
        /// The provider.
        name: String,
        /// The directory.
        path: PathBuf,
    },
    /// It has none of the directories that its definition names.
    #[error("provider `{name}` has no tests: none of the directories that its definition names is in {}", .root.display())]
    NoBackend {
        /// The provider.
        name: String,
        /// Its root.
        root: PathBuf,
    },
    /// It has no directory that is named after a backend.
    #[error(
        "{} has no directory that is named after a backend; say where the tests lie, as `--backend qemu=SUBDIR`",
        .0.display()
    )]
    FindsNoBackend(PathBuf),
    /// A file of it leads elsewhere.
    #[error("provider `{name}` is refused")]
    Layout {
        /// The provider.
        name: String,
        /// Why.
        source: LayoutError,
    },
    /// It is no pack that this version can run.
    #[error(transparent)]
    Pack(#[from] PackError),
    /// It cannot be fetched, or is not trusted.
    #[error("cannot take provider `{name}`")]
    Source {
        /// The provider.
        name: String,
        /// Why.
        source: Box<SourceError>,
    },
    /// There is one of that name.
    #[error("there is a provider `{name}` already, in {}; give another `--name`, or remove it", .path.display())]
    Exists {
        /// The name.
        name: String,
        /// Its definition.
        path: PathBuf,
    },
    /// It cannot come from there.
    #[error(transparent)]
    Refused(#[from] UriError),
    /// No name follows from where it comes from.
    #[error("no name follows from `{0}`; give one with `--name`")]
    NoName(String),
    /// What is to be added is a definition file.
    #[error("{} is a definition; copy it to {}", .path.display(), .dir.display())]
    IsDefinition {
        /// The file.
        path: PathBuf,
        /// Where definitions lie.
        dir: PathBuf,
    },
    /// A file or directory cannot be used.
    #[error("cannot {what} {}", .path.display())]
    Io {
        /// `remove` or `find`.
        what: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

impl From<DefinitionError> for ProviderError {
    fn from(error: DefinitionError) -> Self {
        Self::Definition(Arc::new(error))
    }
}

impl ProviderError {
    /// What the process answers: 4 for a name that does not exist, 3 if a program is missing, else 2.
    pub fn code(&self) -> ExitCode {
        match self {
            Self::Unknown { .. } => ExitCode::NothingToRun,
            Self::Source { source, .. } if matches!(**source, SourceError::Program { .. }) => {
                ExitCode::NotReady
            }
            _ => ExitCode::Usage,
        }
    }

    /// What of it a list shows.
    pub fn state(&self) -> State {
        match self {
            Self::NotFetched(_) => State::NotFetched,
            Self::Changed { .. } => State::Changed,
            _ => State::Broken,
        }
    }
}
