//! From parameters to a machine.

use vthost_params::Params;
use vthost_qemu::MachineSpec;
use vthost_qemu::spec::{AccelChoice, Display, HostForward, Netdev, Nic, Serial, Smp, Vga};

use crate::{Context, Error, ErrorKind, Result, image};

/// The machine that the parameters of one VM describe. Overlays of its images are made in the run directory.
pub(crate) async fn machine_spec(
    name: &str,
    params: &Params,
    context: &Context,
) -> Result<MachineSpec> {
    let mut spec = MachineSpec::new(name);
    spec.machine = parse(params, "machine_type", "pc")?;
    spec.accel = if params.flag("enable_kvm", true)? {
        AccelChoice::Auto
    } else {
        AccelChoice::Tcg
    };
    spec.cpu = cpu(params)?;
    spec.smp = Smp::cpus(params.number("smp", 2)?);
    spec.memory_mib = params.number("mem", 1024)?;
    spec.pvpanic = params.flag("enable_pvpanic", true)?;
    spec.vga = match params.get_or("vga", "std") {
        "none" => Vga::None,
        "std" => Vga::Std,
        "cirrus" => Vga::Cirrus,
        "virtio" => Vga::Virtio,
        "qxl" => Vga::Qxl,
        _ => return Err(params.invalid("vga", "a graphics card").into()),
    };
    spec.display = match params.get_or("display", "vnc") {
        "vnc" => Display::VncUnix,
        "nographic" | "none" => Display::None,
        _ => return Err(params.invalid("display", "`vnc` or `nographic`").into()),
    };
    spec.boot.order = Some(params.get_or("boot_order", "cdn").to_owned());
    spec.boot.menu = params.flag("boot_menu", false)?;
    spec.boot.strict = params.flag("boot_strict", false)?;
    spec.serials = params
        .objects("serials")
        .into_iter()
        .map(Serial::isa)
        .collect();
    for id in params.objects("images") {
        let drive = image::drive(name, &params.object(id), context).await?;
        spec.drives.push(drive);
    }
    for id in params.objects("nics") {
        spec.nics.push(nic(&params.object(id))?);
    }
    if let Some(extra) = params.get("extra_params") {
        spec.extra_args = extra.split_whitespace().map(str::to_owned).collect();
    }
    Ok(spec)
}

fn cpu(params: &Params) -> Result<Option<vthost_qemu::spec::CpuModel>> {
    let Some(model) = params.get("cpu_model").filter(|model| !model.is_empty()) else {
        return Ok(None);
    };
    let flags = params.get_or("cpu_model_flags", "");
    let separator = if flags.is_empty() || flags.starts_with(',') {
        ""
    } else {
        ","
    };
    let text = format!("{model}{separator}{flags}");
    let parsed = text
        .parse()
        .map_err(|error| invalid("the processor model cannot be used", error))?;
    Ok(Some(parsed))
}

fn nic(params: &Params) -> Result<Nic> {
    let id = params.object_name();
    if params.get_or("nettype", "user") != "user" {
        return Err(params.invalid("nettype", "`user`").into());
    }
    let mut nic = Nic::virtio_user(id, &[]);
    params
        .get_or("nic_model", "virtio")
        .clone_into(&mut nic.model);
    nic.netdev = Netdev::User {
        forwards: vec![HostForward {
            host: None,
            guest: params.number("shell_port", 22)?,
        }],
        restrict: params.flag("net_restrict", true)?,
    };
    Ok(nic)
}

fn parse<T>(params: &Params, key: &str, default: &str) -> Result<T>
where
    T: std::str::FromStr,
    T::Err: std::error::Error + Send + Sync + 'static,
{
    params
        .get_or(key, default)
        .parse()
        .map_err(|error| invalid(&format!("the parameter `{key}` cannot be used"), error))
}

fn invalid(message: &str, error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::caused(ErrorKind::Invalid, message, error)
}
