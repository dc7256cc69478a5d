//! More connections where one does not carry enough channels: OpenSSH takes ten sessions on a connection by default.

use std::sync::{Arc, Weak};

use russh::Channel;
use russh::client::Msg;
use tokio::sync::Mutex;

use super::link::{Link, Slot};
use super::turn::{End, Turn};
use crate::error::{Error, Result};
use crate::target::{HostKeyPolicy, SshOptions, SshTarget};
use crate::tcp::Greeted;

/// How many connections to one guest there are at most: 160 sessions and jobs with OpenSSH's default.
const MAX_CONNECTIONS: usize = 16;

/// A channel on which a program can be asked for, as long as it is our turn.
pub(crate) struct Opened {
    pub(crate) channel: Channel<Msg>,
    pub(crate) slot: Slot,
    pub(crate) link: Arc<Link>,
    pub(crate) turn: Turn,
}

/// The connections to one guest: the first, and more that come when it is full and go when nothing runs on them.
pub(super) struct Pool {
    target: SshTarget,
    options: SshOptions,
    pub(super) first: Arc<Link>,
    more: Mutex<Vec<Weak<Link>>>,
}

impl Pool {
    /// All further connections must show the host key that the first has shown.
    pub(super) fn new(target: &SshTarget, options: &SshOptions, first: Link) -> Self {
        let target = SshTarget {
            host_key: HostKeyPolicy::Pinned(first.host_key().to_owned()),
            ..target.clone()
        };
        Self {
            target,
            options: options.clone(),
            first: Arc::new(first),
            more: Mutex::new(Vec::new()),
        }
    }

    /// Opens a channel wherever there is room.
    pub(super) async fn open_channel(&self, end: End) -> Result<Opened> {
        if let Some(opened) = open(&self.first, end).await? {
            return Ok(opened);
        }
        // One connection is made at a time: servers turn away many that have not logged in yet.
        let mut more = self.more.lock().await;
        more.retain(|link| link.strong_count() > 0);
        for link in more.iter().filter_map(Weak::upgrade) {
            // One that breaks now is of no use, and its own sessions tell about it.
            if let Ok(Some(opened)) = open(&link, end).await {
                return Ok(opened);
            }
        }
        if more.len() + 1 >= MAX_CONNECTIONS {
            return Err(Error::Crowded {
                host: self.target.host.clone(),
                port: self.target.port,
                connections: MAX_CONNECTIONS,
            });
        }
        let SshTarget { host, port, .. } = &self.target;
        let greeted = Greeted::new(host, *port, self.options.banner_timeout).await?;
        let link = Link::authenticate(&self.target, &self.options, greeted).await?;
        let link = Arc::new(link);
        let turn = link.turns().take().await;
        let (channel, slot) = link
            .open_channel(end)
            .await?
            .map_err(|refusal| link.failed("open channel", refusal))?;
        tracing::debug!(connection = ?link, count = more.len() + 2, "another ssh connection is open");
        more.push(Arc::downgrade(&link));
        Ok(Opened {
            channel,
            slot,
            link,
            turn,
        })
    }

    /// Every connection that is open.
    pub(super) async fn links(&self) -> Vec<Arc<Link>> {
        let more = self.more.lock().await;
        let more = more.iter().filter_map(Weak::upgrade);
        std::iter::once(Arc::clone(&self.first))
            .chain(more)
            .collect()
    }
}

/// Opens a channel on a connection if there is room.
async fn open(link: &Arc<Link>, end: End) -> Result<Option<Opened>> {
    if link.is_full() {
        return Ok(None);
    }
    let turn = link.turns().take().await;
    // Whoever had the turn before may have to be alone.
    if link.is_full() {
        return Ok(None);
    }
    let opened = link.open_channel(end).await?.ok();
    Ok(opened.map(|(channel, slot)| Opened {
        channel,
        slot,
        link: Arc::clone(link),
        turn,
    }))
}
