//! The network cards of a machine.

use super::Vm;
use crate::Result;

/// A network card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NicInfo {
    /// Its name in the parameters.
    pub name: String,
    /// Its model, as QEMU names it.
    pub model: String,
    /// Its hardware address.
    pub mac: String,
}

impl Vm {
    /// Its network cards, in the order in which they are attached.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Gone`] if the machine is off.
    pub async fn nics(&self) -> Result<Vec<NicInfo>> {
        let machine = self.machine()?;
        self.cards(&machine).await
    }

    /// Plugs the cable of a network card in or out.
    ///
    /// # Errors
    /// What QEMU said if there is no such card.
    pub async fn set_link(&self, nic: &str, up: bool) -> Result<()> {
        let set = self.machine()?.set_link(nic, up).await;
        set.map_err(|error| self.failed("set a link of", error))
    }
}
