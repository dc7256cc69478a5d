//! Devices: video, consoles, drives, network interfaces, and the small ones.

use std::ffi::OsString;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

use super::build::{
    Builder, absolute, agent_channel, needs_virtio_serial, serial_channel, takes_port,
};
use super::props::Props;
use crate::error::SpecError;
use crate::files::Paths;
use crate::spec::{
    Chipset, Display, Drive, DriveInterface, MachineSpec, Media, Netdev, Nic, Serial, SerialKind,
    Vga,
};

/// The longest path of a UNIX socket; the kernel's buffer of 108 bytes has to hold a zero byte as well.
const SOCKET_PATH_MAX: usize = 107;

impl Builder {
    pub(super) fn video(&mut self, spec: &MachineSpec, paths: &Paths) -> Result<(), SpecError> {
        let adapter = match spec.vga {
            Vga::None => None,
            Vga::Std => Some("VGA"),
            Vga::Cirrus => Some("cirrus-vga"),
            Vga::Virtio => Some("virtio-vga"),
            Vga::Qxl => Some("qxl-vga"),
            Vga::Vmware => Some("vmware-svga"),
        };
        if let Some(adapter) = adapter {
            let bus = if self.pci.chipset == Chipset::Q35 {
                "pcie.0"
            } else {
                "pci.0"
            };
            let slot = if self.pci.chipset == Chipset::Q35 {
                "0x1"
            } else {
                "0x2"
            };
            self.device(
                Props::new(adapter)
                    .key("id", "video0")
                    .key("bus", bus)
                    .key("addr", slot),
            );
        }
        self.add("-display", "none");
        if spec.display == Display::VncUnix {
            let socket = paths.vnc_socket(&spec.name);
            if socket.as_os_str().len() > SOCKET_PATH_MAX {
                return Err(SpecError::SocketPath { path: socket });
            }
            let mut listen = OsString::from("unix:");
            listen.push(&socket);
            self.props("-vnc", Props::with("vnc", listen));
        }
        Ok(())
    }

    pub(super) fn consoles(&mut self, spec: &MachineSpec) {
        if needs_virtio_serial(spec) {
            let bus = self.pci.take();
            self.device(
                Props::new("virtio-serial-pci")
                    .key("id", "virtio_serial0")
                    .key("bus", bus),
            );
        }
        for serial in &spec.serials {
            self.serial(serial);
        }
        if spec.guest_agent {
            self.channel(agent_channel());
            let props = Props::new("virtserialport")
                .key("id", "agent0")
                .key("bus", "virtio_serial0.0");
            self.device(
                props
                    .key("chardev", agent_channel())
                    .key("name", "org.qemu.guest_agent.0"),
            );
        }
    }

    fn serial(&mut self, serial: &Serial) {
        let chardev = serial_channel(&serial.name);
        self.channel(&chardev);
        let props = match serial.kind {
            SerialKind::Isa => Props::new("isa-serial"),
            SerialKind::Virtio => Props::new("virtconsole").key("bus", "virtio_serial0.0"),
            SerialKind::FirmwareLog => Props::new("isa-debugcon").key("iobase", "0x402"),
        };
        self.device(props.key("id", &serial.name).key("chardev", chardev));
    }

    pub(super) fn small_devices(&mut self, spec: &MachineSpec) {
        if spec.pvpanic {
            self.device(Props::new("pvpanic").key("ioport", "0x505"));
        }
        if spec.rng {
            let bus = self.pci.take();
            self.props(
                "-object",
                Props::new("rng-builtin").key("id", "rng_backend0"),
            );
            self.device(
                Props::new("virtio-rng-pci")
                    .key("id", "rng0")
                    .key("rng", "rng_backend0")
                    .key("bus", bus),
            );
        }
        if spec.balloon {
            let bus = self.pci.take();
            self.device(
                Props::new("virtio-balloon-pci")
                    .key("id", "balloon0")
                    .key("bus", bus),
            );
        }
        if spec.usb_tablet {
            self.device(Props::new("qemu-xhci").key("id", "usb0"));
            self.device(
                Props::new("usb-tablet")
                    .key("id", "tablet0")
                    .key("bus", "usb0.0"),
            );
        }
        if spec
            .drives
            .iter()
            .any(|drive| drive.interface == DriveInterface::VirtioScsi)
        {
            let bus = self.pci.take();
            self.device(
                Props::new("virtio-scsi-pci")
                    .key("id", "scsi0")
                    .key("bus", bus),
            );
        }
    }

    pub(super) fn drive(&mut self, drive: &Drive) {
        let node = format!("drive_{}", drive.id);
        let path = absolute(&drive.path);
        let read_only = !drive.writes_image() && !drive.snapshot;
        if drive.snapshot {
            // Only -drive knows temporary overlays.
            let props = Props::with("if", "none")
                .key("id", &node)
                .key("format", drive.format.driver());
            let props = props
                .key("file.driver", protocol(&path))
                .key("file.filename", &path);
            self.props("-drive", props.key("snapshot", "on").key("cache", "unsafe"));
        } else {
            let file = format!("file_{}", drive.id);
            let caching = |props: Props| {
                props
                    .switch("cache.direct", drive.cache.direct())
                    .switch("cache.no-flush", drive.cache.no_flush())
            };
            let props = Props::with("node-name", &file)
                .key("driver", protocol(&path))
                .key("filename", &path);
            self.props("-blockdev", caching(props).switch("read-only", read_only));
            let props = Props::with("node-name", &node)
                .key("driver", drive.format.driver())
                .key("file", &file);
            self.props("-blockdev", caching(props).switch("read-only", read_only));
        }
        let cdrom = drive.media == Media::Cdrom;
        let props = match drive.interface {
            DriveInterface::VirtioBlk => Props::new("virtio-blk-pci").key("bus", self.pci.take()),
            DriveInterface::VirtioScsi => Props::new(if cdrom { "scsi-cd" } else { "scsi-hd" })
                .key("bus", "scsi0.0")
                .key("scsi-id", self.scsi_place()),
            DriveInterface::Ide => {
                let place = self.ide_place();
                Props::new(if cdrom { "ide-cd" } else { "ide-hd" })
                    .key("bus", place.0)
                    .key("unit", place.1)
            }
        };
        let write_cache = (!cdrom).then_some(if drive.cache.write_cache() {
            "on"
        } else {
            "off"
        });
        let props = props
            .key("id", &drive.id)
            .key("drive", &node)
            .maybe("write-cache", write_cache)
            .maybe("serial", drive.serial.as_ref())
            .maybe("bootindex", drive.boot_index.map(|index| index.to_string()));
        self.device(props);
    }

    /// The bus and unit of the next IDE drive: two per cable on pc, one per port on q35.
    fn ide_place(&mut self) -> (String, String) {
        let n = self.ide;
        self.ide += 1;
        let (bus, unit) = match self.pci.chipset {
            Chipset::Q35 => (n, 0),
            Chipset::Pc => (n / 2, n % 2),
        };
        (format!("ide.{bus}"), unit.to_string())
    }

    /// The target number of the next SCSI drive.
    fn scsi_place(&mut self) -> String {
        self.scsi += 1;
        (self.scsi - 1).to_string()
    }

    pub(super) fn nic(&mut self, nic: &Nic) {
        let netdev = format!("netdev_{}", nic.id);
        let props = match &nic.netdev {
            Netdev::User { forwards, restrict } => {
                let props = Props::new("user")
                    .key("id", &netdev)
                    .switch("restrict", *restrict);
                forwards.iter().fold(props, |props, forward| {
                    // Port 0 leaves the choice to the kernel, at the moment QEMU binds it.
                    let host = forward.host.unwrap_or(0);
                    props.key(
                        "hostfwd",
                        format!("tcp:127.0.0.1:{host}-:{}", forward.guest),
                    )
                })
            }
            Netdev::Tap { ifname } => Props::new("tap")
                .key("id", &netdev)
                .key("ifname", ifname)
                .key("script", "no")
                .key("downscript", "no"),
        };
        self.props("-netdev", props);
        let bus = takes_port(nic).then(|| self.pci.take());
        let props = Props::new(nic.device())
            .key("id", &nic.id)
            .key("netdev", &netdev)
            .maybe("bus", bus)
            .maybe("mac", nic.mac.map(|mac| mac.to_string()))
            .maybe("bootindex", nic.boot_index.map(|index| index.to_string()));
        self.device(props);
    }
}

/// The block driver below the format.
fn protocol(path: &Path) -> &'static str {
    let device = std::fs::metadata(path).is_ok_and(|meta| meta.file_type().is_block_device());
    if device { "host_device" } else { "file" }
}
