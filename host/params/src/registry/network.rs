//! Keys: network.

use super::effect::{NO, When, YES};
use super::key::{Key, Phase, key};
use super::kind::{COUNT, Kind, PORT, POSITIVE};
use super::objects::{NIC, Object, REDIR, VM};

const fn vm(name: &'static str, kind: Kind, default: &'static str, doc: &'static str) -> Key {
    key(name, kind, default, doc).of(VM).at(Phase::Create)
}

const fn nic(name: &'static str, kind: Kind, default: &'static str, doc: &'static str) -> Key {
    key(name, kind, default, doc)
        .of(VM.and(NIC))
        .at(Phase::Create)
}

const NETS: &[&str] = &[
    "user",
    "bridge",
    "macvtap",
    "network",
    "passt",
    "user:passt",
    "none",
];

#[rustfmt::skip]
pub(super) const KEYS: &[Key] = &[
    nic("bootp", Kind::Text, "", "the file that a guest is told to boot over the network"),
    nic("bridge_force_create", Kind::Flag, "no", "make the bridge `netdst`").needs("network", When::Not(NO)).not_yet(),
    nic("device_name", Kind::Text, "", "the card of the host that is passed through").needs("kernel", When::Set),
    nic("enable_msix_vectors", Kind::Flag, "yes", "an interrupt for each queue of the card"),
    nic("enable_vhostfd", Kind::Flag, "yes", "hand the device of vhost to QEMU").not_yet(),
    nic("failover", Kind::Flag, "", "the card stands in for one that is passed through").not_yet(),
    nic("flexible_nic_index", Kind::Flag, "no", "take the first card that has an address").not_yet(),
    key("guest_port", PORT, "", "the port of the guest that a forward of `redirs` leads to").of(VM.and(REDIR)).at(Phase::Create).example("22"),
    nic("ifname", Kind::Text, "", "the name of the tap on the host, for `bridge` and `network`; one that is there already is taken, and a free one is made if it is not set").needs("network", When::Set),
    nic("ip", Kind::Text, "", "the address of a card on a bridge, where the host reaches the guest").example("192.168.122.50"),
    nic("ip_version", Kind::Word(&["ipv4", "ipv6"]), "ipv4", "which address of the guest is used").not_yet(),
    nic("mac", Kind::Mac, "", "the MAC address of the card; a free one if it is not set").example("52:54:00:12:34:56"),
    nic("mac_changeable", Kind::Flag, "no", "the MAC address of a card that is passed through can be set").not_yet(),
    nic("macvtap_mode", Kind::Word(&["vepa", "bridge", "private", "passthru"]), "vepa", "how macvtap cards reach each other").not_yet(),
    nic("net_mask", Kind::Text, "", "the network mask of `ip`").not_yet(),
    nic("net_mtu", COUNT, "", "the largest packet of the card, in bytes"),
    nic("net_restrict", Kind::Flag, "yes", "cut the guest off from the host and its network, but for the forwarded ports").needs("host-network", When::Not(YES)),
    nic("netdev_extra_params", Kind::Options, "", "properties added to the network behind the card").needs("qemu-args", When::Set),
    nic("netdst", Kind::Text, "virbr0", "the bridge of the host that the card is connected to, for `bridge` and `network`"),
    nic("nettype", Kind::Word(NETS), "user", "how the card reaches the host; all but `user` and `none` change the host's network").needs("network", When::Not(&["user", "none"])),
    nic("nic_downscript", Kind::Program, "", "a program that takes the card off its bridge").needs("exec", When::Set).not_yet(),
    nic("nic_extra_params", Kind::Options, "", "properties added to the card").needs("qemu-args", When::Set),
    nic("nic_model", Kind::Text, "virtio", "the card, as QEMU names it: `virtio`, `e1000`, `rtl8139` and others"),
    nic("nic_name", Kind::Text, "", "the name of the card to QEMU").not_yet(),
    nic("nic_pci_addr", Kind::Text, "", "the PCI address of the card").example("0x8"),
    nic("nic_romfile", Kind::Path, "", "the boot firmware of the card").needs("host-files", When::Set),
    nic("nic_script", Kind::Program, "", "a program that puts the card on its bridge").needs("exec", When::Set).not_yet(),
    vm("nics", Kind::Names(Object::Nic), "", "the network cards of a machine").example("nic1 nic2"),
    nic("passt_binary", Kind::Program, "", "the passt to run").needs("exec", When::Set),
    nic("pci_assignable", Kind::Word(&["no", "pf", "vf"]), "no", "pass a card of the host through: the card itself, or a function of it").needs("kernel", When::Not(NO)).not_yet(),
    vm("priv_brname", Kind::Text, "atbr0", "the bridge that `netdst = private` makes").needs("network", When::Set).not_yet(),
    nic("queues", POSITIVE, "1", "the number of queues of the card"),
    vm("redirs", Kind::Names(Object::Redir), "", "ports of the guest that are reached over the loopback address of the host").example("remote_shell file_transfer"),
    nic("static_ip", Kind::Text, "", "how the guest gets its address: by DHCP, or as `ip` says").not_yet(),
    nic("tftp", Kind::Path, "", "a directory that a guest can boot from over the network").needs("host-files", When::Set),
    nic("url_auto_ip", Kind::Text, "", "a page that tells the addresses of guests").not_yet(),
    nic("vectors", COUNT, "", "the number of interrupts of the card"),
    nic("vhost", Kind::Flag, "no", "let the kernel of the host move the packets"),
];
