//! Which carrier a copy takes.

use std::path::Path;

use super::error::{Result, TransferFault};
use super::meter::Meter;
use super::options::Carrier;
use super::scp;
use super::sftp::{self, Sftp};
use super::sink::Sink;
use super::source::Plan;
use crate::rss::{self, RssTarget};
use crate::ssh::SshConnection;

/// A way into a guest.
#[derive(Clone, Debug)]
pub(super) enum Way {
    Ssh {
        connection: SshConnection,
        only: Option<Carrier>,
    },
    Rss(RssTarget),
}

/// What the caller wants, in both directions.
pub(super) struct Order<'a> {
    pub(super) local: &'a Path,
    pub(super) remote: &'a [u8],
    pub(super) to_guest: bool,
}

impl Way {
    pub(super) async fn send(
        &self,
        plan: Plan,
        remote: &[u8],
        meter: &mut Meter,
        carrier: &mut Carrier,
    ) -> Result<()> {
        let (connection, only) = match self {
            Way::Ssh { connection, only } => (connection, *only),
            Way::Rss(target) => return rss::upload(target, plan, remote, meter).await,
        };
        let all_text = plan.first_non_utf8().is_none() && std::str::from_utf8(remote).is_ok();
        let by_sftp = only == Some(Carrier::Sftp) || only.is_none() && all_text;
        if by_sftp && let Some(sftp) = sftp_session(connection, only, meter).await? {
            return sftp::upload(&sftp, plan, remote, meter).await;
        }
        *carrier = Carrier::Scp;
        scp::upload(connection, plan, remote, meter).await
    }

    pub(super) async fn receive(
        &self,
        order: &Order<'_>,
        meter: &mut Meter,
        carrier: &mut Carrier,
    ) -> Result<()> {
        let Order { local, remote, .. } = *order;
        let mut sink = None;
        let (connection, only) = match self {
            Way::Ssh { connection, only } => (connection, *only),
            Way::Rss(target) => return rss::download(target, remote, local, meter).await,
        };
        if only != Some(Carrier::Scp)
            && let Some(sftp) = sftp_session(connection, only, meter).await?
        {
            match receive_by_sftp(&sftp, order, &mut sink, meter).await {
                // Bytes that are no text: `scp` takes them, and starts again.
                Err(TransferFault::Unnameable { .. }) if only.is_none() => {
                    *meter = Meter::new(&meter.options);
                }
                received => return received,
            }
        }
        *carrier = Carrier::Scp;
        if let Some(sink) = &mut sink {
            sink.restart();
        }
        scp::download(connection, remote, (local, sink), meter).await
    }
}

async fn receive_by_sftp(
    sftp: &Sftp,
    order: &Order<'_>,
    sink: &mut Option<Sink>,
    meter: &mut Meter,
) -> Result<()> {
    let found = sftp.find(order.remote, meter).await?;
    let sink = sink.insert(Sink::open(order.local, found.many)?);
    sftp::download(sftp, found, sink, meter).await
}

/// The sftp session; `None` if the guest has none and another carrier may be tried.
async fn sftp_session(
    connection: &SshConnection,
    only: Option<Carrier>,
    meter: &Meter,
) -> Result<Option<Sftp>> {
    let timeout = meter.options.operation_timeout;
    let started = meter.answer("the start of sftp", async {
        match connection.open_subsystem("sftp").await? {
            Some(stream) => Sftp::start(stream, timeout).await.map(Some),
            None => Ok(None),
        }
    });
    match started.await {
        Ok(None) if only.is_some() => Err(TransferFault::Refused {
            operation: "start the subsystem",
            path: "sftp".to_owned(),
            reason: "the ssh server has no such subsystem".to_owned(),
        }),
        // A server may say yes and have no program for it.
        Err(TransferFault::Lost { .. }) if only.is_none() && connection.lost().is_none() => {
            Ok(None)
        }
        started => started,
    }
}
