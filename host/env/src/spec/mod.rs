//! From parameters to a machine.
//!
//! Pure: the parameters of one VM in, a specification out, with the images as they are named. What stands in the place
//! of an image when the machine is started is the business of [`crate::image`].

mod chars;
mod cpu;
mod devices;
mod display;
mod drive;
mod machine;
mod memory;
mod nic;
mod usb;

use std::path::Path;

use vthost_params::Params;
use vthost_qemu::{MachineSpec, SpecError};

use crate::{Error, ErrorKind, Result};

pub(crate) use chars::serial;
pub use drive::base_image;
pub(crate) use drive::disk;
pub(crate) use machine::arch;
pub(crate) use memory::{device as memory_device, machine_mib};
pub(crate) use nic::nic;
pub(crate) use usb::device as usb_device;

/// The machine that the parameters of one VM describe, with its images as they are named (guide, section "Cartesian
/// Config Reference").
pub(crate) fn machine_spec(name: &str, params: &Params, data_dir: &Path) -> Result<MachineSpec> {
    let mut spec = MachineSpec::new(name);
    machine::read(&mut spec, params, data_dir)?;
    cpu::read(&mut spec, params)?;
    memory::read(&mut spec, params)?;
    display::read(&mut spec, params)?;
    chars::read(&mut spec, params)?;
    usb::read(&mut spec, params)?;
    devices::read(&mut spec, params)?;
    drive::read(&mut spec, params, data_dir)?;
    nic::read(&mut spec, params)?;
    Ok(spec)
}

/// The value of a key as a type of the specification, if it is set; the error says what the type takes.
fn parsed<T>(params: &Params, key: &str) -> Result<Option<T>>
where
    T: std::str::FromStr<Err = SpecError>,
{
    let Some(text) = params
        .get(key)
        .map(str::trim)
        .filter(|text| !text.is_empty())
    else {
        return Ok(None);
    };
    text.parse()
        .map(Some)
        .map_err(|error: SpecError| wrong(key, error))
}

/// An error about a key, with what is wrong with its value.
fn wrong(key: &str, error: SpecError) -> Error {
    let text = format!("the parameter `{key}` cannot be used");
    Error::caused(ErrorKind::Invalid, text, error)
}

/// The number of a key, if it is set.
fn number<T: std::str::FromStr>(params: &Params, key: &str) -> Result<Option<T>> {
    match params.get(key).map(str::trim) {
        None | Some("") => Ok(None),
        Some(text) => match text.parse() {
            Ok(number) => Ok(Some(number)),
            Err(_) => Err(params.invalid(key, "a whole number in range").into()),
        },
    }
}

/// The text of a key, if it is set and not empty.
fn text<'a>(params: &'a Params, key: &str) -> Option<&'a str> {
    params
        .get(key)
        .map(str::trim)
        .filter(|text| !text.is_empty())
}

/// Properties as the command line has them: `a=b,c=d`, with or without a comma before them.
fn properties(params: &Params, key: &str) -> Result<Vec<(String, String)>> {
    let given = text(params, key).unwrap_or_default();
    given
        .split(',')
        .filter(|part| !part.is_empty())
        .map(|part| match part.split_once('=') {
            Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
            _ => Err(params
                .invalid(key, "properties as `name=value,name=value`")
                .into()),
        })
        .collect()
}

/// A path of the host, below the data directory unless it is absolute.
fn path(params: &Params, key: &str, data_dir: &Path) -> Option<std::path::PathBuf> {
    text(params, key).map(|text| data_dir.join(text))
}

#[cfg(test)]
mod tests;
