//! Work that goes on beside a test: a command in a guest, or something that the host does.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::error::session_kind;
use crate::session::Output;
use crate::{Error, ErrorKind, Result};

/// How long a killed command may take to end.
const KILL_GRACE: Duration = Duration::from_secs(2);
/// How much of a running job's output is given.
const JOB_TAIL: usize = 64 << 10;

/// How a job ended.
pub type Completion = Output;

/// Work that goes on.
#[derive(Debug)]
pub struct Job(Work);

#[derive(Debug)]
enum Work {
    /// A command beside the shell of its session.
    Command(vthost_guest::Job),
    /// Something that the host does.
    Task(Task),
}

/// Something that the host does beside a test.
#[derive(Debug)]
struct Task {
    name: String,
    cancel: CancellationToken,
    said: Said,
    end: watch::Receiver<Option<Completion>>,
}

/// What a task has said so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Said(Arc<Mutex<String>>);

impl Said {
    /// Adds a line.
    pub(crate) fn line(&self, line: &str) {
        let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        said.push_str(line);
        said.push('\n');
    }

    fn all(&self) -> String {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Job {
    /// A command in a guest.
    pub(crate) fn command(job: vthost_guest::Job) -> Self {
        Self(Work::Command(job))
    }

    /// Starts something that the host does. The work ends soon when the token that it is given is cancelled; it returns
    /// whether it did what it should.
    pub(crate) fn task<F>(name: &str, work: impl FnOnce(CancellationToken, Said) -> F) -> Self
    where
        F: Future<Output = bool> + Send + 'static,
    {
        let (cancel, said) = (CancellationToken::new(), Said::default());
        let (done, end) = watch::channel(None);
        let work = work(cancel.clone(), said.clone());
        let told = said.clone();
        tokio::spawn(async move {
            let status = i32::from(!work.await);
            // Nobody may be waiting.
            let _ = done.send(Some(Output {
                status,
                output: told.all(),
            }));
        });
        Self(Work::Task(Task {
            name: name.to_owned(),
            cancel,
            said,
            end,
        }))
    }

    /// Waits for the end.
    ///
    /// # Errors
    /// [`ErrorKind::TimedOut`]: it goes on and can be waited for again; [`ErrorKind::Gone`] if the connection is lost.
    pub async fn wait(&self, timeout: Duration) -> Result<Completion> {
        let (name, end) = match &self.0 {
            Work::Command(job) => {
                let end = job.wait(timeout).await.map_err(|error| {
                    let text = "the job could not be waited for";
                    Error::caused(session_kind(&error), text, error)
                })?;
                (job.command(), end.map(Output::new))
            }
            Work::Task(task) => {
                let mut end = task.end.clone();
                let ended = tokio::time::timeout(timeout, end.wait_for(Option::is_some)).await;
                let ended = match ended {
                    Ok(Ok(ended)) => ended.clone(),
                    // The runtime has dropped it.
                    Ok(Err(_)) => {
                        let text = format!("the {} was given up", task.name);
                        return Err(Error::new(ErrorKind::Gone, text));
                    }
                    Err(_) => None,
                };
                (task.name.as_str(), ended)
            }
        };
        end.ok_or_else(|| {
            let text = format!("`{name}` still runs after {timeout:?}");
            Error::new(ErrorKind::TimedOut, text)
        })
    }

    /// Waits until one of the jobs has ended, well or not, and gives its place in the list.
    pub async fn wait_any(jobs: &[&Self], timeout: Duration) -> Option<usize> {
        let ends = jobs.iter().map(|job| {
            Box::pin(async {
                // An error is an end too: `wait` tells it.
                let _ = job.wait(timeout).await;
                !job.is_running()
            })
        });
        let (ended, index, _) = futures::future::select_all(ends).await;
        ended.then_some(index)
    }

    /// Whether it still runs.
    pub fn is_running(&self) -> bool {
        match &self.0 {
            Work::Command(job) => job.is_running(),
            Work::Task(task) => task.end.borrow().is_none() && task.end.has_changed().is_ok(),
        }
    }

    /// What it printed so far: the tail.
    pub fn output(&self) -> String {
        let output = match &self.0 {
            Work::Command(job) => job.output_so_far(),
            Work::Task(task) => task.said.all(),
        };
        let start = output.ceil_char_boundary(output.len().saturating_sub(JOB_TAIL));
        output[start..].to_owned()
    }

    /// Ends it.
    ///
    /// # Errors
    /// [`ErrorKind::Gone`] if the connection is lost.
    pub async fn cancel(&self) -> Result<()> {
        match &self.0 {
            Work::Command(job) => job.kill(KILL_GRACE).await.map_err(|error| {
                let text = "the job could not be ended";
                Error::caused(session_kind(&error), text, error)
            }),
            Work::Task(task) => {
                task.cancel.cancel();
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: Duration = Duration::from_secs(10);

    #[tokio::test]
    async fn a_task_ends_by_itself_or_is_cancelled() {
        let job = Job::task("count", |_, said| async move {
            said.line("one");
            true
        });
        let end = job.wait(SHORT).await.unwrap();
        assert_eq!((end.status, end.output.as_str()), (0, "one\n"));
        assert!(!job.is_running());
        let endless = Job::task("wait", |cancel, said| async move {
            cancel.cancelled().await;
            said.line("cancelled");
            false
        });
        let early = endless.wait(Duration::from_millis(1)).await.unwrap_err();
        assert_eq!(early.kind(), ErrorKind::TimedOut);
        assert!(endless.is_running());
        assert_eq!(Job::wait_any(&[&endless, &job], SHORT).await, Some(1));
        endless.cancel().await.unwrap();
        assert_eq!(endless.wait(SHORT).await.unwrap().status, 1);
        assert_eq!(endless.output(), "cancelled\n");
    }
}
