//! Rules for names and files.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

use super::is_word;
use crate::error::SpecError;

pub(super) fn value(field: &str, value: &str, rule: &str) -> SpecError {
    SpecError::Value {
        field: field.to_owned(),
        value: value.to_owned(),
        rule: rule.to_owned(),
    }
}

/// A name that becomes part of file names.
pub(super) fn file_name(what: &'static str, name: &str) -> Result<(), SpecError> {
    if is_word(name) && name.len() <= 64 {
        return Ok(());
    }
    let rule = "it has to begin with a letter or digit and consist of at most 64 letters, digits, dots, underscores and dashes";
    Err(SpecError::Name {
        what,
        value: name.to_owned(),
        rule,
    })
}

/// An id by QEMU's rule for ids.
pub(super) fn device_id(what: &'static str, id: &str) -> Result<(), SpecError> {
    if is_word(id)
        && id.len() <= 64
        && id.starts_with(|c: char| c.is_ascii_alphabetic())
        && !id.starts_with("pcie")
    {
        return Ok(());
    }
    let rule = "it has to begin with a letter (but not with pcie) and consist of at most 64 letters, digits, dots, underscores and dashes";
    Err(SpecError::Name {
        what,
        value: id.to_owned(),
        rule,
    })
}

pub(super) fn check_uuid(uuid: &str) -> Result<(), SpecError> {
    let groups: Vec<usize> = uuid.split('-').map(str::len).collect();
    if groups == [8, 4, 4, 4, 12] && uuid.chars().all(|c| c == '-' || c.is_ascii_hexdigit()) {
        return Ok(());
    }
    Err(value(
        "uuid",
        uuid,
        "it has to look like 01234567-89ab-cdef-0123-456789abcdef",
    ))
}

pub(super) fn readable(what: &str, path: &Path) -> Result<(), SpecError> {
    opens(path, |path| File::open(path)).map_err(|source| file_error(what, path, "reading", source))
}

pub(super) fn writable(what: &str, path: &Path) -> Result<(), SpecError> {
    opens(path, |path| {
        OpenOptions::new().read(true).write(true).open(path)
    })
    .map_err(|source| file_error(what, path, "writing", source))
}

/// A directory that is there.
pub(super) fn directory(what: &str, path: &Path) -> Result<(), SpecError> {
    let found = fs::metadata(path).and_then(|meta| match meta.is_dir() {
        true => Ok(()),
        false => Err(io::ErrorKind::NotADirectory.into()),
    });
    found.map_err(|source| file_error(what, path, "reading", source))
}

/// Opens a file or block device and nothing else: to open a FIFO would hang.
fn opens(path: &Path, open: impl FnOnce(&Path) -> io::Result<File>) -> io::Result<()> {
    let kind = fs::metadata(path)?.file_type();
    if !kind.is_file() && !kind.is_block_device() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "neither a file nor a block device",
        ));
    }
    open(path).map(drop)
}

fn file_error(what: &str, path: &Path, access: &'static str, source: io::Error) -> SpecError {
    SpecError::File {
        what: what.to_owned(),
        path: path.to_owned(),
        access,
        source,
    }
}
