//! What the guest shows, and its keyboard.

use std::time::Duration;

use vthost_qemu::Keys;

use super::Vm;
use crate::{Error, ErrorKind, Result};

/// How long a key is held.
const HOLD: Duration = Duration::from_millis(50);

/// A text that is typed has at most this many characters: each takes its time.
const MAX_TYPED: usize = 1000;

impl Vm {
    /// Saves what the screen shows as a PNG in the results and gives the file's name there.
    ///
    /// # Errors
    /// [`Error`] if the machine has no screen.
    pub async fn screendump(&self) -> Result<String> {
        let machine = self.machine()?;
        let (file, path) = self.next_file("screendump", "png");
        let dumped = machine.screendump_png(&path).await;
        dumped.map_err(|error| self.failed("look at the screen of", error))?;
        Ok(file)
    }

    /// Presses keys together, as `ctrl-alt-delete`, and lets them go.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] for a key that QEMU does not know.
    pub async fn send_key(&self, keys: &str) -> Result<()> {
        let machine = self.machine()?;
        let keys: Keys = keys.parse().map_err(|error| {
            Error::caused(ErrorKind::Invalid, "the keys cannot be pressed", error)
        })?;
        let sent = machine.send_key(&keys, HOLD).await;
        sent.map_err(|error| self.failed("press keys of", error))
    }

    /// Types a text, as on a US keyboard.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] for a character that such a keyboard does not have, and for more than 1,000.
    pub async fn type_text(&self, text: &str) -> Result<()> {
        if text.chars().count() > MAX_TYPED {
            let told = format!("a text of more than {MAX_TYPED} characters is too long to type");
            return Err(Error::new(ErrorKind::Invalid, told));
        }
        let sent = self.machine()?.send_string(text, HOLD).await;
        sent.map_err(|error| self.failed("type on", error))
    }
}
