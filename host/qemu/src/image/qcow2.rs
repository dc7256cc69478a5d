//! As much of the qcow2 format (QEMU's `docs/interop/qcow2.txt`) as an empty overlay needs. All numbers are big-endian.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::file_error;
use crate::error::ImageError;

const MAGIC: [u8; 4] = *b"QFI\xfb";
const CLUSTER_BITS: u32 = 16;
const CLUSTER: u64 = 1 << CLUSTER_BITS;

/// Bytes of the disk behind one entry of the L1 table: an L2 table of one cluster has 8192 entries of one cluster each.
const PER_L1_ENTRY: u64 = CLUSTER / 8 * CLUSTER;

/// QEMU's own limit for the L1 table, 32 MiB: disks of 2 EiB.
const LONGEST_L1: u64 = (32 << 20) / 8;

/// The longest name of a backing file, by the format.
const LONGEST_NAME: usize = 1023;

/// Length of a version 3 header without extensions.
const HEADER: u32 = 104;

/// Header extension that names the format of the backing file.
const BACKING_FORMAT: u32 = 0xe279_2aca;

/// What is needed of a header.
#[derive(Debug)]
pub(super) struct Header {
    /// Size of the disk, in bytes.
    pub(super) size: u64,
    /// The backing file, as it is written there.
    pub(super) backing: Option<String>,
}

/// Whether a file begins like a qcow2 image.
pub(super) fn is_qcow2(path: &Path) -> Result<bool, ImageError> {
    let mut magic = [0; 4];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut magic));
    match read {
        Ok(()) => Ok(magic == MAGIC),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(source) => Err(file_error("read", path, source)),
    }
}

impl Header {
    pub(super) fn read(path: &Path) -> Result<Self, ImageError> {
        let invalid = |reason: &str| ImageError::Invalid {
            path: path.to_owned(),
            format: "qcow2",
            reason: reason.to_owned(),
        };
        let read_at = |file: &File, buffer: &mut [u8], at: u64| {
            file.read_exact_at(buffer, at)
                .map_err(|source| match source.kind() {
                    io::ErrorKind::UnexpectedEof => invalid("the file is too short"),
                    _ => file_error("read", path, source),
                })
        };
        let file = File::open(path).map_err(|source| file_error("read", path, source))?;
        let mut head = [0; 32];
        read_at(&file, &mut head, 0)?;
        if head[..4] != MAGIC {
            return Err(invalid("it does not begin with the qcow2 magic"));
        }
        let (name_at, name_length, size) = (
            number(&head[8..16]),
            number(&head[16..20]),
            number(&head[24..32]),
        );
        if name_at == 0 {
            return Ok(Self {
                size,
                backing: None,
            });
        }
        let length = usize::try_from(name_length)
            .ok()
            .filter(|&length| length <= LONGEST_NAME);
        let mut name =
            vec![0; length.ok_or_else(|| invalid("the name of its backing file is too long"))?];
        read_at(&file, &mut name, name_at)?;
        let name = String::from_utf8(name)
            .map_err(|_| invalid("the name of its backing file is not UTF-8"))?;
        Ok(Self {
            size,
            backing: Some(name),
        })
    }
}

fn number(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0, |number, &byte| number << 8 | u64::from(byte))
}

/// Writes an empty overlay: header, refcount table, one refcount block, L1 table of zeros.
pub(super) fn write_overlay(
    overlay: &Path,
    base: &Path,
    format: &str,
    size: u64,
) -> Result<(), ImageError> {
    let name = base.as_os_str().as_bytes();
    let l1_entries = size.div_ceil(PER_L1_ENTRY);
    let too_long = |what: &str| {
        let reason = format!("{what} is too long for a qcow2 overlay");
        Err(ImageError::Invalid {
            path: base.to_owned(),
            format: "base",
            reason,
        })
    };
    if name.len() > LONGEST_NAME {
        return too_long("its path");
    }
    // One refcount block counts 32768 clusters, many more than the longest L1 table has.
    if l1_entries > LONGEST_L1 {
        return too_long("its disk");
    }
    let l1_clusters = (l1_entries * 8).div_ceil(CLUSTER);
    let clusters = 3 + l1_clusters;
    // The refcounts of `clusters` clusters, 16 bits each, on the third cluster.
    let refcounts: Vec<u8> = (0..clusters).flat_map(|_| 1_u16.to_be_bytes()).collect();

    let write = |mut file: File| -> io::Result<()> {
        file.write_all(&header(name, format, size, l1_entries))?;
        file.write_all_at(&(2 * CLUSTER).to_be_bytes(), CLUSTER)?;
        file.write_all_at(&refcounts, 2 * CLUSTER)?;
        file.set_len(clusters * CLUSTER)
    };
    let file = File::create_new(overlay).map_err(|source| file_error("create", overlay, source))?;
    write(file).map_err(|source| {
        // Half an image is worse than none.
        let _ = fs::remove_file(overlay);
        file_error("write", overlay, source)
    })
}

fn header(name: &[u8], format: &str, size: u64, l1_entries: u64) -> Vec<u8> {
    let padded = format.len().next_multiple_of(8);
    // After the header: the extension with its own header of 8 bytes, the end mark of 8 bytes, then the name.
    let name_at = u64::from(HEADER) + 8 + padded as u64 + 8;
    let mut out = Vec::with_capacity(256 + name.len());
    out.extend(MAGIC);
    out.extend(3_u32.to_be_bytes());
    out.extend(name_at.to_be_bytes());
    out.extend(short(name.len() as u64));
    out.extend(CLUSTER_BITS.to_be_bytes());
    out.extend(size.to_be_bytes());
    out.extend(0_u32.to_be_bytes()); // not encrypted
    out.extend(short(l1_entries));
    out.extend((3 * CLUSTER).to_be_bytes()); // L1 table
    out.extend(CLUSTER.to_be_bytes()); // refcount table
    out.extend(1_u32.to_be_bytes()); // clusters of the refcount table
    out.extend([0; 4 + 8]); // no snapshots
    out.extend([0; 8 * 3]); // no incompatible, compatible or autoclear features
    out.extend(4_u32.to_be_bytes()); // refcounts of 1 << 4 bits
    out.extend(HEADER.to_be_bytes());
    out.extend(BACKING_FORMAT.to_be_bytes());
    out.extend(short(format.len() as u64));
    out.extend(format.as_bytes());
    out.resize(out.len() + padded - format.len(), 0);
    out.extend([0; 8]); // end of extensions
    out.extend(name);
    out
}

/// The last four bytes of a number that fits into them.
fn short(number: u64) -> [u8; 4] {
    let [_, _, _, _, a, b, c, d] = number.to_be_bytes();
    [a, b, c, d]
}
