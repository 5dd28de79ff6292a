//! A picture of any shape as a square of planes: its middle, over white, in the encoder's size.

use crate::error::Error;
use crate::image::CHANNELS;
use crate::resize::resize;

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
    let own = height.min(width);
    let mut target = vec![0; CHANNELS * side * side];
    resize(&central_square(picture, own), [own; 2], &mut target, side);
    Ok(target)
}

/// The largest central square as planes over white, `[3, own, own]`.
fn central_square(picture: Interleaved<'_>, own: usize) -> Vec<u8> {
    let Interleaved { samples, size: [height, width], channels } = picture;
    let [top, left] = [(height - own) / 2, (width - own) / 2];
    let mut planes = vec![0; CHANNELS * own * own];
    for y in 0..own {
        let start = ((top + y) * width + left) * channels;
        let row = samples[start..start + own * channels].chunks_exact(channels);
        for (x, pixel) in row.enumerate() {
            let opacity = pixel.get(CHANNELS).copied().unwrap_or(u8::MAX);
            for plane in 0..CHANNELS {
                planes[plane * own * own + y * own + x] = over_white(pixel[plane], opacity);
            }
        }
    }
    planes
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
