//! Pictures: reading PNG, writing PPM.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Write};
use std::path::Path;

/// The most points that a picture has: more than any screen.
const LARGEST: u64 = 64 << 20;

/// Points, three bytes each.
pub(super) struct Picture {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) rgb: Vec<u8>,
}

/// The width and height of a picture.
pub(super) fn size(path: &Path) -> io::Result<(u32, u32)> {
    let decoder = png::Decoder::new(BufReader::new(File::open(path)?));
    let reader = decoder.read_info().map_err(invalid)?;
    let info = reader.info();
    check(info)?;
    Ok((info.width, info.height))
}

fn invalid(error: png::DecodingError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

fn too_large() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the picture is too large")
}

fn check(info: &png::Info<'_>) -> io::Result<()> {
    if u64::from(info.width) * u64::from(info.height) > LARGEST {
        return Err(too_large());
    }
    Ok(())
}

/// Reads a picture. The screen is the guest's: what is too large is refused.
pub(super) fn read(path: &Path) -> io::Result<Picture> {
    let mut decoder = png::Decoder::new(BufReader::new(File::open(path)?));
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().map_err(invalid)?;
    let info = reader.info();
    check(info)?;
    let (width, height) = (info.width, info.height);
    let mut points = vec![0; reader.output_buffer_size().ok_or_else(too_large)?];
    reader.next_frame(&mut points).map_err(invalid)?;
    let rgb = match reader.output_color_type().0 {
        png::ColorType::Rgb => points,
        png::ColorType::Rgba => points.chunks(4).flat_map(|p| [p[0], p[1], p[2]]).collect(),
        png::ColorType::GrayscaleAlpha => points.chunks(2).flat_map(|p| [p[0]; 3]).collect(),
        _ => points.into_iter().flat_map(|grey| [grey; 3]).collect(),
    };
    Ok(Picture { width, height, rgb })
}

/// Writes the PPM of a picture beside it.
pub(crate) fn to_ppm(path: &Path) -> io::Result<()> {
    let picture = read(path)?;
    let mut file = BufWriter::new(File::create(path.with_extension("ppm"))?);
    write!(file, "P6\n{} {}\n255\n", picture.width, picture.height)?;
    file.write_all(&picture.rgb)?;
    file.flush()
}
