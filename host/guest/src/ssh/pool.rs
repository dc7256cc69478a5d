//! More connections where one does not carry enough channels: OpenSSH takes ten sessions on a connection by default.

use std::sync::{Arc, Weak};

use russh::Channel;
use russh::client::Msg;
use tokio::sync::Mutex;

use super::link::{Link, Slot};
use crate::error::{Error, Result};
use crate::target::{HostKeyPolicy, SshOptions, SshTarget};
use crate::tcp::Greeted;

/// How many connections to one guest there are at most: 160 sessions and jobs with OpenSSH's default.
const MAX_CONNECTIONS: usize = 16;

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
    pub(super) async fn open_channel(&self) -> Result<(Channel<Msg>, Slot, Arc<Link>)> {
        if !self.first.is_full()
            && let Ok((channel, slot)) = self.first.open_channel().await?
        {
            return Ok((channel, slot, Arc::clone(&self.first)));
        }
        // One connection is made at a time: servers turn away many that have not logged in yet.
        let mut more = self.more.lock().await;
        more.retain(|link| link.strong_count() > 0);
        for link in more.iter().filter_map(Weak::upgrade) {
            // One that breaks now is of no use, and its own sessions tell about it.
            if !link.is_full()
                && let Ok(Ok((channel, slot))) = link.open_channel().await
            {
                return Ok((channel, slot, link));
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
        let (channel, slot) = link
            .open_channel()
            .await?
            .map_err(|refusal| link.failed("open channel", refusal))?;
        tracing::debug!(connection = ?link, count = more.len() + 2, "another ssh connection is open");
        more.push(Arc::downgrade(&link));
        Ok((channel, slot, link))
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
