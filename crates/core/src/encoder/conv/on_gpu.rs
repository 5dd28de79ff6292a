//! Convolutions on a GPU beside those of the CPU.
#![expect(clippy::disallowed_methods, reason = "tests run natively and read what they computed")]

use burn::tensor::{Device, DeviceKind, Tensor, TensorData};

use super::{Geometry, Strided, on_cpu, window};
use crate::activation::Activation;
use crate::gpu_convolution;

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

/// The result, and the gradients of a sum of it that weighs each number differently.
fn all(sizes: Sizes, (geometry, strided): (Geometry, Strided), device: &Device) -> Vec<Vec<f32>> {
    let [count, inputs, outputs, kernel] = sizes;
    let (height, width) = (12, 17);
    let x = numbers([count, inputs, height, width], device);
    let weight = numbers([outputs, inputs, kernel, kernel], device);
    let bias = (outputs != 12).then(|| numbers([outputs], device));
    let activation = match outputs {
        12 => Activation::Linear,
        4 => Activation::Relu6,
        _ => Activation::Relu,
    };
    let inputs = (x.clone(), weight.clone(), bias.clone());
    let maps = if *device == Device::flex() {
        on_cpu(inputs, (geometry, strided), activation)
    } else {
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

#[test]
fn results_and_gradients_are_the_cpus_on_wgpu() {
    for (sizes, geometry) in [
        ([3, 3, 8, 3], Geometry::valid(2)),
        ([3, 3, 8, 3], Geometry::valid(1)),
        ([2, 4, 12, 3], Geometry::same(3, 2)),
        ([2, 4, 136, 3], Geometry::same(3, 1)),
        ([2, 134, 8, 3], Geometry::same(3, 2)),
        ([2, 5, 12, 1], Geometry::same(1, 1)),
        ([2, 8, 4, 1], Geometry::same(1, 2)),
        ([1, 3, 8, 7], Geometry::same(7, 2)),
        ([1, 4, 8, 2], Geometry { stride: 3, padding: 0, groups: 1 }),
    ] {
        for strided in [Strided::Around, Strided::Same, Strided::After] {
            let how = (geometry, strided);
            let found = all(sizes, how, &Device::wgpu(DeviceKind::DefaultDevice));
            agree(&found, &all(sizes, how, &Device::flex()), &format!("{sizes:?}, {how:?}"));
        }
    }
}

fn agree(found: &[Vec<f32>], expected: &[Vec<f32>], what: &str) {
    for (which, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert_eq!(found.len(), expected.len(), "{which}");
        let size = expected.iter().fold(1.0, |size: f32, x| size.max(x.abs()));
        let far = found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(
            far <= 2e-5 * size,
            "number {which} of result and gradients, {what}: off by {far} of {size}"
        );
    }
}
