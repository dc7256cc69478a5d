//! As much of the qcow2 format (QEMU's `docs/interop/qcow2.txt`) as chains and empty overlays need. All numbers are
//! big-endian.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{FileExt, FileTypeExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::OFlags;

use super::ImageError;

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

/// Header extension that names the external data file.
const DATA_FILE: u32 = 0x4441_5441;

/// Incompatible feature: the data are in another file.
const HAS_DATA_FILE: u64 = 1 << 2;

/// What is needed of a header.
#[derive(Debug, Default)]
pub(super) struct Header {
    /// Size of the disk, in bytes.
    pub(super) size: u64,
    /// The backing file, as it is written there.
    pub(super) backing: Option<OsString>,
    /// The format of the backing file.
    pub(super) backing_format: Option<String>,
    /// Whether the data are in another file.
    pub(super) external: bool,
    /// That file, as it is written there.
    pub(super) data_file: Option<OsString>,
}

/// Opens what may hold an image, for reading. A name that comes from an image may be that of a pipe, whose opening
/// would wait, or of a device that does something when it is opened.
pub(super) fn open(path: &Path) -> Result<File, ImageError> {
    let failed = |source| ImageError::file("read", path, source);
    let kind = fs::metadata(path).map_err(failed)?.file_type();
    if !(kind.is_file() || kind.is_block_device()) {
        return Err(ImageError::Invalid {
            path: path.to_owned(),
            format: "disk",
            reason: "it is neither a file nor a block device".to_owned(),
        });
    }
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(flags);
    options.open(path).map_err(failed)
}

impl Header {
    pub(super) fn read(path: &Path, file: &File) -> Result<Self, ImageError> {
        let invalid = |reason: &str| ImageError::Invalid {
            path: path.to_owned(),
            format: "qcow2",
            reason: reason.to_owned(),
        };
        let bytes = |at: u64, length: usize| {
            let mut buffer = vec![0; length];
            match file.read_exact_at(&mut buffer, at) {
                Ok(()) => Ok(buffer),
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    Err(invalid("the file is too short"))
                }
                Err(source) => Err(ImageError::file("read", path, source)),
            }
        };
        if bytes(0, 4)? != MAGIC {
            return Err(invalid("it does not begin with the qcow2 magic"));
        }
        let head = bytes(0, 72)?;
        let (features, mut at) = match number(&head[4..8]) {
            2 => (0, 72),
            3 => (number(&bytes(72, 8)?), number(&bytes(100, 4)?)),
            _ => return Err(invalid("its version is neither 2 nor 3")),
        };
        let mut header = Self {
            size: number(&head[24..32]),
            external: features & HAS_DATA_FILE != 0,
            ..Self::default()
        };
        let (name_at, name_length) = (number(&head[8..16]), number(&head[16..20]));
        if name_at != 0 {
            if name_length > LONGEST_NAME as u64 {
                return Err(invalid("the name of its backing file is too long"));
            }
            let name = bytes(name_at, name_length as usize)?;
            header.backing = Some(OsString::from_vec(name));
        }
        // Extensions lie between the header and the name of the backing file, within the first cluster.
        let cluster = 1_u64 << number(&head[20..24]).min(21);
        let end = if name_at == 0 { cluster } else { name_at };
        while at + 8 <= end.min(cluster) {
            let extension = bytes(at, 8)?;
            let (kind, length) = (short_number(&extension), number(&extension[4..8]));
            at += 8;
            match kind {
                0 => break,
                BACKING_FORMAT | DATA_FILE if length > LONGEST_NAME as u64 => {
                    return Err(invalid("a header extension is too long"));
                }
                BACKING_FORMAT => {
                    let name = String::from_utf8(bytes(at, length as usize)?)
                        .map_err(|_| invalid("the format of its backing file is not UTF-8"))?;
                    header.backing_format = Some(name);
                }
                DATA_FILE => {
                    header.data_file = Some(OsString::from_vec(bytes(at, length as usize)?));
                }
                _ => {}
            }
            at += length.next_multiple_of(8);
        }
        Ok(header)
    }
}

/// The number in the first four bytes.
fn short_number(bytes: &[u8]) -> u32 {
    bytes
        .iter()
        .take(4)
        .fold(0, |number, &byte| number << 8 | u32::from(byte))
}

fn number(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0, |number, &byte| number << 8 | u64::from(byte))
}

/// Writes an empty overlay to an empty file: header, refcount table, one refcount block, L1 table of zeros.
pub(super) fn write_overlay(
    mut file: &File,
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
    let mut write = || -> io::Result<()> {
        file.write_all(&header(name, format, size, l1_entries))?;
        file.write_all_at(&(2 * CLUSTER).to_be_bytes(), CLUSTER)?;
        file.write_all_at(&refcounts, 2 * CLUSTER)?;
        file.set_len(clusters * CLUSTER)
    };
    write().map_err(|source| ImageError::file("write an overlay of", base, source))
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
