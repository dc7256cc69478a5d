//! Buses of drives, and the controllers that they need.

use super::{Layout, PciKind};
use crate::element::Element;
use crate::error::SpecError;
use crate::spec::{Chipset, PciAddress, ScsiHba};

/// More than any bus has targets.
const LUN_STEP: u32 = 1024;

/// Kinds of storage controllers that several drives share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Controller {
    /// virtio-scsi.
    VirtioScsi,
    /// Another SCSI controller.
    Scsi(ScsiHba),
    /// SATA.
    Ahci,
    /// NVMe with namespaces.
    Nvme,
    /// The floppy controller.
    Floppy,
    /// Ports of virtio-serial.
    VirtioSerial,
}

/// A controller that was made because a drive needed it.
#[derive(Debug, Clone)]
pub(super) struct Made {
    kind: Controller,
    number: u32,
    pub(super) id: String,
    pub(super) element: Element,
}

impl Controller {
    /// The id without its number; names that no drive has.
    fn stem(self) -> &'static str {
        match self {
            Self::VirtioScsi => "virtio_scsi_pci",
            Self::Scsi(hba) => hba.driver(),
            Self::Ahci => "ich9_ahci",
            Self::Nvme => "nvme_ctrl",
            Self::Floppy => "isa_fdc",
            Self::VirtioSerial => "virtio_serial_pci",
        }
    }

    /// Whether one can be plugged into a machine that runs.
    fn is_pluggable(self) -> bool {
        match self {
            Self::VirtioScsi | Self::Nvme | Self::VirtioSerial => true,
            Self::Scsi(hba) => hba != ScsiHba::Spapr,
            Self::Ahci | Self::Floppy => false,
        }
    }

    /// Whether an id has the form of one of these controllers' own.
    pub(crate) fn is_own_id(id: &str) -> bool {
        let stems = [
            Self::VirtioScsi,
            Self::Ahci,
            Self::Nvme,
            Self::Floppy,
            Self::VirtioSerial,
        ]
        .map(Self::stem);
        let hbas = ScsiHba::ALL.map(ScsiHba::driver);
        stems
            .into_iter()
            .chain(hbas)
            .filter_map(|stem| id.strip_prefix(stem))
            .any(|number| !number.is_empty() && number.chars().all(|c| c.is_ascii_digit()))
    }
}

impl Layout {
    /// A place on a SCSI bus: its name, target and logical unit.
    ///
    /// # Errors
    /// The place is taken or beyond the bus, or the controller cannot be made.
    pub fn scsi(
        &mut self,
        hba: Option<ScsiHba>,
        number: Option<u32>,
        target: Option<u32>,
        lun: u32,
        user: &str,
        iothread: Option<&str>,
    ) -> Result<(String, u32, u32), SpecError> {
        let kind = hba.map_or(Controller::VirtioScsi, Controller::Scsi);
        let id = self.controller(kind, number, user, iothread)?;
        let bus = format!("{id}.0");
        let targets = hba.map_or(256, ScsiHba::targets);
        // The units of a target share it: the key of a place holds both.
        let key = |target: u32| target + lun * LUN_STEP;
        let free = (0..targets).find(|target| self.is_free(&bus, key(*target)));
        let target = match target {
            Some(wanted) if wanted >= targets => {
                return Err(SpecError::NoPlace {
                    user: user.to_owned(),
                    bus,
                    place: format!("target {wanted}"),
                    first: 0,
                    last: targets - 1,
                });
            }
            Some(wanted) => wanted,
            None => free.ok_or_else(|| self.no_room(&bus, "target", user))?,
        };
        let words = format!("lun {lun} of target {target}");
        self.claim(&bus, key(target), &words, user)?;
        Ok((bus, target, lun))
    }

    /// The id of the controller of a kind with this number, or the first one; made if it is not there.
    pub(crate) fn controller(
        &mut self,
        kind: Controller,
        number: Option<u32>,
        user: &str,
        iothread: Option<&str>,
    ) -> Result<String, SpecError> {
        let number = number.unwrap_or(0);
        if let Some(made) = self
            .controllers
            .iter()
            .find(|made| made.kind == kind && made.number == number)
        {
            return Ok(made.id.clone());
        }
        if self.sealed && !kind.is_pluggable() {
            return Err(self.no_room(kind.stem(), "controller", user));
        }
        let id = format!("{}{number}", kind.stem());
        let element = match kind {
            Controller::VirtioScsi => {
                let element = self.virtio("virtio-scsi", &id, None)?;
                element.maybe("iothread", iothread)
            }
            Controller::Scsi(ScsiHba::Spapr) => Element::device("spapr-vscsi", &id),
            Controller::Scsi(hba) => {
                let express = matches!(hba, ScsiHba::Megasas | ScsiHba::Pvscsi);
                let kind = if express {
                    PciKind::Express
                } else {
                    PciKind::Legacy
                };
                self.pci_device(hba.driver(), &id, kind, None)?
            }
            Controller::Ahci => self.pci_device("ich9-ahci", &id, PciKind::Integrated, None)?,
            Controller::Nvme => {
                let element = self.pci_device("nvme", &id, PciKind::Express, None)?;
                element.with("serial", format!("vthost-{id}"))
            }
            Controller::Floppy => Element::device("isa-fdc", &id),
            Controller::VirtioSerial => self.virtio("virtio-serial", &id, None)?,
        };
        self.controllers.push(Made {
            kind,
            number,
            id: id.clone(),
            element,
        });
        Ok(id)
    }

    /// How many controllers there are.
    pub(crate) fn controller_count(&self) -> usize {
        self.controllers.len()
    }

    /// The controllers that were made after the first `count`.
    pub(crate) fn controllers_after(&self, count: usize) -> Vec<Element> {
        let new = self.controllers.iter().skip(count);
        new.map(|made| made.element.clone()).collect()
    }

    /// Bus and unit of an IDE or SATA drive.
    ///
    /// # Errors
    /// The place is taken or beyond the bus.
    pub fn ide(
        &mut self,
        sata: bool,
        number: Option<u32>,
        unit: Option<u32>,
        user: &str,
    ) -> Result<(String, u32), SpecError> {
        match (self.chipset(), sata) {
            // Two cables with two drives each.
            (Chipset::Pc, false) => {
                let wanted = match (number, unit) {
                    (Some(bus), unit) => Some(bus * 2 + unit.unwrap_or(0)),
                    (None, Some(unit)) => Some(unit),
                    (None, None) => None,
                };
                let place = self.place("ide", "unit", 0..4, wanted, user)?;
                Ok((format!("ide.{}", place / 2), place % 2))
            }
            (Chipset::Q35, _) if number.is_none_or(|number| number == 0) => {
                let port = self.place("ide", "port", 0..6, unit, user)?;
                Ok((format!("ide.{port}"), 0))
            }
            _ => {
                let id = self.controller(Controller::Ahci, number, user, None)?;
                let port = self.place(&id, "port", 0..6, unit, user)?;
                Ok((format!("{id}.{port}"), 0))
            }
        }
    }

    /// The id of the controller and the number of a namespace on it.
    ///
    /// # Errors
    /// The number is taken, or there is none left.
    pub fn namespace(
        &mut self,
        number: u32,
        wanted: Option<u32>,
        user: &str,
    ) -> Result<(String, u32), SpecError> {
        let id = self.controller(Controller::Nvme, Some(number), user, None)?;
        let place = self.place(&id, "namespace", 1..257, wanted, user)?;
        Ok((id, place))
    }

    /// The bus and unit of a floppy drive.
    ///
    /// # Errors
    /// The unit is taken, or there is none left.
    pub fn floppy(&mut self, wanted: Option<u32>, user: &str) -> Result<(String, u32), SpecError> {
        let id = match self.chipset() {
            Chipset::Pc | Chipset::Q35 => self.controller(Controller::Floppy, None, user, None)?,
            _ => return Err(self.no_room("isa", "floppy controller", user)),
        };
        let unit = self.place(&id, "unit", 0..2, wanted, user)?;
        Ok((format!("{id}.0"), unit))
    }

    /// The bus and number of a port of virtio-serial.
    ///
    /// # Errors
    /// The number is taken, or there is none left.
    pub fn serial_port(
        &mut self,
        wanted: Option<u32>,
        user: &str,
    ) -> Result<(String, u32), SpecError> {
        let id = self.controller(Controller::VirtioSerial, None, user, None)?;
        // Port 0 is for consoles of old guests.
        let port = self.place(&id, "port", 1..31, wanted, user)?;
        Ok((format!("{id}.0"), port))
    }

    /// A port of the ISA bus: `ttyS0` to `ttyS3`.
    ///
    /// # Errors
    /// There is none left.
    pub fn isa_serial(&mut self, user: &str) -> Result<u32, SpecError> {
        self.place("isa-serial", "port", 0..4, None, user)
    }

    /// The one place of its kind on the board: the UART, the port of firmware messages.
    ///
    /// # Errors
    /// It is taken.
    pub fn only(&mut self, what: &str, user: &str) -> Result<(), SpecError> {
        self.claim(what, 0, "the only place", user)
    }

    /// Takes the place that a drive asks for on the PCI bus.
    pub(crate) fn reserve(&mut self, user: &str, pci: Option<PciAddress>) -> Result<(), SpecError> {
        pci.map_or(Ok(()), |wanted| self.reserve_pci(user, wanted))
    }
}
