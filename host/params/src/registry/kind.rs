//! What the value of a key is.

use super::objects::Object;

/// The unit of a size that has none of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Bytes.
    B,
    /// 1,024 bytes.
    KiB,
    /// 1,024 KiB.
    MiB,
    /// 1,024 MiB.
    GiB,
}

impl Unit {
    /// How many bytes it is.
    pub const fn bytes(self) -> u64 {
        match self {
            Self::B => 1,
            Self::KiB => 1 << 10,
            Self::MiB => 1 << 20,
            Self::GiB => 1 << 30,
        }
    }

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::B => "bytes",
            Self::KiB => "KiB",
            Self::MiB => "MiB",
            Self::GiB => "GiB",
        }
    }
}

/// What the value of a key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `yes` or `no`.
    Flag,
    /// A whole number.
    Number {
        /// The least.
        min: i64,
        /// The greatest.
        max: i64,
    },
    /// An amount of bytes, in this unit where the value has none.
    Size(Unit),
    /// A time in seconds.
    Seconds,
    /// One of these words.
    Word(&'static [&'static str]),
    /// Names of objects, which come into being by that.
    Names(Object),
    /// Words.
    List,
    /// A regular expression.
    Regex,
    /// A command line of the host or of the guest, as the text says.
    Command,
    /// A path of the host.
    Path,
    /// A program of the host: a path, or a name that is looked up in `PATH`.
    Program,
    /// The address of a network card.
    Mac,
    /// A checksum in hexadecimal digits.
    Checksum,
    /// Options of QEMU: `name=value`, with commas between them.
    Options,
    /// An interval of versions: `[2.6.0, 9)`.
    Versions,
    /// Any text.
    Text,
}

impl Kind {
    /// What it is called in messages and in the manual.
    pub fn describe(self) -> String {
        let plain = match self {
            Self::Number { min, max } => return range(min, max),
            Self::Size(unit) => return format!("a size, in {} without a unit", unit.name()),
            Self::Word(words) => return alternatives(words),
            Self::Names(object) => return format!("names of objects ({})", object.name()),
            Self::Flag => "`yes` or `no`",
            Self::Seconds => "seconds",
            Self::List => "words",
            Self::Regex => "a regular expression",
            Self::Command => "a command",
            Self::Path => "a path",
            Self::Program => "a program",
            Self::Mac => "a MAC address",
            Self::Checksum => "a checksum",
            Self::Options => "options of QEMU",
            Self::Versions => "an interval of versions",
            Self::Text => "a text",
        };
        plain.to_owned()
    }

    /// Its name for programs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Flag => "flag",
            Self::Number { .. } => "number",
            Self::Size(_) => "size",
            Self::Seconds => "seconds",
            Self::Word(_) => "word",
            Self::Names(_) => "names",
            Self::List => "list",
            Self::Regex => "regex",
            Self::Command => "command",
            Self::Path => "path",
            Self::Program => "program",
            Self::Mac => "mac",
            Self::Checksum => "checksum",
            Self::Options => "options",
            Self::Versions => "versions",
            Self::Text => "text",
        }
    }
}

fn range(min: i64, max: i64) -> String {
    match (min, max) {
        (i64::MIN, i64::MAX) => "a whole number".to_owned(),
        (_, i64::MAX) => format!("a whole number from {min}"),
        _ => format!("a whole number from {min} to {max}"),
    }
}

/// `` `a`, `b` or `c` ``
pub(crate) fn alternatives(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        None => "nothing".to_owned(),
        Some((only, [])) => only.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
    }
}

/// Any number from zero.
pub(super) const COUNT: Kind = Kind::Number {
    min: 0,
    max: i64::MAX,
};

/// Any number from one.
pub(super) const POSITIVE: Kind = Kind::Number {
    min: 1,
    max: i64::MAX,
};

/// A port.
pub(super) const PORT: Kind = Kind::Number { min: 1, max: 65535 };
