//! Dropout (Srivastava et al. 2014): numbers that are left out at random while a network learns.

use burn::tensor::{Device, Tensor, TensorData};

use crate::rng::{Purpose, Stream, stream};
use crate::sampler::Visit;

/// Which of `dim` features each image keeps, 1 or 0, `[visits, dim]`; `rate` of them are left out.
pub fn mask(rate: f64, (seed, visits): (u64, &[Visit]), dim: usize, device: &Device) -> Tensor<2> {
    let row = |visit: &Visit| {
        let mut drawn: Stream = stream(seed, Purpose::Dropout, visit.number, visit.image);
        (0..dim).map(move |_| f32::from(!drawn.chance(rate))).collect::<Vec<_>>()
    };
    let kept: Vec<f32> = visits.iter().flat_map(row).collect();
    Tensor::from_data(TensorData::new(kept, [visits.len(), dim]), device)
}

/// What is kept, made larger, so that sums stay the same on average.
///
/// # Shapes
/// - features, mask, result: `[n, dim]`
pub fn apply(features: Tensor<2>, mask: Tensor<2>, rate: f64) -> Tensor<2> {
    features * mask.div_scalar(1.0 - rate)
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests run natively and read what they computed")]
mod tests {
    use super::*;

    fn kept(visits: &[Visit]) -> Vec<f32> {
        let mask = mask(0.1, (3, visits), 500, &Device::flex());
        mask.into_data().try_to_vec().unwrap()
    }

    #[test]
    fn a_tenth_is_left_out_and_each_look_leaves_out_others() {
        let (one, other) = (kept(&Visit::at(0, 0..20)), kept(&Visit::at(1, 0..20)));
        let share = one.iter().sum::<f32>() / one.len() as f32;
        assert!((share - 0.9).abs() < 0.01, "{share}");
        assert!(one != other && one == kept(&Visit::at(0, 0..20)));
        assert_eq!(kept(&[Visit { image: 3, number: 0 }]), one[1500..2000]);
    }

    #[test]
    fn sums_stay_the_same_on_average() {
        let device = Device::flex();
        let mask = mask(0.1, (3, &Visit::at(0, 0..200)), 500, &device);
        let mean = apply(Tensor::ones([200, 500], &device), mask, 0.1).mean();
        let mean = mean.into_data().try_to_vec::<f32>().unwrap()[0];
        assert!((mean - 1.0).abs() < 0.005, "{mean}");
    }
}
