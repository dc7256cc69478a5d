//! What a machine is made of, as values with types.
//!
//! Two machines with equal specifications are interchangeable: nothing in here depends on the run (ports, sockets and
//! directories are given or found at the start).

mod address;
mod boot;
mod changes;
mod chars;
mod check;
mod check_parts;
mod cpu;
mod display;
mod drive;
mod machine;
mod memory;
mod misc;
mod nic;
mod rules;
mod storage;
mod usb;

use std::path::PathBuf;

use serde::Serialize;

pub use address::PciAddress;
pub use boot::{Boot, DirectKernel, Firmware, PowerOff, Rtc, RtcBase, RtcClock, Smbios};
pub use changes::Changes;
pub use chars::{Monitor, MonitorKind, Serial, SerialKind};
pub use cpu::{CpuModel, Smp, Vcpu};
pub use display::{Display, Spice, Vga};
pub use drive::Drive;
pub use machine::{AccelChoice, Arch, Chipset, Iommu, MachineType};
pub use memory::{
    Hmat, Memory, MemoryBackend, MemoryDevice, MemoryModel, MemorySource, NumaDistance, NumaNode,
};
pub use misc::{
    Balloon, Filesystem, FsDriver, Rng, RngSource, ThrottleGroup, Tpm, TpmBackend, Watchdog,
    WatchdogAction,
};
pub use nic::{HostForward, Mac, Netdev, Nic, UserNet};
pub use storage::{
    Aio, Cache, DetectZeroes, DriveFormat, DriveInterface, ErrorPolicy, Media, ScsiHba,
};
pub use usb::{UsbController, UsbDevice, UsbModel, UsbVersion};

/// Letters, digits and the marks that QEMU's own names are made of; no comma, no `=`, no space.
pub(crate) fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
}

/// One machine. [`MachineSpec::new`] gives a small q35 machine without drives; set the fields that differ.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MachineSpec {
    /// Name of the machine: letters, digits, `.`, `_` and `-`, at most 64. It is part of file names.
    pub name: String,
    /// SMBIOS UUID. Default: none.
    pub uuid: Option<String>,
    /// Chipset. Default: `q35`.
    pub machine: MachineType,
    /// Options of the machine type by QEMU's names: `smm=off`, `kernel-irqchip=split`. Default: none.
    pub machine_options: Vec<(String, String)>,
    /// Firmware. Default: the machine type's own.
    pub firmware: Firmware,
    /// Which accelerator to use. Default: whichever works ([`crate::accel::usable`]).
    pub accel: AccelChoice,
    /// Processor model. Default: `host` under KVM; under TCG `Nehalem,+rdrand` on a PC, `max` elsewhere.
    pub cpu: Option<CpuModel>,
    /// Number and topology of processors. Default: one.
    pub smp: Smp,
    /// Processors that are devices of their own. Default: none.
    pub vcpus: Vec<Vcpu>,
    /// Memory in MiB at the start. Default: 256.
    pub memory_mib: u64,
    /// What backs the memory, its nodes, and memory devices. Default: nothing special.
    pub memory: Memory,
    /// Video adapter. Default: the standard VGA.
    pub vga: Vga,
    /// Further screens: QXL cards beside that of `vga`. Default: 0.
    pub more_screens: u8,
    /// Where the screen is shown. Default: nowhere (screendumps work all the same).
    pub display: Display,
    /// Threads of QEMU that drives can be served by, by id. Default: none.
    pub iothreads: Vec<String>,
    /// Groups of limits for drives. Default: none.
    pub throttle_groups: Vec<ThrottleGroup>,
    /// Disks, CD-ROMs and floppies, in the order in which they are attached.
    pub drives: Vec<Drive>,
    /// Network interfaces, in the order in which they are attached.
    pub nics: Vec<Nic>,
    /// Serial consoles, in order. Default: one named `serial0`.
    pub serials: Vec<Serial>,
    /// Monitors besides the one that this process keeps for itself. Default: none.
    pub monitors: Vec<Monitor>,
    /// Give the guest a virtio-serial port `org.qemu.guest_agent.0`. Default: true.
    pub guest_agent: bool,
    /// Give the guest a virtio random number generator. Default: true.
    pub rng: bool,
    /// Further random number generators. Default: none.
    pub rngs: Vec<Rng>,
    /// Give the guest a pvpanic device, so that a panic becomes [`crate::MachineState::GuestPanicked`]; none where the
    /// machine type has no place for one. Default: true.
    pub pvpanic: bool,
    /// The port of that device on an ISA bus. Default: 0x505, which guests look at.
    pub pvpanic_port: u16,
    /// Give the guest the ISA device that unit tests of KVM are written for (x86). Default: false.
    pub test_device: bool,
    /// Give the guest a port (0xf4) through which it ends QEMU: a value `v` makes the exit code `2v + 1` (x86). Default:
    /// false.
    pub exit_port: bool,
    /// Give the guest a virtio memory balloon. Default: none.
    pub balloon: Option<Balloon>,
    /// USB controllers. Default: none.
    pub usb_controllers: Vec<UsbController>,
    /// USB devices besides drives. Default: none.
    pub usb_devices: Vec<UsbDevice>,
    /// virtio input devices, as id and kind: `tablet`, `keyboard`, `mouse`. Default: none.
    pub inputs: Vec<(String, String)>,
    /// Sound cards by QEMU's names: `intel-hda`, `AC97`, `ES1370`. Default: none.
    pub sound: Vec<String>,
    /// A watchdog. Default: none.
    pub watchdog: Option<Watchdog>,
    /// An IOMMU. Default: none.
    pub iommu: Option<Iommu>,
    /// Trusted platform modules. Default: none.
    pub tpms: Vec<Tpm>,
    /// Directories of the host that the guest can mount. Default: none.
    pub filesystems: Vec<Filesystem>,
    /// Tables of SMBIOS. Default: QEMU's own.
    pub smbios: Vec<Smbios>,
    /// Real-time clock. Default: UTC, from the host's clock.
    pub rtc: Rtc,
    /// Boot order of the firmware. Default: QEMU's own.
    pub boot: Boot,
    /// Start this kernel instead of what is on the disks. Default: none.
    pub kernel: Option<DirectKernel>,
    /// PCIe root ports left free for devices that are plugged in later (q35 only). Default: 2.
    pub spare_root_ports: u8,
    /// What happens when the guest powers off. Default: QEMU ends.
    pub power_off: PowerOff,
    /// Wait for an incoming migration (`-incoming defer`) instead of being ready to run. Default: false.
    pub incoming: bool,
    /// Confine QEMU with seccomp and Landlock. Default: true.
    pub sandbox: bool,
    /// Files and directories outside of the run directory that QEMU may also read, such as the directory of ISOs that
    /// are inserted later. Default: none.
    pub extra_readable: Vec<PathBuf>,
    /// The same, for writing as well. Default: none.
    pub extra_writable: Vec<PathBuf>,
    /// What was plugged in and unplugged in the machine that this one takes over from. Default: nothing.
    pub changes: Changes,
    /// Arguments appended as they are. **Privileged**: they can make QEMU do anything its confinement allows.
    pub extra_args: Vec<String>,
}

impl MachineSpec {
    /// A machine with the defaults that are named at each field.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            uuid: None,
            machine: MachineType::q35(),
            machine_options: Vec::new(),
            firmware: Firmware::Default,
            accel: AccelChoice::Auto,
            cpu: None,
            smp: Smp::cpus(1),
            vcpus: Vec::new(),
            memory_mib: 256,
            memory: Memory::default(),
            vga: Vga::Std,
            more_screens: 0,
            display: Display::None,
            iothreads: Vec::new(),
            throttle_groups: Vec::new(),
            drives: Vec::new(),
            nics: Vec::new(),
            serials: vec![Serial::isa("serial0")],
            monitors: Vec::new(),
            guest_agent: true,
            rng: true,
            rngs: Vec::new(),
            pvpanic: true,
            pvpanic_port: 0x505,
            test_device: false,
            exit_port: false,
            balloon: None,
            usb_controllers: Vec::new(),
            usb_devices: Vec::new(),
            inputs: Vec::new(),
            sound: Vec::new(),
            watchdog: None,
            iommu: None,
            tpms: Vec::new(),
            filesystems: Vec::new(),
            smbios: Vec::new(),
            rtc: Rtc::default(),
            boot: Boot::default(),
            kernel: None,
            spare_root_ports: 2,
            power_off: PowerOff::Exit,
            incoming: false,
            sandbox: true,
            extra_readable: Vec::new(),
            extra_writable: Vec::new(),
            changes: Changes::default(),
            extra_args: Vec::new(),
        }
    }
}
