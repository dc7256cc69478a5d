//! Machine type, accelerator, firmware, clock and boot order.

use std::path::{Path, PathBuf};

use vthost_params::Params;
use vthost_qemu::MachineSpec;
use vthost_qemu::spec::{
    AccelChoice, Arch, Boot, DirectKernel, Firmware, MachineType, PowerOff, RtcClock,
};

use super::{number, parsed, path, properties, text, wrong};
use crate::Result;

/// The architecture of the guest.
pub(crate) fn arch(params: &Params) -> Result<Arch> {
    let Some(name) = text(params, "vm_arch_name") else {
        return Ok(Arch::X86_64);
    };
    Arch::from_name(name).ok_or_else(|| {
        let names = "`x86_64`, `aarch64`, `riscv64`, `ppc64` or `s390x`";
        params.invalid("vm_arch_name", names).into()
    })
}

pub(super) fn read(spec: &mut MachineSpec, params: &Params, data_dir: &Path) -> Result<()> {
    let arch = arch(params)?;
    let default = match arch {
        Arch::X86_64 => "pc",
        Arch::Aarch64 | Arch::Riscv64 => "virt",
        Arch::Ppc64 => "pseries",
        Arch::S390x => "s390-ccw-virtio",
    };
    let machine = params.get_or("machine_type", default);
    spec.machine =
        MachineType::parse(machine, arch).map_err(|error| wrong("machine_type", error))?;
    spec.machine_options = properties(params, "machine_type_extra_params")?;
    if params.flag("disable_hpet", false)? && spec.machine.arch() == Arch::X86_64 {
        spec.machine_options
            .push(("hpet".to_owned(), "off".to_owned()));
    }
    spec.accel = accel(params)?;
    spec.firmware = firmware(params, data_dir)?;
    spec.uuid = text(params, "uuid")
        .filter(|uuid| *uuid != "random")
        .map(str::to_owned);
    spec.rtc.base = parsed(params, "rtc_base")?.unwrap_or_default();
    spec.rtc.clock = match params.word("rtc_clock", "host", &["host", "rt", "vm"])? {
        "rt" => RtcClock::Rt,
        "vm" => RtcClock::Vm,
        _ => RtcClock::Host,
    };
    spec.rtc.slew = params.word("rtc_drift", "none", &["none", "slew"])? == "slew";
    spec.boot = Boot {
        order: Some(params.get_or("boot_order", "cdn").to_owned()),
        once: text(params, "boot_once").map(str::to_owned),
        menu: params.flag("boot_menu", false)?,
        strict: params.flag("boot_strict", false)?,
        splash_ms: number(params, "boot_splash_time")?,
        reboot_ms: number(params, "boot_reboot_timeout")?,
    };
    spec.kernel = path(params, "kernel", data_dir).map(|kernel| DirectKernel {
        kernel,
        initrd: path(params, "initrd", data_dir),
        append: text(params, "kernel_params").map(str::to_owned),
    });
    if params.flag("disable_shutdown", false)? {
        spec.power_off = PowerOff::Pause;
    }
    spec.spare_root_ports = params.number("pcie_extra_root_port", spec.spare_root_ports)?;
    if let Some(extra) = params.get("extra_params") {
        spec.extra_args = shlex::split(extra).ok_or_else(|| {
            let rule = "options as in a shell; a quotation mark or a backslash has no end";
            params.invalid("extra_params", rule)
        })?;
        if params.flag("hugepage", false)? {
            drop_mem_path(&mut spec.extra_args);
        }
    }
    Ok(())
}

/// The reference's own configuration asks for huge pages twice, by `hugepage` and by an option. A machine whose memory has a
/// backend takes the option for a contradiction.
fn drop_mem_path(args: &mut Vec<String>) {
    if let Some(at) = args.iter().position(|arg| arg == "-mem-path") {
        args.drain(at..args.len().min(at + 2));
    }
}

fn accel(params: &Params) -> Result<AccelChoice> {
    let off = !params.flag("enable_kvm", true)? || params.flag("disable_kvm", false)?;
    Ok(match params.word("vm_accelerator", "", &["kvm", "tcg"])? {
        "kvm" => AccelChoice::Kvm,
        "tcg" => AccelChoice::Tcg,
        _ if off => AccelChoice::Tcg,
        _ => AccelChoice::Auto,
    })
}

/// UEFI by the keys of the PC (`ovmf_*`) or of ARM (`aavmf_*`), or a file by `bios_path`.
fn firmware(params: &Params, data_dir: &Path) -> Result<Firmware> {
    if let Some(bios) = path(params, "bios_path", data_dir) {
        return Ok(Firmware::Bios(bios));
    }
    for kind in ["ovmf", "aavmf"] {
        let Some(dir) = path(params, &format!("{kind}_path"), data_dir) else {
            continue;
        };
        let file = |key: String| -> Result<Option<PathBuf>> {
            match text(params, &key) {
                Some(name) if name.contains('/') || name.starts_with('.') => {
                    let rule = format!("the name of a file in `{kind}_path`");
                    Err(params.invalid(&key, &rule).into())
                }
                name => Ok(name.map(|name| dir.join(name))),
            }
        };
        params.require(&format!("{kind}_code_filename"))?;
        return Ok(Firmware::Pflash {
            code: file(format!("{kind}_code_filename"))?.unwrap_or_default(),
            vars: file(format!("{kind}_vars_filename"))?,
        });
    }
    Ok(Firmware::Default)
}
