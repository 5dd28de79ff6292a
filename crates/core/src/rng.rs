//! Counter-based random streams: every number drawn anywhere follows from one seed.
//!
//! A stream is named by what it is for, never by what was drawn before it, so the same seed gives
//! the same views whatever the batch, the thread count, the device or the platform.

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

/// What a stream is for. The discriminants are part of the format: never renumber them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Purpose {
    /// Initial weights; the image number counts parameters.
    Weights = 1,
    /// The order of the unlabelled images in a pass.
    UnlabelledOrder = 2,
    /// The order of the labelled images in a pass.
    LabelledOrder = 3,
    /// The first augmented view.
    FirstView = 4,
    /// The second augmented view.
    SecondView = 5,
    /// The weakly augmented view of a labelled picture.
    LabelledView = 6,
    /// The support set before training.
    SupportSet = 7,
    /// Which pictures belong to which split.
    Split = 8,
    /// Perturbed test images, as the Keras NNCLR examples evaluate.
    TestView = 9,
    /// Batches of an offline probe.
    Probe = 10,
    /// Pictures chosen for sheets and reports.
    Show = 11,
    /// Test material.
    Test = 12,
    /// The third and later augmented views; which one is part of the image number.
    FurtherView = 13,
    /// The weakly augmented view of an unlabelled picture.
    WeakView = 14,
    /// The strongly augmented view of a picture.
    StrongView = 15,
    /// Which pictures are drawn anew for an interval of confidence.
    Resample = 20,
    /// Which few pictures keep their labels.
    FewLabels = 21,
    /// The order in which a data set is stored, before any shuffle buffer.
    StoredOrder = 22,
    /// Which features are left out while a classifier learns.
    Dropout = 23,
    /// Directions along which a cloud of projections is looked at.
    Slices = 32,
    /// Two views of an image whose distance is measured; which one is the visit.
    MeasuredView = 30,
    /// Where the clusters of k-means begin; the visit counts restarts.
    Clusters = 31,
    /// Which part of the labelled pictures judges which; the image number is the class.
    Folds = 40,
    /// Which pictures are copied, to see how far an encoder puts copies.
    Copied = 41,
    /// Which images are proposed to be labelled; the visit counts the labelled ones.
    Proposals = 42,
}

/// An endless sequence of numbers that depends on nothing but its name.
#[derive(Clone, Debug)]
pub struct Stream(Source);

/// Where numbers come from.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "streams are short-lived, and few at a time")]
enum Source {
    Drawn(ChaCha8Rng),
    Nothing,
}

/// The stream of `seed` for one purpose, visit and image (or other running numbers).
pub fn stream(seed: u64, purpose: Purpose, visit: u64, image: u64) -> Stream {
    let mut key = [0; 32];
    for (slot, word) in key.chunks_exact_mut(8).zip([seed, purpose as u64, visit, image]) {
        slot.copy_from_slice(&word.to_le_bytes());
    }
    Stream(Source::Drawn(ChaCha8Rng::from_seed(key)))
}

impl Stream {
    /// A stream of nothing but the least numbers, for weights that are replaced at once.
    pub(crate) fn blank() -> Self {
        Self(Source::Nothing)
    }

    /// Whether it is that of [`Self::blank`].
    pub(crate) fn is_blank(&self) -> bool {
        matches!(self.0, Source::Nothing)
    }

    fn next(&mut self) -> u64 {
        match &mut self.0 {
            Source::Drawn(drawn) => drawn.next_u64(),
            Source::Nothing => 0,
        }
    }

    /// Uniform in [0, 1), 53 bits.
    pub fn unit(&mut self) -> f64 {
        const BITS: u32 = f64::MANTISSA_DIGITS;
        (self.next() >> (u64::BITS - BITS)) as f64 / (1u64 << BITS) as f64
    }

    /// Uniform in [low, high).
    pub fn uniform(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// Uniform whole number in [0, count). `count` must not be 0.
    pub fn below(&mut self, count: usize) -> usize {
        // The multiply-shift bias is under count / 2^64: no drawn sequence can show it.
        ((u128::from(self.next()) * count as u128) >> u64::BITS) as usize
    }

    /// True with the given probability.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// Standard normal (Box and Muller 1958, one of the pair).
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        radius * (core::f64::consts::TAU * self.unit()).cos()
    }

    /// A uniformly random order (Fisher and Yates), in place.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_depends_on_its_name_alone() {
        let draw = |s, p, e, i| stream(s, p, e, i).unit();
        let base = draw(7, Purpose::FirstView, 3, 5);
        assert_eq!(base, draw(7, Purpose::FirstView, 3, 5));
        for other in [
            draw(8, Purpose::FirstView, 3, 5),
            draw(7, Purpose::SecondView, 3, 5),
            draw(7, Purpose::FirstView, 4, 5),
            draw(7, Purpose::FirstView, 3, 6),
        ] {
            assert_ne!(base, other);
        }
    }

    #[test]
    fn uniform_and_normal_have_their_moments() {
        let mut stream = stream(1, Purpose::Test, 0, 0);
        let n = 20_000;
        let moments = |draws: Vec<f64>| {
            let mean = draws.iter().sum::<f64>() / f64::from(n);
            (mean, draws.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / f64::from(n))
        };
        let (mean, variance) = moments((0..n).map(|_| stream.uniform(-1.0, 3.0)).collect());
        assert!((mean - 1.0).abs() < 0.03 && (variance - 16.0 / 12.0).abs() < 0.05);
        let (mean, variance) = moments((0..n).map(|_| stream.normal()).collect());
        assert!(mean.abs() < 0.03 && (variance - 1.0).abs() < 0.05);
    }

    #[test]
    fn a_shuffle_keeps_every_item() {
        let mut items: Vec<u32> = (0..100).collect();
        stream(2, Purpose::Test, 0, 0).shuffle(&mut items);
        assert_ne!(items, (0..100).collect::<Vec<_>>());
        items.sort_unstable();
        assert_eq!(items, (0..100).collect::<Vec<_>>());
    }
}
