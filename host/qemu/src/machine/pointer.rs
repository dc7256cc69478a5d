//! The pointer: mouse and tablet.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Machine;
use crate::error::MachineError;

/// The largest absolute coordinate; the middle of the screen is half of it, whatever its size.
pub const POINTER_MAX: u16 = 0x7fff;

/// Where the pointer goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PointerMove {
    /// By so much to the right and down, in the mouse's own units.
    By {
        /// To the right.
        x: i32,
        /// Down.
        y: i32,
    },
    /// To a place, 0 to [`POINTER_MAX`] in both directions. Needs a tablet.
    To {
        /// From the left.
        x: u16,
        /// From the top.
        y: u16,
    },
}

/// A button, or a step of the wheel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PointerButton {
    /// The left one.
    Left,
    /// The middle one.
    Middle,
    /// The right one.
    Right,
    /// One step of the wheel up.
    WheelUp,
    /// One step of the wheel down.
    WheelDown,
    /// The one on the side.
    Side,
    /// The other one on the side.
    Extra,
}

/// A pointing device that the guest has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pointer {
    /// QEMU's name for it.
    pub name: String,
    /// Its number.
    pub index: u64,
    /// Whether events go to it.
    pub current: bool,
    /// Whether it takes places (a tablet) rather than movements (a mouse).
    pub absolute: bool,
}

impl Machine {
    /// The pointing devices of the guest.
    ///
    /// # Errors
    /// [`MachineError::Qmp`].
    pub async fn pointers(&self) -> Result<Vec<Pointer>, MachineError> {
        self.query("ask for the mice of", "query-mice", Value::Null)
            .await
    }

    /// Moves the pointer.
    ///
    /// # Errors
    /// [`MachineError::Argument`] if a place is outside of the screen; [`MachineError::Qmp`] if the guest has no device
    /// that takes this kind of movement.
    pub async fn move_pointer(&self, to: PointerMove) -> Result<(), MachineError> {
        let (kind, x, y) = match to {
            PointerMove::By { x, y } => ("rel", i64::from(x), i64::from(y)),
            PointerMove::To { x, y } => {
                if let Some(outside) = [x, y].into_iter().find(|&place| place > POINTER_MAX) {
                    return Err(MachineError::Argument {
                        what: "place of the pointer",
                        value: outside.to_string(),
                        rule: "it has to be at most 32767, the right or lower edge".into(),
                    });
                }
                ("abs", i64::from(x), i64::from(y))
            }
        };
        let axis = |axis: &str, value: i64| json!({ "type": kind, "data": { "axis": axis, "value": value } });
        self.input(json!([axis("x", x), axis("y", y)])).await
    }

    /// Presses a button of the pointer, or lets it go.
    ///
    /// # Errors
    /// [`MachineError::Qmp`] if the guest has no pointing device.
    pub async fn pointer_button(
        &self,
        button: PointerButton,
        down: bool,
    ) -> Result<(), MachineError> {
        let event = json!({ "type": "btn", "data": { "button": button, "down": down } });
        self.input(json!([event])).await
    }

    async fn input(&self, events: Value) -> Result<(), MachineError> {
        let arguments = json!({ "events": events });
        self.command("send input to", "input-send-event", arguments)
            .await
            .map(drop)
    }
}
