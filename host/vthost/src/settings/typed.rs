//! The settings as typed values, for the commands that act by them.

use std::path::PathBuf;

use vthost_provider::Selection;

use super::keys::PARAMS;
use super::layers::Settings;
use super::value::{Origin, Value};
use crate::cli::Color;

/// The settings of everything but the selection of tests.
#[derive(Debug, PartialEq, Eq)]
#[allow(
    dead_code,
    reason = "commands take to a setting when they have what it sets"
)]
pub(crate) struct Resolved {
    /// `run.results`; none for the results of [`vthost_provider::Dirs`].
    pub(crate) results: Option<PathBuf>,
    /// `run.config-file`: a configuration instead of the config set.
    pub(crate) config_file: Option<PathBuf>,
    /// `run.vt-type`: the backend.
    pub(crate) vt_type: Option<String>,
    /// `providers.use`; none for all that are installed.
    pub(crate) providers: Option<Vec<String>>,
    /// `grants.allow`; each is a grant that exists.
    pub(crate) grants: Vec<String>,
    /// `packs.trusted-keys`.
    pub(crate) trusted_keys: Vec<String>,
    /// `packs.require-signature`.
    pub(crate) require_signature: bool,
    /// `filters.default-filters-off`.
    pub(crate) default_filters_off: Vec<String>,
    /// `bootstrap.downloads`.
    pub(crate) downloads: bool,
    /// `qemu.img-binary`: a path, or a name to look for.
    pub(crate) img_binary: Option<String>,
    /// `qemu.accel`: `kvm` or `tcg`; none for what works.
    pub(crate) accel: Option<String>,
    /// `qemu.sandbox`.
    pub(crate) seccomp: bool,
    /// `qemu.malloc-perturb`.
    pub(crate) malloc_perturb: bool,
    /// `network.type`; none if it is built-in, so that a configuration has its way.
    pub(crate) network: Option<String>,
}

/// What settings add to the selection of a command line.
#[derive(Debug, Default, PartialEq, Eq)]
#[allow(
    dead_code,
    reason = "`list` and `run` take it when they select from the config set"
)]
pub(crate) struct SelectionDefaults {
    /// Guest, machine type, filters and assignments. Filters and assignments of the command line come after them.
    pub(crate) selection: Selection,
    /// `only` filters that give way to a filter of the command line which names another label of the same choice.
    pub(crate) choices: Vec<String>,
}

#[allow(
    dead_code,
    reason = "`list` and `run` call it when they select from the config set"
)]
impl Settings {
    /// What to select if the command line says nothing else.
    pub(crate) fn selection_defaults(&self) -> SelectionDefaults {
        let choices = ["arch", "nic-model", "disk-bus", "image-type"];
        let mut choices: Vec<_> = choices
            .iter()
            .filter_map(|key| self.text(&format!("machine.{key}")))
            .collect();
        let mut assignments = Vec::new();
        match self.number("machine.smp") {
            // The choice has a variant for each of these.
            Some(1) => choices.push("up".to_owned()),
            Some(2) => choices.push("smp2".to_owned()),
            Some(count) => assignments.push(format!("smp = {count}")),
            None => {}
        }
        assignments.extend(self.number("machine.mem").map(|mem| format!("mem = {mem}")));
        let keys = [
            ("qemu_binary", "qemu.binary"),
            ("qemu_dst_binary", "qemu.dst-binary"),
            ("netdst", "network.dst"),
        ];
        assignments.extend(
            keys.iter()
                .filter_map(|(param, key)| Some(format!("{param} = {}", self.text(key)?))),
        );
        assignments.extend(
            self.section(PARAMS)
                .map(|(key, set)| format!("{key} = {}", set.value.plain())),
        );
        SelectionDefaults {
            selection: Selection {
                references: Vec::new(),
                only: self.list("filters.only").unwrap_or_default(),
                no: self.list("filters.no").unwrap_or_default(),
                extra_params: assignments,
                guest_os: self.text("guest.os"),
                machine_type: self.text("machine.type"),
                ..Selection::default()
            },
            choices,
        }
    }

    /// Everything but the selection.
    pub(crate) fn resolve(&self) -> Resolved {
        Resolved {
            results: self.text("run.results").map(PathBuf::from),
            config_file: self.text("run.config-file").map(PathBuf::from),
            vt_type: self.text("run.vt-type"),
            providers: self.list("providers.use"),
            grants: self.list("grants.allow").unwrap_or_default(),
            trusted_keys: self.list("packs.trusted-keys").unwrap_or_default(),
            require_signature: self.is_on("packs.require-signature"),
            default_filters_off: self.list("filters.default-filters-off").unwrap_or_default(),
            downloads: self.is_on("bootstrap.downloads"),
            img_binary: self.text("qemu.img-binary"),
            accel: self.text("qemu.accel"),
            seccomp: self.is_on("qemu.sandbox"),
            malloc_perturb: self.is_on("qemu.malloc-perturb"),
            network: self.chosen("network.type"),
        }
    }

    fn number(&self, name: &str) -> Option<u32> {
        match self.get(name)?.value {
            Value::Number(number) => Some(number),
            _ => None,
        }
    }

    fn is_on(&self, name: &str) -> bool {
        self.get(name)
            .is_some_and(|set| set.value == Value::Flag(true))
    }

    fn list(&self, name: &str) -> Option<Vec<String>> {
        match &self.get(name)?.value {
            Value::List(items) => Some(items.clone()),
            _ => None,
        }
    }

    /// A text that somebody set.
    fn chosen(&self, name: &str) -> Option<String> {
        let set = self.get(name)?;
        (set.origin != Origin::BuiltIn).then(|| set.value.plain().into_owned())
    }
}

impl Settings {
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

    fn text(&self, name: &str) -> Option<String> {
        match &self.get(name)?.value {
            Value::Text(text) => Some(text.clone()),
            _ => None,
        }
    }
}
