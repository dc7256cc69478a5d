//! Frozen file systems: for snapshots that a guest finds consistent.

use qapi::qga::{
    GuestFilesystemTrimResponse, GuestFsfreezeStatus, guest_fsfreeze_freeze,
    guest_fsfreeze_freeze_list, guest_fsfreeze_status, guest_fsfreeze_thaw, guest_fstrim,
};

use super::{Agent, AgentResult};

/// File systems that are frozen. Dropping it thaws them in the background, so that no way out of a test leaves a guest
/// frozen; [`Frozen::thaw`] does it now and tells how it went.
#[derive(Debug)]
pub struct Frozen {
    agent: Agent,
    count: i64,
    thawed: bool,
}

impl Agent {
    /// Freezes all file systems, or those mounted at the given places. While they are frozen the agent refuses most other
    /// commands ([`AgentError::Disabled`](super::AgentError::Disabled)).
    ///
    /// # Errors
    /// See [`AgentError`](super::AgentError). After an error the file systems are thawed again.
    pub async fn fsfreeze(&self, mountpoints: Option<&[&str]>) -> AgentResult<Frozen> {
        // From here on: an answer that does not come in time may still be carried out.
        let mut frozen = Frozen {
            agent: self.clone(),
            count: 0,
            thawed: false,
        };
        let count = match mountpoints {
            None => self.execute(guest_fsfreeze_freeze {}).await,
            Some(places) => {
                let places = places.iter().map(|&place| place.to_owned()).collect();
                let mountpoints = Some(places);
                self.execute(guest_fsfreeze_freeze_list { mountpoints })
                    .await
            }
        };
        if let Err(super::AgentError::Unknown { .. } | super::AgentError::Disabled { .. }) = count {
            frozen.thawed = true;
        }
        frozen.count = count?;
        Ok(frozen)
    }

    /// Thaws all frozen file systems and returns how many there were.
    ///
    /// # Errors
    /// See [`AgentError`](super::AgentError).
    pub async fn fsthaw(&self) -> AgentResult<i64> {
        self.execute(guest_fsfreeze_thaw {}).await
    }

    /// Whether file systems are frozen.
    ///
    /// # Errors
    /// See [`AgentError`](super::AgentError).
    pub async fn is_frozen(&self) -> AgentResult<bool> {
        let status = self.execute(guest_fsfreeze_status {}).await?;
        Ok(status == GuestFsfreezeStatus::frozen)
    }

    /// Gives unused blocks of all mounted file systems back to their disks; `minimum` is the smallest range in bytes.
    ///
    /// # Errors
    /// See [`AgentError`](super::AgentError).
    pub async fn fstrim(&self, minimum: Option<i64>) -> AgentResult<GuestFilesystemTrimResponse> {
        self.execute(guest_fstrim { minimum }).await
    }
}

impl Frozen {
    /// How many file systems are frozen.
    #[must_use]
    pub fn count(&self) -> i64 {
        self.count
    }

    /// Thaws them.
    ///
    /// # Errors
    /// See [`AgentError`](super::AgentError); then it is tried once more in the background.
    pub async fn thaw(mut self) -> AgentResult<i64> {
        let thawed = self.agent.fsthaw().await;
        self.thawed = thawed.is_ok();
        thawed
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        if self.thawed {
            return;
        }
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            tracing::warn!("file systems of a guest stay frozen: no runtime to thaw them on");
            return;
        };
        let agent = self.agent.clone();
        runtime.spawn(async move {
            if let Err(error) = agent.fsthaw().await {
                tracing::warn!(%error, "file systems of a guest may stay frozen");
            }
        });
    }
}
