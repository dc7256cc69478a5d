//! What a QEMU binary can do.
//!
//! A machine needs features, not versions: distributions leave devices out and take others in. [`Binary::features`] asks
//! the binary itself, by one short run with an empty machine (about 100 ms), and keeps the answer: in memory, and on disk
//! if a directory was given ([`Binary::with_cache`]), under a key that changes with the file. [`Binary::details`] asks
//! for the properties of all devices, which takes three times as long and is kept the same way.

mod ask;
mod cache;
mod interval;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::binary::Binary;
use crate::element::{Element, Kind};
use crate::error::{ProbeError, SpecError};
use crate::spec::MachineSpec;

pub use interval::VersionInterval;

/// How many names an error offers.
const OFFERED: usize = 3;

/// How much a name has to look like another one to be offered; 1 is the same.
const ALIKE: f64 = 0.8;

/// What a binary has.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Features {
    /// Its architecture, as QEMU calls it.
    pub arch: String,
    machines: BTreeMap<String, Machine>,
    devices: BTreeSet<String>,
    objects: BTreeSet<String>,
    commands: BTreeSet<String>,
    cpus: BTreeSet<String>,
    /// Whether it was built with KVM; it may still not work on this host.
    pub kvm: bool,
}

/// A machine type of a binary.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// The type that this name is short for, if it is.
    pub alias_of: Option<String>,
    /// The most processors it takes.
    pub max_cpus: u32,
    /// Whether QEMU is about to drop it.
    pub deprecated: bool,
}

/// The properties of devices and the arguments of commands.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Details {
    /// By device: its properties with their types.
    properties: BTreeMap<String, BTreeMap<String, String>>,
    /// By command: its arguments.
    arguments: BTreeMap<String, BTreeSet<String>>,
}

impl Features {
    /// Whether there is a device of this name.
    #[must_use]
    pub fn has_device(&self, driver: &str) -> bool {
        self.devices.contains(driver)
    }

    /// Whether there is a machine type of this name.
    #[must_use]
    pub fn has_machine(&self, name: &str) -> bool {
        self.machines.contains_key(name)
    }

    /// The machine type of this name.
    #[must_use]
    pub fn machine(&self, name: &str) -> Option<&Machine> {
        self.machines.get(name)
    }

    /// Whether the monitor knows this command.
    #[must_use]
    pub fn has_command(&self, command: &str) -> bool {
        self.commands.contains(command)
    }

    /// Whether there is an object (backend, secret, thread) of this type.
    #[must_use]
    pub fn has_object(&self, qom_type: &str) -> bool {
        self.objects.contains(qom_type)
    }

    /// Whether there is a processor model of this name. Binaries that do not tell have all of them.
    #[must_use]
    pub fn has_cpu(&self, model: &str) -> bool {
        self.cpus.is_empty() || self.cpus.contains(model)
    }

    /// Names of the processor models; empty if the binary does not tell.
    pub fn cpus(&self) -> impl Iterator<Item = &str> {
        self.cpus.iter().map(String::as_str)
    }

    /// Names of the machine types, with aliases.
    pub fn machines(&self) -> impl Iterator<Item = &str> {
        self.machines.keys().map(String::as_str)
    }
}

impl Details {
    /// Whether this device has this property.
    #[must_use]
    pub fn device_has_property(&self, driver: &str, property: &str) -> bool {
        self.properties
            .get(driver)
            .is_some_and(|properties| properties.contains_key(property))
    }

    /// QEMU's name for the type of a property: `bool`, `uint32`, `str`, `OnOffAuto`.
    #[must_use]
    pub fn property_type(&self, driver: &str, property: &str) -> Option<&str> {
        let properties = self.properties.get(driver)?;
        properties.get(property).map(String::as_str)
    }

    /// Whether this command of the monitor takes this argument.
    #[must_use]
    pub fn command_has_argument(&self, command: &str, argument: &str) -> bool {
        self.arguments
            .get(command)
            .is_some_and(|arguments| arguments.contains(argument))
    }
}

impl Binary {
    /// The same binary, with a directory in which its features are kept between runs.
    #[must_use]
    pub fn with_cache(mut self, dir: impl AsRef<Path>) -> Self {
        self.cache = Some(dir.as_ref().to_owned());
        self
    }

    /// What it has. Blocks for the first call: about 100 ms, or less than 2 ms if the cache knows it.
    ///
    /// # Errors
    /// [`ProbeError`] if it does not run or does not answer.
    pub fn features(&self) -> Result<Arc<Features>, ProbeError> {
        cache::features(self)
    }

    /// The properties of its devices and the arguments of its commands. Blocks for the first call: about 400 ms, or
    /// some 10 ms if the cache knows it.
    ///
    /// # Errors
    /// [`ProbeError`] if it does not run or does not answer.
    pub fn details(&self) -> Result<Arc<Details>, ProbeError> {
        cache::details(self)
    }

    /// Gives properties that somebody wrote their types. The binary is asked only if there are any.
    pub(crate) fn settle(&self, elements: Vec<Element>) -> Result<Vec<Element>, SpecError> {
        if self.is_assumed() || !elements.iter().any(Element::is_loose) {
            return Ok(elements);
        }
        let details = self.details().map_err(|source| self.unanswered(source))?;
        let settled = elements.into_iter().map(|element| element.settle(&details));
        Ok(settled.collect())
    }

    fn unanswered(&self, source: ProbeError) -> SpecError {
        SpecError::Probe {
            binary: self.path().to_owned(),
            source: Box::new(source),
        }
    }

    /// Checks that it has all that a machine is made of.
    pub(crate) fn check(&self, spec: &MachineSpec, elements: &[Element]) -> Result<(), SpecError> {
        if self.is_assumed() {
            return Ok(());
        }
        let features = self.features().map_err(|source| self.unanswered(source))?;
        let unknown = |what, name: &str, known: Vec<&str>| SpecError::Unknown {
            what,
            name: name.to_owned(),
            binary: self.path().to_owned(),
            near: nearest(name, &known),
        };
        let machine = spec.machine.name();
        let Some(found) = features.machine(machine) else {
            let known = features.machines().collect();
            return Err(unknown("machine type", machine, known));
        };
        let most = spec.smp.max().unwrap_or(u32::MAX);
        if found.max_cpus > 0 && most > found.max_cpus {
            return Err(SpecError::Value {
                field: "smp".to_owned(),
                value: format!("{most} processors"),
                rule: format!("machine type {machine} takes {} at most", found.max_cpus),
            });
        }
        if let Some(cpu) = &spec.cpu
            && !features.has_cpu(cpu.model())
        {
            return Err(unknown("cpu model", cpu.model(), features.cpus().collect()));
        }
        for element in elements {
            let Some(driver) = element.driver() else {
                continue;
            };
            let (what, known) = match element.kind() {
                Kind::Device => ("device", &features.devices),
                Kind::Object => ("object type", &features.objects),
                _ => continue,
            };
            if !known.contains(driver) {
                let known = known.iter().map(String::as_str).collect();
                return Err(unknown(what, driver, known));
            }
        }
        Ok(())
    }
}

/// The names that look most like `name`, best first.
fn nearest(name: &str, known: &[&str]) -> Vec<String> {
    let lower = name.to_lowercase();
    let mut alike: Vec<(f64, &str)> = known
        .iter()
        .map(|other| (strsim::jaro_winkler(&lower, &other.to_lowercase()), *other))
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .collect();
    alike.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    alike.truncate(OFFERED);
    alike.into_iter().map(|(_, name)| name.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_names_are_offered() {
        let known = ["virtio-blk-pci", "virtio-net-pci", "e1000", "VGA"];
        assert_eq!(nearest("virtio-blk-pc", &known)[0], "virtio-blk-pci");
        assert_eq!(nearest("vga", &known), ["VGA"]);
        assert!(nearest("sound", &known).is_empty());
    }
}
