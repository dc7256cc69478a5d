//! The other devices.

use vthost_params::Params;
use vthost_qemu::MachineSpec;
use vthost_qemu::spec::{
    Arch, Balloon, Filesystem, FsDriver, Iommu, Rng, RngSource, Tpm, TpmBackend, Watchdog,
    WatchdogAction,
};

use super::memory::address;
use super::{number, properties, text};
use crate::{Error, ErrorKind, Result};

/// Keys of the IOMMU with the properties that they set.
const IOMMU: [(&str, &str); 7] = [
    ("iommu_intremap", "intremap"),
    ("iommu_device_iotlb", "device-iotlb"),
    ("iommu_caching_mode", "caching-mode"),
    ("iommu_eim", "eim"),
    ("iommu_aw_bits", "aw-bits"),
    ("iommu_dma_drain", "dma-drain"),
    ("iommu_x_scalable_mode", "x-scalable-mode"),
];

pub(super) fn read(spec: &mut MachineSpec, params: &Params) -> Result<()> {
    spec.pvpanic = params.flag("enable_pvpanic", true)?;
    if let Some(port) = address(params, "ioport_pvpanic")? {
        let expected = || params.invalid("ioport_pvpanic", "the number of a port, as `0x505`");
        spec.pvpanic_port = u16::try_from(port).map_err(|_| expected())?;
    }
    spec.test_device = params.flag("testdev", false)?;
    spec.exit_port = params.flag("isa_debugexit", false)?;
    spec.balloon = balloon(params)?;
    for name in params.names("virtio_rngs")? {
        spec.rngs.push(rng(name, &params.object(name))?);
    }
    // One generator is enough for a guest; the machine has one of its own if the configuration names none.
    spec.rng = spec.rngs.is_empty();
    spec.watchdog = watchdog(spec, params)?;
    spec.iommu = iommu(params)?;
    spec.sound = params
        .objects("soundcards")
        .into_iter()
        .map(|card| if card == "hda" { "intel-hda" } else { card })
        .map(str::to_owned)
        .collect();
    for name in params.names("tpms")? {
        let tpm = tpm(name, &params.object(name), spec.machine.arch())?;
        spec.tpms.push(tpm);
    }
    for name in params.names("filesystems")? {
        spec.filesystems
            .push(filesystem(name, &params.object(name))?);
    }
    spec.filesystems.extend(export(params)?);
    Ok(())
}

/// The balloon, of which a machine has one.
fn balloon(params: &Params) -> Result<Option<Balloon>> {
    let name = params.names("balloon")?.into_iter().next();
    if name.is_none() && text(params, "balloon_dev_devid").is_none() {
        return Ok(None);
    }
    let balloon = name.map_or_else(|| params.clone(), |name| params.object(name));
    let option = |key: &str| match text(&balloon, key) {
        None => Ok(None),
        Some(_) => balloon.flag(key, false).map(Some),
    };
    Ok(Some(Balloon {
        deflate_on_oom: option("balloon_opt_deflate_on_oom")?,
        free_page_reporting: option("balloon_opt_free_page_reporting")?,
    }))
}

fn rng(name: &str, params: &Params) -> Result<Rng> {
    let source = match params.word(
        "backend_type",
        "builtin",
        &["builtin", "random", "passthrough"],
    )? {
        "random" | "passthrough" => {
            RngSource::File(params.get_or("filename_passthrough", "/dev/urandom").into())
        }
        _ => RngSource::Builtin,
    };
    Ok(Rng {
        id: name.to_owned(),
        source,
        max_bytes: number(params, "max-bytes_virtio-rng")?,
        period_ms: number(params, "period_virtio-rng")?,
    })
}

fn watchdog(spec: &MachineSpec, params: &Params) -> Result<Option<Watchdog>> {
    if !params.flag("enable_watchdog", false)? {
        return Ok(None);
    }
    let default = match spec.machine.arch() {
        Arch::S390x => "diag288",
        _ => "i6300esb",
    };
    let action = params.get_or("watchdog_action", "reset");
    Ok(Some(Watchdog {
        model: params.get_or("watchdog_device_type", default).to_owned(),
        action: WatchdogAction::from_name(action).ok_or_else(|| {
            let known = [
                "reset",
                "shutdown",
                "poweroff",
                "pause",
                "debug",
                "none",
                "inject-nmi",
            ];
            params.invalid_word("watchdog_action", &known)
        })?,
    }))
}

fn iommu(params: &Params) -> Result<Option<Iommu>> {
    if params.flag("intel_iommu", false)? {
        let set = |(key, property): (&str, &str)| {
            Some((property.to_owned(), text(params, key)?.to_owned()))
        };
        return Ok(Some(Iommu::Intel(
            IOMMU.into_iter().filter_map(set).collect(),
        )));
    }
    let wanted = params.flag("virtio_iommu", false)?;
    Ok(match wanted {
        true => Some(Iommu::Virtio(properties(
            params,
            "virtio_iommu_extra_params",
        )?)),
        false => None,
    })
}

fn tpm(name: &str, params: &Params, arch: Arch) -> Result<Tpm> {
    let default = match arch {
        Arch::X86_64 => "tpm-crb",
        Arch::Ppc64 => "tpm-spapr",
        _ => "tpm-tis-device",
    };
    let backend = match params.word("tpm_type", "emulator", &["emulator", "passthrough"])? {
        "passthrough" => {
            TpmBackend::Passthrough(params.get_or("tpm_device_path", "/dev/tpm0").into())
        }
        _ => TpmBackend::Emulator {
            program: text(params, "tpm_bin").map(Into::into),
            version2: params.word("tpm_version", "2.0", &["1.2", "2.0"])? == "2.0",
        },
    };
    Ok(Tpm {
        id: name.to_owned(),
        model: params.get_or("tpm_model", default).to_owned(),
        backend,
    })
}

fn filesystem(name: &str, params: &Params) -> Result<Filesystem> {
    let kinds = ["virtio-fs", "virtiofs", "virtio-9p"];
    let driver = match params.word("fs_driver", "virtio-fs", &kinds)? {
        "virtio-9p" => FsDriver::NineP {
            security_model: params.get_or("9p_security_model", "none").to_owned(),
            immediate: params.flag("9p_immediate_writeout", false)?,
        },
        _ => FsDriver::Virtiofs {
            program: text(params, "fs_binary").map(Into::into),
            args: params
                .objects("fs_binary_extra_options")
                .into_iter()
                .map(str::to_owned)
                .collect(),
        },
    };
    let source = std::path::PathBuf::from(params.require("fs_source_dir")?);
    if !source.is_absolute() {
        let base = params.get_or("fs_source_base_dir", "");
        if base.is_empty() {
            let text = format!(
                "the directory `{}` of filesystem {name} is relative; set fs_source_base_dir, or give an absolute one",
                source.display()
            );
            return Err(Error::new(ErrorKind::Invalid, text));
        }
    }
    let source = std::path::Path::new(params.get_or("fs_source_base_dir", "")).join(source);
    Ok(Filesystem {
        id: name.to_owned(),
        source,
        tag: params.get_or("fs_target", "myfs").to_owned(),
        driver,
        read_only: params.flag("9p_readonly", false)?,
    })
}

/// The directory of `9p_export_dir`, by the name that the reference gives it.
fn export(params: &Params) -> Result<Option<Filesystem>> {
    let Some(source) = text(params, "9p_export_dir") else {
        return Ok(None);
    };
    if !std::path::Path::new(source).is_absolute() {
        let error = params.invalid("9p_export_dir", "the absolute path of a directory");
        return Err(error.into());
    }
    Ok(Some(Filesystem {
        id: "9p_export".to_owned(),
        source: source.into(),
        tag: "autotest_tag".to_owned(),
        driver: FsDriver::NineP {
            security_model: params.get_or("9p_security_model", "mapped").to_owned(),
            immediate: params.flag("9p_immediate_writeout", false)?,
        },
        read_only: params.flag("9p_readonly", false)?,
    }))
}
