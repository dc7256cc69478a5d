//! The settings as the commands take them. What a command line says comes on top, and is no matter of these.

use std::path::{Path, PathBuf};

use vthost_provider::pack::{SignatureError, Trust};
use vthost_provider::{Choices, Preset};

use super::keys::PARAMS;
use super::layers::{Set, Settings};
use super::value::{Origin, Value};
use crate::cli::Color;

impl Settings {
    /// The guest, the machine and the hardware that a job takes where nothing else is asked for.
    pub(crate) fn choices(&self) -> Choices {
        let usual = Choices::default();
        let or = |name: &str, usual: String| self.text(name).unwrap_or(usual);
        let smp = self.get("machine.smp");
        let many = smp.filter(|set| !matches!(set.value, Value::Number(1 | 2)));
        let one = smp.is_some_and(|set| set.value == Value::Number(1));
        Choices {
            guest_os: or("guest.os", usual.guest_os),
            arch: self.text("machine.arch"),
            machine_type: self.text("machine.type"),
            smp: if one { "up".to_owned() } else { usual.smp },
            processors: many.map(|set| preset("smp", &set.value.plain(), set)),
            image_type: or("machine.image-type", usual.image_type),
            nic_model: or("machine.nic-model", usual.nic_model),
            disk_bus: or("machine.disk-bus", usual.disk_bus),
            default_filters_off: self.list("filters.default-filters-off"),
        }
    }

    /// The guest that somebody asked for, and not just the built-in one.
    pub(crate) fn guest_os(&self) -> Option<String> {
        let set = self.get("guest.os")?;
        (set.origin != Origin::BuiltIn).then(|| set.value.plain().into_owned())
    }

    /// `only` filters.
    pub(crate) fn only(&self) -> Vec<String> {
        self.list("filters.only")
    }

    /// `no` filters.
    pub(crate) fn no(&self) -> Vec<String> {
        self.list("filters.no")
    }

    /// The assignments of the settings; those of the section of parameters come last. The memory is of the machine that
    /// vthost chooses, so it is no matter of a configuration that is the operator's own.
    pub(crate) fn presets(&self, is_own: bool) -> Vec<Preset> {
        let memory = self.get("machine.mem").filter(|_| !is_own);
        let emulated = self.get("qemu.accel");
        let emulated = emulated.filter(|set| set.value == Value::Text("tcg".to_owned()));
        let assigned = [
            memory.map(|set| preset("mem", &set.value.plain(), set)),
            self.get("qemu.binary")
                .map(|set| preset("qemu_binary", &set.value.plain(), set)),
            emulated.map(|set| preset("enable_kvm", "no", set)),
        ];
        let params = self.section(PARAMS);
        let params = params.map(|(key, set)| preset(key, &set.value.plain(), set));
        assigned.into_iter().flatten().chain(params).collect()
    }

    /// The QEMU to use; the first of PATH if it is none.
    pub(crate) fn qemu_binary(&self) -> Option<PathBuf> {
        self.text("qemu.binary").map(PathBuf::from)
    }

    /// Where results go, if not where they go by default.
    pub(crate) fn results(&self) -> Option<PathBuf> {
        self.text("run.results").map(PathBuf::from)
    }

    /// A configuration in place of `tests.cfg`.
    pub(crate) fn config_file(&self) -> Option<PathBuf> {
        self.text("run.config-file").map(PathBuf::from)
    }

    /// The type of tests.
    pub(crate) fn vt_type(&self) -> String {
        self.text("run.vt-type")
            .unwrap_or_else(|| "qemu".to_owned())
    }

    /// The names of the installed providers to take tests from; all of them if it is none.
    pub(crate) fn providers(&self) -> Vec<String> {
        self.list("providers.use")
    }

    /// Names of grants that exist.
    pub(crate) fn grants(&self) -> Vec<String> {
        self.list("grants.allow")
    }

    /// Whose packs are let in.
    ///
    /// # Errors
    /// [`SignatureError`] for a key that is none.
    pub(crate) fn trust(&self) -> Result<Trust, SignatureError> {
        let required = self.is_on("packs.require-signature");
        Trust::new(self.list("packs.trusted-keys"), required)
    }

    /// Whether bootstrap may download.
    pub(crate) fn downloads(&self) -> bool {
        self.is_on("bootstrap.downloads")
    }

    /// When to use colours.
    pub(crate) fn color(&self) -> Color {
        match self.text("colors.when").as_deref() {
            Some("always") => Color::Always,
            Some("never") => Color::Never,
            _ => Color::Auto,
        }
    }

    /// Sets when to use colours, as `--color` says.
    pub(crate) fn set_color(&mut self, color: Color) {
        let word = match color {
            Color::Auto => "auto",
            Color::Always => "always",
            Color::Never => "never",
        };
        self.flag("colors.when", "--color", Value::Text(word.to_owned()));
    }

    /// The setting of which a filter is the value, or a part of it, unless it is built-in.
    pub(crate) fn with_filter(&self, filter: &str) -> Option<(&str, &Origin)> {
        let has = |value: &Value| match value {
            Value::Text(text) => text == filter,
            Value::List(items) => items.iter().any(|item| item == filter),
            _ => false,
        };
        let is_filter = |name: &str| {
            ["guest.", "machine.", "filters."]
                .iter()
                .any(|section| name.starts_with(section))
        };
        self.iter()
            .find(|(name, set)| is_filter(name) && set.origin != Origin::BuiltIn && has(&set.value))
            .map(|(name, set)| (name, &set.origin))
    }

    fn text(&self, name: &str) -> Option<String> {
        match &self.get(name)?.value {
            Value::Text(text) => Some(text.clone()),
            _ => None,
        }
    }

    fn is_on(&self, name: &str) -> bool {
        self.get(name)
            .is_some_and(|set| set.value == Value::Flag(true))
    }

    fn list(&self, name: &str) -> Vec<String> {
        match self.get(name).map(|set| &set.value) {
            Some(Value::List(items)) => items.clone(),
            _ => Vec::new(),
        }
    }
}

/// An assignment with the place where its value was set.
fn preset(key: &str, value: &str, set: &Set) -> Preset {
    let (place, line) = match &set.origin {
        Origin::File { path, line } => (path.as_path(), u32::try_from(*line).unwrap_or(u32::MAX)),
        Origin::Environment(variable) => (Path::new(variable), 1),
        Origin::Flag(flag) => (Path::new(flag), 1),
        Origin::BuiltIn => (Path::new("built-in"), 1),
    };
    Preset {
        text: format!("{key}={value}"),
        place: place.display().to_string(),
        line,
    }
}
