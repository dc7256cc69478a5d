//! `vthost:core/log`.

use vthost_metadata::LogSource;
use wasmtime::Result;

use super::bindings::vthost::core::log;
use super::convert::tail;
use crate::host::Host;

impl log::Host for Host {
    async fn write(&mut self, level: log::Level, message: String) -> Result<()> {
        self.log.write(level.into(), LogSource::Test, message);
        Ok(())
    }

    async fn panic(&mut self, message: String, location: Option<String>) -> Result<()> {
        // The reason of an ERROR is short anyway.
        let message = tail(message);
        self.panic = Some(match location {
            Some(location) => format!("{message} (at {location})"),
            None => message,
        });
        Ok(())
    }
}
