//! PCI: slots and functions of the root bus, root ports on machines with PCI Express.

use super::Layout;
use crate::element::Element;
use crate::error::SpecError;
use crate::spec::{Chipset, PciAddress};

/// Functions of one PCI slot, hence root ports per slot.
const FUNCTIONS: u32 = 8;

/// Slots of a PCI bus.
const SLOTS: u32 = 32;

/// The bridge for devices that are plain PCI.
const BRIDGE: &str = "pcie-pci-bridge-0";

/// What a PCI device needs of its place on a machine with PCI Express. On the others all are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PciKind {
    /// PCI Express: a root port of its own, since only what sits in one can be unplugged.
    Express,
    /// Plain PCI: behind a bridge.
    Legacy,
    /// Part of the chipset: on the root bus itself.
    Integrated,
}

/// A PCI Express root port.
#[derive(Debug, Clone)]
pub(super) struct Port {
    id: String,
    slot: u32,
    function: u32,
    user: Option<String>,
}

impl Layout {
    /// The root bus, if the machine has PCI.
    pub(crate) fn root_bus(&self) -> Option<&'static str> {
        match self.chipset() {
            Chipset::Pc | Chipset::Pseries => Some("pci.0"),
            Chipset::Q35 | Chipset::VirtPci => Some("pcie.0"),
            Chipset::VirtMmio | Chipset::Microvm | Chipset::Ccw => None,
        }
    }

    fn is_express(&self) -> bool {
        matches!(self.chipset(), Chipset::Q35 | Chipset::VirtPci)
    }

    /// What the board has on its root bus.
    pub(super) fn take_board(&mut self) {
        let taken: &[(u32, &str)] = match self.chipset() {
            Chipset::Pc => &[(0, "the host bridge"), (1, "the PIIX3")],
            Chipset::Q35 => &[(0, "the host bridge"), (0x1f, "the ICH9")],
            Chipset::VirtPci => &[(0, "the host bridge")],
            Chipset::Pseries | Chipset::VirtMmio | Chipset::Microvm | Chipset::Ccw => &[],
        };
        let Some(bus) = self.root_bus() else { return };
        for (slot, user) in taken {
            // The bus is empty.
            let _ = self.claim_slot(
                bus,
                PciAddress::slot(u8::try_from(*slot).unwrap_or(0)),
                user,
            );
        }
    }

    /// Takes a slot or a function that the configuration asks for, before the others are given theirs.
    pub(crate) fn reserve_pci(&mut self, user: &str, wanted: PciAddress) -> Result<(), SpecError> {
        match self.root_bus() {
            Some(bus) => self.claim_slot(bus, wanted, user),
            None => Err(self.no_room("pci", "slot", user)),
        }
    }

    fn claim_slot(&mut self, bus: &str, at: PciAddress, user: &str) -> Result<(), SpecError> {
        let slot = u32::from(at.slot) * FUNCTIONS;
        let functions = match at.function {
            Some(function) => slot + u32::from(function)..slot + u32::from(function) + 1,
            None => slot..slot + FUNCTIONS,
        };
        // All or nothing.
        let taken = functions.clone().find_map(|place| {
            let claim = self.claims.get(&(bus.to_owned(), place))?;
            (claim.user != user).then(|| claim.user.clone())
        });
        if let Some(first) = taken {
            return Err(SpecError::PlaceTaken {
                place: format!("address {at}"),
                bus: bus.to_owned(),
                first,
                second: user.to_owned(),
            });
        }
        for place in functions {
            if self.is_free(bus, place) {
                self.claim(bus, place, &format!("address {at}"), user)?;
            }
        }
        Ok(())
    }

    /// The first slot from `first` on that nobody uses any function of.
    fn free_slot(&self, bus: &str, first: u32) -> Option<u8> {
        (first..SLOTS)
            .find(|slot| {
                (slot * FUNCTIONS..(slot + 1) * FUNCTIONS).all(|place| self.is_free(bus, place))
            })
            .and_then(|slot| u8::try_from(slot).ok())
    }

    /// A PCI device with its place.
    ///
    /// # Errors
    /// The place is taken, none is left, or the machine has no PCI.
    pub fn pci_device(
        &mut self,
        driver: &str,
        id: &str,
        kind: PciKind,
        wanted: Option<PciAddress>,
    ) -> Result<Element, SpecError> {
        let Some(root) = self.root_bus() else {
            return Err(self.no_room("pci", "slot", id));
        };
        let device = Element::device(driver, id);
        if let Some(wanted) = wanted {
            self.claim_slot(root, wanted, id)?;
            let many = wanted.function == Some(0);
            let device = device.with("bus", root).with("addr", wanted.to_string());
            return Ok(device.maybe("multifunction", many.then_some(true)));
        }
        if self.is_express() && kind == PciKind::Express {
            let port = self.port(id)?;
            return Ok(device.with("bus", port));
        }
        let (bus, first) = if self.is_express() && kind == PciKind::Legacy {
            self.need_bridge()?;
            (BRIDGE, 1)
        } else if self.is_express() {
            (root, 1)
        } else {
            (root, 2)
        };
        let slot = self
            .free_slot(bus, first)
            .ok_or_else(|| self.no_room(bus, "slot", id))?;
        self.claim_slot(bus, PciAddress::slot(slot), id)?;
        let address = PciAddress::slot(slot).to_string();
        Ok(device.with("bus", bus).with("addr", address))
    }

    /// The root port for a device: a new one while the machine is made, a spare one after that.
    fn port(&mut self, user: &str) -> Result<String, SpecError> {
        if let Some(port) = self.ports.iter_mut().find(|port| port.user.is_none()) {
            port.user = Some(user.to_owned());
            return Ok(port.id.clone());
        }
        if self.sealed {
            return Err(SpecError::NoRoom {
                user: user.to_owned(),
                bus: "pcie.0".to_owned(),
                what: "spare root port (parameter pcie_extra_root_port)".to_owned(),
                machine: self.machine.name().to_owned(),
            });
        }
        let id = format!("pcie-root-port-{}", self.ports.len());
        self.add_port(id.clone(), Some(user))?;
        Ok(id)
    }

    pub(super) fn spare_port(&mut self) -> Result<(), SpecError> {
        if !self.is_express() {
            return Ok(());
        }
        let spare = self.ports.iter().filter(|port| port.user.is_none()).count();
        self.add_port(format!("pcie_extra_root_port_{spare}"), None)
    }

    fn add_port(&mut self, id: String, user: Option<&str>) -> Result<(), SpecError> {
        let bus = "pcie.0";
        // Slot 1 is left for the video adapter. Ports share a slot as its functions, the first of which is 0.
        let next = self.ports.last().and_then(|port| {
            let function = port.function + 1;
            let free = function < FUNCTIONS && self.is_free(bus, port.slot * FUNCTIONS + function);
            free.then_some((port.slot, function))
        });
        let (slot, function) = match next {
            Some(place) => place,
            None => {
                let slot = self
                    .free_slot(bus, 2)
                    .ok_or_else(|| self.no_room(bus, "slot for a root port", &id))?;
                (u32::from(slot), 0)
            }
        };
        let place = slot * FUNCTIONS + function;
        self.claim(bus, place, &format!("address {slot:#x}.{function:#x}"), &id)?;
        self.ports.push(Port {
            id,
            slot,
            function,
            user: user.map(str::to_owned),
        });
        Ok(())
    }

    pub(super) fn release_port(&mut self, user: &str) {
        for port in &mut self.ports {
            if port.user.as_deref() == Some(user) {
                port.user = None;
            }
        }
    }

    fn need_bridge(&mut self) -> Result<(), SpecError> {
        if self.bridge {
            return Ok(());
        }
        if self.sealed {
            return Err(self.no_room("pcie.0", "bridge for plain PCI devices", BRIDGE));
        }
        self.bridge = true;
        self.port(BRIDGE).map(drop)
    }

    /// The root ports, and the bridge in its port.
    pub(super) fn port_elements(&self) -> Vec<Element> {
        let mut elements = Vec::new();
        for (index, port) in self.ports.iter().enumerate() {
            let element = Element::device("pcie-root-port", &port.id)
                .with("bus", "pcie.0")
                .with("chassis", index + 1)
                .with("port", index)
                .with("addr", format!("{:#x}.{:#x}", port.slot, port.function));
            // Function 0 has to say that there are others.
            elements.push(element.maybe("multifunction", (port.function == 0).then_some(true)));
        }
        let bridge = self
            .ports
            .iter()
            .find(|port| port.user.as_deref() == Some(BRIDGE));
        elements.extend(
            bridge.map(|port| {
                Element::device("pcie-pci-bridge", BRIDGE).with("bus", port.id.as_str())
            }),
        );
        elements
    }
}
