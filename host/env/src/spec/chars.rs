//! Consoles, ports and monitors.

use vthost_params::Params;
use vthost_qemu::MachineSpec;
use vthost_qemu::spec::{Chipset, Monitor, MonitorKind, Serial, SerialKind};

use super::{number, text};
use crate::Result;

/// The port of the firmware's log, as the reference has one in every machine.
const FIRMWARE_LOG: &str = "seabios";

pub(super) fn read(spec: &mut MachineSpec, params: &Params) -> Result<()> {
    spec.serials.clear();
    for name in params.names("serials")? {
        let serial = serial(name, &params.object(name))?;
        spec.serials.push(serial);
    }
    let pc = matches!(spec.machine.chipset(), Chipset::Pc | Chipset::Q35);
    if pc && params.flag("enable_debugcon", false)? {
        spec.serials.push(Serial {
            name: FIRMWARE_LOG.to_owned(),
            kind: SerialKind::FirmwareLog,
        });
    }
    spec.monitors = monitors(params)?;
    Ok(())
}

pub(crate) fn serial(name: &str, params: &Params) -> Result<Serial> {
    // What comes out of it is kept and can be answered, whatever the reference would have put behind it.
    params.word(
        "chardev_backend",
        "unix_socket",
        &["unix_socket", "tcp_socket"],
    )?;
    let kinds = [
        "isa-serial",
        "spapr-vty",
        "sclpconsole",
        "pl011",
        "virtconsole",
        "virtserialport",
        "pci-serial",
        "usb-serial",
    ];
    let kind = match params.word("serial_type", "isa-serial", &kinds)? {
        "virtconsole" => SerialKind::Virtio,
        "virtserialport" => SerialKind::VirtioPort {
            name: text(params, "serial_name").map(str::to_owned),
            number: number(params, "serial_nr")?,
        },
        "pci-serial" => SerialKind::Pci,
        "usb-serial" => SerialKind::Usb,
        _ => SerialKind::Isa,
    };
    Ok(Serial {
        name: name.to_owned(),
        kind,
    })
}

/// The monitors besides the first of QMP, which is the one that every machine has for itself.
fn monitors(params: &Params) -> Result<Vec<Monitor>> {
    let mut found = Vec::new();
    let mut own = false;
    for name in params.names("monitors")? {
        let kind = match params
            .object(name)
            .word("monitor_type", "qmp", &["qmp", "human"])?
        {
            "human" => MonitorKind::Human,
            _ => MonitorKind::Qmp,
        };
        if kind == MonitorKind::Qmp && !own {
            own = true;
            continue;
        }
        found.push(Monitor {
            name: name.to_owned(),
            kind,
        });
    }
    Ok(found)
}
