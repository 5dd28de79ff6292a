//! Two views of the same images, the same ones whenever they are asked for.

use burn::tensor::Tensor;

use crate::augment::policy::{Draw, Policy};
use crate::rng::Purpose;
use crate::sampler::Visit;

/// The first two of the views that a recipe lists, each of a policy and a side; of one, two draws.
///
/// They depend on the seed and on the numbers of the images alone, so that what is measured on them
/// after every epoch can be compared, and they are no views that training draws.
///
/// # Panics
/// Without a view, which recipes refuse.
///
/// # Shapes
/// - images: `[n, 3, h, w]`, and n numbers
/// - result: `[n, 3, side, side]` each
pub fn two_views(
    listed: &[(&Policy, usize)],
    images: &Tensor<4>,
    numbers: &[u64],
    seed: u64,
) -> [Tensor<4>; 2] {
    let last = listed.len().checked_sub(1).expect("checked: there is a view");
    [0, 1].map(|view: usize| {
        let (policy, side) = listed[view.min(last)];
        let visits = Visit::at(view as u64, numbers.iter().copied());
        let draw = Draw { seed, purpose: Purpose::MeasuredView, visits: &visits };
        policy.apply_at([side, side], images.clone(), draw)
    })
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, TensorData};

    use super::*;

    const SIDE: usize = 12;

    /// Views of some images, as numbers.
    fn seen(listed: &[(&Policy, usize)], numbers: &[u64], seed: u64) -> [Vec<f32>; 2] {
        let count = numbers.len() * 3 * SIDE * SIDE;
        let pixels: Vec<f32> = (0..count).map(|k| (k % 251) as f32 / 251.0).collect();
        let data = TensorData::new(pixels, [numbers.len(), 3, SIDE, SIDE]);
        let images = Tensor::from_data(data, &Device::flex());
        two_views(listed, &images, numbers, seed)
            .map(|view| pollster::block_on(crate::read::read(view)).unwrap())
    }

    #[test]
    fn views_follow_from_the_seed_and_the_image() {
        let policy = Policy::named("simclr").unwrap();
        let listed = [(&policy, SIDE); 2];
        let [first, second] = seen(&listed, &[4, 5], 1);
        assert_eq!(seen(&listed, &[4, 5], 1), [first.clone(), second.clone()]);
        assert_ne!(first, second);
        assert_ne!(seen(&listed, &[4, 5], 2)[0], first);
        assert_ne!(seen(&listed, &[6, 5], 1)[0], first);
        assert_eq!(seen(&listed[..1], &[4, 5], 1), [first, second], "of one, two draws");
    }

    #[test]
    fn the_second_has_its_own_policy_and_side() {
        let (one, other) = (Policy::named("none").unwrap(), Policy::named("simclr").unwrap());
        let [first, second] = seen(&[(&one, SIDE), (&other, 8), (&one, SIDE)], &[0], 1);
        assert_eq!([first.len(), second.len()], [3 * SIDE * SIDE, 3 * 8 * 8]);
    }
}
