//! What makes a specification impossible, found before anything is started.

use std::collections::HashSet;

use super::rules::{check_uuid, device_id, directory, file_name, readable, value, writable};
use super::{Boot, Firmware, FsDriver, MachineSpec, Smp, is_word};
use crate::error::SpecError;
use crate::layout::Controller;

/// Ids this crate gives to devices of its own, besides those of [`Controller`].
const OWN_IDS: [&str; 9] = [
    "video0",
    "rng0",
    "balloon0",
    "agent0",
    "pvpanic0",
    "testdev0",
    "exit0",
    "watchdog0",
    "iommu0",
];

/// What the guest may have of processors. QEMU's q35 takes 288 and newer versions more; this catches typing errors.
const MAX_CPUS: u32 = 4096;

/// Spare root ports; more than anybody plugs in.
const MAX_SPARE_PORTS: u8 = 64;

impl MachineSpec {
    /// Checks all that can be known without starting QEMU. [`MachineSpec::command_line`] calls it.
    ///
    /// # Errors
    /// The first [`SpecError`] found.
    pub fn check(&self) -> Result<(), SpecError> {
        file_name("machine name", &self.name)?;
        if let Some(uuid) = &self.uuid {
            check_uuid(uuid)?;
        }
        if self.memory_mib == 0 {
            return Err(value(
                "memory",
                "0 MiB",
                "a machine needs at least 1 MiB; set the memory size",
            ));
        }
        self.smp.check()?;
        self.check_ids()?;
        if self.spare_root_ports > MAX_SPARE_PORTS {
            let rule = format!("a machine has room for {MAX_SPARE_PORTS}; ask for fewer");
            let ports = self.spare_root_ports.to_string();
            return Err(value("number of spare pcie root ports", &ports, &rule));
        }
        self.boot.check()?;
        self.memory.check(self.memory_mib)?;
        for drive in &self.drives {
            drive.check(self)?;
        }
        for nic in &self.nics {
            nic.check()?;
        }
        self.check_files()?;
        self.check_words()?;
        let nul = |text: &&String| text.contains('\0');
        if let Some(bad) = self.extra_args.iter().find(nul) {
            return Err(value(
                "extra argument",
                bad,
                "an argument cannot contain a zero byte",
            ));
        }
        Ok(())
    }

    fn check_files(&self) -> Result<(), SpecError> {
        if let Some(direct) = &self.kernel {
            readable("kernel", &direct.kernel)?;
            if let Some(initrd) = &direct.initrd {
                readable("initrd", initrd)?;
            }
        }
        match &self.firmware {
            Firmware::Default => {}
            Firmware::Bios(path) => readable("firmware", path)?,
            Firmware::Pflash { code, vars } => {
                readable("firmware", code)?;
                if let Some(vars) = vars {
                    writable("variables of the firmware", vars)?;
                }
            }
        }
        for filesystem in &self.filesystems {
            directory(&format!("filesystem {}", filesystem.id), &filesystem.source)?;
            if matches!(filesystem.driver, FsDriver::Virtiofs { .. }) && !self.memory.is_shared() {
                let rule = "virtiofsd has to share the memory of the machine; give it a memory backend with `share`";
                let what = format!("driver of filesystem {}", filesystem.id);
                return Err(value(&what, "virtiofs", rule));
            }
        }
        Ok(())
    }

    /// Words that are drivers, models or keys of QEMU.
    fn check_words(&self) -> Result<(), SpecError> {
        let words = |what: &'static str, fields: &[(String, String)]| {
            fields
                .iter()
                .map(|(key, _)| (what, key.clone()))
                .collect::<Vec<_>>()
        };
        let mut all = words("machine option", &self.machine_options);
        all.extend(
            self.smbios
                .iter()
                .flat_map(|table| words("smbios field", &table.fields)),
        );
        all.extend(
            self.usb_devices
                .iter()
                .map(|device| ("usb device", device.driver.clone())),
        );
        all.extend(
            self.inputs
                .iter()
                .map(|(_, kind)| ("input device", kind.clone())),
        );
        all.extend(self.sound.iter().map(|model| ("sound card", model.clone())));
        all.extend(self.tpms.iter().map(|tpm| ("tpm model", tpm.model.clone())));
        all.extend(
            self.watchdog
                .iter()
                .map(|dog| ("watchdog", dog.model.clone())),
        );
        match all.iter().find(|(_, word)| !is_word(word)) {
            None => Ok(()),
            Some((what, word)) => {
                let rule =
                    "it has to be a name of QEMU's: letters, digits, dots, underscores and dashes";
                Err(value(what, word, rule))
            }
        }
    }

    /// Every id that the specification gives, with what it is.
    fn ids(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let drives = self
            .drives
            .iter()
            .map(|drive| ("drive id", drive.id.as_str()));
        let nics = self.nics.iter().map(|nic| ("nic id", nic.id.as_str()));
        let serials = self
            .serials
            .iter()
            .map(|serial| ("serial name", serial.name.as_str()));
        let monitors = self
            .monitors
            .iter()
            .map(|monitor| ("monitor name", monitor.name.as_str()));
        let controllers = self
            .usb_controllers
            .iter()
            .map(|usb| ("usb controller id", usb.id.as_str()));
        let usb = self
            .usb_devices
            .iter()
            .map(|device| ("usb device id", device.id.as_str()));
        let inputs = self.inputs.iter().map(|(id, _)| ("input id", id.as_str()));
        let memory = self
            .memory
            .devices
            .iter()
            .map(|device| ("memory device id", device.id.as_str()));
        let threads = self.iothreads.iter().map(|id| ("iothread id", id.as_str()));
        let groups = self
            .throttle_groups
            .iter()
            .map(|group| ("throttle group id", group.id.as_str()));
        let rngs = self.rngs.iter().map(|rng| ("rng id", rng.id.as_str()));
        let tpms = self.tpms.iter().map(|tpm| ("tpm id", tpm.id.as_str()));
        let filesystems = self
            .filesystems
            .iter()
            .map(|fs| ("filesystem id", fs.id.as_str()));
        let vcpus = self.vcpus.iter().map(|vcpu| ("vcpu id", vcpu.id.as_str()));
        let plain = drives
            .chain(nics)
            .chain(serials)
            .chain(monitors)
            .chain(controllers);
        let more = usb.chain(inputs).chain(memory).chain(threads).chain(groups);
        plain
            .chain(more)
            .chain(rngs)
            .chain(tpms)
            .chain(filesystems)
            .chain(vcpus)
    }

    fn check_ids(&self) -> Result<(), SpecError> {
        let mut seen = HashSet::from(OWN_IDS);
        if !self.rng {
            seen.remove("rng0");
        }
        for (what, id) in self.ids() {
            device_id(what, id)?;
            if !seen.insert(id) || Controller::is_own_id(id) {
                return Err(SpecError::DuplicateId {
                    machine: self.name.clone(),
                    id: id.to_owned(),
                });
            }
        }
        Ok(())
    }
}

impl Smp {
    fn check(self) -> Result<(), SpecError> {
        let room = self.max();
        let fits = room.is_some_and(|room| self.cpus <= room && room <= MAX_CPUS);
        if self.cpus > 0 && fits {
            return Ok(());
        }
        let Self {
            cpus,
            cores,
            threads,
            sockets,
            dies,
            clusters,
            books,
            drawers,
        } = self;
        let inner: String = [
            ("dies", dies),
            ("clusters", clusters),
            ("books", books),
            ("drawers", drawers),
        ]
        .into_iter()
        .filter(|(_, count)| *count != 1)
        .map(|(name, count)| format!(" x {count} {name}"))
        .collect();
        Err(value(
            "smp",
            &format!("{cpus} cpus in {sockets} sockets x {cores} cores x {threads} threads{inner}"),
            &format!(
                "there has to be at least one cpu, and the product of all parts has to hold them all (up to {MAX_CPUS})"
            ),
        ))
    }
}

impl Boot {
    fn check(&self) -> Result<(), SpecError> {
        for order in [&self.order, &self.once].into_iter().flatten() {
            let letters: HashSet<char> = order.chars().collect();
            let known = order.chars().all(|c| matches!(c, 'a'..='d' | 'n'..='p'));
            if order.is_empty() || !known || letters.len() != order.len() {
                return Err(value(
                    "boot order",
                    order,
                    "it has to be different letters of a, b, c, d, n, o and p",
                ));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "check_tests.rs"]
mod tests;
