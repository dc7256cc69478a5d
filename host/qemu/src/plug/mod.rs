//! Devices that are plugged into a running machine, and out of it.
//!
//! A device is made of the same elements as at the start ([`crate::element`]) and gets a place that is left
//! ([`crate::layout`]). Plugging in makes the backends, then the device, looks whether it is there, and takes everything
//! back if a step fails. Unplugging asks the guest, waits for it to let go, and removes the backends in the opposite
//! order. What has changed goes over in a migration ([`crate::spec::Changes`]).

mod add;
mod backing;
mod balloon;
mod part;
mod query;
mod remove;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use serde::Serialize;
use serde_json::{Value, json};

use crate::element::{Element, Kind};
use crate::error::QmpError;
use crate::layout::Layout;
use crate::machine::{Forward, Machine, read_forwards};
use crate::serial::SerialHandle;
use crate::spec::{Changes, MachineSpec, Netdev, Nic, Serial};
pub use part::Plug;
pub use query::{MemoryInfo, VcpuSlot};

/// A device that was plugged in.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Plugged {
    /// Id of the device, for [`Machine::unplug`].
    pub id: String,
    /// What it is made of, in order.
    pub elements: Vec<Element>,
    /// Ports of the host that lead to it, of a network interface.
    pub forwards: Vec<Forward>,
    /// The console that it is, if it is one.
    #[serde(skip)]
    pub(crate) serial: Option<Serial>,
    /// Files that a machine that takes over needs, and whether it has to write to them.
    #[serde(skip)]
    pub(crate) files: Vec<(PathBuf, bool)>,
}

/// What is plugged into a machine. The lock is held for the whole of a step, so that steps do not mix.
#[derive(Debug, Default)]
pub(crate) struct Plugs {
    state: tokio::sync::Mutex<State>,
    consoles: Mutex<BTreeMap<String, SerialHandle>>,
}

#[derive(Debug, Clone, Default)]
struct State {
    /// Made when it is first needed.
    layout: Option<Layout>,
    plugged: Vec<Plugged>,
    /// Ids of elements of the specification that are no more.
    removed: Vec<String>,
    /// Backends of the user-mode network by the number that QEMU gives their state in a migration: one more than the
    /// highest at the time. Made when it is first needed.
    networks: Option<Vec<Option<String>>>,
}

impl State {
    fn networks(&mut self, spec: &MachineSpec) -> &mut Vec<Option<String>> {
        self.networks.get_or_insert_with(|| {
            let gone = |nic: &&Nic| spec.changes.removed.contains(&nic.netdev_id());
            let user = |nic: &&Nic| matches!(nic.netdev, Netdev::User { .. });
            let nics = spec.nics.iter().filter(|nic| user(nic) && !gone(nic));
            nics.map(|nic| Some(nic.netdev_id())).collect()
        })
    }

    /// Notes a backend that has come.
    fn came(&mut self, spec: &MachineSpec, elements: &[Element]) {
        let user =
            |element: &&Element| element.kind() == Kind::Netdev && element.driver() == Some("user");
        let ids = elements.iter().filter(user).filter_map(Element::id);
        let networks = self.networks(spec);
        networks.extend(ids.map(|id| Some(id.to_owned())));
    }

    /// Notes a backend that has gone.
    fn went(&mut self, spec: &MachineSpec, id: &str) {
        let networks = self.networks(spec);
        for network in networks.iter_mut() {
            if network.as_deref() == Some(id) {
                *network = None;
            }
        }
        while networks.last().is_some_and(Option::is_none) {
            networks.pop();
        }
    }
}

impl Plugs {
    /// Those of a machine that takes over. `listing` is what it prints for `info usernet`.
    pub(crate) async fn successor(&self, listing: &str) -> Result<Self, QmpError> {
        let mut state = self.state.lock().await.clone();
        for plugged in &mut state.plugged {
            let ports: Vec<u16> = plugged
                .forwards
                .iter()
                .map(|forward| forward.guest)
                .collect();
            let nic = Nic::virtio_user(&plugged.id, &ports);
            plugged.forwards = forwards(nic, listing)?;
        }
        Ok(Self {
            state: tokio::sync::Mutex::new(state),
            // Its consoles are its own.
            consoles: Mutex::default(),
        })
    }

    /// What the specification of a machine that takes over has to know.
    ///
    /// `None` if a machine that takes over cannot have the same: QEMU numbers the states of user-mode networks as they
    /// come, and one is gone that came before another.
    pub(crate) async fn changes(&self) -> Option<(Changes, Vec<Plugged>)> {
        let state = self.state.lock().await;
        if state.networks.iter().flatten().any(Option::is_none) {
            return None;
        }
        let elements = state.plugged.iter().flat_map(|plugged| &plugged.elements);
        let elements = elements.map(any_port);
        let serials = state
            .plugged
            .iter()
            .filter_map(|plugged| plugged.serial.clone());
        let changes = Changes {
            removed: state.removed.clone(),
            added: elements.collect(),
            serials: serials.collect(),
        };
        Some((changes, state.plugged.clone()))
    }
}

/// The ports of the host that lead to one network interface.
fn forwards(nic: Nic, listing: &str) -> Result<Vec<Forward>, QmpError> {
    let alone = MachineSpec {
        nics: vec![nic],
        ..MachineSpec::new("alone")
    };
    read_forwards(&alone, listing)
}

/// Leaves the choice of ports of the host to the kernel: the machine that is left still has those that were chosen.
fn any_port(element: &Element) -> Element {
    let Some(Value::Array(forwards)) = element.props().get("hostfwd") else {
        return element.clone();
    };
    let any = |forward: &Value| match forward["str"]
        .as_str()
        .and_then(|text| text.split_once("-:"))
    {
        Some((_, guest)) => json!({ "str": format!("tcp:127.0.0.1:0-:{guest}") }),
        None => forward.clone(),
    };
    let forwards: Vec<Value> = forwards.iter().map(any).collect();
    element.clone().with("hostfwd", forwards)
}

impl Machine {
    /// The devices that were plugged in and are still there.
    pub async fn plugged(&self) -> Vec<Plugged> {
        self.live().plugs.state.lock().await.plugged.clone()
    }

    /// The console of this name, whether it is of the specification ([`Machine::serial`]) or was plugged in.
    #[must_use]
    pub fn console(&self, name: &str) -> Option<SerialHandle> {
        let plugged = &self.live().plugs.consoles;
        let plugged = plugged.lock().unwrap_or_else(PoisonError::into_inner);
        self.serial(name).or_else(|| plugged.get(name)).cloned()
    }
}
