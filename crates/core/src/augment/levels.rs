//! Changes of a picture's 256 levels, as Pillow's `ImageOps` makes them.

use burn::tensor::Tensor;
use burn::tensor::ops::IndexingUpdateOp;

use super::per_image;
use super::picture::Picture;

/// The brightest level; there are as many below it.
const BRIGHTEST: f64 = 255.0;
/// Bits of a level.
const BITS: u32 = 8;

/// Changes of a picture by its samples' levels.
impl Picture {
    /// Stretches each colour to the whole range; a colour of one level stays.
    pub(super) fn autocontrast(&mut self) {
        for plane in self.planes_mut() {
            let darkest = plane.iter().copied().fold(f32::INFINITY, f32::min);
            let range = plane.iter().copied().fold(f32::NEG_INFINITY, f32::max) - darkest;
            if range >= (0.5 / BRIGHTEST) as f32 {
                let stretched = |sample: f32| ((sample - darkest) / range).clamp(0.0, 1.0);
                plane.iter_mut().for_each(|sample| *sample = stretched(*sample));
            }
        }
    }

    /// Gives each colour about as many samples on every level.
    pub(super) fn equalize(&mut self) {
        self.planes_mut().for_each(equalize_plane);
    }

    /// Keeps the given number of upper bits of the levels.
    pub(super) fn posterize(&mut self, bits: u32) {
        let width = 1_usize << (BITS - bits.min(BITS));
        self.each_sample(|sample| (level(sample) / width * width) as f32 / BRIGHTEST as f32);
    }

    /// Inverts the samples at or above a threshold, in [0, 1].
    pub(super) fn solarize(&mut self, threshold: f64) {
        let threshold = threshold as f32;
        self.each_sample(|x| if x >= threshold { 1.0 - x } else { x });
    }
}

fn equalize_plane(plane: &mut [f32]) {
    let mut counts = [0; 1 << BITS];
    plane.iter().for_each(|&sample| counts[level(sample)] += 1);
    let brightest = counts.iter().rposition(|&count| count > 0).unwrap_or(0);
    let step = counts[..brightest].iter().sum::<usize>() / BRIGHTEST as usize;
    // Too few samples to fill the levels: Pillow leaves such a colour alone.
    if step == 0 {
        return;
    }
    let table = counts.iter().scan(step / 2, |darker, count| {
        let equal = (*darker / step).min(BRIGHTEST as usize);
        *darker += count;
        Some(equal as f32 / BRIGHTEST as f32)
    });
    let table: Vec<f32> = table.collect();
    plane.iter_mut().for_each(|sample| *sample = table[level(*sample)]);
}

/// The level of a sample, in [0, 255].
fn level(sample: f32) -> usize {
    (sample.clamp(0.0, 1.0) * BRIGHTEST as f32 + 0.5) as usize
}

/// The level of each sample, a whole number in [0, 255].
fn levels(images: Tensor<4>) -> Tensor<4> {
    images.clamp(0.0, 1.0).mul_scalar(BRIGHTEST).add_scalar(0.5).floor()
}

/// The quotient of whole numbers, rounded down, whatever the last bit of a device's division.
fn quotient<const D: usize>(dividend: Tensor<D>, divisor: Tensor<D>) -> Tensor<D> {
    (dividend.add_scalar(0.5) / divisor).floor()
}

/// Stretches each colour of each picture to the whole range; a colour of one level stays.
pub(super) fn autocontrast(images: Tensor<4>) -> Tensor<4> {
    let [n, c, h, w] = images.dims();
    let planes = images.reshape([n * c, h * w]);
    let darkest = planes.clone().min_dim(1);
    let range = planes.clone().max_dim(1) - darkest.clone();
    let flat = range.clone().lower_elem(0.5 / BRIGHTEST).expand([n * c, h * w]);
    let stretched = (planes.clone() - darkest) / range.clamp_min(0.5 / BRIGHTEST);
    stretched.clamp(0.0, 1.0).mask_where(flat, planes).reshape([n, c, h, w])
}

/// Gives each colour of each picture about as many samples on every level.
pub(super) fn equalize(images: Tensor<4>) -> Tensor<4> {
    let [n, c, h, w] = images.dims();
    let [planes, area] = [n * c, h * w];
    let level = levels(images.clone()).reshape([planes, area]);
    let place = level.clone().int();
    let none = Tensor::<2>::zeros([planes, 1 << BITS], &images.device());
    let counts = none.scatter(1, place.clone(), level.ones_like(), IndexingUpdateOp::Add);
    let darker = counts.clone().cumsum(1) - counts;
    let below_brightest = darker.clone().gather(1, level.max_dim(1).int());
    let step = quotient(below_brightest.clone(), below_brightest.full_like(BRIGHTEST));
    let half = step.clone().div_scalar(2.0).floor();
    let table = quotient(darker + half, step.clone().clamp_min(1.0)).clamp_max(BRIGHTEST);
    let equal = table.gather(1, place).div_scalar(BRIGHTEST).reshape([n, c, h, w]);
    // Too few samples to fill the levels: Pillow leaves such a colour alone.
    let few = step.lower_elem(0.5).reshape([n, c, 1, 1]).expand([n, c, h, w]);
    equal.mask_where(few, images)
}

/// Keeps the given number of upper bits of each picture's levels.
pub(super) fn posterize(images: Tensor<4>, bits: &[u32]) -> Tensor<4> {
    let width = bits.iter().map(|&bits| f64::from(1u32 << (BITS - bits.min(BITS))));
    let width = per_image(width, &images.device());
    let level = levels(images);
    let step = quotient(level.clone(), width.clone().expand(level.dims()));
    (step * width).div_scalar(BRIGHTEST)
}

/// Inverts the samples at or above each picture's threshold, in [0, 1].
pub(super) fn solarize(images: Tensor<4>, thresholds: &[f64]) -> Tensor<4> {
    let thresholds = per_image(thresholds.iter().copied(), &images.device());
    let bright = (images.clone() - thresholds).greater_equal_elem(0.0);
    images.clone().mask_where(bright, images.neg().add_scalar(1.0))
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::super::warp::tests::{close, noise, values};
    use super::*;

    /// Each plane of a batch by a table of its levels, as Pillow does it.
    fn by_table(
        images: Tensor<4>,
        table: impl Fn(usize, &[usize; 256]) -> [usize; 256],
    ) -> Vec<f32> {
        let [_, _, h, w] = images.dims();
        let mut out = Vec::new();
        for (index, plane) in values(images).chunks(h * w).enumerate() {
            let levels: Vec<usize> = plane.iter().map(|x| (x * 255.0).round() as usize).collect();
            let mut counts = [0; 256];
            for &level in &levels {
                counts[level] += 1;
            }
            let table = table(index, &counts);
            out.extend(levels.iter().map(|&level| table[level] as f32 / 255.0));
        }
        out
    }

    /// Dark pictures, flat ones and ones of few samples beside noise.
    fn pictures() -> Tensor<4> {
        let noise = noise([4, 24, 24]);
        let scale = per_image([1.0, 0.4, 0.02, 0.0].into_iter(), &Device::flex());
        levels((noise * scale).add_scalar(0.1)).div_scalar(255.0)
    }

    /// `ImageOps.equalize`'s table for one plane.
    fn equalizing(counts: &[usize; 256]) -> [usize; 256] {
        let used: Vec<usize> = counts.iter().copied().filter(|&count| count > 0).collect();
        let step = (used.iter().sum::<usize>() - used.last().unwrap()) / 255;
        let mut table = core::array::from_fn(|level| level);
        if used.len() <= 1 || step == 0 {
            return table;
        }
        let mut n = step / 2;
        for (entry, count) in table.iter_mut().zip(counts) {
            *entry = (n / step).min(255);
            n += count;
        }
        table
    }

    /// `ImageOps.autocontrast`'s table for one plane, rounded where Pillow cuts off.
    fn stretching(counts: &[usize; 256]) -> [usize; 256] {
        let low = counts.iter().position(|&count| count > 0).unwrap();
        let high = counts.iter().rposition(|&count| count > 0).unwrap();
        if high <= low {
            return core::array::from_fn(|level| level);
        }
        let scale = 255.0 / (high - low) as f64;
        let stretched = |level: usize| (level as f64 - low as f64) * scale;
        core::array::from_fn(|level| stretched(level).round().clamp(0.0, 255.0) as usize)
    }

    /// The batch whose pictures are changed one by one, each by its place in it.
    fn one_by_one(images: Tensor<4>, change: impl Fn(&mut Picture, usize)) -> Vec<f32> {
        let [_, c, h, w] = images.dims();
        let changed = |(place, samples): (usize, &[f32])| {
            let mut picture = Picture::new(samples.to_vec(), [h, w]);
            change(&mut picture, place);
            picture.samples().to_vec()
        };
        values(images).chunks(c * h * w).enumerate().flat_map(changed).collect()
    }

    #[test]
    fn a_picture_alone_becomes_what_it_does_as_a_tensor() {
        let few = noise([1, 8, 8]);
        for images in [pictures(), few] {
            let n = images.dims()[0];
            let (bits, thresholds) = (&[4, 5, 7, 8][..n], &[0.4, 0.0, 1.1, 0.24][..n]);
            let alone = |change: &dyn Fn(&mut Picture, usize)| one_by_one(images.clone(), change);
            for (name, got, expected) in [
                ("autocontrast", alone(&|p, _| p.autocontrast()), autocontrast(images.clone())),
                ("equalize", alone(&|p, _| p.equalize()), equalize(images.clone())),
                (
                    "posterize",
                    alone(&|p, at| p.posterize(bits[at])),
                    posterize(images.clone(), bits),
                ),
                (
                    "solarize",
                    alone(&|p, at| p.solarize(thresholds[at])),
                    solarize(images.clone(), thresholds),
                ),
            ] {
                close(&got, &values(expected), name);
            }
        }
    }

    #[test]
    fn equalize_is_pillows() {
        let expected = by_table(pictures(), |_, counts| equalizing(counts));
        assert_ne!(expected, values(pictures()), "something is equalized");
        close(&values(equalize(pictures())), &expected, "equalize");
        let few = noise([1, 8, 8]);
        close(&values(equalize(few.clone())), &values(few), "equalize of 64 samples");
    }

    #[test]
    fn autocontrast_is_pillows_but_for_rounding() {
        let expected = by_table(pictures(), |_, counts| stretching(counts));
        let got = values(autocontrast(pictures()));
        for (got, expected) in got.iter().zip(&expected) {
            assert!((got - expected).abs() <= 0.501 / 255.0, "expected {expected}, got {got}");
        }
    }

    #[test]
    fn posterize_masks_bits() {
        let bits = [4, 5, 7, 8];
        let expected = by_table(pictures(), |plane, _| {
            let mask = !0 << (8 - bits[plane / 3]);
            core::array::from_fn(|level| level & mask)
        });
        close(&values(posterize(pictures(), &bits)), &expected, "posterize");
    }

    #[test]
    fn solarize_inverts_from_the_threshold_up() {
        let thresholds = [100.5 / 255.0, 0.0, 1.1, 60.5 / 255.0];
        let expected = by_table(pictures(), |plane, _| {
            let bright = |level: usize| level as f64 >= thresholds[plane / 3] * 255.0;
            core::array::from_fn(|level| if bright(level) { 255 - level } else { level })
        });
        close(&values(solarize(pictures(), &thresholds)), &expected, "solarize");
    }
}
