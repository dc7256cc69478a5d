//! Test programs built in the guest: the guide's `remote_build`.
//!
//! A directory `deps/<name>/` with a Makefile is copied to the guest and built there by `make`. What is in the guest already
//! is not copied again, and what was built from the same files by the same command is not built again:
//!
//! - The directory in the guest is `<name>-<hash of the make command>`, so that different builds do not get mixed.
//! - A manifest with the SHA-256 of every file lies beside them. Only changed files are sent, vanished ones are removed. It is
//!   removed before and written after a change: a synchronisation that was cut leaves none, and the next one begins anew.
//! - A mark with the digest of manifest and command is written after a successful `make`.

mod error;
mod manifest;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest, Sha256};

use self::manifest::Manifest;
use crate::session::Session;
use crate::transfer::meter::Meter;
use crate::transfer::source::{self, Item, Plan};
use crate::transfer::{FileTransfer, TransferFault, TransferOptions};

pub use error::{BuildError, BuildResult};

/// The manifest in the guest.
const MANIFEST: &str = ".vthost-manifest";
/// The mark of a successful build in the guest.
const BUILT: &str = ".vthost-built";
/// The longest manifest that is taken from a guest.
const LONGEST_MANIFEST: usize = 4 << 20;

/// How a program is built.
#[derive(Clone, Debug)]
pub struct BuildOptions {
    /// The directory in the guest in which the program gets one of its own.
    pub directory: String,
    /// The command, in the words of the guest's shell.
    pub make: String,
    /// What stands behind the command, in the words of the guest's shell.
    pub flags: String,
    /// How long it may take.
    pub make_timeout: Duration,
    /// How files are copied.
    pub transfer: TransferOptions,
}

impl Default for BuildOptions {
    fn default() -> Self {
        Self {
            directory: "/tmp".to_owned(),
            make: "make".to_owned(),
            flags: String::new(),
            make_timeout: Duration::from_secs(600),
            transfer: TransferOptions::default(),
        }
    }
}

/// Builds one program in one guest, which needs a POSIX shell and `make`.
#[derive(Debug)]
pub struct Builder<'a> {
    session: &'a mut Session,
    transfer: &'a FileTransfer,
    source: PathBuf,
    options: BuildOptions,
    path: String,
    /// Of the manifest and the command, once the files are in the guest.
    digest: Option<String>,
}

impl<'a> Builder<'a> {
    /// A builder for the program in `source`.
    ///
    /// # Errors
    /// [`BuildError::Source`] when that is no directory with a Makefile and a name of text.
    pub fn new(
        session: &'a mut Session,
        transfer: &'a FileTransfer,
        source: impl Into<PathBuf>,
        options: BuildOptions,
    ) -> BuildResult<Self> {
        let source = source.into();
        let name = source.file_name().and_then(|name| name.to_str());
        let Some(name) = name else {
            return Err(error::source(&source, "its name is not valid UTF-8"));
        };
        let makefiles = ["GNUmakefile", "makefile", "Makefile"];
        if !makefiles.iter().any(|file| source.join(file).is_file()) {
            return Err(error::source(&source, "there is no Makefile in it"));
        }
        let command = format!("{}\0{}", options.make, options.flags);
        let hash = hex(&Sha256::digest(command));
        let path = format!(
            "{}/{name}-{}",
            options.directory.trim_end_matches('/'),
            &hash[..8]
        );
        Ok(Self {
            session,
            transfer,
            source,
            options,
            path,
            digest: None,
        })
    }

    /// The program's directory in the guest.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Makes the files in the guest those of the host. True if the program has to be built: something was changed, or no
    /// build has succeeded yet. (`sync_directories` in the guide.)
    ///
    /// # Errors
    /// See [`BuildError`].
    pub async fn sync(&mut self) -> BuildResult<bool> {
        let (source, options) = (self.source.clone(), self.options.transfer.clone());
        let read = move || -> Result<_, TransferFault> {
            let mut plan = source::plan(&source, &mut Meter::new(&options))?;
            without_top(&mut plan);
            let manifest = Manifest::of(&plan)?;
            Ok((plan, manifest))
        };
        let read = tokio::task::spawn_blocking(read).await;
        let read = read
            .map_err(|e| TransferFault::local("read", &self.source)(e.into()))
            .and_then(|read| read);
        let (plan, manifest) = read.map_err(|source| self.copy_error(source))?;
        let digest = self.digest_of(&manifest);
        let old = self.manifest_in_guest().await?;
        let same = old.as_ref() == Some(&manifest);
        if !same {
            self.update(plan, old, &manifest).await?;
        }
        let built = same && self.content(BUILT, digest.len() + 1).await? == digest;
        self.digest = Some(digest);
        Ok(!built)
    }

    /// Runs `make` in the guest.
    ///
    /// # Errors
    /// [`BuildError::Make`] with the end of its output when it fails; see also [`BuildError`].
    pub async fn make(&mut self) -> BuildResult<()> {
        let path = word(&self.path);
        let BuildOptions { make, flags, .. } = &self.options;
        let command = format!("(cd {path} && rm -f {BUILT} && {make} {flags})");
        let done = self
            .session
            .cmd_status_output(&command, self.options.make_timeout)
            .await?;
        if done.status != 0 {
            return Err(BuildError::Make {
                command: format!("{make} {flags}").trim_end().to_owned(),
                path: self.path.clone(),
                status: done.status,
                output: done.output,
            });
        }
        if let Some(digest) = &self.digest {
            let mark = format!("printf %s {digest} > {path}/{BUILT}");
            self.run(&mark).await?;
        }
        Ok(())
    }

    /// Brings files and program up to date and returns the program's directory in the guest.
    ///
    /// # Errors
    /// See [`BuildError`].
    pub async fn build(&mut self) -> BuildResult<String> {
        if self.sync().await? {
            self.make().await?;
        }
        Ok(self.path.clone())
    }

    async fn update(
        &mut self,
        mut plan: Plan,
        old: Option<Manifest>,
        new: &Manifest,
    ) -> BuildResult<()> {
        let path = word(&self.path);
        match &old {
            // What a cut synchronisation has left is unknown.
            None => self.run(&format!("rm -rf {path}")).await?,
            Some(old) => {
                self.run(&format!("rm -f {path}/{MANIFEST} {path}/{BUILT}"))
                    .await?;
                for command in old.removals(new) {
                    self.run(&format!("cd {path} && {command}")).await?;
                }
            }
        }
        if let Some(old) = &old {
            old.keep_changes(&mut plan, new);
        }
        let options = &self.options.transfer;
        let sent = self
            .transfer
            .send_plan(plan, self.path.as_bytes(), options)
            .await;
        sent.map_err(|source| self.copy_error(source))?;
        self.write_manifest(new).await
    }

    /// The last step: from now on the guest's files are those of the manifest.
    async fn write_manifest(&mut self, manifest: &Manifest) -> BuildResult<()> {
        let written = || -> std::io::Result<_> {
            let mut file = tempfile::NamedTempFile::new()?;
            file.write_all(manifest.to_text().as_bytes())?;
            Ok(file)
        };
        let file = written().map_err(|e| {
            let fault = TransferFault::local("write the manifest of", &self.source)(e);
            self.copy_error(fault)
        })?;
        let target = format!("{}/{MANIFEST}", self.path);
        let options = &self.options.transfer;
        let sent = self
            .transfer
            .copy_files_to(file.path(), &target, options)
            .await;
        sent.map(drop).map_err(|error| Box::new(error).into())
    }

    async fn manifest_in_guest(&mut self) -> BuildResult<Option<Manifest>> {
        let text = self.content(MANIFEST, LONGEST_MANIFEST).await?;
        // One that cannot be read is as good as none.
        Ok(Manifest::from_text(&text))
    }

    /// A small file of the program's directory; empty if there is none.
    async fn content(&mut self, name: &str, limit: usize) -> BuildResult<String> {
        let path = word(&format!("{}/{name}", self.path));
        let command = format!("head -c {limit} {path} 2>/dev/null || :");
        let time = self.options.transfer.operation_timeout;
        Ok(self.session.cmd(&command, time).await?)
    }

    async fn run(&mut self, command: &str) -> BuildResult<()> {
        let time = self.options.transfer.operation_timeout;
        self.session.cmd(&format!("({command})"), time).await?;
        Ok(())
    }

    fn digest_of(&self, manifest: &Manifest) -> String {
        let BuildOptions { make, flags, .. } = &self.options;
        let all = format!("{make}\0{flags}\0{}", manifest.to_text());
        hex(&Sha256::digest(all))
    }

    fn copy_error(&self, source: TransferFault) -> BuildError {
        BuildError::Copy {
            from: self.source.clone(),
            path: self.path.clone(),
            source: Box::new(source),
        }
    }
}

/// The plan for what is in a directory, out of the one for the directory.
fn without_top(plan: &mut Plan) {
    if matches!(plan.items.first(), Some(Item::Enter { .. })) {
        plan.items.remove(0);
        plan.items.pop();
    }
    plan.many = true;
}

/// One word of a POSIX shell.
fn word(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The SHA-256 of a file.
fn file_digest(path: &Path) -> std::io::Result<String> {
    let mut hash = Sha256::new();
    std::io::copy(&mut std::fs::File::open(path)?, &mut hash)?;
    Ok(hex(&hash.finalize()))
}
