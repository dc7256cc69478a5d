//! USB controllers and their ports.

use super::{Layout, PciKind};
use crate::element::Element;
use crate::error::SpecError;
use crate::spec::{PciAddress, UsbController, UsbModel, UsbVersion};

/// The slot of the ICH9's USB controllers.
const ICH9_SLOT: u8 = 0x1d;

/// A controller with its ports.
#[derive(Debug, Clone)]
pub(super) struct Hub {
    id: String,
    model: UsbModel,
    ports: u32,
}

impl Layout {
    /// A USB controller, with its companions if it has any.
    ///
    /// # Errors
    /// Its place is taken, or none is left.
    pub fn usb_controller(
        &mut self,
        controller: &UsbController,
    ) -> Result<Vec<Element>, SpecError> {
        let id = controller.id.as_str();
        self.usb.push(Hub {
            id: id.to_owned(),
            model: controller.model,
            ports: controller.port_count(),
        });
        let driver = controller.model.driver();
        match controller.model {
            UsbModel::Ich9Ehci => self.ich9(controller),
            UsbModel::Xhci | UsbModel::NecXhci => {
                let element = self.pci_device(driver, id, PciKind::Express, controller.address)?;
                // A port of each kind for each number.
                let (two, three) = (controller.ports, controller.ports);
                Ok(vec![element.maybe("p2", two).maybe("p3", three)])
            }
            UsbModel::Piix3Uhci | UsbModel::Piix4Uhci | UsbModel::Ohci | UsbModel::Ehci => {
                let place = controller.address;
                let element = self.pci_device(driver, id, PciKind::Integrated, place)?;
                Ok(vec![element])
            }
        }
    }

    /// The USB 2 controller of the ICH9 and the three USB 1.1 controllers that share its ports.
    fn ich9(&mut self, controller: &UsbController) -> Result<Vec<Element>, SpecError> {
        let id = controller.id.as_str();
        let slot = match controller.address {
            Some(address) => address.slot,
            // Several of them cannot share one slot.
            None => match self.reserve_pci(id, PciAddress::slot(ICH9_SLOT)) {
                Ok(()) => ICH9_SLOT,
                Err(_) => ICH9_SLOT - 3,
            },
        };
        self.reserve_pci(id, PciAddress::slot(slot))?;
        let root = self.root_bus().unwrap_or("pci.0");
        let at = |driver: &str, id: &str, function: u8| {
            Element::device(driver, id)
                .with("bus", root)
                .with("addr", PciAddress::function(slot, function).to_string())
                .with("multifunction", true)
        };
        let mut elements = vec![at(controller.model.driver(), id, 7)];
        for (number, function) in [(0_u8, 0_u8), (1, 2), (2, 4)] {
            let driver = format!("ich9-usb-uhci{}", number + 1);
            let companion = at(&driver, &format!("{id}.{number}"), function)
                .with("masterbus", format!("{id}.0"))
                .with("firstport", number * 2);
            elements.push(companion);
        }
        Ok(elements)
    }

    /// The id of the controller of this number.
    pub(crate) fn usb_id(&self, number: Option<u32>) -> Option<String> {
        let index = usize::try_from(number?).ok()?;
        self.usb.get(index).map(|hub| hub.id.clone())
    }

    /// The bus and port for a USB device.
    ///
    /// # Errors
    /// There is no such controller, none takes devices of this version, or the port is taken.
    pub fn usb_port(
        &mut self,
        user: &str,
        controller: Option<&str>,
        version: UsbVersion,
        wanted: Option<u32>,
    ) -> Result<(String, u32), SpecError> {
        let hubs: Vec<Hub> = self
            .usb
            .iter()
            .filter(|hub| match controller {
                Some(id) => hub.id == id,
                None => hub.model.version() >= version,
            })
            .cloned()
            .collect();
        let mut last = None;
        for hub in &hubs {
            let bus = format!("{}.0", hub.id);
            match self.place(&bus, "port", 1..hub.ports + 1, wanted, user) {
                Ok(port) => return Ok((bus, port)),
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(|| {
            let what = match controller {
                Some(id) => format!("controller {id:?}"),
                None => format!("controller for version {version:?}"),
            };
            self.no_room("usb", &what, user)
        }))
    }
}
