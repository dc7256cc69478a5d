//! What a job takes where its command line names nothing: one guest, one machine, one of each kind of hardware.
//!
//! The shipped configuration holds every combination of them; the reference fixes one by filters of its own, and so an
//! operator's `only raw` contradicts its `only qcow2` and selects nothing. Here a choice gives way as soon as a filter of
//! the operator names another label of the same block.

use std::collections::BTreeSet;

use vthost_cartesian::{Config, Error, parse_filter};

use super::subtests::BLOCK;

use super::preset::Preset;

/// The filters of `tests.cfg`: the word that turns one off, the kind of filter, the label.
pub(super) const DEFAULT_FILTERS: &[(&str, &str, &str)] = &[
    ("image_backend", "only", "(image_backend=filesystem)"),
    ("no_9p_export", "only", "no_9p_export"),
    ("no_virtio_rng", "only", "no_virtio_rng"),
    ("no_pci_assignable", "only", "no_pci_assignable"),
    ("smallpages", "only", "smallpages"),
    ("default_bios", "only", "default_bios"),
    ("bridge", "only", "bridge"),
    ("multihost", "no", "multi_host"),
];

/// What a job takes where its filters name nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choices {
    /// The guest, as an `only` filter.
    pub guest_os: String,
    /// The architecture, as an `only` filter; without one, whatever the guest is there for.
    pub arch: Option<String>,
    /// The machine type; without one, the usual one of the architecture.
    pub machine_type: Option<String>,
    /// How many processors: `smp2`, `up`.
    pub smp: String,
    /// More processors than `smp` has: an assignment that holds as long as that choice does.
    pub processors: Option<Preset>,
    /// The format of images: `qcow2`, `raw`, ...
    pub image_type: String,
    /// The model of network cards: `virtio_net`, `e1000`, ...
    pub nic_model: String,
    /// How disks are attached: `virtio_blk`, `ide`, ...
    pub disk_bus: String,
    /// Which of the filters in `tests.cfg` do not hold: `no_9p_export`, `no_virtio_rng`, `no_pci_assignable`,
    /// `smallpages`, `default_bios`, `bridge`, `image_backend`, `multihost`.
    pub default_filters_off: Vec<String>,
}

impl Default for Choices {
    fn default() -> Self {
        Self {
            guest_os: "JeOS.12".to_owned(),
            arch: None,
            machine_type: None,
            smp: "smp2".to_owned(),
            processors: None,
            image_type: "qcow2".to_owned(),
            nic_model: "virtio_net".to_owned(),
            disk_bus: "virtio_blk".to_owned(),
            default_filters_off: Vec::new(),
        }
    }
}

/// The words that turn filters of `tests.cfg` off.
pub(super) fn default_filter_names() -> impl Iterator<Item = &'static str> {
    DEFAULT_FILTERS.iter().map(|(name, ..)| *name)
}

impl Choices {
    /// The filters of the hardware but the processors.
    pub(super) fn hardware(&self) -> [&str; 3] {
        [&self.image_type, &self.nic_model, &self.disk_bus].map(String::as_str)
    }

    /// The machine type for the architecture that is asked for.
    pub(super) fn machine(&self, asked: Option<&str>) -> &str {
        match (&self.machine_type, asked.or(self.arch.as_deref())) {
            (Some(machine), _) => machine,
            (None, Some("aarch64")) => "arm64-pci",
            (None, Some("ppc64" | "ppc64le")) => "pseries",
            (None, Some("riscv64")) => "riscv64-mmio",
            (None, Some("s390x")) => "s390-virtio",
            (None, _) => "i440fx",
        }
    }

    /// Words for filters of `tests.cfg` to turn off that there are none of.
    pub(super) fn unknown_filters(&self) -> impl Iterator<Item = &str> {
        let off = self.default_filters_off.iter().map(String::as_str);
        off.filter(|word| !default_filter_names().any(|name| name == *word))
    }
}

/// The label of an architecture, which may be called as the kernel or QEMU calls it.
pub fn arch_label(arch: &str) -> &str {
    match arch {
        "i486" | "i586" | "i686" => "i386",
        "amd64" => "x86_64",
        "arm64" => "aarch64",
        other => other,
    }
}

/// The labels that filters name.
#[derive(Debug, Clone, Default)]
pub(super) struct Named {
    /// In options.
    options: BTreeSet<String>,
    /// In the reference: mostly names of tests.
    reference: BTreeSet<String>,
}

impl Named {
    /// Adds those of an option.
    ///
    /// # Errors
    /// The text is no filter.
    pub(super) fn add_option(&mut self, filter: &str) -> Result<(), Error> {
        self.options.extend(labels(filter)?);
        Ok(())
    }

    /// Adds those of the reference.
    ///
    /// # Errors
    /// The text is no filter.
    pub(super) fn add_reference(&mut self, filter: &str) -> Result<(), Error> {
        self.reference.extend(labels(filter)?);
        Ok(())
    }

    /// Whether they name this very label.
    pub(super) fn has(&self, label: &str) -> bool {
        self.options.contains(label) || self.reference.contains(label)
    }

    /// Whether they say something about the block of variants that a label stands in. A test may be called as hardware
    /// is: such a name in a reference means the test.
    pub(super) fn decide(&self, config: &Config, label: &str) -> bool {
        let alternatives = config.alternatives(label);
        let mut all = alternatives.into_iter().chain([label]);
        all.any(|label| {
            self.options.contains(label)
                || (self.reference.contains(label) && !config.is_in_block(label, BLOCK))
        })
    }
}

fn labels(filter: &str) -> Result<Vec<String>, Error> {
    let filter = parse_filter(filter)?;
    Ok(filter.labels().map(ToString::to_string).collect())
}
