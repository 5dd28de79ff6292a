//! The gallery's pixels: one picture of tiles per vendor, embedded in the program.

use image::{ImageFormat, RgbImage};
use kith_core::image::CHANNELS;
use rayon::prelude::*;

use crate::storage::Storage;

/// Height and width of a tile, in pixels.
pub(crate) const SIDE: usize = 64;

/// Drawings of every emoji.
pub(crate) const VENDORS: usize = 2;

const ATLASES: [&[u8]; VENDORS] = [
    include_bytes!("../../../assets/gallery/google.webp"),
    include_bytes!("../../../assets/gallery/twitter.webp"),
];

/// The drawings of some number of emoji; those of one emoji follow each other.
pub(crate) fn storage(emoji: usize) -> Storage {
    let unpack = |atlas: &&[u8]| {
        let atlas = image::load_from_memory_with_format(atlas, ImageFormat::WebP);
        atlas.expect("the atlases are whole").into_rgb8()
    };
    let atlases: Vec<RgbImage> = ATLASES.par_iter().map(unpack).collect();
    let bytes = CHANNELS * SIDE * SIDE;
    let mut pixels = vec![0; emoji * VENDORS * bytes];
    pixels.par_chunks_exact_mut(bytes).enumerate().for_each(|(picture, target)| {
        cut(&atlases[picture % VENDORS], picture / VENDORS, target);
    });
    Storage::Memory { pixels, planes: CHANNELS, size: [SIDE; 2] }
}

/// Copies a tile of an atlas to planes, `[3, SIDE, SIDE]`.
fn cut(atlas: &RgbImage, tile: usize, target: &mut [u8]) {
    let columns = atlas.width() as usize / SIDE;
    let [left, top] = [tile % columns * SIDE, tile / columns * SIDE];
    for y in 0..SIDE {
        for x in 0..SIDE {
            let samples = atlas.get_pixel((left + x) as u32, (top + y) as u32).0;
            for (plane, sample) in samples.into_iter().enumerate() {
                target[(plane * SIDE + y) * SIDE + x] = sample;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tile_is_cut_from_its_place_into_planes() {
        let atlas = RgbImage::from_fn(2 * SIDE as u32, 2 * SIDE as u32, |x, y| {
            image::Rgb([x as u8, y as u8, 7])
        });
        let mut tile = vec![0; CHANNELS * SIDE * SIDE];
        cut(&atlas, 3, &mut tile);
        let planes = [0, 1, 2].map(|plane| tile[(plane * SIDE + 5) * SIDE + 9]);
        assert_eq!(planes, [SIDE as u8 + 9, SIDE as u8 + 5, 7]);
    }
}
