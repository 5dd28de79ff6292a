//! Convolutions on a GPU beside those of the CPU.
#![expect(clippy::disallowed_methods, reason = "tests run natively and read what they computed")]

use burn::tensor::{Device, DeviceKind, FloatDType, Tensor, TensorData};

use super::{Geometry, Strided, on_cpu, window};
use crate::activation::Activation;
use crate::{gpu_convolution, precision};

fn numbers<const D: usize>(shape: [usize; D], device: &Device) -> Tensor<D> {
    let values = (0..shape.iter().product()).map(|k| (k as f32 * 0.7).sin()).collect();
    let data = TensorData::new::<f32, _>(values, shape);
    Tensor::from_data(data, &device.clone().autodiff()).require_grad()
}

fn values<const D: usize>(x: Tensor<D>) -> Vec<f32> {
    x.into_data().try_to_vec().unwrap()
}

/// Pictures, channels in, channels out, kernel.
type Sizes = [usize; 4];

/// Of weights: four or two.
#[derive(Clone, Copy, PartialEq)]
enum Bytes {
    Four,
    Two,
}

type How = (Geometry, Strided, Bytes);

/// The result, and the gradients of a sum of it that weighs each number differently.
fn all(sizes: Sizes, (geometry, strided, bytes): How, device: &Device) -> Vec<Vec<f32>> {
    let [count, inputs, outputs, kernel] = sizes;
    let (height, width) = (12, 17);
    let x = numbers([count, inputs, height, width], device);
    let weight = numbers([outputs, inputs, kernel, kernel], device);
    let bias = (outputs != 12).then(|| numbers([outputs], device));
    let activation = match outputs {
        12 => Activation::Linear,
        // Where sums are rounded otherwise, others are above 0.
        _ if bytes == Bytes::Two => Activation::Linear,
        4 => Activation::Relu6,
        _ => Activation::Relu,
    };
    let seen = match bytes {
        Bytes::Four => weight.clone(),
        Bytes::Two => weight.clone().cast(FloatDType::F16),
    };
    let maps = if *device == Device::flex() {
        precision::on_cpu(x.clone(), seen, |x, weight| {
            on_cpu((x, weight, bias.clone()), (geometry, strided), activation)
        })
    } else {
        let inputs = (x.clone(), seen, bias.clone());
        let window = window(&inputs.0, kernel, (geometry, strided));
        gpu_convolution::convolve(inputs, window, activation)
    };
    let weights = numbers(maps.dims(), device).detach();
    let gradients = (maps.clone() * weights).sum().backward();
    let mut found = vec![values(maps), values(x.grad(&gradients).unwrap())];
    found.push(values(weight.grad(&gradients).unwrap()));
    found.extend(bias.map(|bias| values(bias.grad(&gradients).unwrap())));
    found
}

/// Layers with channels that are whole quads or not, with bias and without.
const LAYERS: [(Sizes, Geometry); 9] = [
    ([3, 3, 8, 3], Geometry::valid(2)),
    ([3, 3, 8, 3], Geometry::valid(1)),
    ([2, 4, 12, 3], Geometry::same(3, 2)),
    ([2, 4, 136, 3], Geometry::same(3, 1)),
    ([2, 134, 8, 3], Geometry::same(3, 2)),
    ([2, 5, 12, 1], Geometry::same(1, 1)),
    ([2, 8, 4, 1], Geometry::same(1, 2)),
    ([1, 3, 8, 7], Geometry::same(7, 2)),
    ([1, 4, 8, 2], Geometry { stride: 3, padding: 0, groups: 1 }),
];

fn all_agree(bytes: Bytes, tolerance: f32) {
    for (sizes, geometry) in LAYERS {
        for strided in [Strided::Around, Strided::Same, Strided::After] {
            let how = (geometry, strided, bytes);
            let found = all(sizes, how, &Device::wgpu(DeviceKind::DefaultDevice));
            let expected = all(sizes, how, &Device::flex());
            let what = format!("{sizes:?}, {geometry:?}, {strided:?}");
            agree((&found, &expected), tolerance, &what);
        }
    }
}

#[test]
fn results_and_gradients_are_the_cpus_on_wgpu() {
    all_agree(Bytes::Four, 2e-5);
}

/// The GPU adds sixteen products in two bytes, the CPU all in four.
#[test]
fn mixed_precision_is_the_cpus_on_wgpu() {
    all_agree(Bytes::Two, 1e-2);
}

fn agree((found, expected): (&[Vec<f32>], &[Vec<f32>]), tolerance: f32, what: &str) {
    for (which, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert_eq!(found.len(), expected.len(), "{which}");
        let size = expected.iter().fold(1.0, |size: f32, x| size.max(x.abs()));
        let far = found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(
            far <= tolerance * size,
            "number {which} of result and gradients, {what}: off by {far} of {size}"
        );
    }
}
