//! A picture of any shape as a square of planes: its middle, over white, in the encoder's size.

use crate::error::Error;
use crate::image::CHANNELS;
use crate::resize::resize_lines;

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

/// Planes of the largest central square in another size, `[3, side, side]`; what is transparent
/// shows white.
///
/// # Errors
/// [`Error::Samples`] when the samples are not those of a picture of this size.
pub fn square(picture: Interleaved<'_>, side: usize) -> Result<Vec<u8>, Error> {
    let Interleaved { samples, size: [height, width], channels } = picture;
    let colour = (CHANNELS..=CHANNELS + 1).contains(&channels);
    if !colour || height * width == 0 || samples.len() != height * width * channels {
        return Err(Error::Samples { got: samples.len(), height, width, channels });
    }
    let rows = |y: usize, row: &mut [u8]| {
        let samples = samples[y * width * channels..][..width * channels].chunks_exact(channels);
        for (pixel, sample) in row.chunks_exact_mut(RGBA).zip(samples) {
            pixel[..channels].copy_from_slice(sample);
        }
    };
    Ok(square_from_rows([height, width], side, rows))
}

/// The same of a picture whose rows come when they are asked for.
///
/// `row(y, samples)` fills row y, `[width, 4]` in RGBA; opacity is there already where the picture
/// has none. Height and width are at least 1. No copy of the picture is made, however large it is.
pub fn square_from_rows(
    [height, width]: [usize; 2],
    side: usize,
    mut row: impl FnMut(usize, &mut [u8]),
) -> Vec<u8> {
    let own = height.min(width);
    let [top, left] = [(height - own) / 2, (width - own) / 2];
    let mut samples = vec![u8::MAX; width * RGBA];
    resize_lines(CHANNELS, [own; 2], side, |y, line| {
        row(top + y, &mut samples);
        let pixels = samples[left * RGBA..].chunks_exact(RGBA).take(own);
        for (x, pixel) in pixels.enumerate() {
            for plane in 0..CHANNELS {
                line[plane * own + x] = over_white(pixel[plane], pixel[CHANNELS]);
            }
        }
    })
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
        assert_eq!(square(picture, 1).unwrap(), [10, 20, 30]);
        let picture = Interleaved { samples: &samples[8..12], size: [1, 1], channels: 4 };
        assert_eq!(square(picture, 1).unwrap(), [255; 3]);
    }

    #[test]
    fn wrong_sizes_are_refused_with_what_came() {
        for (count, size, channels) in [(11, [2, 2], 3), (4, [2, 2], 1), (0, [0, 2], 3)] {
            let picture = Interleaved { samples: &[0; 12][..count], size, channels };
            assert_eq!(square(picture, 4).expect_err("wrong").code(), "SAMPLES");
        }
    }
}
