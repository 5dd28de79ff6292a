//! A picture file as a square of planar bytes.

use std::path::Path;

use image::{DynamicImage, ImageDecoder, ImageReader, Limits};
use kith_core::square::{Interleaved, square};

/// Samples a pixel after decoding.
const RGBA: usize = 4;

/// The largest height or width accepted, in pixels.
const LARGEST_SIDE: u32 = 20_000;

/// The most memory that decoding one picture may take, in bytes.
const MOST_BYTES: u64 = 256 << 20;

/// Planes of a picture file's central square in another size, `[3, side, side]`: turned upright as
/// its EXIF says, laid over white where it is transparent, the first frame if it moves.
///
/// The error is for people; the caller collects them.
pub(crate) fn square_from_file(path: &Path, side: usize) -> Result<Vec<u8>, String> {
    let picture = upright(path).map_err(|e| e.to_string())?.into_rgba8();
    let size = [picture.height(), picture.width()].map(|pixels| pixels as usize);
    let picture = Interleaved { samples: &picture, size, channels: RGBA };
    square(picture, side).map_err(|e| e.to_string())
}

/// Decodes a file within limits and turns it upright.
fn upright(path: &Path) -> image::ImageResult<DynamicImage> {
    let mut reader = ImageReader::open(path)?.with_guessed_format()?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(LARGEST_SIDE);
    limits.max_image_height = Some(LARGEST_SIDE);
    limits.max_alloc = Some(MOST_BYTES);
    reader.limits(limits.clone());
    let mut decoder = reader.into_decoder()?;
    let (width, height) = decoder.dimensions();
    limits.check_dimensions(width, height)?;
    limits.reserve(decoder.total_bytes())?;
    let orientation = decoder.orientation()?;
    let mut picture = DynamicImage::from_decoder(decoder)?;
    picture.apply_orientation(orientation);
    Ok(picture)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use image::codecs::jpeg::JpegEncoder;
    use image::{ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};
    use tempfile::TempDir;

    use super::*;

    /// The bytes that a picture file decodes to.
    fn decoded(content: &[u8], name: &str, side: usize) -> Result<Vec<u8>, String> {
        let directory: TempDir = tempfile::tempdir().unwrap();
        let path = directory.path().join(name);
        fs::write(&path, content).unwrap();
        square_from_file(&path, side)
    }

    fn encoded(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
        let mut content = std::io::Cursor::new(Vec::new());
        picture.write_to(&mut content, format).unwrap();
        content.into_inner()
    }

    /// Red, green and blue thirds side by side.
    fn thirds() -> DynamicImage {
        let colour = |x: u32| std::array::from_fn(|c| if c as u32 == x / 8 { 255 } else { 0 });
        RgbImage::from_fn(24, 8, |x, _| Rgb(colour(x))).into()
    }

    #[test]
    fn every_format_is_read_and_its_middle_kept() {
        for format in [
            ImageFormat::Png,
            ImageFormat::Jpeg,
            ImageFormat::WebP,
            ImageFormat::Gif,
            ImageFormat::Bmp,
        ] {
            let planes = decoded(&encoded(&thirds(), format), "x", 4).expect("it was just written");
            let means: Vec<u32> = planes
                .chunks(16)
                .map(|p| p.iter().map(|&s| u32::from(s)).sum::<u32>() / 16)
                .collect();
            assert!(means[0] < 30 && means[1] > 220 && means[2] < 30, "{format:?}: {means:?}");
        }
    }

    #[test]
    fn transparent_pixels_are_white() {
        let colours = [[0, 0, 0, 0], [0, 0, 0, 255], [255, 0, 0, 51], [9, 9, 9, 0]];
        let picture = RgbaImage::from_fn(2, 2, |x, y| Rgba(colours[(y * 2 + x) as usize]));
        let planes = decoded(&encoded(&picture.into(), ImageFormat::Png), "x.png", 2).unwrap();
        assert_eq!(planes, [255, 0, 255, 255, 255, 0, 204, 255, 255, 0, 204, 255]);
    }

    #[test]
    fn exif_turns_a_picture_upright() {
        // Orientation 6: the camera was held so that the picture must be turned right by 90°.
        let exif: &[u8] = &[
            b'I', b'I', 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0,
        ];
        let picture = RgbImage::from_fn(16, 16, |x, _| Rgb(if x < 8 { [0; 3] } else { [255; 3] }));
        let mut content = Vec::new();
        let mut encoder = JpegEncoder::new_with_quality(&mut content, 95);
        image::ImageEncoder::set_exif_metadata(&mut encoder, exif.to_vec()).unwrap();
        encoder.encode_image(&picture).unwrap();
        let planes = decoded(&content, "x.jpg", 16).unwrap();
        let [top, bottom] = [planes[2 * 16 + 12], planes[13 * 16 + 3]];
        assert!(top < 20 && bottom > 235, "expected black over white, got {top} over {bottom}");
    }

    #[test]
    fn hostile_dimensions_are_refused_before_memory_is_taken() {
        let mut header = encoded(&thirds(), ImageFormat::Bmp);
        header[18..22].copy_from_slice(&30_000u32.to_le_bytes());
        assert!(decoded(&header, "x.bmp", 4).is_err());
        header[18..22].copy_from_slice(&19_999u32.to_le_bytes());
        header[22..26].copy_from_slice(&19_999u32.to_le_bytes());
        assert!(decoded(&header, "x.bmp", 4).is_err());
    }

    #[test]
    fn a_text_is_not_a_picture() {
        assert!(decoded(b"hello", "x.png", 4).is_err());
    }
}
