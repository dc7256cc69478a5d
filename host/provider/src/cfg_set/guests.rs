//! The guests that the configuration knows (guide, section "Listing guests").

use std::path::PathBuf;

use vthost_cartesian::{Config, OriginKind, Source, Variant};

use super::choices::arch_label;
use super::loader::SetLoader;
use super::select::{SelectError, add, known};
use super::{CfgFiles, Choices};

/// A guest on a machine.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Guest {
    /// Its labels, as `--guest-os` takes them: `Linux.JeOS.12.x86_64`.
    pub name: String,
    /// The machine: `i440fx`.
    pub machine: String,
    /// The architecture, as filters name it.
    pub arch: String,
    /// `linux` or `windows`: the value of `os_type`.
    pub os_type: String,
    /// Its image, relative to the data directory unless it is absolute. A guest that names none has no image.
    pub image: Option<PathBuf>,
}

impl Guest {
    fn new(variant: &Variant) -> Self {
        let value = |key: &str| variant.get(key).unwrap_or_default().to_owned();
        let label = |file: &str| {
            let names = variant.short_name_map();
            let name = names.into_iter().find(|(of, _)| *of == file);
            name.map(|(_, name)| name).unwrap_or_default()
        };
        let name = label("guest-os.cfg");
        Self {
            name: name.strip_prefix("Guest.").unwrap_or(&name).to_owned(),
            machine: label("machines.cfg"),
            arch: arch_label(&value("vm_arch_name")).to_owned(),
            os_type: value("os_type"),
            image: image(variant),
        }
    }
}

/// The file of the first image.
fn image(variant: &Variant) -> Option<PathBuf> {
    let name = variant.get("image_name").filter(|name| !name.is_empty())?;
    let raw = variant.get("image_raw_device") == Some("yes");
    let format = variant.get("image_format").unwrap_or("qcow2");
    Some(match raw {
        true => name.into(),
        false => format!("{name}.{format}").into(),
    })
}

/// All guests that pass these `only` filters, in the order of the configuration, each on every machine that passes them.
///
/// # Errors
/// A mistake in the configuration or in a filter, or a label that there is not.
pub fn guests(
    files: &CfgFiles,
    choices: &Choices,
    filters: &[&str],
) -> Result<Vec<Guest>, SelectError> {
    // Tests and hardware have no say in which guests there are.
    let text = format!(
        "include base.cfg\ninclude machines.cfg\ninclude guest-os.cfg\nimage_format = {}\n",
        choices.image_type
    );
    let root = Source::new("vthost", text);
    let mut config = Config::parse(root, OriginKind::Default, &SetLoader(files))?;
    for filter in filters {
        known(&config, filter)?;
        add(&mut config, &format!("only {filter}"))?;
    }
    let mut found: Vec<Guest> = Vec::new();
    for variant in config.variants() {
        let guest = Guest::new(&variant?);
        if !found.contains(&guest) {
            found.push(guest);
        }
    }
    Ok(found)
}
