//! The monitor of a machine as a test uses it.

use vthost_qemu::QmpError;

use crate::Error;
use crate::error::monitor_kind;

/// Why a monitor command failed.
#[derive(Debug, thiserror::Error)]
pub enum MonitorError {
    /// QEMU refused it.
    #[error("the monitor refused: {class}: {desc}")]
    Refused {
        /// The class of the error.
        class: String,
        /// Its description.
        desc: String,
    },
    /// It did not reach QEMU, or its answer did not come.
    #[error(transparent)]
    Failed(#[from] Error),
}

impl From<QmpError> for MonitorError {
    fn from(error: QmpError) -> Self {
        match error {
            QmpError::Command { class, desc, .. } => Self::Refused { class, desc },
            other => Self::Failed(Error::caused(
                monitor_kind(&other),
                "the monitor command failed",
                other,
            )),
        }
    }
}
