//! Sessions and jobs as a test holds them: shared, usable one call at a time, closed when the test is over.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::Mutex;
use vthost_guest::Pattern;

use crate::error::session_kind;
use crate::fate::Fate;
use crate::{Error, ErrorKind, Job, Result};

/// How many patterns can be waited for at a time, and how long they may be together: they are compiled in one go.
const MAX_PATTERNS: usize = 64;
const MAX_PATTERN_BYTES: usize = 16 << 10;

/// How much of what a session has printed is given.
const OUTPUT_TAIL: usize = 64 << 10;

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
    pub(crate) fn new(ran: vthost_guest::CommandOutput) -> Self {
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
pub struct Session {
    slot: Arc<Slot>,
    fate: Fate,
}

/// A session that may be closed already.
#[derive(Debug, Clone)]
pub(crate) struct WeakSession {
    slot: Weak<Slot>,
    fate: Fate,
}

impl WeakSession {
    pub(crate) fn upgrade(&self) -> Option<Session> {
        Some(Session {
            slot: self.slot.upgrade()?,
            fate: self.fate.clone(),
        })
    }
}

fn failed(action: &str, error: vthost_guest::Error) -> Error {
    Error::caused(session_kind(&error), action, error)
}

fn closed() -> Error {
    Error::new(ErrorKind::Gone, "the session is closed")
}

impl Session {
    pub(crate) fn new(session: vthost_guest::Session, fate: Fate) -> Self {
        Self {
            slot: Arc::new(Mutex::new(Some(session))),
            fate,
        }
    }

    pub(crate) fn downgrade(&self) -> WeakSession {
        WeakSession {
            slot: Arc::downgrade(&self.slot),
            fate: self.fate.clone(),
        }
    }

    /// Does something in the guest for as long as there is one.
    async fn work<T>(
        &self,
        action: &str,
        work: impl Future<Output = vthost_guest::Result<T>>,
    ) -> Result<T> {
        match self.fate.or_until(work).await {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(error)) if session_kind(&error) == ErrorKind::Gone => {
                let text = match self.fate.told().await {
                    Some(why) => format!("{action}: {why}"),
                    None => action.to_owned(),
                };
                Err(Error::caused(ErrorKind::Gone, text, error))
            }
            Ok(Err(error)) => Err(failed(action, error)),
            Err(why) => Err(Error::new(ErrorKind::Gone, format!("{action}: {why}"))),
        }
    }

    /// Ends it without a word to the guest, which knows nothing of it any more.
    pub(crate) fn abandon(&self) {
        if let Ok(mut slot) = self.slot.try_lock() {
            slot.take();
        }
    }

    /// Whether it is an open session over the network that nobody uses at the moment.
    pub(crate) fn is_idle_ssh(&self) -> bool {
        self.slot.try_lock().is_ok_and(|slot| {
            slot.as_ref()
                .is_some_and(|session| session.connection().is_some() && session.is_alive())
        })
    }

    /// Runs a command and gives its exit status and what it printed.
    ///
    /// # Errors
    /// [`ErrorKind::TimedOut`] with the output so far; [`ErrorKind::Gone`] if the session is dead.
    pub async fn cmd_status_output(&self, command: &str, timeout: Duration) -> Result<Output> {
        let mut slot = self.slot.lock().await;
        let session = slot.as_mut().ok_or_else(closed)?;
        let action = "the command could not be run to its end";
        let ran = session.cmd_status_output(command, timeout);
        Ok(Output::new(self.work(action, ran).await?))
    }

    /// Starts a command beside the shell.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] on a serial session.
    pub async fn start(&self, command: &str) -> Result<Job> {
        // Not through the shell: a job goes beside it, whatever the shell is doing.
        let connection = {
            let slot = self.slot.lock().await;
            slot.as_ref().ok_or_else(closed)?.connection().cloned()
        };
        let Some(connection) = connection else {
            let text =
                "a serial console has room for one program: log in over the network to start jobs";
            return Err(Error::new(ErrorKind::Unsupported, text));
        };
        let job = connection.start(command).await;
        job.map(Job::command)
            .map_err(|error| failed("the command could not be started", error))
    }

    /// Types a line.
    ///
    /// # Errors
    /// [`ErrorKind::Gone`] if the session is dead.
    pub async fn send_line(&self, line: &str) -> Result<()> {
        let mut slot = self.slot.lock().await;
        let session = slot.as_mut().ok_or_else(closed)?;
        let sent = session.send_line(line);
        self.work("the line could not be sent", sent).await
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
        let mut slot = self.slot.lock().await;
        let session = slot.as_mut().ok_or_else(closed)?;
        let action = "what was waited for did not come";
        let found = self
            .work(action, session.read_until(&patterns, timeout))
            .await?;
        Ok(SessionMatch {
            index: u32::try_from(found.index).unwrap_or(u32::MAX),
            before: found.before,
            matched: found.matched,
        })
    }

    /// The connection under it, if it is ssh.
    pub(crate) async fn connection(&self) -> Option<vthost_guest::SshConnection> {
        self.slot.lock().await.as_ref()?.connection().cloned()
    }

    /// The session itself, for one who is its only holder.
    pub(crate) async fn into_inner(self) -> Result<vthost_guest::Session> {
        self.slot.lock().await.take().ok_or_else(closed)
    }

    /// Sends bytes as they are.
    ///
    /// # Errors
    /// [`ErrorKind::Gone`] if the session is dead.
    pub async fn send(&self, bytes: &[u8]) -> Result<()> {
        let mut slot = self.slot.lock().await;
        let session = slot.as_mut().ok_or_else(closed)?;
        self.work("the bytes could not be sent", session.send(bytes))
            .await
    }

    /// Reads until one of the regular expressions matches the last line that is not empty.
    ///
    /// # Errors
    /// As [`read_until`](Self::read_until).
    pub async fn read_until_last_line(
        &self,
        patterns: &[String],
        timeout: Duration,
    ) -> Result<SessionMatch> {
        let patterns: Vec<String> = patterns
            .iter()
            .map(|pattern| format!(r"(?:{pattern})[^\n]*\s*\z"))
            .collect();
        self.read_until(&patterns, timeout).await
    }

    /// Reads until the prompt comes and gives what stood before it.
    ///
    /// # Errors
    /// [`ErrorKind::TimedOut`] with the last output; [`ErrorKind::Gone`] if the session is dead.
    pub async fn read_up_to_prompt(&self, timeout: Duration) -> Result<String> {
        let mut slot = self.slot.lock().await;
        let session = slot.as_mut().ok_or_else(closed)?;
        let read = session.read_until_prompt(timeout);
        self.work("the prompt did not come", read).await
    }

    /// What came since the last read, until nothing comes for `quiet`.
    ///
    /// # Errors
    /// [`ErrorKind::Gone`] if the session is closed.
    pub async fn read_nonblocking(&self, quiet: Duration, timeout: Duration) -> Result<String> {
        let mut slot = self.slot.lock().await;
        let session = slot.as_mut().ok_or_else(closed)?;
        Ok(session.read_until_quiet(quiet, timeout).await)
    }

    /// All that came since it began, without terminal escapes: the tail.
    pub async fn output(&self) -> String {
        let slot = self.slot.lock().await;
        let output = slot.as_ref().map(|session| session.stripped_output().0);
        let output = output.unwrap_or_default();
        let start = output.ceil_char_boundary(output.len().saturating_sub(OUTPUT_TAIL));
        output[start..].to_owned()
    }

    /// Whether the shell answers.
    pub async fn is_responsive(&self, timeout: Duration) -> bool {
        match self.slot.lock().await.as_mut() {
            Some(session) => session.is_responsive(timeout).await,
            None => false,
        }
    }

    /// Sets the regular expression for the prompt.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] for a bad pattern.
    pub async fn set_prompt(&self, pattern: &str) -> Result<()> {
        let mut slot = self.slot.lock().await;
        let session = slot.as_mut().ok_or_else(closed)?;
        let set = session.set_prompt(pattern);
        set.map_err(|error| failed("the prompt is no regular expression", error))
    }

    /// Closes the session. Closing twice is no error.
    pub async fn close(&self) {
        if let Some(session) = self.slot.lock().await.take() {
            session.close().await;
        }
    }
}
