//! USB controllers and devices, and other input.

use vthost_params::Params;
use vthost_qemu::MachineSpec;
use vthost_qemu::spec::{UsbController, UsbDevice, UsbModel};

use super::{number, parsed, text};
use crate::Result;

pub(super) fn read(spec: &mut MachineSpec, params: &Params) -> Result<()> {
    for name in params.names("usbs")? {
        let usb = params.object(name);
        spec.usb_controllers.push(UsbController {
            id: name.to_owned(),
            model: model(&usb)?,
            address: parsed(&usb, "pci_addr")?,
            ports: match text(&usb, "usb_max_port") {
                None => None,
                Some(_) => Some(usb.number_in("usb_max_port", 4, 1..=15)?),
            },
        });
    }
    for name in params.names("usb_devices")? {
        spec.usb_devices.push(device(name, &params.object(name))?);
    }
    for name in params.names("inputs")? {
        let input = params.object(name);
        let kind = input.word("input_dev_type", "mouse", &["mouse", "keyboard", "tablet"])?;
        if input.word("input_dev_bus_type", "virtio", &["virtio", "usb"])? == "virtio" {
            spec.inputs.push((format!("input-{name}"), kind.to_owned()));
            continue;
        }
        let driver = if kind == "keyboard" {
            "usb-kbd"
        } else {
            &format!("usb-{kind}")
        };
        spec.usb_devices.push(UsbDevice {
            id: format!("input-{name}"),
            driver: driver.to_owned(),
            controller: None,
            port: None,
        });
    }
    Ok(())
}

/// A device of `usb_devices`.
pub(crate) fn device(name: &str, params: &Params) -> Result<UsbDevice> {
    Ok(UsbDevice {
        // The reference's ids, which tests look for in the monitor.
        id: format!("usb-{name}"),
        driver: params.get_or("usbdev_type", "usb-tablet").to_owned(),
        controller: text(params, "usbdev_bus").map(|bus| bus.trim_end_matches(".0").to_owned()),
        port: number(params, "usbdev_port")?,
    })
}

/// `usb_type`, QEMU's name of the controller.
fn model(params: &Params) -> Result<UsbModel> {
    let name = params.get_or("usb_type", "ich9-usb-ehci1");
    UsbModel::from_name(name).ok_or_else(|| {
        let known = [
            "qemu-xhci",
            "nec-usb-xhci",
            "ich9-usb-ehci1",
            "usb-ehci",
            "piix3-usb-uhci",
            "piix4-usb-uhci",
            "pci-ohci",
        ];
        params.invalid_word("usb_type", &known).into()
    })
}
