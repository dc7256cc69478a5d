//! The primary record of a job: `events.jsonl`, one event a line.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use vthost_metadata::{Event, EventKind, SCHEMA};

use crate::ReportError;

/// Writes `events.jsonl`.
///
/// Each line is written through at once, in one system call: it outlives the host, though not the power.
#[derive(Debug)]
pub struct EventLog {
    path: PathBuf,
    file: File,
    length: u64,
    line: Vec<u8>,
}

impl EventLog {
    /// Starts the event log of the job in `job_dir`. A record that is there already is never touched.
    pub fn create(job_dir: &Path) -> Result<Self, ReportError> {
        let path = job_dir.join("events.jsonl");
        let file = OpenOptions::new()
            .append(true)
            .create_new(true)
            .open(&path)
            .map_err(ReportError::write(&path))?;
        Ok(Self {
            path,
            file,
            length: 0,
            line: Vec::new(),
        })
    }

    /// Writes an event.
    pub fn write(&mut self, event: &Event) -> Result<(), ReportError> {
        self.line.clear();
        serde_json::to_writer(&mut self.line, event).map_err(ReportError::write(&self.path))?;
        self.line.push(b'\n');
        if let Err(error) = self.file.write_all(&self.line) {
            // Half a line would spoil the next one. If this fails as well, readers report the line.
            let _ = self.file.set_len(self.length);
            return Err(ReportError::write(&self.path)(error));
        }
        self.length += self.line.len() as u64;
        Ok(())
    }
}

/// The events of a recorded job.
///
/// Events of a kind that this vthost does not know are left out, and so is a last line that a dying host
/// left half written. A log of another schema ends with an error.
pub fn from_jsonl<R: BufRead>(reader: R) -> impl Iterator<Item = Result<Event, ReportError>> {
    Lines {
        reader,
        number: 0,
        line: Vec::new(),
        ended: false,
    }
}

struct Lines<R> {
    reader: R,
    number: usize,
    line: Vec<u8>,
    ended: bool,
}

impl<R: BufRead> Iterator for Lines<R> {
    type Item = Result<Event, ReportError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.ended {
            self.number += 1;
            self.line.clear();
            match self.reader.read_until(b'\n', &mut self.line) {
                Ok(0) => self.ended = true,
                Ok(_) => {
                    if let Some(item) = self.parse() {
                        return Some(item);
                    }
                }
                Err(source) => {
                    self.ended = true;
                    let line = self.number;
                    return Some(Err(ReportError::Read { line, source }));
                }
            }
        }
        None
    }
}

impl<R> Lines<R> {
    fn parse(&mut self) -> Option<Result<Event, ReportError>> {
        if self.line.trim_ascii().is_empty() {
            return None;
        }
        match serde_json::from_slice::<Event>(&self.line) {
            Ok(event) => Some(self.check_schema(event)),
            Err(_) if self.is_unknown_kind() || !self.line.ends_with(b"\n") => None,
            Err(source) => {
                let line = self.number;
                Some(Err(ReportError::Event { line, source }))
            }
        }
    }

    fn check_schema(&mut self, event: Event) -> Result<Event, ReportError> {
        match &event.kind {
            EventKind::JobStarted(job) if job.schema != SCHEMA => {
                self.ended = true;
                Err(ReportError::Schema {
                    found: job.schema,
                    known: SCHEMA,
                })
            }
            _ => Ok(event),
        }
    }

    /// Whether a line that is not an event of ours is one of a later vthost.
    fn is_unknown_kind(&self) -> bool {
        const KNOWN: [&str; 7] = [
            "job-started",
            "test-started",
            "test-phase",
            "test-log",
            "test-finished",
            "job-interrupted",
            "job-finished",
        ];
        #[derive(Deserialize)]
        struct Kind {
            event: String,
        }
        serde_json::from_slice::<Kind>(&self.line)
            .is_ok_and(|kind| !KNOWN.contains(&kind.event.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<Result<Event, String>> {
        from_jsonl(text.as_bytes())
            .map(|event| event.map_err(|error| error.to_string()))
            .collect()
    }

    const PHASE: &str =
        r#"{"time":1795356181.123457,"event":"test-phase","number":3,"phase":"run"}"#;

    #[test]
    fn what_was_written_is_read_again_to_the_byte() {
        let dir = tempfile::tempdir().unwrap();
        let mut log = EventLog::create(dir.path()).unwrap();
        let mut expected = String::new();
        for step in 0..1000 {
            let time = 1_795_356_181.0 + f64::from(step) / 7.0;
            let line = PHASE.replace("1795356181.123457", &format!("{time:?}"));
            log.write(&serde_json::from_str(&line).unwrap()).unwrap();
            expected += &line;
            expected.push('\n');
        }
        let path = dir.path().join("events.jsonl");
        assert_eq!(std::fs::read_to_string(path).unwrap(), expected);
        assert!(EventLog::create(dir.path()).is_err());
    }

    #[test]
    fn later_events_and_a_torn_end_are_left_out() {
        let events = read(&format!(
            "{PHASE}\n{{\"time\":1,\"event\":\"moon\"}}\n\n{PHASE}\n{{\"time"
        ));
        assert_eq!(events.len(), 2);
        assert!(events.iter().all(Result::is_ok));
    }

    #[test]
    fn a_bad_line_is_named() {
        let bad = PHASE.replace("run", "walk");
        let events = read(&format!("{PHASE}\n{bad}\nnonsense\n{PHASE}\n"));
        assert!(events[0].is_ok() && events[3].is_ok());
        assert_eq!(
            events[1],
            Err("line 2 of the event log is not an event".into())
        );
        assert_eq!(
            events[2],
            Err("line 3 of the event log is not an event".into())
        );
    }

    #[test]
    fn another_schema_is_not_misread() {
        let start =
            r#"{"time":1.0,"event":"job-started","schema":99,"job_id":"","job_dir":"","tests":0,
            "command":[],"version":"","host":[]}"#
                .replace('\n', "");
        let events = read(&format!("{start}\n{PHASE}\n"));
        assert_eq!(
            events,
            [Err(
                "the event log has schema 99; this vthost reads schema 1".into()
            )]
        );
    }
}
