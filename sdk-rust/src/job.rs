//! Work that goes on beside the test.

use std::time::Duration;

use crate::Error;
use crate::bindings::vthost::core::jobs as raw;
use crate::session::milliseconds;

/// How a job ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completion {
    /// The exit status of a command; 128 plus the number of the signal that killed it.
    pub status: i32,
    /// Everything that it printed.
    pub output: String,
}

/// Work that goes on beside the test. Dropping the handle does not end the work; the end of the test does.
#[derive(Debug)]
pub struct Job(raw::Job);

impl Job {
    pub(crate) fn new(raw: raw::Job) -> Self {
        Self(raw)
    }

    /// Waits for the end.
    ///
    /// # Errors
    /// [`Error::TimedOut`]: the job goes on and can be waited for again.
    pub fn wait(&self, timeout: Duration) -> Result<Completion, Error> {
        let end = self.0.wait(milliseconds(timeout))?;
        Ok(Completion {
            status: end.status,
            output: end.output,
        })
    }

    /// What it printed so far: at most the last 64 KiB.
    pub fn output(&self) -> String {
        self.0.output()
    }

    /// Ends the work.
    ///
    /// # Errors
    /// [`Error`] if that could not be told to the guest.
    pub fn cancel(&self) -> Result<(), Error> {
        Ok(self.0.cancel()?)
    }
}

/// Waits until one of the jobs ends and gives its place in the list; none when the time is over first, or
/// when there are no jobs.
pub fn wait_any(jobs: &[&Job], timeout: Duration) -> Option<usize> {
    if jobs.is_empty() {
        return None;
    }
    let raw: Vec<&raw::Job> = jobs.iter().map(|job| &job.0).collect();
    raw::wait_any(&raw, milliseconds(timeout)).map(|index| index as usize)
}
