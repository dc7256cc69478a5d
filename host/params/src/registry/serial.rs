//! Keys: serial ports and channels.

use super::effect::When;
use super::key::{Key, Phase, key};
use super::kind::{COUNT, Kind, PORT};
use super::objects::{MONITOR, Object, SERIAL, VM};

const fn port(name: &'static str, kind: Kind, default: &'static str, doc: &'static str) -> Key {
    key(name, kind, default, doc)
        .of(VM.and(SERIAL))
        .at(Phase::Create)
}

const TYPES: &[&str] = &[
    "isa-serial",
    "pci-serial",
    "usb-serial",
    "virtconsole",
    "virtserialport",
    "sclpconsole",
    "sclplmconsole",
    "spapr-vty",
];
const BACKENDS: &[&str] = &[
    "unix_socket",
    "tcp_socket",
    "udp",
    "file",
    "pty",
    "null",
    "ringbuf",
    "pipe",
    "spicevmc",
];

#[rustfmt::skip]
pub(super) const KEYS: &[Key] = &[
    port("chardev_backend", Kind::Word(BACKENDS), "unix_socket", "what is behind a serial port or a monitor").of(VM.and(SERIAL).and(MONITOR)),
    port("chardev_host", Kind::Text, "127.0.0.1", "the address of a serial port that is a TCP socket").ignored("see `chardev_backend`"),
    port("chardev_path", Kind::Path, "", "the file or socket of a serial port").ignored("see `chardev_backend`"),
    port("chardev_port", PORT, "", "the port of a serial port that is a TCP socket").ignored("see `chardev_backend`"),
    port("serial_bus", Kind::Text, "", "the controller of a virtio serial port").not_yet(),
    port("serial_login", Kind::Flag, "no", "log in on the serial port, too").not_yet(),
    port("serial_name", Kind::Text, "", "the name of a virtio serial port in the guest").example("org.qemu.guest_agent.0"),
    port("serial_nr", COUNT, "", "the number of a virtio serial port on its controller"),
    port("serial_reg", Kind::Text, "", "the address of a serial port of a POWER machine").not_yet(),
    port("serial_type", Kind::Word(TYPES), "isa-serial", "what a serial port is"),
    key("serials", Kind::Names(Object::Serial), "", "the serial ports of a machine; the first is the console").of(VM).at(Phase::Create).example("serial0 vc1"),
    port("virtio_serial_extra_params", Kind::Options, "", "properties added to the controller of virtio serial ports").needs("qemu-args", When::Set).not_yet(),
];
