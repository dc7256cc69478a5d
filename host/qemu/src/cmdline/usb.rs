//! USB devices besides drives, and virtio input.

use crate::element::Element;
use crate::error::SpecError;
use crate::layout::Layout;
use crate::spec::{UsbController, UsbDevice, UsbVersion};

impl UsbController {
    /// The controller, with its companions if it has any.
    ///
    /// # Errors
    /// Its place is taken, or none is left.
    pub fn elements(&self, layout: &mut Layout) -> Result<Vec<Element>, SpecError> {
        layout.usb_controller(self)
    }
}

impl UsbDevice {
    /// The device.
    ///
    /// # Errors
    /// There is no such controller, or its port is taken.
    pub fn elements(&self, layout: &mut Layout) -> Result<Vec<Element>, SpecError> {
        let controller = self.controller.as_deref();
        let (bus, port) = layout.usb_port(&self.id, controller, UsbVersion::One, self.port)?;
        let device = Element::device(&self.driver, &self.id).with("bus", bus);
        Ok(vec![device.with("port", port.to_string())])
    }
}

/// A virtio input device.
pub(super) fn input(layout: &mut Layout, id: &str, kind: &str) -> Result<Element, SpecError> {
    layout.virtio(&format!("virtio-{kind}"), id, None)
}
