//! Copies of images as they come about: resized, cut, brightened. They say how far from each other an
//! encoder puts an image and its copy.

use crate::image::{CHANNELS, Images};
use crate::resize::resize;
use crate::rng::{Purpose, stream};

/// What happened to a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Made smaller, to three quarters of its side, and larger again.
    Resized,
    /// A twentieth of the side is cut off all around, at least a pixel, and the rest made larger.
    Cropped,
    /// A fifth brighter.
    Brightened,
}

/// Side of a resized copy, in quarters of the image's.
const QUARTERS: usize = 3;
/// One in so many pixels of a side is cut off at each end.
const CUT: usize = 20;
/// What a brighter copy is multiplied by.
const BRIGHTER: f32 = 1.2;

/// Images that are copied: enough to say within what distance most copies lie.
const COPIED: usize = 256;

/// Which of so many images are copied: some, drawn by a seed.
pub fn copied(images: usize, seed: u64) -> Vec<usize> {
    let mut places: Vec<usize> = (0..images).collect();
    stream(seed, Purpose::Copied, 0, 0).shuffle(&mut places);
    places.truncate(COPIED);
    places
}

impl Change {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Resized, Self::Cropped, Self::Brightened];

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Resized => "resized",
            Self::Cropped => "cropped",
            Self::Brightened => "brightened",
        }
    }

    /// Copies of square images.
    pub fn of(self, images: &Images) -> Images {
        let [side, _] = images.size();
        let pixels = (0..images.len()).flat_map(|index| match self {
            Self::Resized => resized(images.picture(index), side),
            Self::Cropped => cropped(images.picture(index), side),
            Self::Brightened => images.picture(index).iter().map(brighter).collect(),
        });
        Images::new(pixels.collect(), [images.len(), side, side]).expect("a copy is as large")
    }
}

fn resized(image: &[u8], side: usize) -> Vec<u8> {
    let small = (side * QUARTERS / 4).max(1);
    let mut planes = vec![0; CHANNELS * small * small];
    resize(image, [side; 2], &mut planes, small);
    let mut copy = vec![0; image.len()];
    resize(&planes, [small; 2], &mut copy, side);
    copy
}

fn cropped(image: &[u8], side: usize) -> Vec<u8> {
    let cut = (side / CUT).max(1).min((side - 1) / 2);
    let rest = side - 2 * cut;
    let lines = image.chunks_exact(side * side).flat_map(|plane| {
        plane.chunks_exact(side).skip(cut).take(rest).flat_map(|line| &line[cut..cut + rest])
    });
    let planes: Vec<u8> = lines.copied().collect();
    let mut copy = vec![0; image.len()];
    resize(&planes, [rest; 2], &mut copy, side);
    copy
}

fn brighter(sample: &u8) -> u8 {
    (f32::from(*sample) * BRIGHTER).round().min(f32::from(u8::MAX)) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp(side: usize) -> Images {
        let pixels = (0..2 * CHANNELS * side * side).map(|i| (i % side * 9) as u8).collect();
        Images::new(pixels, [2, side, side]).unwrap()
    }

    #[test]
    fn copies_are_alike_and_not_the_same() {
        let images = ramp(20);
        for change in Change::ALL {
            let copies = change.of(&images);
            assert_eq!((copies.len(), copies.size()), (2, [20, 20]));
            assert_ne!(copies, images, "{change:?}");
            let pairs = copies.pixels().iter().zip(images.pixels());
            let far = pairs.map(|(a, b)| a.abs_diff(*b)).max().unwrap();
            assert!(far < 40, "{change:?} is off by {far}");
        }
        assert_eq!(Change::Brightened.of(&images).picture(0)[10], 108);
    }

    #[test]
    fn images_of_a_pixel_have_copies_too() {
        for side in [1, 2, 3] {
            for change in Change::ALL {
                assert_eq!(change.of(&ramp(side)).size(), [side, side]);
            }
        }
    }
}
