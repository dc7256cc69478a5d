//! What a machine is besides its devices.

use super::memory;
use crate::accel::{self, Accel};
use crate::element::Element;
use crate::error::SpecError;
use crate::spec::{
    AccelChoice, Arch, Boot, CpuModel, Firmware, MachineSpec, PowerOff, Rtc, RtcBase, RtcClock,
    Smp, Vcpu,
};

impl MachineSpec {
    /// What the machine is besides its devices.
    pub(super) fn base(&self, accel: Accel) -> Result<Vec<Element>, SpecError> {
        let option = |name, first: &str| Element::option(name, Some(first));
        let machine = option("-machine", self.machine.name())
            .extend(
                self.machine_options
                    .iter()
                    .map(|(key, value)| (key.clone(), value.as_str().into())),
            )
            .maybe("nvdimm", memory::has_nvdimm(self).then_some(true))
            .maybe("memory-backend", self.machine_memory());
        let cpu = self
            .cpu
            .clone()
            .unwrap_or_else(|| match (accel, self.machine.arch()) {
                (Accel::Kvm, _) => CpuModel::host(),
                (Accel::Tcg, Arch::X86_64) => CpuModel::fast_tcg(),
                (Accel::Tcg, _) => CpuModel::max(),
            });
        let name = Element::option("-name", None)
            .with("guest", self.name.as_str())
            .with("debug-threads", true);
        let mut elements = vec![
            name,
            machine,
            accelerator(accel),
            Element::raw("-cpu", cpu.as_str()),
            self.smp.element(),
            memory::size(self),
        ];
        elements.extend(self.uuid.as_ref().map(|uuid| option("-uuid", uuid)));
        elements.extend(self.firmware.elements()?);
        elements.extend(self.smbios.iter().map(|table| table.element()));
        elements.push(self.rtc.element());
        let action = |key: &str| Element::option("-action", None).with(key, "pause");
        if self.pvpanic {
            // A panicked guest stays as it is, to be looked at; QEMU's default is to end.
            elements.push(action("panic"));
        }
        if self.power_off == PowerOff::Pause {
            elements.push(action("shutdown"));
        }
        if self.incoming {
            elements.push(option("-incoming", "defer"));
        }
        Ok(elements)
    }

    fn machine_memory(&self) -> Option<&'static str> {
        (self.memory.backend.is_some() && !memory::by_node(self)).then_some(memory::MACHINE_MEMORY)
    }

    pub(super) fn boot_options(&self) -> Result<Vec<Element>, SpecError> {
        let mut elements = Vec::new();
        if matches!(
            self.machine.arch(),
            Arch::X86_64 | Arch::Ppc64 | Arch::S390x
        ) {
            elements.push(self.boot.element());
        }
        if let Some(direct) = &self.kernel {
            let path = |what: &str, path| super::text(what, &super::absolute(path));
            elements.push(Element::raw("-kernel", &path("kernel", &direct.kernel)?));
            if let Some(initrd) = &direct.initrd {
                elements.push(Element::raw("-initrd", &path("initrd", initrd)?));
            }
            if let Some(append) = &direct.append {
                elements.push(Element::raw("-append", append));
            }
        }
        Ok(elements)
    }
}

impl Smp {
    fn element(self) -> Element {
        let many = |count: u32| (count > 1).then_some(count);
        Element::option("-smp", Some(&self.cpus.to_string()))
            .with("maxcpus", self.max().unwrap_or(self.cpus))
            .maybe("drawers", many(self.drawers))
            .maybe("books", many(self.books))
            .with("sockets", self.sockets)
            .maybe("dies", many(self.dies))
            .maybe("clusters", many(self.clusters))
            .with("cores", self.cores)
            .with("threads", self.threads)
    }
}

impl Vcpu {
    /// The processor as a device.
    #[must_use]
    pub fn element(&self) -> Element {
        Element::device(&self.driver, &self.id).extend(
            self.place
                .iter()
                .map(|(key, value)| (key.clone(), (*value).into())),
        )
    }
}

impl Rtc {
    fn element(self) -> Element {
        let base = match self.base {
            RtcBase::Utc => "utc".to_owned(),
            RtcBase::Localtime => "localtime".to_owned(),
            RtcBase::At(time) => time.to_string(),
        };
        let clock = match self.clock {
            RtcClock::Host => "host",
            RtcClock::Rt => "rt",
            RtcClock::Vm => "vm",
        };
        Element::option("-rtc", None)
            .with("base", base)
            .with("clock", clock)
            .maybe("driftfix", self.slew.then_some("slew"))
    }
}

impl Boot {
    fn element(&self) -> Element {
        Element::option("-boot", None)
            .maybe("order", self.order.as_deref())
            .maybe("once", self.once.as_deref())
            .with("menu", self.menu)
            .with("strict", self.strict)
            .maybe("splash-time", self.splash_ms)
            .maybe("reboot-timeout", self.reboot_ms)
    }
}

impl Firmware {
    fn elements(&self) -> Result<Vec<Element>, SpecError> {
        let text = |path| super::text("firmware", &super::absolute(path));
        let flash = |unit: u32| {
            Element::option("-drive", None)
                .with("if", "pflash")
                .with("format", "raw")
                .with("unit", unit)
        };
        Ok(match self {
            Self::Default => Vec::new(),
            Self::Bios(path) => vec![Element::raw("-bios", &text(path)?)],
            Self::Pflash { code, vars } => {
                let mut elements = vec![flash(0).with("readonly", true).with("file", text(code)?)];
                if let Some(vars) = vars {
                    elements.push(flash(1).with("file", text(vars)?));
                }
                elements
            }
        })
    }
}

pub(super) fn choose(spec: &MachineSpec) -> Result<Accel, SpecError> {
    // KVM runs the processors of this host.
    let native = spec.machine.arch().name() == std::env::consts::ARCH;
    let usable = || match native {
        true => (accel::usable().accel, accel::usable().reason.clone()),
        false => {
            let arch = spec.machine.arch();
            (Accel::Tcg, format!("this host is no {arch}"))
        }
    };
    match spec.accel {
        AccelChoice::Tcg => Ok(Accel::Tcg),
        AccelChoice::Auto => Ok(usable().0),
        AccelChoice::Kvm => match usable() {
            (Accel::Kvm, _) => Ok(Accel::Kvm),
            (Accel::Tcg, reason) => Err(SpecError::KvmUnusable { reason }),
        },
    }
}

/// The accelerator with its settings.
///
/// TCG runs all processors of a machine on one thread, in turns. With a thread each, QEMU 10 loses a race while a booting
/// guest moves the registers of its PCI devices: on a busy host about one boot in a hundred ends in an assertion of QEMU
/// (`iotlb_to_section`, `msix_table_mmio_write`) or hangs before the kernel's first message.
fn accelerator(accel: Accel) -> Element {
    match accel {
        Accel::Kvm => Element::option("-accel", Some("kvm")),
        Accel::Tcg => Element::option("-accel", Some("tcg")).with("thread", "single"),
    }
}
