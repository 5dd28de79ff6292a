//! Copies of some images, to see how far apart an encoder puts an image and its copy.

use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, ImageFormat};
use kith_core::Device;
use kith_core::clean::copies::{Change, copied};
use kith_core::clean::duplicates::Made;
use kith_core::encoder::Encoder;
use kith_core::image::{CHANNELS, Images};
use kith_core::probe::Features;

use super::images::All;
use crate::failure::Failure;

/// Images that are copied at a time.
const AT_A_TIME: usize = 32;
/// Quality of a recompressed copy.
const QUALITY: u8 = 60;

/// Copies of every kind, with the word for it.
pub(super) fn made(
    all: &All,
    encoder: &Encoder,
    device: &Device,
    seed: u64,
) -> Result<Vec<(&'static str, Made)>, Failure> {
    let of = copied(all.len(), seed);
    let mut made: Vec<(&'static str, Features)> = Vec::new();
    for some in of.chunks(AT_A_TIME) {
        for (kind, (word, copies)) in copies(&all.read(some)?).into_iter().enumerate() {
            if kind == made.len() {
                made.push((word, Features::default()));
            }
            pollster::block_on(made[kind].1.add(encoder, &copies, device))?;
        }
    }
    let of = |features| Made { of: of.clone(), features };
    Ok(made.into_iter().map(|(word, features)| (word, of(features))).collect())
}

/// Copies of images, of every kind.
fn copies(images: &Images) -> Vec<(&'static str, Images)> {
    let changed = Change::ALL.map(|change| (change.word(), change.of(images)));
    changed.into_iter().chain([("recompressed", recompressed(images))]).collect()
}

/// Images as JPEG leaves them.
fn recompressed(images: &Images) -> Images {
    let [height, width] = images.size();
    let copies = (0..images.len()).flat_map(|index| {
        let file = jpeg(images, index, QUALITY);
        let image = image::load_from_memory_with_format(&file, ImageFormat::Jpeg);
        let samples = image.expect("what was written is read").into_rgb8().into_raw();
        let samples = samples.as_slice();
        let plane = |channel| samples.iter().skip(channel).step_by(CHANNELS).copied();
        (0..CHANNELS).flat_map(plane).collect::<Vec<u8>>()
    });
    Images::new(copies.collect(), [images.len(), height, width]).expect("a copy is as large")
}

/// An image as a JPEG file.
pub(super) fn jpeg(images: &Images, index: usize, quality: u8) -> Vec<u8> {
    let [height, width] = images.size();
    let planes: Vec<&[u8]> = images.picture(index).chunks_exact(height * width).collect();
    let samples: Vec<u8> = (0..height * width)
        .flat_map(|pixel| [0, 1, 2].map(|channel| planes[channel][pixel]))
        .collect();
    let mut file = Vec::new();
    JpegEncoder::new_with_quality(&mut file, quality)
        .encode(&samples, width as u32, height as u32, ExtendedColorType::Rgb8)
        .expect("a JPEG in memory cannot fail");
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recompressed_image_is_alike_and_not_the_same() {
        let pixels: Vec<u8> = (0..2 * 3 * 32 * 32).map(|i| (i % 32 * 7) as u8).collect();
        let images = Images::new(pixels, [2, 32, 32]).unwrap();
        let copies = recompressed(&images);
        assert_eq!((copies.len(), copies.size()), (2, [32, 32]));
        assert_ne!(copies, images);
        let far = copies.pixels().iter().zip(images.pixels()).map(|(a, b)| a.abs_diff(*b));
        assert!(far.max().unwrap() < 60);
    }
}
