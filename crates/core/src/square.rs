//! A picture of any shape as a square of planes: its middle, over white, in the encoder's size.

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::image::CHANNELS;
use crate::resize::pillow::{self, Window};
use crate::resize::{Filter, resize, resize_lines};

/// What pictures become before an encoder that was trained elsewhere, as torchvision's `Resize` and
/// `CenterCrop` do it: the shorter side becomes `resize` pixels, and the middle is cut out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(tsify::Tsify))]
pub struct Preprocessing {
    /// Pixels of the shorter side. At least the side of the square.
    pub resize: usize,
    /// How pixels are weighed.
    pub filter: Filter,
}

/// The square that pictures become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Height and width in pixels.
    pub side: usize,
    /// How it is cut; without it, it is the largest square in the middle, resized bilinearly.
    pub preprocessing: Option<Preprocessing>,
}

impl From<usize> for Frame {
    fn from(side: usize) -> Self {
        Self { side, preprocessing: None }
    }
}

impl Preprocessing {
    /// Refuses a shorter side that is less than the square's.
    ///
    /// # Errors
    /// [`Error::Setting`].
    pub fn check(self, side: usize) -> Result<(), Error> {
        if self.resize >= side {
            return Ok(());
        }
        let expected = format!("at least the side of the images, {side} pixels");
        Err(Error::setting("preprocessing.resize", expected, self.resize))
    }

    /// Where the middle of a picture lies once it is resized. The longer side is rounded down, the
    /// places are rounded to even numbers where they lie between two.
    fn window(self, [height, width]: [usize; 2], side: usize) -> Window {
        let shorter = height.min(width);
        let target = [height, width].map(|own| match own == shorter {
            true => self.resize,
            false => self.resize * own / shorter,
        });
        let start = target.map(|own| {
            let (whole, odd) = ((own - side) / 2, (own - side) % 2);
            whole + odd * (whole % 2)
        });
        Window { target, start, side }
    }
}

impl Frame {
    /// Planes of a square picture, `[planes, height, width]`, in this frame: `[planes, side, side]`.
    pub fn of_planes(self, source: &[u8], size: [usize; 2], target: &mut [u8]) {
        let Self { side, preprocessing } = self;
        let Some(preprocessing) = preprocessing else {
            return resize(source, size, target, side);
        };
        let [height, width] = size;
        let planes = source.len() / (height * width);
        let how = (preprocessing.window(size, side), preprocessing.filter);
        let found = pillow::resize_lines(planes, size, how, |y, line| {
            for (plane, line) in line.chunks_exact_mut(width).enumerate() {
                line.copy_from_slice(&source[(plane * height + y) * width..][..width]);
            }
        });
        target.copy_from_slice(&found);
    }
}

/// Samples of a pixel with its opacity.
const RGBA: usize = CHANNELS + 1;

/// Interleaved rows of a decoded picture.
#[derive(Clone, Copy, Debug)]
pub struct Interleaved<'a> {
    /// Samples, `[height, width, channels]`.
    pub samples: &'a [u8],
    /// Height and width in pixels.
    pub size: [usize; 2],
    /// 3 for RGB, 4 for RGBA whose colours are not multiplied by their opacity.
    pub channels: usize,
}

/// Planes of the square in the middle, `[3, side, side]`; what is transparent shows white.
///
/// # Errors
/// [`Error::Samples`] when the samples are not those of a picture of this size.
pub fn square(picture: Interleaved<'_>, frame: Frame) -> Result<Vec<u8>, Error> {
    let Interleaved { samples, size: [height, width], channels } = picture;
    let colour = (CHANNELS..=CHANNELS + 1).contains(&channels);
    if !colour || height * width == 0 || samples.len() != height * width * channels {
        return Err(Error::Samples { got: samples.len(), height, width, channels });
    }
    if channels == CHANNELS && [height, width] == [frame.side; 2] && frame.preprocessing.is_none() {
        return Ok(planes(samples));
    }
    let rows = |y: usize, row: &mut [u8]| {
        let samples = samples[y * width * channels..][..width * channels].chunks_exact(channels);
        for (pixel, sample) in row.chunks_exact_mut(RGBA).zip(samples) {
            pixel[..channels].copy_from_slice(sample);
        }
    };
    Ok(square_from_rows([height, width], frame, rows))
}

/// The planes of RGB pixels.
fn planes(samples: &[u8]) -> Vec<u8> {
    let mut planes = Vec::with_capacity(samples.len());
    for plane in 0..CHANNELS {
        planes.extend(samples.chunks_exact(CHANNELS).map(|pixel| pixel[plane]));
    }
    planes
}

/// The same of a picture whose rows come when they are asked for.
///
/// `row(y, samples)` fills row y, `[width, 4]` in RGBA; opacity is there already where the picture
/// has none. Height and width are at least 1. No copy of the picture is made, however large it is.
pub fn square_from_rows(
    [height, width]: [usize; 2],
    Frame { side, preprocessing }: Frame,
    mut row: impl FnMut(usize, &mut [u8]),
) -> Vec<u8> {
    let own = height.min(width);
    // Without preprocessing the largest square in the middle, and nothing else, is resized.
    let (top, left, columns) = match preprocessing {
        None => ((height - own) / 2, (width - own) / 2, own),
        Some(_) => (0, 0, width),
    };
    let mut samples = vec![u8::MAX; width * RGBA];
    let line = |y: usize, line: &mut [u8]| {
        row(top + y, &mut samples);
        let pixels = samples[left * RGBA..].chunks_exact(RGBA).take(columns);
        for (x, pixel) in pixels.enumerate() {
            for plane in 0..CHANNELS {
                line[plane * columns + x] = over_white(pixel[plane], pixel[CHANNELS]);
            }
        }
    };
    match preprocessing {
        None => resize_lines(CHANNELS, [own; 2], side, line),
        Some(one) => {
            let size = [height, width];
            pillow::resize_lines(CHANNELS, size, (one.window(size, side), one.filter), line)
        }
    }
}

/// A sample of some opacity laid over white, rounded.
fn over_white(sample: u8, opacity: u8) -> u8 {
    const WHITE: u32 = u8::MAX as u32;
    let [sample, opacity] = [sample, opacity].map(u32::from);
    ((sample * opacity + WHITE * (WHITE - opacity) + WHITE / 2) / WHITE) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_is_kept_and_transparency_is_white() {
        let samples: Vec<u8> = [[9; 4], [10, 20, 30, 255], [40, 50, 60, 0], [9; 4]].concat();
        let picture = Interleaved { samples: &samples, size: [1, 4], channels: 4 };
        assert_eq!(square(picture, 1.into()).unwrap(), [10, 20, 30]);
        let picture = Interleaved { samples: &samples[8..12], size: [1, 1], channels: 4 };
        assert_eq!(square(picture, 1.into()).unwrap(), [255; 3]);
    }

    #[test]
    fn a_picture_that_fits_is_the_same_with_and_without_opacity() {
        let rgb: Vec<u8> = (0..75).collect();
        let rgba: Vec<u8> = rgb.chunks(3).flat_map(|one| [one[0], one[1], one[2], 255]).collect();
        let of =
            |samples, channels| square(Interleaved { samples, size: [5, 5], channels }, 5.into());
        assert_eq!(of(&rgb, 3).unwrap(), of(&rgba, 4).unwrap());
    }

    #[test]
    fn wrong_sizes_are_refused_with_what_came() {
        for (count, size, channels) in [(11, [2, 2], 3), (4, [2, 2], 1), (0, [0, 2], 3)] {
            let picture = Interleaved { samples: &[0; 12][..count], size, channels };
            assert_eq!(square(picture, 4.into()).expect_err("wrong").code(), "SAMPLES");
        }
    }
}
