//! Keys: the machine, its firmware and its clock.

use super::effect::When;
use super::key::{Key, Phase, key};
use super::kind::Kind;
use super::objects::VM;

const fn vm(name: &'static str, kind: Kind, default: &'static str, doc: &'static str) -> Key {
    key(name, kind, default, doc).of(VM).at(Phase::Create)
}

const ON_OFF: Kind = Kind::Flag;
/// Where an installer's or a boot loader's files lie.
const FILES: When = When::Outside(&["images", "isos"]);

#[rustfmt::skip]
pub(super) const KEYS: &[Key] = &[
    vm("aavmf_code_filename", Kind::Text, "", "the file of the UEFI firmware for ARM, in `aavmf_path`").example("AAVMF_CODE.fd"),
    vm("aavmf_path", Kind::Path, "", "the directory of the UEFI firmware for ARM").needs("host-files", When::Set).example("/usr/share/AAVMF"),
    vm("aavmf_vars_filename", Kind::Text, "", "the template of the variables of the UEFI firmware for ARM, in `aavmf_path`").example("AAVMF_VARS.fd"),
    vm("bios_path", Kind::Path, "", "a file with the firmware").needs("host-files", When::Set),
    vm("boot_menu", ON_OFF, "off", "show the boot menu of the firmware"),
    vm("boot_once", Kind::Text, "", "the order of boot devices for the first boot: `c` disk, `d` CD, `n` network").example("d"),
    vm("boot_order", Kind::Text, "cdn", "the order of boot devices: `c` disk, `d` CD, `n` network"),
    vm("boot_reboot_timeout", Kind::Number { min: -1, max: 65535 }, "", "milliseconds after which the firmware starts anew when nothing boots"),
    vm("boot_splash_time", Kind::Number { min: 0, max: 65535 }, "", "milliseconds that the firmware shows its picture"),
    vm("boot_strict", ON_OFF, "off", "boot from nothing but the boot order"),
    vm("defaults", Kind::Flag, "no", "let QEMU add the devices that it adds by itself").ignored("a machine has what its parameters say"),
    vm("defconfig", Kind::Flag, "yes", "let QEMU read its configuration files").ignored("current versions have none"),
    vm("disable_hpet", Kind::Flag, "no", "a machine without high precision timer"),
    vm("disable_kvm", Kind::Flag, "no", "emulate the processors"),
    vm("disable_shutdown", Kind::Flag, "no", "keep QEMU when the guest has shut down"),
    vm("enable_debugcon", Kind::Flag, "no", "write what the firmware prints into a log"),
    vm("enable_kvm", Kind::Flag, "yes", "use KVM where it really works; `no` always emulates"),
    vm("enable_pvpanic", Kind::Flag, "yes", "give the machine a device that reports a crash of its guest"),
    vm("events_pvpanic", Kind::Number { min: 0, max: 255 }, "", "which events the device of `enable_pvpanic` reports, as a mask").not_yet(),
    vm("extra_params", Kind::Command, "", "options added to the command line of QEMU as they are, split at blanks").needs("qemu-args", When::Set).example("-snapshot"),
    vm("initrd", Kind::Path, "", "the initial RAM disk for `kernel`").needs("host-files", FILES).example("images/initrd.img"),
    vm("ioport_pvpanic", Kind::Text, "", "the port of the device of `enable_pvpanic` on an ISA bus").example("0x505"),
    vm("isa_debugexit", Kind::Flag, "no", "a device through which the guest ends QEMU with a status"),
    vm("kernel", Kind::Path, "", "a kernel that QEMU loads in place of a boot loader").needs("host-files", FILES).example("images/vmlinuz"),
    vm("kernel_params", Kind::Text, "", "the command line of `kernel`").example("console=ttyS0"),
    vm("machine_type", Kind::Text, "pc", "the machine, as QEMU names it; for ARM and RISC-V with the bus before it: `arm64-pci:virt`").example("q35"),
    vm("machine_type_extra_params", Kind::Options, "", "properties added to the machine").needs("qemu-args", When::Set).example("gic-version=host"),
    vm("malloc_perturb", Kind::Text, "no", "a byte to fill freed memory of QEMU with").not_yet(),
    vm("msg_timestamp", ON_OFF, "", "put the time before each message of QEMU").not_yet(),
    vm("option_roms", Kind::List, "", "more firmware for the machine").needs("host-files", When::Set).not_yet(),
    vm("ovmf_code_filename", Kind::Text, "", "the file of the UEFI firmware, in `ovmf_path`").example("OVMF_CODE.fd"),
    vm("ovmf_path", Kind::Path, "", "the directory of the UEFI firmware; with it the machine boots by UEFI").needs("host-files", When::Set).example("/usr/share/OVMF"),
    vm("ovmf_vars_filename", Kind::Text, "", "the template of the variables of the UEFI firmware, in `ovmf_path`").example("OVMF_VARS.fd"),
    vm("qemu_audio_drv", Kind::Text, "", "what plays the sound of the guest").ignored("the sound of guests is thrown away"),
    vm("qemu_binary", Kind::Program, "", "the QEMU to run; that for the architecture from the search path if it is not set").needs("qemu-binary", When::Set).example("/usr/libexec/qemu-kvm"),
    vm("qemu_command_prefix", Kind::Command, "", "a program that runs QEMU").needs("qemu-binary", When::Set).not_yet().example("taskset -c 0"),
    vm("qemu_dst_binary", Kind::Program, "", "the QEMU of the destination of a migration; `qemu_binary` if it is not set").needs("qemu-binary", When::Set),
    vm("qemu_preconfig", ON_OFF, "off", "start QEMU before its machine is made").not_yet(),
    vm("qemu_sandbox", ON_OFF, "on", "let QEMU filter its own system calls").ignored("vthost always confines QEMU"),
    vm("qemu_stop", ON_OFF, "on", "start the processors only after the devices").ignored("vthost always does"),
    vm("restore_aavmf_vars", Kind::Flag, "no", "begin with new variables of the UEFI firmware for ARM").not_yet(),
    vm("restore_ovmf_vars", Kind::Flag, "no", "begin with new variables of the UEFI firmware").ignored("every machine has a copy of its own, which goes with it"),
    vm("rtc_base", Kind::Text, "utc", "the time of the machine's clock: `utc`, `localtime` or a date").example("localtime"),
    vm("rtc_clock", Kind::Word(&["host", "rt", "vm"]), "host", "what drives the machine's clock"),
    vm("rtc_drift", Kind::Word(&["none", "slew"]), "", "how lost ticks of the clock are made up for"),
    vm("strict_mode", Kind::Flag, "no", "set also the properties that QEMU would choose by itself").ignored("vthost assigns addresses always"),
    vm("user_runas", Kind::Text, "", "the user that QEMU changes to").ignored("vthost confines QEMU otherwise"),
    vm("uuid", Kind::Text, "", "the UUID of the machine; `random` makes one"),
    vm("vm_accelerator", Kind::Word(&["kvm", "tcg"]), "", "the accelerator that the test must have; without it the test is cancelled"),
    vm("vm_arch_name", Kind::Text, "", "the architecture of the guest; that of the host if it is not set").example("aarch64"),
    vm("vm_create_timeout", Kind::Seconds, "90", "seconds that QEMU may take to start").not_yet(),
    vm("vmcoreinfo", ON_OFF, "no", "tell the host where the guest's kernel dumps lie").not_yet(),
];
