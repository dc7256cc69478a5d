//! What became of a machine after its start.

use serde::Serialize;

use super::Serial;
use crate::element::Element;

/// What was plugged in and unplugged while a machine ran. The machine that takes over from it has to have the same devices
/// in the same places, which the rest of the specification alone would not give.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Changes {
    /// Ids of elements that are no more. Their places stay empty.
    pub removed: Vec<String>,
    /// Elements that came, with their places, in order.
    pub added: Vec<Element>,
    /// The consoles among them.
    pub serials: Vec<Serial>,
}
