//! What a machine is made of, as values with types.
//!
//! Two machines with equal specifications are interchangeable: nothing in here depends on the run (ports, sockets and
//! directories are given or found at the start).

mod check;
mod drive;
mod nic;
mod parts;

use std::path::PathBuf;

use serde::Serialize;

pub use drive::{Cache, Drive, DriveFormat, DriveInterface, Media};
pub use nic::{HostForward, Mac, Netdev, Nic};
pub use parts::{
    AccelChoice, Boot, Chipset, CpuModel, DirectKernel, Display, MachineType, PowerOff, Rtc,
    RtcBase, RtcClock, Serial, SerialKind, Smp, Vga,
};

/// One machine. [`MachineSpec::new`] gives a small q35 machine without drives; set the fields that differ.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MachineSpec {
    /// Name of the machine: letters, digits, `.`, `_` and `-`, at most 64. It is part of file names.
    pub name: String,
    /// SMBIOS UUID. Default: none.
    pub uuid: Option<String>,
    /// Chipset. Default: `q35`.
    pub machine: MachineType,
    /// Which accelerator to use. Default: whichever works ([`crate::accel::usable`]).
    pub accel: AccelChoice,
    /// Processor model. Default: `host` under KVM and `Nehalem,+rdrand` under TCG.
    pub cpu: Option<CpuModel>,
    /// Number and topology of processors. Default: one.
    pub smp: Smp,
    /// Memory in MiB. Default: 256.
    pub memory_mib: u64,
    /// Video adapter. Default: the standard VGA.
    pub vga: Vga,
    /// Where the screen is shown. Default: nowhere (screendumps work all the same).
    pub display: Display,
    /// Disks and CD-ROMs, in the order in which they are attached.
    pub drives: Vec<Drive>,
    /// Network interfaces, in the order in which they are attached.
    pub nics: Vec<Nic>,
    /// Serial consoles, in order. Default: one named `serial0`.
    pub serials: Vec<Serial>,
    /// Give the guest a virtio-serial port `org.qemu.guest_agent.0`. Default: true.
    pub guest_agent: bool,
    /// Give the guest a virtio random number generator. Default: true.
    pub rng: bool,
    /// Give the guest a pvpanic device, so that a panic becomes [`crate::MachineState::GuestPanicked`]. Default: true.
    pub pvpanic: bool,
    /// Give the guest a virtio memory balloon. Default: false.
    pub balloon: bool,
    /// Give the guest a USB tablet on an xHCI controller. Default: false.
    pub usb_tablet: bool,
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
            accel: AccelChoice::Auto,
            cpu: None,
            smp: Smp::cpus(1),
            memory_mib: 256,
            vga: Vga::Std,
            display: Display::None,
            drives: Vec::new(),
            nics: Vec::new(),
            serials: vec![Serial::isa("serial0")],
            guest_agent: true,
            rng: true,
            pvpanic: true,
            balloon: false,
            usb_tablet: false,
            rtc: Rtc::default(),
            boot: Boot::default(),
            kernel: None,
            spare_root_ports: 2,
            power_off: PowerOff::Exit,
            incoming: false,
            sandbox: true,
            extra_readable: Vec::new(),
            extra_writable: Vec::new(),
            extra_args: Vec::new(),
        }
    }
}
