//! Files between host and guest: the guide's `copy_files_to` and `copy_files_from`.
//!
//! A [`FileTransfer`] is a way into one guest: ssh (sftp, or `scp` in the guest where it has no sftp) or rss. Files, whole
//! trees and wildcards (`*`, `?`, `[..]`) go both ways:
//!
//! - A source that is a pattern needs a target directory, which is made if it is missing; a target that is a directory or
//!   ends in `/` receives the source under its own name; any other target is the new name. So `scp -r` has it.
//! - A file appears under its name when it is complete, in place of one that was there. What stops halfway leaves nothing
//!   under that name. (A guest that is gone at that moment keeps a hidden `.vthost-*.part` beside it; what rss does is up to
//!   the server in the guest.)
//! - What comes from a guest is not trusted: names are single components, links are not followed and lead nowhere outside,
//!   [`Limits`] bound what is stored.

mod channel;
pub(crate) mod error;
pub(crate) mod meter;
pub(crate) mod names;
mod options;
pub(crate) mod pattern;
mod scp;
mod sftp;
pub(crate) mod sink;
pub(crate) mod source;
mod way;

use std::path::Path;
use std::time::Duration;

use self::meter::Meter;
use self::names::shown;
use self::source::Plan;
use self::way::{Order, Way};
use crate::rss::RssTarget;
use crate::ssh::SshConnection;

pub use error::{TransferError, TransferFault};
pub use options::{
    Carrier, Limits, Progress, ProgressFn, Skipped, Symlinks, TransferOptions, TransferReport,
};

pub(crate) use error::Result as FaultResult;

/// A way to copy files into and out of a guest: the parameters `file_transfer_client` and `file_transfer_port`.
#[derive(Clone, Debug)]
pub struct FileTransfer {
    way: Way,
}

impl FileTransfer {
    /// Over an ssh connection: sftp, or `scp` in the guest where there is no sftp or a name is not valid UTF-8.
    #[must_use]
    pub fn ssh(connection: SshConnection) -> Self {
        let only = None;
        let way = Way::Ssh { connection, only };
        Self { way }
    }

    /// Over the sftp subsystem of an ssh connection, and nothing else.
    #[must_use]
    pub fn sftp(connection: SshConnection) -> Self {
        let only = Some(Carrier::Sftp);
        let way = Way::Ssh { connection, only };
        Self { way }
    }

    /// Over `scp` in the guest, and nothing else. The guest needs `scp` and a POSIX shell.
    #[must_use]
    pub fn scp(connection: SshConnection) -> Self {
        let only = Some(Carrier::Scp);
        let way = Way::Ssh { connection, only };
        Self { way }
    }

    /// Over the rss file server in the guest; every copy has a connection of its own.
    #[must_use]
    pub fn rss(target: RssTarget) -> Self {
        let way = Way::Rss(target);
        Self { way }
    }

    /// Copies files of the host to the guest. `remote` is a path in the guest's own notation, relative to the user's home
    /// directory if it is not absolute.
    ///
    /// # Errors
    /// [`TransferError`], with how far the copy came.
    pub async fn copy_files_to(
        &self,
        local: impl AsRef<Path>,
        remote: impl AsRef<[u8]>,
        options: &TransferOptions,
    ) -> Result<TransferReport, TransferError> {
        let (local, remote) = (local.as_ref(), remote.as_ref());
        let to_guest = true;
        let order = Order {
            local,
            remote,
            to_guest,
        };
        self.run(&order, options).await
    }

    /// Copies files of the guest to the host.
    ///
    /// # Errors
    /// [`TransferError`], with how far the copy came.
    pub async fn copy_files_from(
        &self,
        remote: impl AsRef<[u8]>,
        local: impl AsRef<Path>,
        options: &TransferOptions,
    ) -> Result<TransferReport, TransferError> {
        let (local, remote) = (local.as_ref(), remote.as_ref());
        let to_guest = false;
        let order = Order {
            local,
            remote,
            to_guest,
        };
        self.run(&order, options).await
    }

    /// Sends entries that were found before.
    pub(crate) async fn send_plan(
        &self,
        plan: Plan,
        remote: &[u8],
        options: &TransferOptions,
    ) -> FaultResult<()> {
        let mut meter = Meter::new(options);
        let mut carrier = Carrier::Sftp;
        let copy = self.way.send(plan, remote, &mut meter, &mut carrier);
        within(options.timeout, copy).await
    }

    async fn run(
        &self,
        order: &Order<'_>,
        options: &TransferOptions,
    ) -> Result<TransferReport, TransferError> {
        let mut meter = Meter::new(options);
        let mut carrier = match &self.way {
            Way::Ssh { only, .. } => only.unwrap_or(Carrier::Sftp),
            Way::Rss(_) => Carrier::Rss,
        };
        let copy = self.copy(order, &mut meter, &mut carrier);
        let copied = within(options.timeout, copy).await;
        let source = match copied {
            Ok(()) => return Ok(meter.report(carrier)),
            Err(source) => self.explained(source),
        };
        let local = order.local.display().to_string();
        let remote = shown(order.remote);
        let (from, to, direction) = if order.to_guest {
            (local, remote, "to the guest")
        } else {
            (remote, local, "from the guest")
        };
        Err(TransferError {
            from,
            to,
            direction,
            carrier,
            progress: meter.progress,
            source,
        })
    }

    /// Says why the connection ended, where ssh knows more than the stream on it.
    fn explained(&self, fault: TransferFault) -> TransferFault {
        match (&self.way, fault) {
            (Way::Ssh { connection, .. }, TransferFault::Lost { reason }) => TransferFault::Lost {
                reason: connection.lost().unwrap_or(reason),
            },
            (_, fault) => fault,
        }
    }

    async fn copy(
        &self,
        order: &Order<'_>,
        meter: &mut Meter,
        carrier: &mut Carrier,
    ) -> FaultResult<()> {
        if !order.to_guest {
            return self.way.receive(order, meter, carrier).await;
        }
        let (local, options) = (order.local.to_owned(), meter.options.clone());
        // A tree may be large and its disk slow.
        let found = tokio::task::spawn_blocking(move || {
            let mut meter = Meter::new(&options);
            let plan = source::plan(&local, &mut meter);
            (plan, meter)
        });
        let (plan, met) = found
            .await
            .map_err(|e| TransferFault::local("read", order.local)(e.into()))?;
        *meter = met;
        self.way.send(plan?, order.remote, meter, carrier).await
    }
}

async fn within<T>(
    timeout: Duration,
    copy: impl Future<Output = FaultResult<T>>,
) -> FaultResult<T> {
    match tokio::time::timeout(timeout, copy).await {
        Ok(copied) => copied,
        Err(_) => Err(TransferFault::Deadline { timeout }),
    }
}
