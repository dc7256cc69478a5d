//! What is told about the work on a combination, to whoever wants to know where a value came from.

use crate::apply::program::Rank;
use crate::apply::values::Values;
use crate::tree::{ChoiceId, EntryId};

/// Something done to the keys.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Change {
    /// A statement gave the key a value, with or without suffixes.
    Set {
        key: Rank,
        entry: EntryId,
    },
    /// A statement left the key as it was: `~=` on a key with a value, `?=` on one without.
    Kept {
        key: Rank,
        entry: EntryId,
    },
    Deleted {
        key: Rank,
        entry: EntryId,
    },
    /// Every key got a suffix.
    Renamed {
        suffix: u32,
        entry: EntryId,
    },
    /// The value of the key `by` took the place of the value of the key.
    Bounded {
        key: Rank,
        by: Rank,
    },
}

/// Is told of each change after it was made, and of the conditions and variants it was made in.
pub(crate) trait Trace {
    /// Whether anybody wants to know.
    const IS_TRACED: bool = true;

    /// The body of the condition that the operation `at` asks for begins: it holds.
    fn enter_condition(&mut self, at: u32);
    /// The body of a chosen variant begins.
    fn enter_choice(&mut self, choice: ChoiceId);
    /// The body entered last ends.
    fn leave(&mut self);
    fn change(&mut self, values: &Values, change: Change);
}

/// Nobody wants to know: costs nothing.
pub(crate) struct Untraced;

impl Trace for Untraced {
    const IS_TRACED: bool = false;

    fn enter_condition(&mut self, _: u32) {}
    fn enter_choice(&mut self, _: ChoiceId) {}
    fn leave(&mut self) {}
    fn change(&mut self, _: &Values, _: Change) {}
}
