//! The files below an overlay that is plugged in.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use crate::element::Element;
use crate::error::MachineError;
use crate::spec::Drive;

/// Gives an overlay the files below it as nodes of their own: QEMU could not open them by itself, and does not have to
/// believe the image which they are.
pub(super) fn with_backing(drive: &Drive, elements: &mut Vec<Element>) -> Result<(), MachineError> {
    let Some(at) = elements
        .iter()
        .position(|element| element.id() == Some(&format!("file_{}", drive.id)))
    else {
        return Ok(());
    };
    let mut below: Option<String> = None;
    let mut nodes = Vec::new();
    for (depth, path) in drive.backing.iter().enumerate().rev() {
        let failed = |source| MachineError::File {
            path: path.clone(),
            source,
        };
        let absolute = std::path::absolute(path).map_err(failed)?;
        let (file, node) = (
            format!("bfile{depth}_{}", drive.id),
            format!("back{depth}_{}", drive.id),
        );
        let filename = absolute.to_str().ok_or_else(|| MachineError::Argument {
            what: "path of an image",
            value: absolute.display().to_string(),
            rule: "it has to be UTF-8; rename it".into(),
        })?;
        let qcow2 = is_qcow2(&absolute).map_err(failed)?;
        let layer = Element::blockdev("file", &file).with("filename", filename);
        nodes.push(layer.with("read-only", true));
        let driver = if qcow2 { "qcow2" } else { "raw" };
        let layer = Element::blockdev(driver, &node)
            .with("file", file)
            .with("read-only", true);
        nodes.push(if qcow2 {
            layer.with("backing", below.clone())
        } else {
            layer
        });
        below = Some(node);
    }
    if let Some(below) = below {
        let top = format!("drive_{}", drive.id);
        for element in elements
            .iter_mut()
            .filter(|element| element.id() == Some(&top))
        {
            *element = element.clone().with("backing", below.as_str());
        }
    }
    elements.splice(at..at, nodes);
    Ok(())
}

/// The format of a file below an overlay is not known to the one who plugs it in. Nothing is taken from the image but
/// this: what lies below it is said by the drive.
fn is_qcow2(path: &Path) -> io::Result<bool> {
    let mut magic = Vec::new();
    File::open(path)?.take(4).read_to_end(&mut magic)?;
    Ok(magic == *b"QFI\xfb")
}
