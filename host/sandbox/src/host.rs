//! What one instance of a pack can reach.

use std::path::Path;
use std::sync::Arc;

use vthost_env::{Environment, Job};
use vthost_metadata::{LogLevel, LogSource};
use wasmtime::component::ResourceTable;
use wasmtime_wasi::filesystem::FsPerms;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use crate::limits::{Limits, Meter};
use crate::local::Local;
use crate::log::TestLogger;
use crate::stdio::LogStream;

/// How many jobs without a handle go on at a time.
const MAX_DETACHED: usize = 64;

/// The directories of the host that one instance sees.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Files<'a> {
    /// Seen as `/data`, to read and write.
    pub(crate) data: Option<&'a Path>,
    /// Seen as `/deps`, to read.
    pub(crate) deps: Option<&'a Path>,
}

/// The data of a store: everything that the calls of one instance can reach, and nothing of any other test.
pub(crate) struct Host {
    pub(crate) pack: String,
    pub(crate) env: Arc<Environment>,
    pub(crate) log: TestLogger,
    /// Where the files are that the pack names.
    pub(crate) local: Local,
    pub(crate) table: ResourceTable,
    pub(crate) meter: Meter,
    /// What the pack said before it trapped.
    pub(crate) panic: Option<String>,
    /// Work that goes on although the pack holds no handle to it any more.
    detached: Vec<Job>,
    wasi: WasiCtx,
    stdio: [LogStream; 2],
}

impl Host {
    /// A host for one instance: no environment, no sockets, and no files but those given.
    pub(crate) fn new(
        pack: String,
        env: Arc<Environment>,
        log: TestLogger,
        limits: &Limits,
        files: Files<'_>,
    ) -> wasmtime::Result<Self> {
        let stdout = LogStream::new(log.clone(), LogLevel::Info, LogSource::Stdout);
        let stderr = LogStream::new(log.clone(), LogLevel::Warn, LogSource::Stderr);
        let mut wasi = WasiCtx::builder();
        wasi.stdout(stdout.clone()).stderr(stderr.clone());
        wasi.allow_tcp(false)
            .allow_udp(false)
            .allow_ip_name_lookup(false);
        if let Some(data) = files.data {
            wasi.preopened_dir(data, "/data", FsPerms::ReadWrite)?;
        }
        if let Some(deps) = files.deps {
            wasi.preopened_dir(deps, "/deps", FsPerms::ReadOnly)?;
        }
        let mut table = ResourceTable::new();
        table.set_max_capacity(limits.handles);
        Ok(Self {
            pack,
            env,
            log,
            local: Local::new(files.data, files.deps),
            table,
            meter: Meter::new(limits.memory),
            panic: None,
            detached: Vec::new(),
            wasi: wasi.build(),
            stdio: [stdout, stderr],
        })
    }

    /// Lets a job go on without a handle. Those that have ended make room; past [`MAX_DETACHED`] the oldest is given up.
    pub(crate) fn detach(&mut self, job: Job) {
        self.detached.retain(Job::is_running);
        if self.detached.len() >= MAX_DETACHED {
            self.detached.remove(0);
        }
        if job.is_running() {
            self.detached.push(job);
        }
    }

    /// Writes what stands on unfinished lines of the standard streams.
    pub(crate) fn finish_stdio(&self) {
        for stream in &self.stdio {
            stream.finish();
        }
    }
}

impl WasiView for Host {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}
