//! Keys: display, input, sound and USB.

use super::effect::When;
use super::key::{Key, Phase, key};
use super::kind::{COUNT, Kind, POSITIVE};
use super::objects::{INPUT, Object, USB, USB_DEVICE, VM};

const fn vm(name: &'static str, kind: Kind, default: &'static str, doc: &'static str) -> Key {
    key(name, kind, default, doc).of(VM).at(Phase::Create)
}

const fn usb(name: &'static str, kind: Kind, default: &'static str, doc: &'static str) -> Key {
    key(name, kind, default, doc)
        .of(VM.and(USB_DEVICE))
        .at(Phase::Create)
}

const DISPLAYS: &[&str] = &["vnc", "spice", "sdl", "nographic", "none"];
const CARDS: &[&str] = &["std", "virtio", "cirrus", "vmware", "qxl", "ramfb", "none"];

#[rustfmt::skip]
pub(super) const KEYS: &[Key] = &[
    vm("display", Kind::Word(DISPLAYS), "vnc", "how the screen of the guest is shown"),
    vm("input_dev_bus_type", Kind::Word(&["virtio", "usb"]), "virtio", "the bus of an input device").of(VM.and(INPUT)),
    vm("input_dev_type", Kind::Word(&["mouse", "keyboard", "tablet"]), "", "what an input device is").of(VM.and(INPUT)).example("keyboard"),
    vm("inputs", Kind::Names(Object::Input), "", "input devices of a machine").example("mouse1 keyboard1"),
    vm("keyboard_layout", Kind::Text, "", "the layout of the keyboard").not_yet().example("de"),
    vm("qxl_dev_nr", POSITIVE, "1", "the number of screens, for `vga = qxl`"),
    vm("smartcard", Kind::Flag, "no", "a smart card reader").not_yet(),
    vm("soundcards", Kind::List, "", "sound cards, as QEMU names them").example("intel-hda"),
    vm("spice_addr", Kind::Text, "", "the address that the SPICE server listens at").not_yet(),
    vm("spice_agent_mouse", Kind::Flag, "", "let the guest's agent move the mouse"),
    vm("spice_disable_ticketing", Kind::Flag, "", "connect to SPICE without a password").ignored("it is so where `spice_password` is not set"),
    vm("spice_image_compression", Kind::Text, "", "how SPICE compresses pictures"),
    vm("spice_ipv4", Kind::Flag, "", "use IPv4 only").not_yet(),
    vm("spice_ipv6", Kind::Flag, "", "use IPv6 only").not_yet(),
    vm("spice_password", Kind::Text, "", "the password of the SPICE server").secret(),
    vm("spice_port", Kind::Text, "", "the port of the SPICE server").not_yet(),
    vm("spice_ssl", Kind::Flag, "no", "encrypt SPICE").not_yet(),
    vm("spice_streaming_video", Kind::Text, "", "how SPICE finds videos"),
    vm("usb_controller", Kind::Text, "", "the kind of USB controllers: `uhci`, `ohci`, `ehci`, `xhci`").of(VM.and(USB)).not_yet(),
    vm("usb_devices", Kind::Names(Object::UsbDevice), "", "USB devices of a machine").example("tablet1"),
    vm("usb_max_port", Kind::Number { min: 1, max: 15 }, "4", "the number of ports of a USB 3 controller; others have those of their model").of(VM.and(USB)),
    vm("usb_type", Kind::Text, "", "the USB controller, as QEMU names it").of(VM.and(USB)).example("qemu-xhci"),
    usb("usbdev_bus", Kind::Text, "", "the bus that a USB device is on").example("usb1.0"),
    usb("usbdev_option_hostbus", COUNT, "", "the bus of the USB device of the host that is passed through").needs("kernel", When::Set).not_yet(),
    usb("usbdev_option_productid", Kind::Text, "", "the product of the USB device of the host that is passed through").needs("kernel", When::Set).not_yet(),
    usb("usbdev_option_vendorid", Kind::Text, "", "the vendor of the USB device of the host that is passed through").needs("kernel", When::Set).not_yet(),
    usb("usbdev_port", Kind::Text, "", "the port that a USB device is on"),
    usb("usbdev_serial", Kind::Text, "", "the serial number that a USB device tells").not_yet(),
    usb("usbdev_type", Kind::Text, "usb-tablet", "what a USB device is, as QEMU names it").example("usb-kbd"),
    vm("usbs", Kind::Names(Object::UsbController), "", "USB controllers of a machine").example("usb1"),
    vm("vga", Kind::Word(CARDS), "std", "the graphics card"),
    vm("vga_use_legacy_expression", Kind::Flag, "no", "write the graphics card as `-vga`").ignored("it makes the same machine"),
    vm("vnc_extra_params", Kind::Options, "", "options added to the VNC server").needs("qemu-args", When::Set).not_yet(),
    vm("vnc_password", Kind::Flag, "no", "the VNC server asks for a password"),
    vm("x11_display", Kind::Text, "", "the X server for `display = sdl`").ignored("QEMU has no access to the operator's screen"),
];
