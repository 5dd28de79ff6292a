//! Multi-head self-attention (Vaswani et al. 2017): tokens look at tokens.

#[cfg(feature = "cpu")]
mod softmax;
#[cfg(feature = "cpu")]
mod cpu;

use burn::module::Module;
use burn::tensor::activation::softmax;
use burn::tensor::{Device, Tensor};

use crate::linear::Linear;
use crate::matrix::Times;
use crate::rng::Stream;

/// Queries, keys and values of every head by one layer, and a layer after the heads.
#[derive(Module, Debug)]
pub(super) struct Attention {
    qkv: Linear,
    proj: Linear,
    #[module(skip)]
    heads: usize,
}

impl Attention {
    /// For tokens of `dim` numbers, a multiple of the heads.
    pub(super) fn new(dim: usize, heads: usize, stream: &mut Stream, device: &Device) -> Self {
        let qkv = Linear::transformer(dim, 3 * dim, stream, device);
        Self { qkv, proj: Linear::transformer(dim, dim, stream, device), heads }
    }

    /// For inference: see [`Linear::packed`].
    pub(super) fn folded(&self) -> Self {
        Self { qkv: self.qkv.packed(), proj: self.proj.packed(), heads: self.heads }
    }

    /// # Shapes
    /// - x, result: `[n, tokens, dim]`
    pub(super) fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let ([n, tokens, dim], heads) = (x.dims(), self.heads);
        let parts = self.qkv.forward(x.reshape([n * tokens, dim]));
        #[cfg(feature = "cpu")]
        if parts.device().inner() == Device::flex() {
            let seen = cpu::attend(parts, tokens, heads);
            return self.proj.forward(seen).reshape([n, tokens, dim]);
        }
        let parts = parts.reshape([n, tokens, 3 * heads, dim / heads]).swap_dims(1, 2);
        let part = |which: usize| parts.clone().narrow(1, which * heads, heads);
        let seen = attend([part(0), part(1), part(2)]);
        let seen = seen.swap_dims(1, 2).reshape([n * tokens, dim]);
        self.proj.forward(seen).reshape([n, tokens, dim])
    }
}

/// softmax(q·kᵀ / √d)·v, the paper's equation 1.
///
/// # Shapes
/// - queries, keys, values, result: `[n, heads, tokens, d]`
fn attend([queries, keys, values]: [Tensor<4>; 3]) -> Tensor<4> {
    let [.., size] = queries.dims();
    let scaled = queries.div_scalar((size as f64).sqrt());
    softmax(scaled.times(keys.transpose()), 3).times(values)
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests run natively and read what they computed")]
mod tests {
    use burn::tensor::{DeviceKind, TensorData};

    use super::*;

    const SHAPE: [usize; 4] = [2, 3, 5, 4];
    const COUNT: usize = SHAPE[0] * SHAPE[1] * SHAPE[2] * SHAPE[3];

    fn numbers(step: f64) -> Vec<f64> {
        (0..COUNT).map(|k| f64::from((1.5 * (k as f64 * step).sin()) as f32)).collect()
    }

    const STEPS: [f64; 3] = [0.7, 1.3, 2.1];

    /// What a query of one head sees, in double precision.
    fn seen(query: &[f64], keys: &[f64], values: &[f64]) -> Vec<f64> {
        let size = query.len();
        let share = |key: &[f64]| {
            let product: f64 = query.iter().zip(key).map(|(q, k)| q * k).sum();
            (product / (size as f64).sqrt()).exp()
        };
        let shares: Vec<f64> = keys.chunks(size).map(share).collect();
        let total: f64 = shares.iter().sum();
        let mean = |place| {
            let terms = shares.iter().zip(values.chunks(size)).map(|(s, value)| s * value[place]);
            terms.sum::<f64>() / total
        };
        (0..size).map(mean).collect()
    }

    /// The equation, head by head.
    fn naive([queries, keys, values]: [&[f64]; 3]) -> Vec<f64> {
        let [.., tokens, size] = SHAPE;
        let head = |start: usize| {
            let [queries, keys, values] =
                [queries, keys, values].map(|all| &all[start..start + tokens * size]);
            queries.chunks(size).flat_map(move |query| seen(query, keys, values))
        };
        (0..COUNT).step_by(tokens * size).flat_map(head).collect()
    }

    /// The sum of the result that weighs each number differently, with one number of one input moved.
    fn weighed(which: usize, place: usize, by: f64) -> f64 {
        let mut inputs = STEPS.map(numbers);
        inputs[which][place] += by;
        let result = naive([&inputs[0], &inputs[1], &inputs[2]]);
        result.iter().zip(numbers(0.37)).map(|(x, weigh)| x * weigh).sum()
    }

    fn follows(device: &Device, tolerance: f64) {
        let device = device.clone().autodiff();
        let tensor = |numbers: Vec<f64>| {
            let numbers = numbers.into_iter().map(|x| x as f32).collect();
            Tensor::<4>::from_data(TensorData::new::<f32, _>(numbers, SHAPE), &device)
        };
        let inputs = STEPS.map(|step| tensor(numbers(step)).require_grad());
        let result = attend(inputs.clone());
        let gradients = (result.clone() * tensor(numbers(0.37))).sum().backward();
        let read = |x: Tensor<4>| x.into_data().try_to_vec::<f32>().unwrap();
        let close = |found: f32, expected: f64, what: &str| {
            let far = (f64::from(found) - expected).abs();
            assert!(far < tolerance, "{what}: {found}, expected {expected}");
        };
        let plain = STEPS.map(numbers);
        let expected = naive([&plain[0], &plain[1], &plain[2]]);
        read(result).into_iter().zip(expected).for_each(|(x, y)| close(x, y, "result"));
        for (which, input) in inputs.iter().enumerate() {
            let gradient = read(input.grad(&gradients).unwrap());
            for place in (0..COUNT).step_by(3) {
                let slope = (weighed(which, place, 1e-5) - weighed(which, place, -1e-5)) / 2e-5;
                close(gradient[place], slope, "gradient");
            }
        }
    }

    #[test]
    fn values_and_gradients_are_those_of_the_equation() {
        follows(&Device::flex(), 1e-5);
    }

    /// The CPU's own way, on queries, keys and values as their layer writes them.
    #[cfg(feature = "cpu")]
    #[test]
    fn the_cpus_own_way_computes_the_same() {
        let device = Device::flex().autodiff();
        let [n, heads, tokens, size] = [3, 2, 9, 20];
        let shape = [n * tokens, 3 * heads * size];
        let numbers = |by: f64, shape: [usize; 2]| -> Tensor<2> {
            let count = shape[0] * shape[1];
            let numbers = (0..count).map(|k| (2.0 * (k as f64 * by).sin()) as f32).collect();
            Tensor::from_data(TensorData::new::<f32, _>(numbers, shape), &device)
        };
        let by_burn = |parts: Tensor<2>| {
            let parts = parts.reshape([n, tokens, 3 * heads, size]).swap_dims(1, 2);
            let part = |which: usize| parts.clone().narrow(1, which * heads, heads);
            let seen = attend([part(0), part(1), part(2)]);
            seen.swap_dims(1, 2).reshape([n * tokens, heads * size])
        };
        let read = |x: Tensor<2>| x.into_data().try_to_vec::<f32>().unwrap();
        let both = |way: &dyn Fn(Tensor<2>) -> Tensor<2>| {
            let parts = numbers(0.7, shape).require_grad();
            let seen = way(parts.clone());
            let weighed = seen.clone() * numbers(0.37, seen.dims());
            [read(seen), read(parts.grad(&weighed.sum().backward()).unwrap())]
        };
        let own = both(&|parts| cpu::attend(parts, tokens, heads));
        for (own, expected) in own.iter().zip(both(&by_burn)) {
            let far = own.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            let size = expected.iter().fold(0.0, |size: f32, x| size.max(x.abs()));
            assert!(own.len() == expected.len() && far < 1e-5 * size, "off by {far} of {size}");
        }
    }

    #[test]
    fn values_and_gradients_are_those_of_the_equation_on_wgpu() {
        follows(&Device::wgpu(DeviceKind::DefaultDevice), 1e-4);
    }
}
