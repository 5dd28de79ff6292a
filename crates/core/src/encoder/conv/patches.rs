//! Where the patches of a convolution lie in pictures of `[n, h, w, c]`.

use burn::backend::Flex;
use burn::backend::ops::FloatTensorOps;

use crate::array::{Array, array};
use crate::gemm::Runs;
use crate::threads;
use crate::window::Window;

const NHWC_FROM_NCHW: [usize; 4] = [0, 2, 3, 1];
const NCHW_FROM_NHWC: [usize; 4] = [0, 3, 1, 2];

/// `[n, c, h, w]` as `[n, h, w, c]`, without a copy if they lie like that already.
pub(super) fn channels_last(x: Array) -> Array {
    let [n, channels, height, width] = x.layout().shape().dims();
    let area = height * width;
    let as_shown = x.layout().is_contiguous() && x.layout().start_offset() == 0;
    if !as_shown || n == 0 || channels <= 1 || area <= 1 {
        return Flex::float_permute(x, &NHWC_FROM_NCHW).to_contiguous();
    }
    let planes = x.storage::<f32>();
    let mut pictures = threads::zeros(n * area * channels);
    threads::each_part(&mut pictures, area * channels, |number, picture| {
        let planes = &planes[number * area * channels..][..area * channels];
        interleave(planes, area, (picture, channels));
    });
    array(pictures, [n, height, width, channels])
}

/// The planes of a picture, pixel by pixel.
fn interleave(planes: &[f32], area: usize, (picture, channels): (&mut [f32], usize)) {
    /// Planes that are read side by side: a line of the cache is written at once.
    const GROUP: usize = 16;
    for (group, planes) in planes.chunks(GROUP * area).enumerate() {
        let pixels = picture.chunks_exact_mut(channels).map(|pixel| &mut pixel[group * GROUP..]);
        for (place, pixel) in pixels.enumerate() {
            for (plane, value) in planes.chunks_exact(area).zip(pixel) {
                *value = plane[place];
            }
        }
    }
}

/// `[n, h, w, c]` seen as `[n, c, h, w]`.
pub(super) fn channels_first(x: Array) -> Array {
    Flex::float_permute(x, &NCHW_FROM_NHWC)
}

/// Pictures, and the side and the stride of the patches that are taken from them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patches {
    pub(super) height: usize,
    pub(super) width: usize,
    pub(super) channels: usize,
    pub(super) kernel: usize,
    pub(super) stride: usize,
}

impl Patches {
    /// Of `[n, h, w, c]`, which have their padding.
    pub(super) fn of(pictures: &Array, window: Window) -> Self {
        let [_, height, width, channels] = pictures.layout().shape().dims();
        let Window { kernel, stride, .. } = window;
        Self { height, width, channels, kernel, stride }
    }

    /// How patches lie in pictures.
    pub(super) fn runs(&self) -> Runs {
        Runs { count: self.kernel, length: self.run(), step: self.line() }
    }

    /// Where the patches of so many pictures start.
    pub(super) fn starts(&self, count: usize) -> Vec<usize> {
        let corners: Vec<usize> = self.corners().collect();
        let pictures = (0..count).map(|picture| picture * self.picture());
        pictures.flat_map(|picture| corners.iter().map(move |corner| picture + corner)).collect()
    }

    /// Rows and columns of patches in a picture.
    pub(super) fn grid(&self) -> [usize; 2] {
        [self.height, self.width].map(|side| {
            let beyond = side.checked_sub(self.kernel).expect("pictures are as large as a patch");
            beyond / self.stride + 1
        })
    }

    /// Numbers in a picture.
    pub(super) fn picture(&self) -> usize {
        self.height * self.width * self.channels
    }

    /// Numbers in a patch, `[k, k, c]`.
    pub(super) fn patch(&self) -> usize {
        self.kernel * self.run()
    }

    /// Numbers of a patch that lie side by side in the picture too.
    pub(super) fn run(&self) -> usize {
        self.kernel * self.channels
    }

    /// Numbers in a row of the picture.
    pub(super) fn line(&self) -> usize {
        self.width * self.channels
    }

    /// Where the patches of one picture start.
    pub(super) fn corners(self) -> impl Iterator<Item = usize> {
        let [rows, columns] = self.grid();
        let places = (0..rows).flat_map(move |row| (0..columns).map(move |column| [row, column]));
        places.map(move |[row, column]| (row * self.width + column) * self.stride * self.channels)
    }
}

/// `[n, h, w, c]` with the zeros of a window around it.
pub(super) fn padded(pictures: Array, window: Window) -> Array {
    if !window.has_padding() {
        return pictures;
    }
    let Window { rows: [above, below], columns: [left, right], .. } = window;
    let [n, height, width, channels] = pictures.layout().shape().dims();
    let [tall, wide] = [above + height + below, left + width + right];
    let (line, margin) = (width * channels, left * channels);
    let mut around = threads::zeros(n * tall * wide * channels);
    let pictures = pictures.storage::<f32>();
    threads::each_part(&mut around, (tall * wide * channels).max(1), |number, around| {
        let lines = around.chunks_exact_mut((wide * channels).max(1)).skip(above);
        let picture = &pictures[number * height * line..][..height * line];
        for (line, around) in picture.chunks_exact(line).zip(lines) {
            around[margin..margin + line.len()].copy_from_slice(line);
        }
    });
    array(around, [n, tall, wide, channels])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_come_last_however_pictures_lie() {
        for [n, channels, height, width] in
            [[2, 3, 5, 7], [3, 17, 4, 4], [1, 40, 3, 2], [2, 1, 3, 3], [2, 5, 1, 1], [0, 3, 4, 4]]
        {
            let count = n * channels * height * width;
            let numbers: Vec<f32> = (0..count as u16).map(f32::from).collect();
            let x = array(numbers.clone(), [n, channels, height, width]);
            let last = channels_last(x.clone());
            assert_eq!(last.layout().shape().dims(), [n, height, width, channels]);
            for (at, &value) in last.storage::<f32>().iter().enumerate() {
                let (pixel, channel) = (at / channels, at % channels);
                let (picture, place) = (pixel / (height * width), pixel % (height * width));
                let from = (picture * channels + channel) * height * width + place;
                assert_eq!(value, numbers[from], "{n} {channels} {height} {width}: {at}");
            }
            let seen_as_first = channels_last(channels_first(last.clone()));
            assert_eq!(seen_as_first.storage::<f32>(), last.storage::<f32>());
        }
        // A part of an array starts elsewhere.
        let x = array((0..96_u8).map(f32::from).collect(), [4, 2, 3, 4]);
        let part = burn::tensor::Slice::from(2..4);
        let last = channels_last(Flex::float_slice(x, &[part]));
        assert_eq!(last.storage::<f32>()[..4], [48.0, 60.0, 49.0, 61.0]);
    }
}
