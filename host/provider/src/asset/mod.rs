//! Assets: files to download, as guest images and isos (guide, section "Bootstrapping").
//!
//! A definition says where a file is, what its digest must be and where it belongs. A download is resumed where it
//! was cut, tried at the next place when one fails, checked, and only then given its name: whatever is there under a
//! final name is whole.

mod catalog;
mod checksum;
mod definition;
mod download;
mod error;
mod fetch;
mod http;
mod ini;
mod uncompress;

pub use catalog::{Catalog, UnknownAsset};
pub use checksum::{Algorithm, Digest};
pub use definition::{Asset, Checksum, DefinitionError};
pub use error::{AssetError, Trouble};
pub use fetch::{FetchEvent, Fetched, Limits, fetch};
pub use uncompress::Compression;

/// Whether there is a file that can be read and is not empty.
///
/// # Errors
/// What is there is no file, or cannot be read.
pub fn usable(path: &std::path::Path) -> std::io::Result<bool> {
    let file = match std::fs::File::open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        file => file?,
    };
    let found = file.metadata()?;
    match found.is_file() {
        true => Ok(found.len() > 0),
        false => Err(std::io::Error::other("there, but it is no file")),
    }
}
