//! The table of the settings: the one place that says which there are.

use vthost_policy::GRANTS;
use vthost_provider::bootstrap::TYPES;

/// A setting.
#[derive(Debug)]
pub(crate) struct Key {
    /// Section and name, as `guest.os`.
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// The built-in value, as TOML; none if vthost decides otherwise, as `doc` says.
    pub(crate) default: Option<&'static str>,
    /// Whether it reaches the host, so that the file of a project must not set it.
    pub(crate) guarded: bool,
    /// What it is, as a sentence without a full stop.
    pub(crate) doc: &'static str,
}

/// What a value has to be.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    /// A text that is not empty.
    Text,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// A whole number, from 1.
    Number,
    /// `true` or `false`.
    Flag,
    /// Texts.
    List,
    /// Names of grants.
    Grants,
    /// A file or a directory; a relative one is relative to the directory of the file that has it.
    Path,
}

impl Kind {
    /// What it is called in messages and in the manual.
    pub(crate) fn describe(self) -> String {
        match self {
            Self::Text => "a text".to_owned(),
            Self::OneOf(words) => {
                let words: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
                words.join(" or ")
            }
            Self::Number => "a whole number from 1".to_owned(),
            Self::Flag => "`true` or `false`".to_owned(),
            Self::List => "a list of texts".to_owned(),
            Self::Grants => "a list of grants".to_owned(),
            Self::Path => "a path".to_owned(),
        }
    }

    /// A value for the template of a file, as TOML.
    pub(crate) fn example(self) -> String {
        match self {
            Self::Text => "\"NAME\"".to_owned(),
            Self::OneOf(words) => format!("\"{}\"", words.first().unwrap_or(&"")),
            Self::Number => "4".to_owned(),
            Self::Flag => "true".to_owned(),
            Self::List | Self::Grants => "[]".to_owned(),
            Self::Path => "\"/PATH\"".to_owned(),
        }
    }

    /// Whether the value is a list.
    pub(crate) fn is_list(self) -> bool {
        matches!(self, Self::List | Self::Grants)
    }
}

/// The section whose keys are parameters, whatever they are called.
pub(crate) const PARAMS: &str = "params";

const fn open(
    name: &'static str,
    kind: Kind,
    default: Option<&'static str>,
    doc: &'static str,
) -> Key {
    Key {
        name,
        kind,
        default,
        guarded: false,
        doc,
    }
}

const fn guarded(
    name: &'static str,
    kind: Kind,
    default: Option<&'static str>,
    doc: &'static str,
) -> Key {
    Key {
        name,
        kind,
        default,
        guarded: true,
        doc,
    }
}

/// All settings but those of [`PARAMS`], section by section.
#[rustfmt::skip]
pub(crate) const KEYS: &[Key] = &[
    open("guest.os", Kind::Text, Some("\"JeOS.12\""), "the guest, as an `only` filter"),
    open("machine.type", Kind::Text, None, "the machine type, as an `only` filter; the usual one of the architecture if it is not set"),
    open("machine.arch", Kind::Text, None, "the architecture of the guest, as an `only` filter"),
    open("machine.smp", Kind::Number, Some("2"), "how many processors a machine has"),
    open("machine.mem", Kind::Number, None, "the memory of a machine, in MiB; what the configuration says if it is not set"),
    open("machine.nic-model", Kind::Text, Some("\"virtio_net\""), "the network card, as an `only` filter"),
    open("machine.disk-bus", Kind::Text, Some("\"virtio_blk\""), "the bus of disks, as an `only` filter"),
    open("machine.image-type", Kind::Text, Some("\"qcow2\""), "the format of images, as an `only` filter"),
    guarded("qemu.binary", Kind::Path, None, "the QEMU to run; found in PATH if it is not set"),
    guarded("qemu.accel", Kind::OneOf(&["auto", "tcg"]), Some("\"auto\""), "the accelerator: `auto` is KVM where it works, `tcg` never uses it"),
    open("filters.only", Kind::List, Some("[]"), "`only` filters; all must match, and those of the command line, too"),
    open("filters.no", Kind::List, Some("[]"), "`no` filters, beside those of the command line"),
    open("filters.default-filters-off", Kind::List, Some("[]"), "filters of `tests.cfg` that do not hold, by name"),
    guarded("run.results", Kind::Path, None, "where results go; `job-results` in vthost's state directory if it is not set"),
    guarded("run.config-file", Kind::Path, None, "a configuration in place of `tests.cfg`, for which nothing of `[guest]` and `[machine]` is chosen"),
    open("run.vt-type", Kind::OneOf(TYPES), Some("\"qemu\""), "the type of tests"),
    guarded("grants.allow", Kind::Grants, Some("[]"), "what is allowed that is denied by default"),
    guarded("packs.trusted-keys", Kind::List, Some("[]"), "public keys whose signatures on packs count, each as a line of a `.pub` file"),
    guarded("packs.require-signature", Kind::Flag, Some("false"), "whether a pack without a trusted signature is refused"),
    open("providers.use", Kind::List, Some("[]"), "the names of the installed providers to take tests from; all if there is none"),
    open("bootstrap.downloads", Kind::Flag, Some("true"), "whether `vthost bootstrap` may download and build images"),
    open("colors.when", Kind::OneOf(&["auto", "always", "never"]), Some("\"auto\""), "when to use colours"),
];

/// The sections, in order, the one of parameters among them.
pub(crate) fn sections() -> Vec<&'static str> {
    let mut sections: Vec<_> = KEYS.iter().map(Key::section).collect();
    sections.dedup();
    sections.push(PARAMS);
    sections
}

impl Key {
    /// The setting of this full name.
    pub(crate) fn named(name: &str) -> Option<&'static Self> {
        KEYS.iter().find(|key| key.name == name)
    }

    /// Its section.
    pub(crate) fn section(&self) -> &'static str {
        self.name.split('.').next().unwrap_or(self.name)
    }

    /// Its name in its section.
    pub(crate) fn short(&self) -> &'static str {
        self.name.split('.').next_back().unwrap_or(self.name)
    }

    /// The variable of the environment that sets it.
    pub(crate) fn variable(&self) -> String {
        format!(
            "VTHOST_{}",
            self.name.replace(['.', '-'], "_").to_uppercase()
        )
    }
}

/// Whether there is a grant of this name.
pub(crate) fn grant_exists(name: &str) -> bool {
    GRANTS.iter().any(|grant| grant.name == name)
}
