//! What the agent knows about itself and its guest, and what it sets there.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use qapi::qga::{
    GuestAgentInfo, GuestFilesystemInfo, GuestLogicalProcessor, GuestNetworkInterface, GuestOSInfo,
    GuestUser, guest_get_fsinfo, guest_get_host_name, guest_get_osinfo, guest_get_time,
    guest_get_users, guest_get_vcpus, guest_info, guest_network_get_interfaces, guest_ping,
    guest_set_time, guest_set_user_password, guest_set_vcpus,
};

use super::{Agent, AgentError, AgentResult};

impl Agent {
    /// Whether the agent answers.
    ///
    /// # Errors
    /// See [`AgentError`].
    pub async fn ping(&self) -> AgentResult<()> {
        self.execute(guest_ping {}).await.map(drop)
    }

    /// The agent's version and commands.
    ///
    /// # Errors
    /// See [`AgentError`].
    pub async fn info(&self) -> AgentResult<GuestAgentInfo> {
        self.execute(guest_info {}).await
    }

    /// Whether the agent knows a command and has it enabled.
    ///
    /// # Errors
    /// See [`AgentError`].
    pub async fn has(&self, command: &str) -> AgentResult<bool> {
        let commands = self.info().await?.supported_commands;
        Ok(commands.iter().any(|c| c.name == command && c.enabled))
    }

    /// The guest's network cards with their addresses and counters.
    ///
    /// # Errors
    /// See [`AgentError`].
    pub async fn network_interfaces(&self) -> AgentResult<Vec<GuestNetworkInterface>> {
        self.execute(guest_network_get_interfaces {}).await
    }

    /// The guest's operating system.
    ///
    /// # Errors
    /// See [`AgentError`].
    pub async fn os_info(&self) -> AgentResult<GuestOSInfo> {
        self.execute(guest_get_osinfo {}).await
    }

    /// The guest's mounted file systems.
    ///
    /// # Errors
    /// See [`AgentError`].
    pub async fn fs_info(&self) -> AgentResult<Vec<GuestFilesystemInfo>> {
        self.execute(guest_get_fsinfo {}).await
    }

    /// The guest's host name.
    ///
    /// # Errors
    /// See [`AgentError`].
    pub async fn host_name(&self) -> AgentResult<String> {
        Ok(self.execute(guest_get_host_name {}).await?.host_name)
    }

    /// The users logged in to the guest.
    ///
    /// # Errors
    /// See [`AgentError`].
    pub async fn users(&self) -> AgentResult<Vec<GuestUser>> {
        self.execute(guest_get_users {}).await
    }

    /// The guest's virtual processors.
    ///
    /// # Errors
    /// See [`AgentError`].
    pub async fn vcpus(&self) -> AgentResult<Vec<GuestLogicalProcessor>> {
        self.execute(guest_get_vcpus {}).await
    }

    /// Puts processors on- or offline in the guest and returns how many of the list were done.
    ///
    /// # Errors
    /// See [`AgentError`].
    pub async fn set_vcpus(&self, vcpus: Vec<GuestLogicalProcessor>) -> AgentResult<i64> {
        self.execute(guest_set_vcpus { vcpus }).await
    }

    /// Sets a user's password; `crypted` if it is already in the form of the guest's password file.
    ///
    /// # Errors
    /// See [`AgentError`].
    pub async fn set_password(
        &self,
        username: &str,
        password: &str,
        crypted: bool,
    ) -> AgentResult<()> {
        let command = guest_set_user_password {
            username: username.to_owned(),
            password: password.as_bytes().to_vec(),
            crypted,
        };
        self.execute(command).await.map(drop)
    }

    /// The guest's clock.
    ///
    /// # Errors
    /// [`AgentError::Malformed`] for a time before 1970; see also [`AgentError`].
    pub async fn time(&self) -> AgentResult<SystemTime> {
        let nanoseconds = self.execute(guest_get_time {}).await?;
        match u64::try_from(nanoseconds) {
            Ok(nanoseconds) => Ok(UNIX_EPOCH + Duration::from_nanos(nanoseconds)),
            Err(_) => Err(AgentError::Malformed {
                command: "guest-get-time".to_owned(),
                reason: format!("the time {nanoseconds}"),
            }),
        }
    }

    /// Sets the guest's clock: to a time, or to that of its hardware clock.
    ///
    /// # Errors
    /// See [`AgentError`].
    pub async fn set_time(&self, time: Option<SystemTime>) -> AgentResult<()> {
        let since = time.map(|time| time.duration_since(UNIX_EPOCH).unwrap_or_default());
        let time = since.map(|since| i64::try_from(since.as_nanos()).unwrap_or(i64::MAX));
        self.execute(guest_set_time { time }).await.map(drop)
    }
}
