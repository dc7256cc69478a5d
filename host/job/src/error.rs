//! Why a job cannot be planned or carried out.

use std::path::PathBuf;

use vthost_provider::{CfgError, LayoutError, PackError, SetError};

/// Why a job cannot be planned: something the operator gave is wrong.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// A pack cannot be used, or is not let in.
    #[error(transparent)]
    Pack(#[from] PackError),
    /// No provider has a test for the backend.
    #[error("there are no tests of type {backend} in {}: a provider has them in {backend}/tests/cfg and generic/tests/cfg, or brings a pack", paths(.providers))]
    NoTests {
        /// Where they were looked for.
        providers: Vec<PathBuf>,
        /// The backend.
        backend: String,
    },
    /// Two providers have the same name.
    #[error("{} and {} are both named `{name}`; a job can have one provider of a name", .first.display(), .second.display())]
    SameName {
        /// The name.
        name: String,
        /// One of them.
        first: PathBuf,
        /// The other.
        second: PathBuf,
    },
    /// The configuration is wrong.
    #[error(transparent)]
    Config(#[from] vthost_cartesian::Error),
    /// A directory of a provider cannot be read, or something in it leads out of it.
    #[error(transparent)]
    Layout(#[from] LayoutError),
    /// A file or directory of a provider or of the operator cannot be read.
    #[error(transparent)]
    Files(#[from] CfgError),
    /// The filters or assignments are wrong.
    #[error(transparent)]
    Select(#[from] vthost_provider::SelectError),
    /// A variant names a provider that the job does not have, or a provider sets whose it is.
    #[error(
        "the variant {variant} has provider = {provider}, which is no provider of this job, or was set by a provider"
    )]
    Provider {
        /// The full name of the variant.
        variant: String,
        /// The name of the provider.
        provider: String,
    },
}

fn paths(paths: &[PathBuf]) -> String {
    let paths: Vec<_> = paths
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    paths.join(", ")
}

impl From<SetError> for PlanError {
    fn from(error: SetError) -> Self {
        match error {
            SetError::File(error) => Self::Files(error),
            SetError::Config(error) => Self::Config(error),
        }
    }
}

/// Why a job could not be carried out. Tests that went wrong are results and no error.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// The results cannot be written.
    #[error("cannot write results to {}", .path.display())]
    Results {
        /// The directory or file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The sandbox does not work here, or a pack does not fit it.
    #[error(transparent)]
    Sandbox(#[from] vthost_sandbox::SandboxError),
    /// There is no place for overlays and sockets.
    #[error("there is no place for overlays and sockets in /var/tmp")]
    RunDir(#[source] std::io::Error),
    /// The kernel does not tell what tests leave running.
    #[error("cannot become the parent of processes that lose theirs")]
    Orphans(#[source] std::io::Error),
    /// The random numbers of the system cannot be read.
    #[error("cannot make an id for the job")]
    Id(#[source] std::io::Error),
}
