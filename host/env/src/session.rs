//! Sessions and jobs as a test holds them: shared, usable one call at a time, closed when the test is over.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::Mutex;
use vthost_guest::Pattern;

use crate::error::session_kind;
use crate::{Error, ErrorKind, Result};

/// How long a killed command may take to end.
const KILL_GRACE: Duration = Duration::from_secs(2);
/// How many patterns can be waited for at a time, and how long they may be together: they are compiled in one go.
const MAX_PATTERNS: usize = 64;
const MAX_PATTERN_BYTES: usize = 16 << 10;
/// How much of a running job's output is given.
const JOB_TAIL: usize = 64 << 10;

/// What a command did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Its exit status.
    pub status: i32,
    /// What it printed.
    pub output: String,
}

impl Output {
    /// What a command did. Where the beginning of its output was more than is kept, the output says so.
    fn new(ran: vthost_guest::CommandOutput) -> Self {
        let output = match ran.dropped {
            0 => ran.output,
            dropped => format!("[the first {dropped} bytes are not kept]\n{}", ran.output),
        };
        Self {
            status: ran.status,
            output,
        }
    }
}

/// How a job ended.
pub type Completion = Output;

/// What [`Session::read_until`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionMatch {
    /// The place of the pattern in the list.
    pub index: u32,
    /// Everything before the match.
    pub before: String,
    /// The text that matched.
    pub matched: String,
}

type Slot = Mutex<Option<vthost_guest::Session>>;

/// A shell in a guest. Clones share it.
#[derive(Debug, Clone)]
pub struct Session(Arc<Slot>);

/// A session that may be closed already.
#[derive(Debug, Clone)]
pub(crate) struct WeakSession(Weak<Slot>);

impl WeakSession {
    pub(crate) fn upgrade(&self) -> Option<Session> {
        self.0.upgrade().map(Session)
    }
}

fn failed(action: &str, error: vthost_guest::Error) -> Error {
    Error::caused(session_kind(&error), action, error)
}

fn closed() -> Error {
    Error::new(ErrorKind::Gone, "the session is closed")
}

impl Session {
    pub(crate) fn new(session: vthost_guest::Session) -> Self {
        Self(Arc::new(Mutex::new(Some(session))))
    }

    pub(crate) fn downgrade(&self) -> WeakSession {
        WeakSession(Arc::downgrade(&self.0))
    }

    /// Ends it without a word to the guest, which knows nothing of it any more.
    pub(crate) fn abandon(&self) {
        if let Ok(mut slot) = self.0.try_lock() {
            slot.take();
        }
    }

    /// Whether it is an open session over the network that nobody uses at the moment.
    pub(crate) fn is_idle_ssh(&self) -> bool {
        self.0.try_lock().is_ok_and(|slot| {
            slot.as_ref()
                .is_some_and(|session| session.connection().is_some() && session.is_alive())
        })
    }

    /// Runs a command and gives its exit status and what it printed.
    ///
    /// # Errors
    /// [`ErrorKind::TimedOut`] with the output so far; [`ErrorKind::Gone`] if the session is dead.
    pub async fn cmd_status_output(&self, command: &str, timeout: Duration) -> Result<Output> {
        let mut slot = self.0.lock().await;
        let session = slot.as_mut().ok_or_else(closed)?;
        let ran = session.cmd_status_output(command, timeout).await;
        let ran = ran.map_err(|error| failed("the command could not be run to its end", error))?;
        Ok(Output::new(ran))
    }

    /// Starts a command beside the shell.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] on a serial session.
    pub async fn start(&self, command: &str) -> Result<Job> {
        // Not through the shell: a job goes beside it, whatever the shell is doing.
        let connection = {
            let slot = self.0.lock().await;
            slot.as_ref().ok_or_else(closed)?.connection().cloned()
        };
        let Some(connection) = connection else {
            let text =
                "a serial console has room for one program: log in over the network to start jobs";
            return Err(Error::new(ErrorKind::Unsupported, text));
        };
        let job = connection.start(command).await;
        job.map(Job)
            .map_err(|error| failed("the command could not be started", error))
    }

    /// Types a line.
    ///
    /// # Errors
    /// [`ErrorKind::Gone`] if the session is dead.
    pub async fn send_line(&self, line: &str) -> Result<()> {
        let mut slot = self.0.lock().await;
        let session = slot.as_mut().ok_or_else(closed)?;
        let sent = session.send_line(line).await;
        sent.map_err(|error| failed("the line could not be sent", error))
    }

    /// Reads until one of the regular expressions matches.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] for a bad or missing pattern; [`ErrorKind::TimedOut`] with the last output.
    pub async fn read_until(&self, patterns: &[String], timeout: Duration) -> Result<SessionMatch> {
        if patterns.is_empty() {
            return Err(Error::new(
                ErrorKind::Invalid,
                "there is no pattern to read until",
            ));
        }
        let size: usize = patterns.iter().map(String::len).sum();
        if patterns.len() > MAX_PATTERNS || size > MAX_PATTERN_BYTES {
            let text =
                format!("more than {MAX_PATTERNS} patterns, or {MAX_PATTERN_BYTES} bytes of them");
            return Err(Error::new(ErrorKind::Invalid, text));
        }
        let patterns = patterns
            .iter()
            .map(|pattern| Pattern::new(pattern))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| failed("a pattern is no regular expression", error))?;
        let mut slot = self.0.lock().await;
        let session = slot.as_mut().ok_or_else(closed)?;
        let found = session
            .read_until(&patterns, timeout)
            .await
            .map_err(|error| failed("what was waited for did not come", error))?;
        Ok(SessionMatch {
            index: u32::try_from(found.index).unwrap_or(u32::MAX),
            before: found.before,
            matched: found.matched,
        })
    }

    /// Closes the session. Closing twice is no error.
    pub async fn close(&self) {
        if let Some(session) = self.0.lock().await.take() {
            session.close().await;
        }
    }
}

/// A command that runs beside the shell of its session.
#[derive(Debug)]
pub struct Job(vthost_guest::Job);

impl Job {
    /// Waits for the end.
    ///
    /// # Errors
    /// [`ErrorKind::TimedOut`]: it goes on and can be waited for again; [`ErrorKind::Gone`] if the connection is lost.
    pub async fn wait(&self, timeout: Duration) -> Result<Completion> {
        let end = self.0.wait(timeout).await;
        let end = end.map_err(|error| failed("the job could not be waited for", error))?;
        end.map(Output::new).ok_or_else(|| {
            let text = format!("`{}` still runs after {timeout:?}", self.0.command());
            Error::new(ErrorKind::TimedOut, text)
        })
    }

    /// Waits until one of the jobs has ended, well or not, and gives its place in the list.
    pub async fn wait_any(jobs: &[&Self], timeout: Duration) -> Option<usize> {
        let ends = jobs.iter().map(|job| {
            Box::pin(async {
                // An error is an end too: `wait` tells it.
                let _ = job.0.wait(timeout).await;
                !job.0.is_running()
            })
        });
        let (ended, index, _) = futures::future::select_all(ends).await;
        ended.then_some(index)
    }

    /// Whether it still runs.
    pub fn is_running(&self) -> bool {
        self.0.is_running()
    }

    /// What it printed so far: the tail.
    pub fn output(&self) -> String {
        let output = self.0.output_so_far();
        let start = output.ceil_char_boundary(output.len().saturating_sub(JOB_TAIL));
        output[start..].to_owned()
    }

    /// Ends it.
    ///
    /// # Errors
    /// [`ErrorKind::Gone`] if the connection is lost.
    pub async fn cancel(&self) -> Result<()> {
        let killed = self.0.kill(KILL_GRACE).await;
        killed.map_err(|error| failed("the job could not be ended", error))
    }
}
