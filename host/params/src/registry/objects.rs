//! The objects that can have a value of their own.

/// A kind of object of a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Object {
    /// A machine, of `vms`.
    Vm,
    /// A disk, of `images`.
    Image,
    /// A CD drive, of `cdroms`.
    Cdrom,
    /// A floppy drive, of `floppies`.
    Floppy,
    /// A network card, of `nics`.
    Nic,
    /// A serial port, of `serials`.
    Serial,
    /// A monitor of QEMU, of `monitors` or `catch_monitor`.
    Monitor,
    /// A USB controller, of `usbs`.
    UsbController,
    /// A USB device, of `usb_devices`.
    UsbDevice,
    /// A memory module, of `mem_devs`.
    Memory,
    /// A processor that can be plugged, of `vcpu_devices`.
    Vcpu,
    /// A NUMA node, of `guest_numa_nodes`.
    NumaNode,
    /// A shared directory, of `filesystems`.
    Filesystem,
    /// A TPM, of `tpms`.
    Tpm,
    /// A source of random numbers, of `virtio_rngs`.
    Rng,
    /// An input device, of `inputs`.
    Input,
    /// A balloon, of `balloon`.
    Balloon,
    /// A forwarded port, of `redirs`.
    Redir,
    /// A PCI controller, of `pci_controllers`.
    PciController,
    /// An I/O thread, of `iothreads`.
    IoThread,
    /// A group of disks with a common limit, of `throttle_groups`.
    ThrottleGroup,
}

impl Object {
    /// All kinds.
    pub const ALL: &[Self] = &[
        Self::Vm,
        Self::Image,
        Self::Cdrom,
        Self::Floppy,
        Self::Nic,
        Self::Serial,
        Self::Monitor,
        Self::UsbController,
        Self::UsbDevice,
        Self::Memory,
        Self::Vcpu,
        Self::NumaNode,
        Self::Filesystem,
        Self::Tpm,
        Self::Rng,
        Self::Input,
        Self::Balloon,
        Self::Redir,
        Self::PciController,
        Self::IoThread,
        Self::ThrottleGroup,
    ];

    /// What it is called, in one word: `usb-device`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Vm => "vm",
            Self::Image => "image",
            Self::Cdrom => "cdrom",
            Self::Floppy => "floppy",
            Self::Nic => "nic",
            Self::Serial => "serial",
            Self::Monitor => "monitor",
            Self::UsbController => "usb-controller",
            Self::UsbDevice => "usb-device",
            Self::Memory => "memory",
            Self::Vcpu => "vcpu",
            Self::NumaNode => "numa-node",
            Self::Filesystem => "filesystem",
            Self::Tpm => "tpm",
            Self::Rng => "rng",
            Self::Input => "input",
            Self::Balloon => "balloon",
            Self::Redir => "redir",
            Self::PciController => "pci-controller",
            Self::IoThread => "iothread",
            Self::ThrottleGroup => "throttle-group",
        }
    }

    /// The kind of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|object| object.name() == name)
    }

    /// A name that such an object often has, to show how one is addressed.
    pub fn example(self) -> &'static str {
        match self {
            Self::Vm => "vm1",
            Self::Image => "image1",
            Self::Cdrom => "cd1",
            Self::Floppy => "fl1",
            Self::Nic => "nic1",
            Self::Serial => "serial0",
            Self::Monitor => "qmpmonitor1",
            Self::UsbController => "usb1",
            Self::UsbDevice => "tablet1",
            Self::Memory => "mem1",
            Self::Vcpu => "vcpu1",
            Self::NumaNode => "node1",
            Self::Filesystem => "fs1",
            Self::Tpm => "tpm0",
            Self::Rng => "rng0",
            Self::Input => "mouse1",
            Self::Balloon => "balloon0",
            Self::Redir => "remote_shell",
            Self::PciController => "root1",
            Self::IoThread => "iothread0",
            Self::ThrottleGroup => "group1",
        }
    }

    const fn bit(self) -> u32 {
        1 << self as u8
    }
}

/// Some kinds of objects. What belongs to a machine can also have a value for all of its kind in that machine:
/// `image_name_image1_vm1`, `image_name_vm1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Objects(u32);

impl Objects {
    /// None: a key of the test.
    pub const TEST: Self = Self(0);

    /// One kind.
    pub const fn one(object: Object) -> Self {
        Self(object.bit())
    }

    /// These and those.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether there are none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether this kind is one of them.
    pub const fn has(self, object: Object) -> bool {
        self.0 & object.bit() != 0
    }

    /// Each kind, in order.
    pub fn iter(self) -> impl Iterator<Item = Object> {
        Object::ALL
            .iter()
            .copied()
            .filter(move |object| self.has(*object))
    }
}

// The words of the tables.
pub(super) const VM: Objects = Objects::one(Object::Vm);
pub(super) const IMAGE: Objects = Objects::one(Object::Image);
pub(super) const CDROM: Objects = Objects::one(Object::Cdrom);
pub(super) const FLOPPY: Objects = Objects::one(Object::Floppy);
pub(super) const DRIVE: Objects = IMAGE.and(CDROM).and(FLOPPY);
pub(super) const NIC: Objects = Objects::one(Object::Nic);
pub(super) const SERIAL: Objects = Objects::one(Object::Serial);
pub(super) const MONITOR: Objects = Objects::one(Object::Monitor);
pub(super) const USB: Objects = Objects::one(Object::UsbController);
pub(super) const USB_DEVICE: Objects = Objects::one(Object::UsbDevice);
pub(super) const MEMORY: Objects = Objects::one(Object::Memory);
pub(super) const VCPU: Objects = Objects::one(Object::Vcpu);
pub(super) const NODE: Objects = Objects::one(Object::NumaNode);
pub(super) const FILESYSTEM: Objects = Objects::one(Object::Filesystem);
pub(super) const TPM: Objects = Objects::one(Object::Tpm);
pub(super) const RNG: Objects = Objects::one(Object::Rng);
pub(super) const INPUT: Objects = Objects::one(Object::Input);
pub(super) const BALLOON: Objects = Objects::one(Object::Balloon);
pub(super) const REDIR: Objects = Objects::one(Object::Redir);
pub(super) const PCI: Objects = Objects::one(Object::PciController);
pub(super) const THROTTLE: Objects = Objects::one(Object::ThrottleGroup);
