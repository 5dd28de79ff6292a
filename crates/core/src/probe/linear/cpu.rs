//! The cross-entropy of many images on the CPU, in one pass over their logits.

use crate::vectors::{Loop, exp};

/// Images that are looked at at once.
const LANES: usize = 16;

/// What logits, biases not yet added, are worth to images of known classes. Each logit becomes what it is off
/// by: the share of its class in the exponentials, less 1 where it is the image's own, times what the image
/// weighs.
pub(super) struct CrossEntropy<'a> {
    /// `[classes, n]`.
    pub(super) logits: &'a mut [f32],
    /// `[classes]`.
    pub(super) biases: &'a [f32],
    /// `[n]`.
    pub(super) labels: &'a [u16],
    /// What each image weighs, `[n]`.
    pub(super) shares: &'a [f32],
}

impl Loop for CrossEntropy<'_> {
    /// The cross-entropy, and by how much all images are off, `[classes]`, which is the gradient of biases.
    type Output = (f64, Vec<f64>);

    #[inline(always)]
    fn run(self) -> Self::Output {
        let n = self.labels.len();
        let (mut entropy, mut off) = (0.0, vec![[0.0_f64; LANES]; self.biases.len()]);
        let mut block = vec![[0.0; LANES]; self.biases.len()];
        for first in (0..n).step_by(LANES) {
            let count = LANES.min(n - first);
            for ((own, logits), bias) in
                block.iter_mut().zip(self.logits.chunks(n)).zip(self.biases)
            {
                *own = lanes(&logits[first..][..count]);
                own.iter_mut().for_each(|x| *x += bias);
            }
            let labels = lanes(&self.labels[first..][..count]).map(u32::from);
            let shares = lanes(&self.shares[first..][..count]);
            let (sums, own) = exponentials(&mut block, &labels);
            for ((share, sum), own) in shares.into_iter().zip(sums).zip(own).take(count) {
                entropy += f64::from(share) * (f64::from(sum).ln() - f64::from(own));
            }
            errors(&mut block, &labels, (&shares, &sums));
            for ((own, logits), off) in block.iter().zip(self.logits.chunks_mut(n)).zip(&mut off) {
                logits[first..][..count].copy_from_slice(&own[..count]);
                off.iter_mut().zip(own).for_each(|(off, &own)| *off += f64::from(own));
            }
        }
        (entropy, off.into_iter().map(|lanes| lanes.into_iter().sum()).collect())
    }
}

/// Numbers side by side; where there are fewer, the rest is zero.
#[inline(always)]
fn lanes<T: Copy + Default>(numbers: &[T]) -> [T; LANES] {
    if let Some(whole) = numbers.first_chunk() {
        return *whole;
    }
    let mut some = [T::default(); LANES];
    some[..numbers.len()].copy_from_slice(numbers);
    some
}

/// Logits become e to the power of what they are below the largest of their image. The sums, and what the
/// logits of the images' own classes are below the largest.
#[inline(always)]
fn exponentials(block: &mut [[f32; LANES]], labels: &[u32; LANES]) -> ([f32; LANES], [f32; LANES]) {
    let mut most = [f32::NEG_INFINITY; LANES];
    for logits in block.iter() {
        for (most, x) in most.iter_mut().zip(logits) {
            *most = if *x > *most { *x } else { *most };
        }
    }
    let (mut sums, mut own) = ([0.0; LANES], [0.0; LANES]);
    for (class, logits) in (0..).zip(block) {
        for lane in 0..LANES {
            let below = logits[lane] - most[lane];
            own[lane] = if labels[lane] == class { below } else { own[lane] };
            logits[lane] = exp(below);
            sums[lane] += logits[lane];
        }
    }
    (sums, own)
}

/// Exponentials become errors.
#[inline(always)]
fn errors(
    block: &mut [[f32; LANES]],
    labels: &[u32; LANES],
    (shares, sums): (&[f32; LANES], &[f32; LANES]),
) {
    let part = sums.map(|sum| 1.0 / sum);
    for (class, exponentials) in (0..).zip(block) {
        for lane in 0..LANES {
            let own = if labels[lane] == class { 1.0 } else { 0.0 };
            exponentials[lane] = (exponentials[lane] * part[lane] - own) * shares[lane];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vectors::widest;

    /// The cross-entropy of an image, and its gradient by logits.
    fn by_definition(logits: &[f64], label: usize) -> (f64, Vec<f64>) {
        let sum: f64 = logits.iter().copied().map(f64::exp).sum();
        let share = |x: &f64| x.exp() / sum;
        let mut errors: Vec<f64> = logits.iter().map(share).collect();
        errors[label] -= 1.0;
        (-share(&logits[label]).ln(), errors)
    }

    #[test]
    fn cross_entropy_and_errors_are_those_of_the_definition() {
        for [n, classes] in [[1, 1], [3, 2], [16, 9], [17, 10], [40, 33]] {
            let number = |k: usize| ((k * 37 % 101) as f32 * 0.21).sin() * 6.0;
            let mut logits: Vec<f32> = (0..n * classes).map(number).collect();
            let biases: Vec<f32> = (0..classes).map(|class| number(class + 7)).collect();
            let labels: Vec<u16> = (0..n).map(|k| (k * 5 % classes) as u16).collect();
            let shares: Vec<f32> = (0..n).map(|k| 0.5 + k as f32).collect();
            let (mut entropy, mut off) = (0.0, vec![0.0; classes]);
            let mut errors = vec![0.0; n * classes];
            for image in 0..n {
                let own = (0..classes).map(|class| logits[class * n + image] + biases[class]);
                let own: Vec<f64> = own.map(f64::from).collect();
                let (loss, by_class) = by_definition(&own, labels[image].into());
                let share = f64::from(shares[image]);
                entropy += share * loss;
                by_class.iter().zip(&mut off).for_each(|(error, off)| *off += share * error);
                let places = errors[image..].iter_mut().step_by(n);
                places.zip(by_class).for_each(|(place, error)| *place = share * error);
            }
            let found = widest(CrossEntropy {
                logits: &mut logits,
                biases: &biases,
                labels: &labels,
                shares: &shares,
            });
            let near = |found: f64, expected: f64| {
                let room = 2e-6 * f64::from(shares[n - 1]) * (1.0 + n as f64);
                assert!((found - expected).abs() < room, "{n} by {classes}: {found}, {expected}");
            };
            near(found.0, entropy);
            found.1.iter().zip(&off).for_each(|(&found, &expected)| near(found, expected));
            let pairs = logits.iter().zip(&errors);
            pairs.for_each(|(&found, &expected)| near(f64::from(found), expected));
        }
    }

    #[test]
    fn what_is_no_number_has_no_cross_entropy() {
        for wrong in [f32::NAN, f32::INFINITY] {
            let mut logits = [0.5, wrong, 1.0, 2.0];
            let of = CrossEntropy {
                logits: &mut logits,
                biases: &[0.0, 0.0],
                labels: &[0, 1],
                shares: &[0.5, 0.5],
            };
            assert!(widest(of).0.is_nan());
        }
    }
}
