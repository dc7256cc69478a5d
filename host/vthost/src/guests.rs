//! `vthost list-guests` and `vthost list-archs`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;
use vthost_metadata::ExitCode;
use vthost_provider::asset::usable;
use vthost_provider::{CfgFiles, Dirs, Guest, arch_label, guests};
use vthost_report::text::line;

use crate::failure::Failure;
use crate::settings::Settings;
use crate::{output, sources};

/// The machine of each architecture that a job takes where nothing is asked for.
const USUAL_MACHINES: &str = "i440fx, pseries, arm64-pci, riscv64-mmio, s390-virtio";

#[derive(Debug, Args)]
pub(crate) struct GuestArgs {
    /// Only guests that match this `only` filter
    #[arg(long, alias = "vt-guest-os", value_name = "FILTER")]
    guest_os: Option<String>,
    /// Only this architecture
    #[arg(long, alias = "vt-arch", value_name = "ARCH")]
    arch: Option<String>,
    /// Only this machine type, or `all` [default: the usual one of each architecture]
    #[arg(long, alias = "vt-machine-type", value_name = "FILTER")]
    machine_type: Option<String>,
    /// Only guests with an image
    #[arg(long)]
    available: bool,
    /// The type of tests [default: qemu]
    #[arg(long, value_name = "TYPE")]
    vt_type: Option<String>,
    /// Print one JSON object a line
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ArchArgs {
    /// The type of tests [default: qemu]
    #[arg(long, value_name = "TYPE")]
    vt_type: Option<String>,
    /// Print one JSON object a line
    #[arg(long)]
    json: bool,
}

/// The image of a guest, if it names one, and whether it is there.
fn image(guest: &Guest, data: &Path) -> Option<(PathBuf, bool)> {
    let path = data.join(guest.image.as_ref()?);
    // What cannot be read is no image for anybody.
    let there = usable(&path).unwrap_or(false);
    Some((path, there))
}

pub(crate) fn list_guests(
    args: &GuestArgs,
    settings: &Settings,
    color: bool,
) -> Result<ExitCode, Failure> {
    let dirs = Dirs::from_env()?;
    let files = CfgFiles::new(
        &dirs,
        &[],
        &sources::backend(args.vt_type.as_deref(), settings)?,
    );
    let machine = match args.machine_type.as_deref() {
        None => Some(USUAL_MACHINES),
        Some("all") => None,
        some => some,
    };
    let filters: Vec<&str> = [
        args.guest_os.as_deref(),
        args.arch.as_deref().map(arch_label),
        machine,
    ]
    .into_iter()
    .flatten()
    .collect();
    let mut found = guests(&files, &settings.choices(), &filters)?;
    if args.available {
        found.retain(|guest| image(guest, &dirs.data).is_some_and(|(_, there)| there));
    }
    if found.is_empty() && args.available {
        let text = "none of these guests has an image; `vthost bootstrap` builds the default one";
        return Err(Failure::new(ExitCode::NothingToRun, text));
    }
    if found.is_empty() {
        let text = "no guest passes all of these filters; `vthost list-guests --machine-type all` shows what there is";
        return Err(Failure::new(ExitCode::NothingToRun, text));
    }
    let mut text = String::new();
    let dim = console::Style::new().force_styling(color).dim();
    let mut missing = 0;
    for guest in &found {
        let image = image(guest, &dirs.data);
        missing += usize::from(!image.as_ref().is_some_and(|(_, there)| *there));
        // Writing to a string does not fail.
        let _ = if args.json {
            writeln!(text, "{}", object(guest, image.as_ref()))
        } else {
            let name = format!("{}.{}", guest.name, guest.machine);
            let note = match &image {
                Some((_, true)) => String::new(),
                Some((path, false)) => {
                    let name = path.file_name().unwrap_or(path.as_os_str());
                    format!("(missing {})", name.to_string_lossy())
                }
                None => "(names no image)".to_owned(),
            };
            let space = if note.is_empty() { "" } else { " " };
            writeln!(text, "{}{space}{}", line(&name), dim.apply_to(line(&note)))
        };
    }
    if !args.json {
        let _ = writeln!(
            text,
            "{}, {} with an image",
            match found.len() {
                1 => "1 guest".to_owned(),
                count => format!("{count} guests"),
            },
            found.len() - missing
        );
    }
    output::print(text.as_bytes())?;
    Ok(ExitCode::Ok)
}

fn object(guest: &Guest, image: Option<&(PathBuf, bool)>) -> serde_json::Value {
    json!({
        "guest_os": guest.name,
        "machine_type": guest.machine,
        "arch": guest.arch,
        "os_type": guest.os_type,
        "image": image.map(|(path, _)| path),
        "missing": !image.is_some_and(|(_, there)| *there),
    })
}

pub(crate) fn list_archs(args: &ArchArgs, settings: &Settings) -> Result<ExitCode, Failure> {
    let dirs = Dirs::from_env()?;
    let files = CfgFiles::new(
        &dirs,
        &[],
        &sources::backend(args.vt_type.as_deref(), settings)?,
    );
    let mut archs: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for guest in guests(&files, &settings.choices(), &[])? {
        archs.entry(guest.arch).or_default().insert(guest.machine);
    }
    let mut text = String::new();
    for (arch, machines) in &archs {
        let machines: Vec<&str> = machines.iter().map(String::as_str).collect();
        // Writing to a string does not fail.
        let _ = if args.json {
            writeln!(text, "{}", json!({"arch": arch, "machine_types": machines}))
        } else {
            let arch = if arch.is_empty() {
                "(none named)"
            } else {
                arch
            };
            writeln!(text, "{:<8} {}", line(arch), line(&machines.join(" ")))
        };
    }
    output::print(text.as_bytes())?;
    Ok(ExitCode::Ok)
}
