//! From a specification to options.

use super::{CommandLine, Opt, board, chars, extra, memory, misc, usb, video};
use crate::binary::Binary;
use crate::element::{Argument, Element, Kind};
use crate::error::SpecError;
use crate::files::Paths;
use crate::layout::Layout;
use crate::spec::{MachineSpec, Vcpu};

/// The devices of a machine with their places.
struct Placed {
    layout: Layout,
    /// What has to come before the root ports.
    first: Option<Element>,
    devices: Vec<Element>,
}

/// What QEMU may no longer do once its machine is built.
const SECCOMP: &str = "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny";

impl MachineSpec {
    /// The command line for this machine. Checks the specification first; probes the accelerator if the choice is left
    /// to this host (see [`accel::usable`]). The machine will start paused (`-S`).
    ///
    /// # Errors
    /// Anything [`MachineSpec::check`] finds, a place that two devices ask for, something that the binary does not have,
    /// KVM required but unusable, or a run directory too long for a socket.
    pub fn command_line(&self, binary: &Binary, paths: &Paths) -> Result<CommandLine, SpecError> {
        self.check()?;
        let accel = board::choose(self)?;
        let Placed {
            layout,
            first,
            devices,
        } = self.place()?;
        let mut elements = self.base(accel)?;
        elements.extend(chars::own_monitor());
        elements.extend(memory::elements(self)?);
        elements.extend(first);
        elements.extend(layout.elements());
        elements.extend(devices);
        elements.retain(|element| !self.is_removed(element));
        elements.extend(self.changes.added.iter().cloned());
        elements.extend(video::display(self, &paths.vnc_socket(&self.name))?);
        elements.extend(self.boot_options()?);
        let (extra_devices, extra_args) = extra::part(&self.extra_args);
        elements.extend(extra_devices);
        binary.check(self, &elements)?;
        let elements = binary.settle(elements)?;
        let mut line = CommandLine::new(binary, paths, accel);
        line.push_flag("-S");
        line.push_flag("-nodefaults");
        line.push_flag("-no-user-config");
        for element in elements {
            line.push_element(element);
        }
        if self.sandbox {
            line.push("-sandbox", SECCOMP);
        }
        for arg in extra_args {
            line.options.push(Opt::flag(arg));
        }
        Ok(line)
    }

    fn is_removed(&self, element: &Element) -> bool {
        let removed = &self.changes.removed;
        element
            .id()
            .is_some_and(|id| removed.iter().any(|removed| removed == id))
    }

    /// Who sits where. Sealed: what is plugged in later gets the places that are left.
    ///
    /// # Errors
    /// Two devices ask for one place, or there is none for a device.
    pub fn layout(&self) -> Result<Layout, SpecError> {
        self.place().map(|placed| placed.layout)
    }

    /// All devices with their places, in order.
    fn place(&self) -> Result<Placed, SpecError> {
        let mut layout = Layout::new(&self.machine);
        for (id, pci) in self.wanted_addresses() {
            layout.reserve(id, pci)?;
        }
        let first = self
            .iommu
            .as_ref()
            .map(|iommu| iommu.element(&mut layout))
            .transpose()?;
        let devices = self.devices(&mut layout)?;
        layout.seal(self.spare_root_ports)?;
        Ok(Placed {
            layout,
            first,
            devices,
        })
    }

    fn devices(&self, layout: &mut Layout) -> Result<Vec<Element>, SpecError> {
        let mut devices = Vec::new();
        devices.extend(video::adapter(layout, self.vga)?);
        for number in 1..=self.more_screens {
            devices.push(video::further(layout, number)?);
        }
        for controller in &self.usb_controllers {
            devices.extend(controller.elements(layout)?);
        }
        for serial in &self.serials {
            devices.extend(serial.elements(layout)?);
        }
        if self.guest_agent {
            devices.extend(chars::agent(layout)?);
        }
        for monitor in &self.monitors {
            devices.extend(monitor.elements());
        }
        devices.extend(self.small_devices(layout)?);
        devices.extend(self.storage(layout)?);
        for nic in &self.nics {
            devices.extend(nic.elements(layout)?);
        }
        for filesystem in &self.filesystems {
            devices.extend(filesystem.elements(layout)?);
        }
        for device in &self.memory.devices {
            devices.extend(device.elements(layout)?);
        }
        Ok(devices)
    }

    /// The addresses that the configuration asks for.
    fn wanted_addresses(&self) -> impl Iterator<Item = (&str, Option<crate::spec::PciAddress>)> {
        let drives = self
            .drives
            .iter()
            .map(|drive| (drive.id.as_str(), drive.pci));
        let nics = self.nics.iter().map(|nic| (nic.id.as_str(), nic.pci));
        let usb = self
            .usb_controllers
            .iter()
            .map(|controller| (controller.id.as_str(), controller.address));
        drives.chain(nics).chain(usb)
    }

    fn small_devices(&self, layout: &mut Layout) -> Result<Vec<Element>, SpecError> {
        let mut devices = Vec::new();
        if self.pvpanic {
            devices.extend(misc::pvpanic(layout, self.pvpanic_port)?);
        }
        if self.test_device {
            devices.push(misc::isa(layout, "pc-testdev", "testdev0")?);
        }
        if self.exit_port {
            let port = misc::isa(layout, "isa-debug-exit", "exit0")?;
            devices.push(port.with("iobase", 0xf4).with("iosize", 4));
        }
        if self.rng {
            devices.push(Element::object("rng-builtin", "rng_backend0"));
            let device = layout.virtio("virtio-rng", "rng0", None)?;
            devices.push(device.with("rng", "rng_backend0"));
        }
        for rng in &self.rngs {
            devices.extend(rng.elements(layout)?);
        }
        if let Some(balloon) = &self.balloon {
            devices.push(balloon.element(layout)?);
        }
        if let Some(watchdog) = &self.watchdog {
            devices.extend(watchdog.elements(layout)?);
        }
        for tpm in &self.tpms {
            devices.extend(tpm.elements()?);
        }
        for (number, model) in self.sound.iter().enumerate() {
            devices.extend(misc::sound(layout, number, model)?);
        }
        for (id, kind) in &self.inputs {
            devices.push(usb::input(layout, id, kind)?);
        }
        for device in &self.usb_devices {
            devices.extend(device.elements(layout)?);
        }
        devices.extend(self.vcpus.iter().map(Vcpu::element));
        Ok(devices)
    }

    /// Drives, in order; those that ask for a place get theirs before the others take it.
    fn storage(&self, layout: &mut Layout) -> Result<Vec<Element>, SpecError> {
        let mut devices: Vec<Element> = self
            .iothreads
            .iter()
            .map(|id| Element::object("iothread", id))
            .collect();
        for group in &self.throttle_groups {
            let limits = group.limits.iter();
            devices.push(
                Element::object("throttle-group", &group.id)
                    .extend(limits.map(|(name, limit)| (format!("x-{name}"), (*limit).into()))),
            );
        }
        let mut made: Vec<Option<Vec<Element>>> = vec![None; self.drives.len()];
        for asks in [true, false] {
            for (drive, made) in self.drives.iter().zip(&mut made) {
                if drive.unit.is_some() == asks {
                    *made = Some(drive.elements(layout)?);
                }
            }
        }
        devices.extend(made.into_iter().flatten().flatten());
        Ok(devices)
    }
}

impl CommandLine {
    /// Adds an element in its form for the command line.
    fn push_element(&mut self, element: Element) {
        let element = self.keep_secret(element);
        match element.argument() {
            Argument::Channel(id) => self.push_channel(id),
            Argument::Text(option, text) if element.kind() == Kind::Netdev => {
                self.push_netdev(&element, &option, text);
            }
            Argument::Text(option, text) => self.push(&option, text),
        }
    }
}
