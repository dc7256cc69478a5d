//! `vthost:core/log`.

use vthost_metadata::LogSource;
use wasmtime::Result;

use super::bindings::vthost::core::log;
use crate::host::Host;

impl log::Host for Host {
    async fn write(&mut self, level: log::Level, message: String) -> Result<()> {
        self.log.write(level.into(), LogSource::Test, message);
        Ok(())
    }

    async fn panic(&mut self, message: String, location: Option<String>) -> Result<()> {
        self.panic = Some(match location {
            Some(location) => format!("{message} (at {location})"),
            None => message,
        });
        Ok(())
    }
}
