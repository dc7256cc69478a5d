//! What an entry of the registry says.

use super::effect::{Effect, When};
use super::kind::Kind;
use super::objects::Objects;

/// When a key is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// Before anything is started: which test it is, and whether it is run.
    Dispatch,
    /// While the environment of the test is made ready.
    Preprocess,
    /// When a machine is made: another value means another machine.
    Create,
    /// While the test runs.
    Test,
    /// After the test. The ending `_on_error` gives these keys another value for a test that did not pass.
    Postprocess,
}

impl Phase {
    /// All phases, in order.
    pub const ALL: &[Self] = &[
        Self::Dispatch,
        Self::Preprocess,
        Self::Create,
        Self::Test,
        Self::Postprocess,
    ];

    /// Its name: `postprocess`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dispatch => "dispatch",
            Self::Preprocess => "preprocess",
            Self::Create => "create",
            Self::Test => "test",
            Self::Postprocess => "postprocess",
        }
    }

    /// The phase of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|phase| phase.name() == name)
    }
}

/// How the value of an old key becomes that of the new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// As it is.
    Same,
    /// Some words have another name now; an empty one sets nothing. Other words stay.
    Words(&'static [(&'static str, &'static str)]),
    /// As [`How::Words`]; the old key wins over the new one, because it always did.
    Over(&'static [(&'static str, &'static str)]),
    /// A list of options of `-spice`, each a key of its own: `ipv4=on` is `spice_ipv4`.
    Spice,
}

/// What became of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// vthost does what the key says.
    Works,
    /// Another spelling of a key, which gets its value.
    Legacy {
        /// The key.
        to: &'static str,
        /// How the value changes.
        how: How,
    },
    /// It is accepted and does nothing, for this reason.
    Ignored(&'static str),
    /// It is known, and vthost does not do it yet.
    NotYet,
}

/// A key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// The key.
    pub name: &'static str,
    /// What it means, with its unit.
    pub doc: &'static str,
    /// The value when it is not set; empty where there is none.
    pub default: &'static str,
    /// What its value is.
    pub kind: Kind,
    /// Which objects can have their own: `mem_vm1`. For none of them, it is a key of the test.
    pub objects: Objects,
    /// When it is read.
    pub phase: Phase,
    /// What it does to the host.
    pub effect: Option<Effect>,
    /// What became of it.
    pub state: State,
    /// A value that says more than the default; empty where there is none.
    pub example: &'static str,
    /// Whether its value is a password or the like: it is not shown to other programs.
    pub is_secret: bool,
}

/// An entry of a table: a key of the test that works.
pub(super) const fn key(
    name: &'static str,
    kind: Kind,
    default: &'static str,
    doc: &'static str,
) -> Key {
    Key {
        name,
        doc,
        default,
        kind,
        objects: Objects::TEST,
        phase: Phase::Test,
        effect: None,
        state: State::Works,
        example: "",
        is_secret: false,
    }
}

impl Key {
    /// These objects can have their own.
    pub(super) const fn of(self, objects: Objects) -> Self {
        Self { objects, ..self }
    }

    /// It is read in this phase.
    pub(super) const fn at(self, phase: Phase) -> Self {
        Self { phase, ..self }
    }

    /// These values need the grant if a provider sets them.
    pub(super) const fn needs(self, grant: &'static str, when: When) -> Self {
        Self {
            effect: Some(Effect { grant, when }),
            ..self
        }
    }

    /// vthost does not do it yet.
    pub(super) const fn not_yet(self) -> Self {
        Self {
            state: State::NotYet,
            ..self
        }
    }

    /// It does nothing, for this reason.
    pub(super) const fn ignored(self, reason: &'static str) -> Self {
        Self {
            state: State::Ignored(reason),
            ..self
        }
    }

    /// It is another spelling of `to`.
    pub(super) const fn now(self, to: &'static str, how: How) -> Self {
        Self {
            state: State::Legacy { to, how },
            ..self
        }
    }

    /// A value as one would write it.
    pub(super) const fn example(self, example: &'static str) -> Self {
        Self { example, ..self }
    }

    /// Its value is not for other programs.
    pub(super) const fn secret(self) -> Self {
        Self {
            is_secret: true,
            ..self
        }
    }

    /// Whether the ending `_on_error` gives it another value for a test that did not pass (guide, "Parameters used by
    /// the postprocessor").
    pub fn takes_on_error(&self) -> bool {
        self.phase == Phase::Postprocess
    }
}
