//! The buses of a machine and who sits where.
//!
//! A [`Layout`] gives every device a place, by rules that depend on the machine type, and knows who has it: a place that
//! is asked for twice is an error that names both. It is made from a specification; [`Layout::seal`] ends that, and from
//! then on devices that are plugged in get places that are left, such as spare root ports.

mod pci;
mod storage;
mod usb;

use std::collections::BTreeMap;

use crate::element::Element;
use crate::error::SpecError;
use crate::spec::{Arch, Chipset, MachineType};

pub use pci::PciKind;
pub use storage::Controller;

/// Places of one machine.
#[derive(Debug, Clone)]
pub struct Layout {
    machine: MachineType,
    /// Who has which place of which bus.
    claims: BTreeMap<(String, u32), Claim>,
    /// Root ports in the order in which they were made; on buses without them, none.
    ports: Vec<pci::Port>,
    /// Controllers that were made on the way, with the devices that they are.
    controllers: Vec<storage::Made>,
    /// USB controllers in order.
    usb: Vec<usb::Hub>,
    /// Devices with a memory-mapped transport.
    mmio: u32,
    /// A bridge for devices that are not PCI Express, on machines that are.
    bridge: bool,
    sealed: bool,
}

#[derive(Debug, Clone)]
struct Claim {
    user: String,
    /// The place in words.
    place: String,
}

/// How virtio devices are attached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// `virtio-*-pci`.
    Pci,
    /// `virtio-*-ccw`.
    Ccw,
    /// `virtio-*-device`.
    Mmio,
}

impl Layout {
    /// An empty machine of this type; what the board itself occupies is taken.
    #[must_use]
    pub fn new(machine: &MachineType) -> Self {
        let mut layout = Self {
            machine: machine.clone(),
            claims: BTreeMap::new(),
            ports: Vec::new(),
            controllers: Vec::new(),
            usb: Vec::new(),
            mmio: 0,
            bridge: false,
            sealed: false,
        };
        layout.take_board();
        layout
    }

    /// The machine type.
    #[must_use]
    pub fn machine(&self) -> &MachineType {
        &self.machine
    }

    pub(crate) fn chipset(&self) -> Chipset {
        self.machine.chipset()
    }

    pub(crate) fn arch(&self) -> Arch {
        self.machine.arch()
    }

    /// How virtio devices are attached.
    #[must_use]
    pub fn transport(&self) -> Transport {
        match self.chipset() {
            Chipset::Q35 | Chipset::Pc | Chipset::VirtPci | Chipset::Pseries => Transport::Pci,
            Chipset::Ccw => Transport::Ccw,
            Chipset::Microvm | Chipset::VirtMmio => Transport::Mmio,
        }
    }

    /// Ends the making of the machine, with this many spare root ports (where the machine type has any): from here on
    /// nothing is added to it but what is plugged in.
    ///
    /// # Errors
    /// [`SpecError::NoRoom`] for more ports than the root bus has places.
    pub fn seal(&mut self, spare_ports: u8) -> Result<(), SpecError> {
        for _ in 0..spare_ports {
            self.spare_port()?;
        }
        self.sealed = true;
        Ok(())
    }

    /// The devices that are there only because others need them: root ports, bridges and storage controllers, in the
    /// order in which QEMU has to make them.
    #[must_use]
    pub fn elements(&self) -> Vec<Element> {
        let controllers = self.controllers.iter().map(|made| made.element.clone());
        self.port_elements()
            .into_iter()
            .chain(controllers)
            .collect()
    }

    /// Gives back every place of a device that was unplugged.
    pub fn release(&mut self, user: &str) {
        self.claims.retain(|_, claim| claim.user != user);
        self.controllers.retain(|made| made.id != user);
        self.release_port(user);
    }

    /// Notes that `user` has this place.
    fn claim(&mut self, bus: &str, place: u32, words: &str, user: &str) -> Result<(), SpecError> {
        if let Some(claim) = self.claims.get(&(bus.to_owned(), place)) {
            return Err(SpecError::PlaceTaken {
                place: claim.place.clone(),
                bus: bus.to_owned(),
                first: claim.user.clone(),
                second: user.to_owned(),
            });
        }
        let claim = Claim {
            user: user.to_owned(),
            place: words.to_owned(),
        };
        self.claims.insert((bus.to_owned(), place), claim);
        Ok(())
    }

    fn is_free(&self, bus: &str, place: u32) -> bool {
        !self.claims.contains_key(&(bus.to_owned(), place))
    }

    /// The wanted place, or the first free one of `0..room` from `from` on.
    fn place(
        &mut self,
        bus: &str,
        what: &str,
        mut range: std::ops::Range<u32>,
        wanted: Option<u32>,
        user: &str,
    ) -> Result<u32, SpecError> {
        let place = match wanted {
            Some(wanted) if range.contains(&wanted) => wanted,
            Some(wanted) => {
                return Err(SpecError::NoPlace {
                    user: user.to_owned(),
                    bus: bus.to_owned(),
                    place: format!("{what} {wanted}"),
                    first: range.start,
                    last: range.end.saturating_sub(1),
                });
            }
            None => range
                .find(|place| self.is_free(bus, *place))
                .ok_or_else(|| self.no_room(bus, what, user))?,
        };
        self.claim(bus, place, &format!("{what} {place}"), user)?;
        Ok(place)
    }

    pub(crate) fn no_room(&self, bus: &str, what: &str, user: &str) -> SpecError {
        SpecError::NoRoom {
            user: user.to_owned(),
            bus: bus.to_owned(),
            what: what.to_owned(),
            machine: self.machine.name().to_owned(),
        }
    }

    /// A virtio device on the transport of the machine: `stem` is its name without the ending, `virtio-blk`.
    ///
    /// # Errors
    /// The place is taken, or there is none left.
    pub fn virtio(
        &mut self,
        stem: &str,
        id: &str,
        wanted: Option<crate::spec::PciAddress>,
    ) -> Result<Element, SpecError> {
        match self.transport() {
            Transport::Pci => self.pci_device(&format!("{stem}-pci"), id, PciKind::Express, wanted),
            Transport::Ccw => Ok(Element::device(&format!("{stem}-ccw"), id)),
            Transport::Mmio => {
                let room = match (self.chipset(), self.arch()) {
                    (_, Arch::Aarch64) => 32,
                    _ => 8,
                };
                if self.mmio == room {
                    return Err(self.no_room("virtio-mmio", "transport", id));
                }
                self.mmio += 1;
                Ok(Element::device(&format!("{stem}-device"), id))
            }
        }
    }
}

#[cfg(test)]
mod tests;
