//! Images without a machine: what `qemu-img` does.

mod basic;
mod chain;
mod snapshot;

use std::time::Duration;

use serde_json::Value;
use vthost::Image;
use vthost::prelude::*;

/// How long one call may take.
const CALL: Duration = Duration::from_secs(240);

/// What `qemu-img info` tells of an image, as far as these tests want to know it.
struct Info {
    /// The size of the disk in bytes.
    size: u64,
    /// What the image takes, in bytes.
    actual: u64,
    format: String,
    /// The name of the image below.
    backing: Option<String>,
}

impl Info {
    fn of(image: &Image) -> Result<Self> {
        let text = image.info()?;
        let read = serde_json::from_str::<Value>(&text).ok().and_then(|info| {
            Some(Self {
                size: info.get("virtual-size")?.as_u64()?,
                actual: info.get("actual-size")?.as_u64()?,
                format: info.get("format")?.as_str()?.to_owned(),
                backing: info
                    .get("backing-filename")
                    .and_then(Value::as_str)
                    .map(str::to_owned),
            })
        });
        read.ok_or_else(|| {
            Outcome::error(format!("what is told of {} cannot be read", image.name()))
                .with_detail(text)
        })
    }

    /// Whether the image below has this name.
    fn is_over(&self, name: &str) -> bool {
        self.backing.as_ref().is_some_and(|backing| {
            let file = backing.rsplit('/').next().unwrap_or_default();
            file.split('.').next() == Some(name)
        })
    }
}
