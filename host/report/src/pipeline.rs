//! The way of the events to those who make something of them.

use vthost_metadata::Event;

use crate::{EventLog, Job, ReportError};

/// One who makes something of the events of a job.
pub trait Sink: Send {
    /// What it makes, in a word or two, for a message.
    fn name(&self) -> &'static str;

    /// Takes the next event. A report that needs only the outcome leaves this as it is.
    fn event(&mut self, event: &Event) -> Result<(), ReportError> {
        let _ = event;
        Ok(())
    }

    /// No more events will come; `job` is what they amount to.
    fn finish(&mut self, job: &Job) -> Result<(), ReportError>;
}

/// A sink that failed. It gets no more events; the others go on.
#[derive(Debug, thiserror::Error)]
#[error("no {sink} for this job")]
pub struct Dropped {
    /// The name of the sink.
    pub sink: &'static str,
    /// Why.
    pub source: ReportError,
}

/// Hands events to the event log first and to every sink after it, in order.
///
/// The sinks are independent: one that fails is dropped and reported once, by [`Pipeline::finish`]. A
/// sink that speaks of the files of others, as the terminal does, comes last.
pub struct Pipeline {
    log: Option<EventLog>,
    sinks: Vec<Box<dyn Sink>>,
    dropped: Vec<Dropped>,
    job: Job,
}

impl Pipeline {
    /// For a job that runs: its events are recorded.
    pub fn record(log: EventLog, sinks: Vec<Box<dyn Sink>>) -> Self {
        Self::new(Some(log), sinks)
    }

    /// For a job that was recorded before: the sinks make their reports again.
    pub fn replay(sinks: Vec<Box<dyn Sink>>) -> Self {
        Self::new(None, sinks)
    }

    fn new(log: Option<EventLog>, sinks: Vec<Box<dyn Sink>>) -> Self {
        Self {
            log,
            sinks,
            dropped: Vec::new(),
            job: Job::default(),
        }
    }

    /// Takes the next event.
    ///
    /// An error means that the event is not recorded, and so the job cannot be trusted. The sinks have
    /// it all the same: what can be saved is saved.
    pub fn event(&mut self, event: &Event) -> Result<(), ReportError> {
        let recorded = match &mut self.log {
            Some(log) => log.write(event),
            None => Ok(()),
        };
        self.job.event(event);
        self.each(|sink, _| sink.event(event));
        recorded
    }

    /// Lets every sink finish, and returns those that failed.
    pub fn finish(mut self) -> Vec<Dropped> {
        self.job.close();
        self.each(|sink, job| sink.finish(job));
        self.dropped
    }

    fn each(&mut self, mut act: impl FnMut(&mut dyn Sink, &Job) -> Result<(), ReportError>) {
        self.sinks
            .retain_mut(|sink| match act(&mut **sink, &self.job) {
                Ok(()) => true,
                Err(source) => {
                    self.dropped.push(Dropped {
                        sink: sink.name(),
                        source,
                    });
                    false
                }
            });
    }
}
