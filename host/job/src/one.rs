//! One test of a job: preprocess, run, postprocess, and whatever goes wrong on the way.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use vthost_cartesian::OriginKind;
use vthost_env::{Context, Environment, Log, Pool};
use vthost_metadata::{
    EventKind, LogLevel, LogSource, Phase, Status, TestFinished, TestLog, TestPhase, TestStarted,
};
use vthost_params::Params;
use vthost_provider::pack::PackLimits;
use vthost_sandbox::{Limits, Prepared, Sandbox, TestEnd, TestLogger, TestRun};

use crate::run::now;
use crate::{Interrupt, JobDir, JobError, Places, Plan, Planned};

/// How long what is done before and after a test may take, whatever the parameters of the test say: the deadline of the
/// test does not count it.
pub(crate) const AROUND: Duration = Duration::from_secs(900);

/// What all tests of a job share.
pub(crate) struct Shared<'a, E> {
    pub(crate) plan: &'a Plan,
    pub(crate) sandbox: &'a Sandbox,
    pub(crate) prepared: &'a [Option<Prepared>],
    pub(crate) places: &'a Places,
    pub(crate) dir: &'a JobDir,
    pub(crate) pool: &'a Arc<Pool>,
    pub(crate) interrupt: &'a Interrupt,
    pub(crate) emit: &'a E,
}

/// One test.
pub(crate) struct One<'a, E> {
    shared: &'a Shared<'a, E>,
    number: usize,
    planned: &'a Planned,
    params: Params,
    /// Why it is not begun: something that it depends on did not pass.
    blocked: Option<String>,
}

impl<'a, E> One<'a, E>
where
    E: Fn(EventKind) + Clone + Send + Sync + 'static,
{
    pub(crate) fn new(
        shared: &'a Shared<'a, E>,
        number: usize,
        planned: &'a Planned,
        blocked: Option<String>,
    ) -> Self {
        Self {
            blocked,
            shared,
            number,
            planned,
            params: planned.params(),
        }
    }

    /// Runs it to its end. The only error is that results cannot be written.
    pub(crate) async fn run(&self) -> Result<Status, JobError> {
        let (shared, planned, params) = (self.shared, self.planned, &self.params);
        let total = shared.plan.tests.len();
        let dir = shared.dir.test(self.number, total, &planned.name)?;
        let (started, begun) = (now(), Instant::now());
        (shared.emit)(EventKind::TestStarted(TestStarted {
            number: self.number,
            total,
            name: planned.name.clone(),
            variant: planned.variant.name().to_owned(),
            pack: match planned.pack {
                Some(pack) => shared.plan.packs[pack].manifest.name.clone(),
                None => planned.provider.clone(),
            },
            dir: dir.clone(),
            params: params
                .iter()
                .map(|(key, value)| (key.into_owned(), value.to_owned()))
                .collect(),
        }));
        for note in params.notes() {
            self.host_log(LogLevel::Info, note.to_string());
        }
        let ended = self.phases(&shared.dir.path.join(&dir)).await;
        (shared.emit)(EventKind::TestFinished(TestFinished {
            number: self.number,
            name: planned.name.clone(),
            dir,
            status: ended.status,
            reason: ended.reason,
            detail: ended.detail,
            started,
            elapsed: begun.elapsed().as_secs_f64(),
        }));
        Ok(ended.status)
    }

    async fn phases(&self, dir: &Path) -> TestEnd {
        if self.shared.interrupt.stop.is_cancelled() {
            return TestEnd::new(Status::Skip, "the job was interrupted before this test");
        }
        if let Some(fault) = &self.planned.fault {
            return TestEnd::new(Status::Error, fault);
        }
        let skipped = [&self.planned.skip, &self.planned.unported, &self.blocked];
        if let Some(reason) = skipped.into_iter().flatten().next() {
            return TestEnd::new(Status::Skip, reason);
        }
        if let Some(denial) = self.planned.denials.first() {
            return TestEnd::new(Status::Skip, denial.to_string());
        }
        let prepared = self
            .planned
            .pack
            .and_then(|pack| self.shared.prepared[pack].as_ref());
        let Some(prepared) = prepared else {
            return TestEnd::error("the pack of this test was not prepared");
        };
        let deadline = match self.deadline() {
            Ok(deadline) => deadline,
            Err(error) => return TestEnd::error(error.to_string()),
        };
        let context = Context {
            data_dir: self.shared.places.data.clone(),
            binaries: self.shared.places.binaries.clone(),
            host_files: self.shared.plan.grants.has("host-files"),
            grants: self.shared.plan.grants.clone(),
            host_commands: self.shared.plan.grants.has("exec"),
            log_dir: dir.to_owned(),
            log: self.log(),
            pool: Arc::clone(self.shared.pool),
        };
        self.enter(Phase::Preprocess);
        let mut env = Environment::default();
        let ready = self.preprocess(&mut env, &context).await;
        let env = Arc::new(env);
        let ended = match ready {
            Ok(()) => {
                self.enter(Phase::Run);
                let env = Arc::clone(&env);
                self.body(prepared, env, deadline, dir.join("data")).await
            }
            Err(ended) => ended,
        };
        self.enter(Phase::Postprocess);
        remove_links(&dir.join("data"));
        self.postprocess(&env, &context, ended).await
    }

    fn deadline(&self) -> Result<Duration, vthost_params::ParamError> {
        let host = Limits::default().deadline;
        let deadline = self.params.seconds("test_timeout", host)?;
        // What somebody set for this variant comes before what the pack says of all its tests.
        let is_set = self
            .params
            .origin("test_timeout")
            .is_some_and(|origin| origin.kinds().any(|kind| *kind != OriginKind::Default));
        let pack = self.pack_limits();
        Ok(match pack.deadline.map(Duration::from_secs) {
            Some(least) if !is_set => deadline.min(least),
            _ => deadline,
        })
    }

    /// What the pack says of all its tests.
    fn pack_limits(&self) -> PackLimits {
        let pack = self.planned.pack.map(|pack| &self.shared.plan.packs[pack]);
        pack.map(|pack| pack.manifest.limits).unwrap_or_default()
    }

    /// Makes the environment ready, and gives the end of the test if that is not possible. What was made until then is
    /// in the environment, for the postprocess.
    async fn preprocess(&self, env: &mut Environment, context: &Context) -> Result<(), TestEnd> {
        tokio::select! {
            () = self.shared.interrupt.stop.cancelled() => Err(interrupted()),
            () = tokio::time::sleep(AROUND) => {
                Err(TestEnd::error(format!("preprocess took longer than {AROUND:?}")))
            }
            ready = env.preprocess(&self.params, context) => {
                ready.map_err(|unready| TestEnd::new(unready.status, unready.reason))
            }
        }
    }

    async fn body(
        &self,
        prepared: &Prepared,
        env: Arc<Environment>,
        deadline: Duration,
        data: PathBuf,
    ) -> TestEnd {
        let pack = self.pack_limits();
        let limits = Limits {
            deadline,
            ..Limits::default().at_most(pack.memory, pack.log)
        };
        let (emit, number) = (self.shared.emit.clone(), self.number);
        let log = TestLogger::new(limits.log, move |level, source, message| {
            emit(EventKind::TestLog(TestLog {
                number,
                level,
                source,
                message,
            }));
        });
        let run = TestRun {
            test: self.planned.test.clone(),
            params: self.params.clone(),
            env,
            limits,
            log,
            data: Some(data),
        };
        tokio::select! {
            () = self.shared.interrupt.stop.cancelled() => interrupted(),
            ended = self.shared.sandbox.run(prepared, run) => ended,
        }
    }

    /// Takes the environment away. What goes wrong with that is the result of a test that passed otherwise.
    async fn postprocess(&self, env: &Environment, context: &Context, ended: TestEnd) -> TestEnd {
        // What did not go wrong needs no last look at the screen.
        let passed = ended.status.is_ok();
        let problems = tokio::select! {
            // Dropping the environment kills its machines.
            () = self.shared.interrupt.kill.cancelled() => Vec::new(),
            () = tokio::time::sleep(AROUND) => vec![format!("it took longer than {AROUND:?}")],
            problems = env.postprocess(&self.params, context, passed) => problems,
        };
        for problem in &problems {
            self.host_log(LogLevel::Error, format!("postprocess: {problem}"));
        }
        with_problems(ended, &problems)
    }

    fn enter(&self, phase: Phase) {
        (self.shared.emit)(EventKind::TestPhase(TestPhase {
            number: self.number,
            phase,
        }));
    }

    fn host_log(&self, level: LogLevel, message: String) {
        (self.shared.emit)(EventKind::TestLog(TestLog {
            number: self.number,
            level,
            source: LogSource::Host,
            message,
        }));
    }

    fn log(&self) -> Log {
        let (emit, number) = (self.shared.emit.clone(), self.number);
        Log::new(move |level, message| {
            emit(EventKind::TestLog(TestLog {
                number,
                level,
                source: LogSource::Host,
                message,
            }));
        })
    }
}

/// What went wrong after a test, beside its end: it turns a good end into an ERROR, and stands in the detail of a bad one.
fn with_problems(ended: TestEnd, problems: &[String]) -> TestEnd {
    if problems.is_empty() {
        return ended;
    }
    if ended.status.is_ok() {
        let text = format!("postprocess: {}", problems.join("; "));
        return TestEnd::new(Status::Error, text);
    }
    let lines = problems
        .iter()
        .map(|problem| format!("postprocess: {problem}"));
    let before = ended.detail.clone();
    let detail: Vec<String> = before.into_iter().chain(lines).collect();
    TestEnd {
        detail: Some(detail.join("\n")),
        ..ended
    }
}

fn interrupted() -> TestEnd {
    TestEnd::new(Status::Interrupted, "interrupted by the operator")
}

/// Removes every symbolic link that a test left in its directory. The sandbox does not follow one out of it, but who reads
/// the results later would.
fn remove_links(dir: &Path) {
    let Ok(entries) = std::fs::read_dir(dir) else {
        return;
    };
    for entry in entries.flatten() {
        let path = entry.path();
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => remove_links(&path),
            Ok(kind) if kind.is_symlink() => {
                // What cannot be removed was removed already, or is the file system's business.
                let _ = std::fs::remove_file(&path);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn what_goes_wrong_afterwards_stands_beside_the_end() {
        let problems = ["a leak".to_owned(), "a crash".to_owned()];
        let passed = with_problems(TestEnd::PASS, &problems);
        assert_eq!(passed.status, Status::Error);
        let reason = passed.reason.as_deref();
        assert_eq!(reason, Some("postprocess: a leak; a crash"));
        let failed = TestEnd::new(Status::Fail, "41").with_detail(Some("expected 42".to_owned()));
        let failed = with_problems(failed, &problems);
        assert_eq!(
            (failed.status, failed.reason.as_deref()),
            (Status::Fail, Some("41"))
        );
        let detail = "expected 42\npostprocess: a leak\npostprocess: a crash";
        assert_eq!(failed.detail.as_deref(), Some(detail));
        assert_eq!(with_problems(TestEnd::PASS, &[]), TestEnd::PASS);
    }

    #[test]
    fn no_link_is_left_in_the_results() {
        let dir = tempfile::tempdir().unwrap();
        let (outside, inner) = (dir.path().join("outside"), dir.path().join("data/inner"));
        fs::create_dir_all(&inner).unwrap();
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("kept"), "x").unwrap();
        fs::write(inner.join("file"), "x").unwrap();
        symlink("../../outside", inner.join("up")).unwrap();
        symlink("/etc/passwd", dir.path().join("data/down")).unwrap();
        remove_links(&dir.path().join("data"));
        assert!(outside.join("kept").exists() && inner.join("file").exists());
        assert!(fs::symlink_metadata(inner.join("up")).is_err());
        assert!(fs::symlink_metadata(dir.path().join("data/down")).is_err());
    }
}
