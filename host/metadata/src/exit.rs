//! The exit codes of `vthost`, one table.

/// What the process `vthost` answers to its caller. The numbers are stable.
///
/// | code | meaning |
/// |---|---|
/// | 0 | all is well: every test ended PASS, WARN, SKIP or CANCEL |
/// | 1 | at least one test ended FAIL or ERROR; `vthost cartesian lint` found something |
/// | 2 | wrong use: unknown flag, bad value, bad configuration, unreadable pack |
/// | 3 | this machine is not ready: QEMU or the guest image is missing (`vthost bootstrap` helps) |
/// | 4 | nothing to run: a filter names nothing, no variant passes the filters, or every one that does is denied |
/// | 5 | the job itself failed: results cannot be written, or a defect of vthost |
/// | 8 | interrupted by the operator |
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum ExitCode {
    /// Every test ended PASS, WARN, SKIP or CANCEL.
    Ok = 0,
    /// At least one test ended FAIL or ERROR.
    TestsFailed = 1,
    /// Wrong use: unknown flag, bad value, bad configuration, unreadable pack.
    Usage = 2,
    /// QEMU or the guest image is missing.
    NotReady = 3,
    /// A filter names nothing, no variant passes the filters, or every one that does is denied.
    NothingToRun = 4,
    /// The job itself failed.
    JobFailed = 5,
    /// The operator ended the job.
    Interrupted = 8,
}

impl ExitCode {
    /// The number for the shell.
    pub const fn code(self) -> u8 {
        self as u8
    }
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code.code())
    }
}
