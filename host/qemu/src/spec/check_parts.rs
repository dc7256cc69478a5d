//! What makes a part of a machine impossible.

use std::collections::HashSet;

use super::rules::{readable, value, writable};
use super::{
    Aio, Cache, Drive, DriveInterface, MachineSpec, Media, Memory, MemoryModel, Netdev, Nic,
    is_word,
};
use crate::error::SpecError;

/// The kernel's bound on names of network interfaces.
const IFNAME_MAX: usize = 15;

/// What QEMU takes as an MTU.
const MTU: std::ops::RangeInclusive<u16> = 68..=65535;

/// Queues that a device may have.
const MAX_QUEUES: u16 = 256;

impl Memory {
    /// Whether other processes may map the memory that the machine starts with.
    pub(super) fn is_shared(&self) -> bool {
        let by_node = self.numa.iter().any(|node| node.memory_mib.is_some());
        let machine = self.backend.as_ref().is_some_and(|backend| backend.share);
        let nodes = self.numa.iter().all(|node| {
            let backend = node.backend.as_ref().or(self.backend.as_ref());
            backend.is_some_and(|backend| backend.share)
        });
        if by_node { nodes } else { machine }
    }

    pub(super) fn check(&self, size_mib: u64) -> Result<(), SpecError> {
        let plugged: u64 = self.devices.iter().map(|device| device.size_mib).sum();
        if let Some(max) = self.max_mib
            && max < size_mib.saturating_add(plugged)
        {
            let rule =
                format!("the machine has {size_mib} MiB and memory devices of {plugged} MiB");
            return Err(value("maximum of memory", &format!("{max} MiB"), &rule));
        }
        let plain = self
            .devices
            .iter()
            .filter(|device| !matches!(device.model, MemoryModel::VirtioMem { .. }))
            .count();
        if let Some(slots) = self.slots
            && plain > usize::try_from(slots).unwrap_or(usize::MAX)
        {
            let rule = format!("there are {plain} memory devices; give them more slots");
            return Err(value("number of memory slots", &slots.to_string(), &rule));
        }
        let nodes: Vec<u64> = self
            .numa
            .iter()
            .filter_map(|node| node.memory_mib)
            .collect();
        if !nodes.is_empty()
            && (nodes.len() != self.numa.len() || nodes.iter().sum::<u64>() != size_mib)
        {
            let rule = format!("every node has to have its part, all together {size_mib} MiB");
            let sum = nodes.iter().sum::<u64>();
            return Err(value(
                "memory of all numa nodes",
                &format!("{sum} MiB"),
                &rule,
            ));
        }
        let mut ids = HashSet::new();
        for (index, node) in self.numa.iter().enumerate() {
            let id = node
                .id
                .unwrap_or_else(|| u32::try_from(index).unwrap_or(u32::MAX));
            if id > 127 || !ids.insert(id) {
                let rule = "it has to be 0 to 127, and its own";
                return Err(value("number of a numa node", &id.to_string(), rule));
            }
            if let Some(cpus) = node.cpus.iter().find(|cpus| !is_range(cpus)) {
                let rule = "it has to be a number or a range as 0-3";
                return Err(value("processors of a numa node", cpus, rule));
            }
        }
        let backends = self.devices.iter().map(|device| &device.backend);
        let backends = backends
            .chain(&self.backend)
            .chain(self.numa.iter().filter_map(|node| node.backend.as_ref()));
        for nodes in backends.filter_map(|backend| backend.host_nodes.as_ref()) {
            if !nodes.split(',').all(is_range) {
                let rule = "it has to be numbers or ranges as 0-1, separated by commas";
                return Err(value("host nodes of a memory backend", nodes, rule));
            }
        }
        Ok(())
    }
}

/// A number, or two with a dash between them; below 1024.
fn is_range(text: &str) -> bool {
    let number = |text: &str| text.parse::<u16>().ok().filter(|number| *number < 1024);
    match text.split_once('-') {
        None => number(text).is_some(),
        Some((first, last)) => number(first)
            .zip(number(last))
            .is_some_and(|(first, last)| first <= last),
    }
}

impl Drive {
    pub(super) fn check(&self, spec: &MachineSpec) -> Result<(), SpecError> {
        let what = format!("drive {}", self.id);
        self.check_identity(&what)?;
        if matches!(self.interface, DriveInterface::Ide | DriveInterface::Ahci)
            && self.media == Media::Disk
            && self.read_only
            && !self.snapshot
        {
            let rule = "QEMU has no read-only ide disks; use virtio-blk, virtio-scsi or snapshot";
            return Err(value(&format!("interface of {what}"), "ide", rule));
        }
        if self.aio == Some(Aio::Native) && !matches!(self.cache, Cache::None | Cache::Directsync) {
            let rule = "it needs a cache mode without the host's page cache: none or directsync";
            return Err(value(&format!("aio of {what}"), "native", rule));
        }
        if let Some(group) = &self.throttle_group
            && !spec.throttle_groups.iter().any(|known| known.id == *group)
        {
            let rule = "it has to be a throttle group of the machine";
            return Err(value(&format!("throttle group of {what}"), group, rule));
        }
        if let Some(thread) = &self.iothread
            && !spec.iothreads.contains(thread)
        {
            let rule = "it has to be an iothread of the machine";
            return Err(value(&format!("iothread of {what}"), thread, rule));
        }
        for backing in &self.backing {
            readable(&format!("backing file of {what}"), backing)?;
        }
        let removable = self.media == Media::Cdrom || self.interface == DriveInterface::Floppy;
        if self.is_empty() && removable {
            return Ok(());
        }
        if self.writes_image() {
            writable(&what, &self.path)
        } else {
            readable(&what, &self.path)
        }
    }

    /// What the guest knows it by.
    fn check_identity(&self, what: &str) -> Result<(), SpecError> {
        let scsi = matches!(
            self.interface,
            DriveInterface::VirtioScsi | DriveInterface::Scsi(_) | DriveInterface::Usb(_)
        );
        let longest = if scsi { 36 } else { 20 };
        if let Some(serial) = &self.serial
            && (serial.is_empty() || serial.len() > longest || !is_word(serial))
        {
            let rule =
                format!("it has to be 1 to {longest} letters, digits, dots, underscores or dashes");
            return Err(value(&format!("serial number of {what}"), serial, &rule));
        }
        let sizes = [self.logical_block_size, self.physical_block_size];
        if let Some(size) = sizes
            .into_iter()
            .flatten()
            .find(|size| !(size.is_power_of_two() && (512..=2 << 20).contains(size)))
        {
            let rule = "it has to be a power of two from 512 to 2097152";
            return Err(value(
                &format!("block size of {what}"),
                &size.to_string(),
                rule,
            ));
        }
        if let Some((key, _)) = self.extra.iter().find(|(key, _)| !is_word(key)) {
            let rule = "it has to be a name of QEMU's";
            return Err(value(&format!("property of {what}"), key, rule));
        }
        Ok(())
    }
}

impl Nic {
    pub(super) fn check(&self) -> Result<(), SpecError> {
        let what = format!("nic {}", self.id);
        if !is_word(&self.model) {
            let rule = "it has to be the name of a QEMU device, such as virtio-net-pci";
            return Err(value(&format!("model of {what}"), &self.model, rule));
        }
        if self.queues == 0 || self.queues > MAX_QUEUES {
            let rule = format!("it has to be 1 to {MAX_QUEUES}");
            return Err(value(
                &format!("queues of {what}"),
                &self.queues.to_string(),
                &rule,
            ));
        }
        if let Some(mtu) = self.mtu.filter(|mtu| !MTU.contains(mtu)) {
            let rule = format!("it has to be {} to {}", MTU.start(), MTU.end());
            return Err(value(&format!("mtu of {what}"), &mtu.to_string(), &rule));
        }
        if let Some((key, _)) = self.extra.iter().find(|(key, _)| !is_word(key)) {
            return Err(value(
                &format!("property of {what}"),
                key,
                "it has to be a name of QEMU's",
            ));
        }
        match &self.netdev {
            Netdev::User { forwards, .. } | Netdev::Passt { forwards, .. } => {
                for forward in forwards {
                    if forward.guest == 0 || forward.host == Some(0) {
                        let shown = format!("{:?} -> {}", forward.host, forward.guest);
                        return Err(value(
                            &format!("port forward of {what}"),
                            &shown,
                            "a port is 1 to 65535",
                        ));
                    }
                }
            }
            Netdev::Tap { ifname, bridge, .. } => {
                let names = [("tap interface", ifname), ("bridge", bridge)];
                for (kind, name) in names {
                    let wrong = |name: &&String| !is_word(name) || name.len() > IFNAME_MAX;
                    if let Some(name) = name.as_ref().filter(wrong) {
                        let rule = "it has to be the name of an interface, at most 15 characters";
                        return Err(value(&format!("{kind} of {what}"), name, rule));
                    }
                }
            }
            Netdev::Macvtap { .. } | Netdev::Stream { .. } | Netdev::None => {}
        }
        Ok(())
    }
}
