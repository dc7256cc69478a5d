//! What a download is made of.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;

use flate2::read::MultiGzDecoder;
use lzma_rust2::XzReader;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};
use sevenz_rust2::{ArchiveReader, Password};

/// The memory that a decoder may take, in KiB.
const MEMORY_KIB: u32 = 1 << 20;

/// How a file is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// xz.
    Xz,
    /// Zstandard.
    Zstd,
    /// gzip.
    Gzip,
    /// A 7z archive with one file in it.
    SevenZ,
}

impl Compression {
    /// The compression that a definition or the ending of a file names.
    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "xz" => Some(Self::Xz),
            "zst" | "zstd" => Some(Self::Zstd),
            "gz" | "gzip" => Some(Self::Gzip),
            "7z" => Some(Self::SevenZ),
            _ => None,
        }
    }
}

/// Writes what is in `from` to `out`, telling how many bytes there are so far. More than `limit` bytes are an error:
/// a small file can hold more than any disk.
pub(super) fn uncompress(
    compression: Compression,
    from: &Path,
    out: &mut dyn Write,
    limit: u64,
    tell: &mut dyn FnMut(u64),
) -> io::Result<()> {
    let open = || File::open(from).map(BufReader::new);
    let mut copy = |reader: &mut dyn Read| copy(reader, out, limit, tell);
    match compression {
        Compression::Xz => copy(&mut XzReader::new_mem_limit(open()?, true, MEMORY_KIB)),
        Compression::Gzip => copy(&mut MultiGzDecoder::new(open()?)),
        Compression::Zstd => copy(&mut Frames::new(open()?)),
        Compression::SevenZ => {
            let broken = |error: sevenz_rust2::Error| io::Error::other(error.to_string());
            let mut archive = ArchiveReader::new_with_memory_limit(
                open()?,
                Password::empty(),
                MEMORY_KIB as usize,
            )
            .map_err(broken)?;
            let files = archive
                .archive()
                .files
                .iter()
                .filter(|entry| entry.has_stream());
            match files.count() {
                1 => {}
                count => {
                    let why = format!("the archive holds {count} files, and it must be one");
                    return Err(io::Error::other(why));
                }
            }
            let mut copied = Ok(());
            archive
                .for_each_entries(|entry, reader| {
                    if entry.has_stream() {
                        copied = copy(reader);
                    }
                    Ok(copied.is_ok())
                })
                .map_err(broken)?;
            copied
        }
    }
}

fn copy(
    reader: &mut dyn Read,
    out: &mut dyn Write,
    limit: u64,
    tell: &mut dyn FnMut(u64),
) -> io::Result<()> {
    let mut buffer = vec![0; 1 << 18];
    let mut bytes: u64 = 0;
    loop {
        let read = match reader.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        bytes += read as u64;
        if bytes > limit {
            let why = format!(
                "it grows beyond {} GiB, the most that vthost makes of a download",
                limit >> 30
            );
            return Err(io::Error::other(why));
        }
        out.write_all(&buffer[..read])?;
        tell(bytes);
    }
}

/// All frames of a Zstandard file, one behind the other; the library reads one.
struct Frames {
    source: BufReader<File>,
    decoder: FrameDecoder,
    begun: bool,
}

impl Frames {
    fn new(source: BufReader<File>) -> Self {
        Self {
            source,
            decoder: FrameDecoder::new(),
            begun: false,
        }
    }

    /// Goes to the next frame; `false` at the end of the file.
    fn next_frame(&mut self) -> io::Result<bool> {
        while !self.source.fill_buf()?.is_empty() {
            match self.decoder.init(&mut self.source) {
                Ok(()) => {
                    self.begun = true;
                    return Ok(true);
                }
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => {
                    io::copy(&mut (&mut self.source).take(length.into()), &mut io::sink())?;
                }
                Err(error) => return Err(io::Error::other(error.to_string())),
            }
        }
        Ok(false)
    }

    /// Whether the frame is what its writer put into it.
    fn check(&self) -> io::Result<()> {
        match self.decoder.get_checksum_from_data() {
            Some(told) if Some(told) != self.decoder.get_calculated_checksum() => {
                Err(io::Error::other("the checksum of a frame is wrong"))
            }
            _ => Ok(()),
        }
    }
}

impl Read for Frames {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if !self.begun && !self.next_frame()? {
                return Ok(0);
            }
            while self.decoder.can_collect() == 0 && !self.decoder.is_finished() {
                self.decoder
                    .decode_blocks(&mut self.source, BlockDecodingStrategy::UptoBlocks(1))
                    .map_err(|error| io::Error::other(error.to_string()))?;
            }
            let read = self.decoder.read(buffer)?;
            if read > 0 {
                return Ok(read);
            }
            self.check()?;
            self.begun = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use lzma_rust2::{XzOptions, XzWriter};
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};
    use sevenz_rust2::{ArchiveEntry, ArchiveWriter};

    use super::*;

    /// Something that compresses, but not to nothing.
    fn content() -> Vec<u8> {
        (0..300_000_u32)
            .flat_map(|number| (number / 7).to_le_bytes())
            .collect()
    }

    fn compressed(compression: Compression, content: &[u8], path: &Path) {
        let bytes = match compression {
            Compression::Xz => {
                let mut writer = XzWriter::new(Vec::new(), XzOptions::with_preset(1)).unwrap();
                writer.write_all(content).unwrap();
                writer.finish().unwrap()
            }
            Compression::Zstd => {
                let half = content.len() / 2;
                // Two frames, and one between them that is to be skipped.
                let mut bytes = compress_to_vec(&content[..half], CompressionLevel::Fastest);
                bytes.extend([0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);
                bytes.extend(compress_to_vec(&content[half..], CompressionLevel::Fastest));
                bytes
            }
            Compression::Gzip => {
                let mut writer =
                    flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
                writer.write_all(content).unwrap();
                writer.finish().unwrap()
            }
            Compression::SevenZ => {
                let mut writer = ArchiveWriter::new(io::Cursor::new(Vec::new())).unwrap();
                writer
                    .push_archive_entry(ArchiveEntry::new_file("image"), Some(content))
                    .unwrap();
                writer.finish().unwrap().into_inner()
            }
        };
        std::fs::write(path, bytes).unwrap();
    }

    #[test]
    fn what_was_compressed_comes_back_and_damage_is_found() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        let content = content();
        for compression in [
            Compression::Xz,
            Compression::Zstd,
            Compression::Gzip,
            Compression::SevenZ,
        ] {
            compressed(compression, &content, &path);
            let unpack = |limit| {
                let mut out = Vec::new();
                let mut last = 0;
                uncompress(compression, &path, &mut out, limit, &mut |bytes| {
                    last = bytes;
                })
                .map(|()| (out, last))
            };
            let (out, last) = unpack(u64::MAX).unwrap();
            assert!(out == content, "{compression:?}");
            assert_eq!(last, content.len() as u64);
            let error = unpack(content.len() as u64 - 1).unwrap_err().to_string();
            assert!(error.contains("grows beyond"), "{compression:?}: {error}");

            let whole = std::fs::read(&path).unwrap();
            std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
            assert!(unpack(u64::MAX).is_err(), "{compression:?} is cut");
            std::fs::write(&path, b"no such format").unwrap();
            assert!(
                unpack(u64::MAX).is_err(),
                "{compression:?} is something else"
            );
        }
    }

    #[test]
    fn an_archive_holds_one_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("two.7z");
        let mut writer = ArchiveWriter::create(&path).unwrap();
        for name in ["a", "b"] {
            writer
                .push_archive_entry(ArchiveEntry::new_file(name), Some(&b"content"[..]))
                .unwrap();
        }
        writer.finish().unwrap();
        let error = uncompress(
            Compression::SevenZ,
            &path,
            &mut Vec::new(),
            100,
            &mut |_| {},
        )
        .unwrap_err();
        assert!(error.to_string().contains("holds 2 files"), "{error}");
    }
}
