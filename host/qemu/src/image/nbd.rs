//! `qemu-nbd`: an image as an export on a UNIX socket.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;

use super::confine::Access;
use super::exports::parse;
use super::reference::absolute;
use super::tool::{Call, Tool};
use super::{Export, ImageError, ImageRef, Place};
use crate::process::{Exit, Process};
use crate::spec::DriveFormat;

/// What the kernel takes as the path of a socket, with its final zero byte.
const LONGEST_SOCKET: usize = 107;

/// How long a server may take to open its image.
const START: Duration = Duration::from_mins(1);

/// How an image is exported.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NbdOptions {
    /// The name of the export. Default: the empty name.
    pub export: String,
    /// A description for humans.
    pub description: Option<String>,
    /// How many clients at once; 0 for any number.
    pub clients: u32,
    /// Persistent bitmaps of the image that clients may read.
    pub bitmaps: Vec<String>,
    /// Let clients see in which image of the chain data are.
    pub allocation_depth: bool,
}

/// `qemu-nbd`.
#[derive(Debug, Clone)]
pub struct QemuNbd {
    tool: Tool,
}

impl QemuNbd {
    /// The `qemu-nbd` that is in `PATH`.
    ///
    /// # Errors
    /// [`ImageError::NoTool`].
    pub fn find() -> Result<Self, ImageError> {
        let tool = Tool::find("qemu-nbd")?;
        Ok(Self { tool })
    }

    /// The binary at this path.
    #[must_use]
    pub fn at(path: PathBuf) -> Self {
        let tool = Tool::at(path);
        Self { tool }
    }

    /// Exports an image on the socket `nbd-<name>.sock` in `dir`, a run directory that is closed to other users. The
    /// image is opened for writing unless it is [`ImageRef::read_only`]. The server is ready when this returns; it ends
    /// when the value is dropped, and with this process.
    ///
    /// # Errors
    /// [`ImageError::Argument`] if `name` is not one of letters, digits, `.`, `_` and `-`, if the path of the socket is
    /// too long, or if other users can get into `dir`; [`ImageError::File`] if `dir` cannot be used; for what the server
    /// says see [`super::QemuImg`].
    pub async fn serve(
        &self,
        image: &ImageRef,
        dir: &Path,
        name: &str,
        options: &NbdOptions,
    ) -> Result<NbdServer, ImageError> {
        let dir = private(dir)?;
        let file = |ending: &str| -> Result<PathBuf, ImageError> {
            let path = dir.join(format!("nbd-{name}.{ending}"));
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    Err(ImageError::file("remove", &path, error))
                }
                _ => Ok(path),
            }
        };
        let fitting = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        if name.is_empty() || !name.bytes().all(fitting) {
            return Err(ImageError::Argument {
                what: "the name of an NBD server",
                value: name.to_owned(),
                rule: "it has to be of letters, digits, `.`, `_` and `-`",
            });
        }
        let (socket, pid_file, log) = (file("sock")?, file("pid")?, file("log")?);
        if socket.as_os_str().len() > LONGEST_SOCKET {
            return Err(ImageError::Argument {
                what: "the path of a socket",
                value: socket.display().to_string(),
                rule: "it may have 107 bytes; use a shorter run directory",
            });
        }
        let output = File::create_new(&log);
        let output = output.map_err(|source| ImageError::file("create", &log, source))?;
        let mut call = Call::new(&self.tool, None)
            .option("--persistent")
            .value("--socket", &socket)
            .value("--pid-file", &pid_file)
            .value("--shared", options.clients.to_string())
            .value("--export-name", &options.export)
            .maybe("--description", options.description.as_ref())
            .flag("--allocation-depth", options.allocation_depth)
            .flag("--read-only", image.read_only);
        for bitmap in &options.bitmaps {
            call = call.value("--bitmap", bitmap);
        }
        call.files.written(&dir);
        let access = if image.read_only {
            Access::Read
        } else {
            Access::Write
        };
        let mut call = call.image(image, access)?;
        let failed = |source| ImageError::file("watch", &dir, source);
        let mut changes = watch(&dir).map_err(failed)?;
        let (process, command) = call.start(output, None, &dir).await?;
        // From here on a return ends the server and removes its files.
        let server = NbdServer {
            process,
            socket,
            pid_file,
            log,
            export: options.export.clone(),
        };
        let ready = async {
            let mut events = [0; 4096];
            while !server.has_written_its_pid() {
                tokio::select! {
                    changed = changes.read(&mut events) => drop(changed.map_err(failed)?),
                    exit = server.process.wait() => return Ok(exit),
                }
            }
            Ok(None)
        };
        let within = START.min(self.tool.timeout);
        match tokio::time::timeout(within, ready).await {
            Ok(Ok(None)) => {}
            Ok(Ok(Some(exit))) => {
                let said = fs::read(&server.log).unwrap_or_default();
                return Err(call.failure(command, exit.status, &said));
            }
            Ok(Err(error)) => return Err(error),
            Err(_) => return Err(ImageError::Timeout { command, within }),
        }
        fs::set_permissions(&server.socket, Permissions::from_mode(0o600))
            .map_err(|source| ImageError::file("close to other users", &server.socket, source))?;
        Ok(server)
    }

    /// What the server on a UNIX socket exports.
    ///
    /// # Errors
    /// See [`super::QemuImg`].
    pub async fn exports(&self, socket: &Path) -> Result<Vec<Export>, ImageError> {
        let call = Call::new(&self.tool, None).option("--list");
        let done = call.value("--socket", absolute(socket)?).run().await?;
        parse(&String::from_utf8_lossy(&done.stdout)).ok_or_else(|| done.unexpected())
    }
}

/// The directory, absolute, if other users cannot get into it.
fn private(dir: &Path) -> Result<PathBuf, ImageError> {
    let dir = absolute(dir)?;
    let meta = fs::metadata(&dir).map_err(|source| ImageError::file("read", &dir, source))?;
    if meta.permissions().mode() & 0o077 == 0 {
        return Ok(dir);
    }
    Err(ImageError::Argument {
        what: "the directory of an NBD server",
        value: dir.display().to_string(),
        rule: "other users must not get into it; make it 0700",
    })
}

/// Tells of every change in a directory.
fn watch(dir: &Path) -> io::Result<pipe::Receiver> {
    let watcher = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
    inotify::add_watch(&watcher, dir, WatchFlags::CREATE | WatchFlags::MODIFY)?;
    // It is read and waited for like a pipe, which is all that the receiver does with it.
    pipe::Receiver::from_owned_fd_unchecked(watcher)
}

/// A running `qemu-nbd`. Dropping it ends it.
#[derive(Debug)]
pub struct NbdServer {
    process: Process,
    socket: PathBuf,
    pid_file: PathBuf,
    log: PathBuf,
    export: String,
}

impl NbdServer {
    /// Its socket, closed to other users.
    #[must_use]
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// Its process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// The export, as the tools name it. What is exported is the content of the disk, so its format is `raw` unless the
    /// disk holds an image itself.
    #[must_use]
    pub fn image(&self, format: DriveFormat) -> ImageRef {
        let place = Place::NbdUnix {
            socket: self.socket.clone(),
            export: self.export.clone(),
        };
        ImageRef::new(place, format)
    }

    /// How it ended, if it has.
    #[must_use]
    pub fn exit(&self) -> Option<Exit> {
        self.process.exit()
    }

    /// Ends it and waits until it has closed its image. What was written to the export is in the image, as after a
    /// flush of the client; `None` if the runtime is being shut down.
    pub async fn stop(self) -> Option<Exit> {
        // On SIGTERM it flushes the image; one that does not end is killed by the drop.
        self.process.terminate();
        self.process.wait_within(START).await
    }

    /// It writes its number when it is listening and the image is open.
    fn has_written_its_pid(&self) -> bool {
        let text = fs::read_to_string(&self.pid_file).unwrap_or_default();
        text.trim_end().parse() == Ok(self.pid()) && text.ends_with('\n')
    }
}

impl Drop for NbdServer {
    fn drop(&mut self) {
        for file in [&self.socket, &self.pid_file, &self.log] {
            // The server removes some of them itself; they are of no use to anybody.
            let _ = fs::remove_file(file);
        }
    }
}
