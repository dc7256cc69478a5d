//! The screen as it changed: an animated PNG, which every browser shows. It loses nothing, each picture stands for as
//! long as it stood on the screen, and no program of the host is needed for it.

use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::Path;

use super::Frame;
use super::picture::{self, Picture};

/// How many pictures a video has: the last ones, if there are more.
const MOST: usize = 600;
/// How long a picture is shown at most, in milliseconds.
const LONGEST: u128 = 10_000;
/// How long the last one is shown, in milliseconds.
const LAST: u16 = 2_000;

/// Makes a video of the pictures. False if the screen did not change: there is nothing to see.
pub(crate) fn encode(frames: &[Frame], to: &Path) -> io::Result<bool> {
    let frames = &frames[frames.len().saturating_sub(MOST)..];
    if frames.len() < 2 {
        return Ok(false);
    }
    let mut name = to.as_os_str().to_owned();
    name.push(".part");
    write(frames, Path::new(&name))?;
    fs::rename(&name, to)?;
    Ok(true)
}

fn write(frames: &[Frame], to: &Path) -> io::Result<()> {
    // Two passes, so that only one picture is in memory at a time.
    let (mut width, mut height) = (1, 1);
    for frame in frames {
        let header = picture::size(&frame.file)?;
        (width, height) = (header.0.max(width), header.1.max(height));
    }
    let count = u32::try_from(frames.len()).unwrap_or(u32::MAX);
    let mut encoder = png::Encoder::new(BufWriter::new(File::create(to)?), width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Fast);
    encoder.set_animated(count, 0)?;
    let mut writer = encoder.write_header()?;
    for (at, frame) in frames.iter().enumerate() {
        let picture = picture::read(&frame.file)?;
        let shown = frames.get(at + 1).map_or(LAST, |next| {
            let shown = next.at.saturating_sub(frame.at).as_millis();
            u16::try_from(shown.min(LONGEST)).unwrap_or(LAST)
        });
        writer.set_frame_delay(shown, 1000)?;
        writer.write_image_data(&on_canvas(&picture, width, height))?;
    }
    writer.finish()?;
    Ok(())
}

/// The picture in the upper left corner of a black one: a guest may change the size of its screen.
fn on_canvas(picture: &Picture, width: u32, height: u32) -> Vec<u8> {
    let (from, to) = (3 * picture.width as usize, 3 * width as usize);
    let mut canvas = vec![0; to * height as usize];
    if from > 0 {
        let rows = canvas.chunks_mut(to).zip(picture.rgb.chunks(from));
        for (row, points) in rows {
            row[..points.len()].copy_from_slice(points);
        }
    }
    canvas
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn png(path: &Path, width: u32, height: u32, color: [u8; 3]) {
        let mut encoder = png::Encoder::new(File::create(path).unwrap(), width, height);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        let mut writer = encoder.write_header().unwrap();
        let points = color.repeat((width * height) as usize);
        writer.write_image_data(&points).unwrap();
    }

    #[test]
    fn pictures_of_different_sizes_make_a_video() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        png(&at("1.png"), 4, 2, [255, 0, 0]);
        png(&at("2.png"), 2, 3, [0, 255, 0]);
        let frame = |name: &str, seconds| Frame {
            file: at(name),
            at: Duration::from_secs(seconds),
        };
        let frames = [frame("1.png", 1), frame("2.png", 4)];
        assert!(!encode(&frames[..1], &at("one.apng")).unwrap());
        assert!(encode(&frames, &at("two.apng")).unwrap());
        let decoder = png::Decoder::new(io::BufReader::new(File::open(at("two.apng")).unwrap()));
        let mut reader = decoder.read_info().unwrap();
        let info = reader.info();
        assert_eq!((info.width, info.height), (4, 3));
        assert_eq!(info.animation_control().unwrap().num_frames, 2);
        let mut points = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut points).unwrap();
        let control = reader.info().frame_control().unwrap();
        assert_eq!((control.delay_num, control.delay_den), (3000, 1000));
        assert_eq!(points[..3], [255, 0, 0]);
        assert_eq!(points[24..27], [0, 0, 0], "below the first picture");
        reader.next_frame(&mut points).unwrap();
        assert_eq!(points[..9], [0, 255, 0, 0, 255, 0, 0, 0, 0]);
    }

    #[test]
    fn a_picture_becomes_a_ppm() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("0001.png");
        png(&file, 2, 1, [1, 2, 3]);
        picture::to_ppm(&file).unwrap();
        let ppm = fs::read(dir.path().join("0001.ppm")).unwrap();
        assert_eq!(ppm, b"P6\n2 1\n255\n\x01\x02\x03\x01\x02\x03");
        fs::write(&file, "no picture").unwrap();
        assert!(picture::to_ppm(&file).is_err());
    }
}
