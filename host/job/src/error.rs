//! Why a job cannot be planned or carried out.

use std::path::PathBuf;

use vthost_provider::PackError;

/// Why a job cannot be planned: something the operator gave is wrong.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// A pack cannot be used.
    #[error(transparent)]
    Pack(#[from] PackError),
    /// Two packs have the same name.
    #[error("{} and {} are both named `{name}`; a job can have one pack of a name", .first.display(), .second.display())]
    SameName {
        /// The name.
        name: String,
        /// One of them.
        first: PathBuf,
        /// The other.
        second: PathBuf,
    },
    /// The configuration of a pack is wrong.
    #[error(transparent)]
    Config(#[from] vthost_cartesian::Error),
    /// The filters or assignments are wrong.
    #[error(transparent)]
    Select(#[from] vthost_provider::SelectError),
    /// A variant names a pack that the job does not have, or lets a pack name one.
    #[error(
        "the variant {variant} has provider = {provider}, which is no pack of this job, or was set by a pack"
    )]
    Provider {
        /// The full name of the variant.
        variant: String,
        /// The name of the pack.
        provider: String,
    },
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
    /// The random numbers of the system cannot be read.
    #[error("cannot make an id for the job")]
    Id(#[source] std::io::Error),
}
