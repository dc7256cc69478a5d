//! Network cards.

use vthost_params::Params;
use vthost_qemu::MachineSpec;
use vthost_qemu::spec::{HostForward, Mac, Netdev, Nic, UserNet};

use super::{number, parsed, properties, text};
use crate::Result;
use crate::error::check_name;

pub(super) fn read(spec: &mut MachineSpec, params: &Params) -> Result<()> {
    for name in params.names("nics")? {
        check_name("nic", name)?;
        let nic = nic(&params.object(name))?;
        spec.nics.push(nic);
    }
    Ok(())
}

/// The ports of the guest that the host has to reach: the one of its shell, and those that `redirs` names.
fn ports(params: &Params) -> Result<Vec<u16>> {
    let mut ports = vec![params.number("shell_port", 22)?];
    for name in params.objects("redirs") {
        let key = format!("guest_port_{name}");
        let port = number(params, &key)?;
        ports.extend(port.filter(|port| !ports.contains(port)));
    }
    Ok(ports)
}

pub(crate) fn nic(params: &Params) -> Result<Nic> {
    let id = params.object_name();
    let mut nic = Nic::virtio_user(id, &[]);
    params
        .get_or("nic_model", "virtio")
        .clone_into(&mut nic.model);
    nic.mac = parsed::<Mac>(params, "mac")?;
    nic.queues = params.number_in("queues", 1, 1..=256)?;
    nic.vectors = match params.flag("enable_msix_vectors", true)? {
        true => number(params, "vectors")?,
        false => Some(0),
    };
    nic.romfile = text(params, "nic_romfile").map(str::to_owned);
    nic.boot_index = number(params, "bootindex")?;
    nic.mtu = number(params, "net_mtu")?;
    nic.pci = parsed(params, "nic_pci_addr")?;
    nic.extra = properties(params, "nic_extra_params")?;
    nic.netdev_extra = properties(params, "netdev_extra_params")?;
    nic.netdev = netdev(params)?;
    Ok(nic)
}

fn netdev(params: &Params) -> Result<Netdev> {
    let forwards = || -> Result<Vec<HostForward>> {
        let forward = |guest| HostForward { host: None, guest };
        Ok(ports(params)?.into_iter().map(forward).collect())
    };
    let kinds = [
        "user",
        "passt",
        "user:passt",
        "bridge",
        "network",
        "macvtap",
        "none",
    ];
    Ok(match params.word("nettype", "user", &kinds)? {
        "passt" | "user:passt" => Netdev::Passt {
            program: text(params, "passt_binary").map(Into::into),
            forwards: forwards()?,
        },
        "bridge" | "network" => Netdev::Tap {
            ifname: text(params, "ifname").map(str::to_owned),
            bridge: Some(params.get_or("netdst", "virbr0").trim().to_owned()),
            vhost: params.flag("vhost", false)?,
        },
        "macvtap" => Netdev::Macvtap {
            device: params.require("device_name")?.into(),
        },
        "none" => Netdev::None,
        _ => Netdev::User {
            forwards: forwards()?,
            restrict: params.flag("net_restrict", true)?,
            options: UserNet {
                net: None,
                tftp: text(params, "tftp").map(Into::into),
                bootfile: text(params, "bootp").map(str::to_owned),
            },
        },
    })
}
