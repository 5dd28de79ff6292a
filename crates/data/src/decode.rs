//! An image file as a square of planar bytes.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read, Seek};
use std::path::Path;

use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};
use kith_core::square::{Frame, square_from_rows};

use crate::guard::guarded;
use crate::jpeg::markers;
use crate::memory::{DECODING, MOST_BYTES};

/// The largest height or width accepted, in pixels.
const LARGEST_SIDE: u32 = 20_000;

/// The largest file accepted, in bytes.
const MOST_FILE_BYTES: u64 = 256 << 20;

/// The most that the decoded pixels may take, in bytes.
const MOST_PIXEL_BYTES: u64 = 256 << 20;

/// A megabyte, for showing.
const MEGABYTE: u64 = 1_000_000;

/// First bytes of a file that tell its format.
const START_BYTES: u64 = 64;

/// How often the pixels of a progressive JPEG are in memory: its coefficients have two bytes each.
const PROGRESSIVE: u64 = 3;

/// How often those of a WebP are: its planes, beside what is made of them.
const PLANES: u64 = 2;

/// Planes of an image's middle in a frame, `[3, side, side]`: turned upright as its
/// EXIF says, laid over white where it is transparent, the first frame if it moves.
///
/// The error is for people; the caller collects them.
pub(crate) fn square_from_file(path: &Path, frame: Frame) -> Result<Vec<u8>, String> {
    let failed = |e: io::Error| e.to_string();
    let file = File::open(path).map_err(failed)?;
    let bytes = file.metadata().map_err(failed)?.len();
    check_bytes(bytes)?;
    let mut file = BufReader::new(file);
    let mut start = Vec::new();
    file.by_ref().take(START_BYTES).read_to_end(&mut start).map_err(failed)?;
    file.rewind().map_err(failed)?;
    let format = format(&start)?;
    if format != ImageFormat::Jpeg {
        return square(ImageReader::with_format(file, format), copies(format), frame);
    }
    // Whether a JPEG is whole, only all of the file tells.
    let mut content = Vec::with_capacity(bytes as usize);
    file.read_to_end(&mut content).map_err(failed)?;
    square_of_jpeg(content, frame)
}

/// The same of a file's content.
pub(crate) fn square_from_bytes(content: Vec<u8>, frame: Frame) -> Result<Vec<u8>, String> {
    check_bytes(content.len() as u64)?;
    let start = &content[..content.len().min(START_BYTES as usize)];
    match format(start)? {
        ImageFormat::Jpeg => square_of_jpeg(content, frame),
        format => {
            let reader = ImageReader::with_format(Cursor::new(content), format);
            square(reader, copies(format), frame)
        }
    }
}

/// Refuses a file that is larger than any that is decoded.
pub(crate) fn check_bytes(bytes: u64) -> Result<(), String> {
    match bytes > MOST_FILE_BYTES {
        true => Err(too_much("the file has", bytes, MOST_FILE_BYTES)),
        false => Ok(()),
    }
}

/// The format that the first bytes tell.
fn format(start: &[u8]) -> Result<ImageFormat, String> {
    image::guess_format(start).map_err(|_unknown| unknown(start).to_owned())
}

/// How often the pixels of a format other than JPEG are in memory.
fn copies(format: ImageFormat) -> u64 {
    if format == ImageFormat::WebP { PLANES } else { 1 }
}

fn square_of_jpeg(content: Vec<u8>, frame: Frame) -> Result<Vec<u8>, String> {
    let markers = markers(&content);
    if !markers.ends {
        return Err("the file is truncated: it stops before the end of the JPEG image".to_owned());
    }
    let copies = if markers.progressive { PROGRESSIVE } else { 1 };
    square(ImageReader::with_format(Cursor::new(content), ImageFormat::Jpeg), copies, frame)
}

/// Decodes and resizes an image whose pixels are in memory `copies` times while that happens.
fn square<R: BufRead + Seek>(
    reader: ImageReader<R>,
    copies: u64,
    frame: Frame,
) -> Result<Vec<u8>, String> {
    guarded(|| decoded(reader, copies, frame))
}

fn decoded<R: BufRead + Seek>(
    mut reader: ImageReader<R>,
    copies: u64,
    frame: Frame,
) -> Result<Vec<u8>, String> {
    let failed = |e: image::ImageError| e.to_string();
    let mut limits = Limits::default();
    limits.max_image_width = Some(LARGEST_SIDE);
    limits.max_image_height = Some(LARGEST_SIDE);
    limits.max_alloc = Some(MOST_PIXEL_BYTES);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(failed)?;
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    // What is turned is copied.
    let copies = copies + u64::from(orientation != Orientation::NoTransforms);
    let (bytes, most) = (decoder.total_bytes(), MOST_PIXEL_BYTES.min(MOST_BYTES / copies));
    if bytes > most {
        let (width, height) = decoder.dimensions();
        return Err(too_much(&format!("{width}x{height} pixels take"), bytes, most));
    }
    let _lent = DECODING.lend(bytes * copies);
    let mut image = DynamicImage::from_decoder(decoder).map_err(failed)?;
    image.apply_orientation(orientation);
    let (width, height) = (image.width(), image.height());
    if width == 0 || height == 0 {
        return Err("the image has no pixels".to_owned());
    }
    let row = |y: usize, row: &mut [u8]| {
        // Converted a row at a time: in RGBA a large grey image would take four times its memory.
        row.copy_from_slice(&image.crop_imm(0, y as u32, width, 1).into_rgba8());
    };
    Ok(square_from_rows([height as usize, width as usize], frame, row))
}

/// What a file is that no decoder knows.
fn unknown(start: &[u8]) -> &'static str {
    if start.is_empty() {
        "the file is empty"
    } else if crate::file::is_web_page(start) {
        "the file is a web page: the download went wrong"
    } else if crate::file::is_pointer(start) {
        "the file is a pointer of Git LFS: `git lfs pull` gets the image"
    } else {
        "the file does not start like an image"
    }
}

/// That something takes more bytes than it may.
fn too_much(what: &str, bytes: u64, most: u64) -> String {
    format!("{what} {} MB, at most {} MB are decoded", bytes / MEGABYTE, most / MEGABYTE)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use image::codecs::jpeg::JpegEncoder;
    use image::{ImageBuffer, Luma, Rgb, RgbImage, Rgba, RgbaImage};
    use tempfile::TempDir;

    use super::*;

    /// The bytes that a picture file decodes to.
    fn decoded(content: &[u8], name: &str, side: usize) -> Result<Vec<u8>, String> {
        let directory: TempDir = tempfile::tempdir().unwrap();
        let path = directory.path().join(name);
        fs::write(&path, content).unwrap();
        let read = square_from_file(&path, side.into());
        let again = square_from_bytes(content.to_vec(), side.into());
        same(read, &again)
    }

    /// What a file and its content alike decode to.
    fn same<T: PartialEq + std::fmt::Debug>(file: T, content: &T) -> T {
        assert_eq!(file, *content);
        file
    }

    fn encoded(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
        let mut content = Cursor::new(Vec::new());
        picture.write_to(&mut content, format).unwrap();
        content.into_inner()
    }

    const FORMATS: [ImageFormat; 6] = [
        ImageFormat::Png,
        ImageFormat::Jpeg,
        ImageFormat::WebP,
        ImageFormat::Gif,
        ImageFormat::Bmp,
        ImageFormat::Tiff,
    ];

    /// Red, green and blue thirds side by side.
    fn thirds() -> DynamicImage {
        let colour = |x: u32| std::array::from_fn(|c| if c as u32 == x / 8 { 255 } else { 0 });
        RgbImage::from_fn(24, 8, |x, _| Rgb(colour(x))).into()
    }

    #[test]
    fn every_format_is_read_and_its_middle_kept() {
        for format in FORMATS {
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
    fn half_a_file_is_refused_in_every_format() {
        let noise = |x: u32, y: u32| Rgb([x * 31 + y * 57, x * y, y * 91].map(|n| n as u8));
        let picture: DynamicImage = RgbImage::from_fn(64, 64, noise).into();
        for format in FORMATS {
            let whole = encoded(&picture, format);
            assert!(decoded(&whole, "x", 4).is_ok(), "{format:?}");
            for length in [0, 10, whole.len() / 2, whole.len() * 9 / 10] {
                let cut = decoded(&whole[..length], "x", 4);
                let reason = cut.expect_err(&format!("{length} bytes of {format:?}"));
                assert!(!reason.is_empty());
            }
            let mut zeros = whole.clone();
            zeros[whole.len() / 2..].fill(0);
            // Elsewhere zeros are as good as other pixels.
            if [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Gif].contains(&format) {
                assert!(decoded(&zeros, "x", 4).is_err(), "{format:?} with zeros for its end");
            }
        }
    }

    #[test]
    fn sixteen_bits_are_scaled_to_eight() {
        let grey = ImageBuffer::from_pixel(3, 3, Luma([0x8080u16]));
        let colour = ImageBuffer::from_pixel(3, 3, Rgb([0x4040u16, 0x8080, 0xc0c0]));
        for format in [ImageFormat::Png, ImageFormat::Tiff] {
            let grey = encoded(&DynamicImage::ImageLuma16(grey.clone()), format);
            assert_eq!(decoded(&grey, "x", 1).unwrap(), [0x80; 3]);
            let colour = encoded(&DynamicImage::ImageRgb16(colour.clone()), format);
            assert_eq!(decoded(&colour, "x", 1).unwrap(), [0x40, 0x80, 0xc0]);
        }
    }

    /// A PNG's chunk.
    fn chunk(name: &[u8; 4], data: &[u8]) -> Vec<u8> {
        let mut chunk = (data.len() as u32).to_be_bytes().to_vec();
        chunk.extend(name.iter().chain(data));
        let sum = crc32fast::hash(&chunk[4..]);
        chunk.extend(sum.to_be_bytes());
        chunk
    }

    /// A PNG of one pixel from its parts: bits, kind of colour, chunks before its data, data.
    fn png(bits: u8, colour: u8, chunks: &[u8], pixel: &[u8]) -> Vec<u8> {
        let mut data = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        io::Write::write_all(&mut data, &[&[0], pixel].concat()).unwrap();
        let header = chunk(b"IHDR", &[0, 0, 0, 1, 0, 0, 0, 1, bits, colour, 0, 0, 0]);
        let data = chunk(b"IDAT", &data.finish().unwrap());
        [&b"\x89PNG\r\n\x1a\n"[..], &header, chunks, &data, &chunk(b"IEND", &[])].concat()
    }

    #[test]
    fn palettes_and_transparent_colours_are_laid_over_white() {
        let palette = chunk(b"PLTE", &[255, 0, 0, 0, 0, 255]);
        let half = [palette.clone(), chunk(b"tRNS", &[128, 0])].concat();
        let one = |content: Vec<u8>| decoded(&content, "x.png", 1).unwrap();
        assert_eq!(one(png(8, 3, &palette, &[1])), [0, 0, 255]);
        assert_eq!(one(png(1, 3, &palette, &[0x80])), [0, 0, 255]);
        assert_eq!(one(png(8, 3, &half, &[0])), [255, 127, 127]);
        assert_eq!(one(png(8, 3, &half, &[1])), [255; 3]);
        let key = chunk(b"tRNS", &[0, 7]);
        assert_eq!(one(png(8, 0, &key, &[7])), [255; 3]);
        assert_eq!(one(png(8, 0, &key, &[9])), [9; 3]);
        assert_eq!(one(png(1, 0, &[], &[0x80])), [255; 3]);
    }

    #[test]
    fn a_wrong_sum_of_a_text_and_bytes_after_the_end_cost_nothing() {
        let mut text = chunk(b"tEXt", b"Comment\0hello");
        *text.last_mut().unwrap() ^= 1;
        assert_eq!(decoded(&png(8, 0, &text, &[90]), "x.png", 1).unwrap(), [90; 3]);
        let trailing = [&png(8, 0, &[], &[60])[..], b"and more"].concat();
        assert_eq!(decoded(&trailing, "x.png", 1).unwrap(), [60; 3]);
        let mut pixels = png(8, 0, &[], &[60]);
        let sum = pixels.len() - 13;
        pixels[sum] ^= 1;
        assert!(decoded(&pixels, "x.png", 1).is_err(), "the pixels themselves are damaged");
    }

    #[test]
    fn slivers_become_squares_of_their_colour() {
        for (width, height) in [(1, 1), (1, 5_000), (5_000, 1)] {
            let sliver = RgbImage::from_pixel(width, height, Rgb([10, 20, 230]));
            let planes = decoded(&encoded(&sliver.into(), ImageFormat::Png), "x", 4).unwrap();
            let even: Vec<u8> = [10, 20, 230].into_iter().flat_map(|s| [s; 16]).collect();
            assert_eq!(planes, even, "{width}x{height}");
        }
        let wide = RgbImage::from_pixel(25_000, 1, Rgb([0; 3]));
        assert!(decoded(&encoded(&wide.into(), ImageFormat::Png), "x", 4).is_err());
    }

    #[test]
    fn a_web_page_is_called_one() {
        let reason = decoded(b"<!DOCTYPE html><title>404</title>", "x.jpg", 4).unwrap_err();
        assert!(reason.contains("web page"), "{reason}");
        assert!(decoded(b"", "x.jpg", 4).unwrap_err().contains("empty"));
    }

    #[test]
    fn a_text_is_not_a_picture() {
        assert!(decoded(b"hello", "x.png", 4).is_err());
    }
}
