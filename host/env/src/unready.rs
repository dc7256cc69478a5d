//! Why a test was not begun.

use vthost_metadata::Status;

use crate::{Error, ErrorKind};

/// What a test ends with that could not be made ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unready {
    /// ERROR if something went wrong; SKIP or CANCEL if this host is not what the test asks for.
    pub status: Status,
    /// Why.
    pub reason: String,
}

impl Unready {
    pub(crate) fn new(status: Status, reason: impl Into<String>) -> Self {
        Self {
            status,
            reason: reason.into(),
        }
    }
}

impl From<Unready> for Error {
    fn from(unready: Unready) -> Self {
        let kind = match unready.status {
            Status::Skip => ErrorKind::AccessDenied,
            _ => ErrorKind::Other,
        };
        Self::new(kind, unready.reason)
    }
}

impl From<Error> for Unready {
    fn from(error: Error) -> Self {
        let status = match error.kind() {
            ErrorKind::AccessDenied => Status::Skip,
            _ => Status::Error,
        };
        Self::new(status, error.chain())
    }
}

impl From<vthost_params::ParamError> for Unready {
    fn from(error: vthost_params::ParamError) -> Self {
        Error::from(error).into()
    }
}
