//! Disk images: overlays made without a process, everything else by `qemu-img`.

mod qcow2;

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;
use tokio::process::Command;

use crate::binary::find_in_path;
use crate::error::ImageError;
use crate::spec::DriveFormat;

/// The longest backing chain that is followed; a longer one is a loop.
const LONGEST_CHAIN: usize = 200;

/// Makes a qcow2 overlay over a read-only base; `overlay` must not exist yet. Over qcow2 and raw bases this takes well
/// below a millisecond, because the few clusters of an empty overlay are written right here; over other formats
/// `qemu-img create` does it. The base is referred to by its absolute path.
///
/// # Errors
/// [`ImageError::File`] if the base cannot be read or the overlay exists, [`ImageError::Invalid`] if the base is not
/// what `format` says, [`ImageError::Tool`] from `qemu-img`.
pub async fn create_overlay(
    base: &Path,
    overlay: &Path,
    format: DriveFormat,
) -> Result<(), ImageError> {
    let base = base
        .canonicalize()
        .map_err(|source| file_error("read", base, source))?;
    match format {
        DriveFormat::Qcow2 | DriveFormat::Raw => {
            let size = virtual_size(&base, format)?;
            qcow2::write_overlay(overlay, &base, format.driver(), size)
        }
        _ => {
            // qemu-img would write over an existing file.
            File::create_new(overlay).map_err(|source| file_error("create", overlay, source))?;
            let args: [&OsStr; 8] = [
                "-q".as_ref(),
                "-f".as_ref(),
                "qcow2".as_ref(),
                "-F".as_ref(),
                format.driver().as_ref(),
                "-b".as_ref(),
                base.as_os_str(),
                overlay.as_os_str(),
            ];
            run("create", &args, overlay, &[0]).await.map(drop)
        }
    }
}

/// The size of the disk that an image holds, in bytes. For qcow2 and raw images.
fn virtual_size(path: &Path, format: DriveFormat) -> Result<u64, ImageError> {
    if format == DriveFormat::Qcow2 {
        return qcow2::Header::read(path).map(|header| header.size);
    }
    // By seeking, so that it works for block devices as well.
    let size =
        File::open(path).and_then(|mut file| io::Seek::seek(&mut file, io::SeekFrom::End(0)));
    size.map_err(|source| file_error("read", path, source))
}

/// The files below a qcow2 image, nearest first, as the images themselves name them. **Only for images that are
/// trusted**: from one that is not, this is a list of files its author would like to see opened.
///
/// # Errors
/// [`ImageError::File`] if a file of the chain cannot be read; [`ImageError::Invalid`] if a name is not that of a plain
/// file, or if the chain has no end.
pub fn backing_chain(image: &Path) -> Result<Vec<PathBuf>, ImageError> {
    let mut chain = Vec::new();
    let mut current = image.to_owned();
    while qcow2::is_qcow2(&current)? {
        let Some(name) = qcow2::Header::read(&current)?.backing else {
            break;
        };
        let invalid = |reason: String| ImageError::Invalid {
            path: current.clone(),
            format: "qcow2",
            reason,
        };
        // QEMU takes `nbd:...` and `json:{...}` here, too; a colon before the first slash makes a protocol.
        if name
            .split('/')
            .next()
            .is_some_and(|start| start.contains(':'))
        {
            return Err(invalid(format!(
                "its backing file {name:?} is not the name of a file"
            )));
        }
        if chain.len() == LONGEST_CHAIN {
            return Err(invalid(format!("more than {LONGEST_CHAIN} backing files")));
        }
        let beside = current.parent().unwrap_or_else(|| Path::new("."));
        current = beside.join(name);
        chain.push(current.clone());
    }
    Ok(chain)
}

/// What `qemu-img info` tells about an image, without taking its lock.
///
/// # Errors
/// [`ImageError::NoTool`], [`ImageError::Tool`], [`ImageError::Output`].
pub async fn info(image: &Path, format: DriveFormat) -> Result<Value, ImageError> {
    let args: [&OsStr; 5] = [
        "-U".as_ref(),
        "--output=json".as_ref(),
        "-f".as_ref(),
        format.driver().as_ref(),
        image.as_os_str(),
    ];
    let output = run("info", &args, image, &[0]).await?;
    json("info", image, &output)
}

/// What `qemu-img check` found in an image.
#[derive(Debug, Clone, PartialEq)]
pub struct Check {
    /// Neither corrupt nor leaking.
    pub clean: bool,
    /// Errors that damage data.
    pub corruptions: u64,
    /// Clusters that are allocated and unused; harmless.
    pub leaks: u64,
    /// All that `qemu-img` said.
    pub report: Value,
}

/// Checks an image for consistency; it must not be in use.
///
/// # Errors
/// As [`info`]. An image that is damaged is a result, not an error.
pub async fn check(image: &Path, format: DriveFormat) -> Result<Check, ImageError> {
    let args: [&OsStr; 4] = [
        "--output=json".as_ref(),
        "-f".as_ref(),
        format.driver().as_ref(),
        image.as_os_str(),
    ];
    // 2: corrupt, 3: leaks.
    let output = run("check", &args, image, &[0, 2, 3]).await?;
    let report = json("check", image, &output)?;
    let count = |field: &str| report.get(field).and_then(Value::as_u64).unwrap_or(0);
    let (corruptions, leaks, errors) =
        (count("corruptions"), count("leaks"), count("check-errors"));
    Ok(Check {
        clean: corruptions + leaks + errors == 0,
        corruptions,
        leaks,
        report,
    })
}

/// Runs `qemu-img`. It is killed if the future is dropped.
async fn run(
    command: &'static str,
    args: &[&OsStr],
    image: &Path,
    good: &[i32],
) -> Result<Vec<u8>, ImageError> {
    let tool = find_in_path("qemu-img").ok_or(ImageError::NoTool)?;
    let output = Command::new(&tool)
        .arg(command)
        .args(args)
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .map_err(|source| file_error("run", &tool, source))?;
    if output
        .status
        .code()
        .is_some_and(|code| good.contains(&code))
    {
        return Ok(output.stdout);
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(ImageError::Tool {
        command,
        path: image.to_owned(),
        status: output.status,
        output: said,
    })
}

fn json(command: &'static str, image: &Path, output: &[u8]) -> Result<Value, ImageError> {
    serde_json::from_slice(output).map_err(|source| ImageError::Output {
        command,
        path: image.to_owned(),
        source,
    })
}

fn file_error(action: &'static str, path: &Path, source: io::Error) -> ImageError {
    ImageError::File {
        action,
        path: path.to_owned(),
        source,
    }
}
