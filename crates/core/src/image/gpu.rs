//! Pictures on their way to a GPU: a quarter of what their numbers would take.

use burn::backend::Cube;
use burn::tensor::{DType, Device, Int, Tensor, TensorData};
use cubecl::calculate_cube_count_elemwise;
use cubecl::prelude::*;

use crate::buffers::{ON_GPU, empty, tensor};

/// Samples of a word.
const PACKED: usize = size_of::<u32>();

/// The number of each sample, which one launch looks up among `numbers`.
///
/// # Shapes
/// - pixels, of which there are some, and result: as many as the shape has
pub(super) fn uploaded<const D: usize>(
    pixels: &[u8],
    numbers: &[f32],
    shape: [usize; D],
    device: &Device,
) -> Tensor<D> {
    let pixel_words = pixels.len().div_ceil(PACKED);
    let mut bytes = Vec::with_capacity((pixel_words + numbers.len()) * PACKED);
    bytes.extend_from_slice(pixels);
    bytes.resize(pixel_words * PACKED, 0);
    bytes.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
    let words = [pixel_words + numbers.len()];
    let data = TensorData::from_bytes_vec(bytes, words, DType::U32);
    let words = Tensor::<1, Int>::from_data(data, (&device.clone().inner(), DType::U32));
    let words = words.try_into_primitive::<Cube>().expect(ON_GPU);
    let result = empty(&words, shape);
    let client = words.client.clone();
    let units = CubeDim::new(&client, pixel_words);
    look_up::launch(
        &client,
        calculate_cube_count_elemwise(&client, pixel_words, units),
        units,
        words.into_buffer_arg(),
        result.clone().into_buffer_arg(),
        pixel_words as u32,
    );
    let there: Tensor<D> = tensor(result);
    if device.is_autodiff() { there.autodiff() } else { there }
}

/// Each thread has the samples of a word. The numbers of all samples lie behind the words.
#[cube(launch)]
fn look_up(words: &[u32], result: &mut [f32], pixel_words: u32) {
    let at = ABSOLUTE_POS;
    if at >= pixel_words as usize {
        terminate!();
    }
    let word = words[at];
    #[unroll]
    for part in 0..PACKED {
        let place = at * PACKED + part;
        if place < result.len() {
            let sample = (word >> (8 * part) as u32) & 255u32;
            result[place] = f32::reinterpret(words[(pixel_words + sample) as usize]);
        }
    }
}

#[cfg(all(test, feature = "cpu"))]
mod tests {
    use burn::tensor::{Device, DeviceKind, Tensor};

    use crate::image::{CHANNELS, Images};
    use crate::read::read;

    #[test]
    fn numbers_on_wgpu_are_the_cpus_to_the_bit() {
        let gpu = Device::wgpu(DeviceKind::DefaultDevice);
        // Of the first, a word is not full.
        for [count, height, width] in [[1, 5, 5], [2, 31, 32], [5, 96, 96]] {
            let samples = count * CHANNELS * height * width;
            let pixels: Vec<u8> =
                (0..samples).map(|place| (place * 7 + place / 256) as u8).collect();
            let images = Images::new(pixels, [count, height, width]).unwrap();
            let bits = |images: Tensor<4>| -> Vec<u32> {
                assert_eq!(images.dims(), [count, CHANNELS, height, width]);
                let numbers = pollster::block_on(read(images)).unwrap();
                numbers.into_iter().map(f32::to_bits).collect()
            };
            let expected = bits(images.to_device(&Device::flex()));
            assert_eq!(bits(images.to_device(&gpu)), expected);
            let tracked = images.to_device(&gpu.clone().autodiff());
            assert!(tracked.is_autodiff());
            assert_eq!(bits(tracked), expected);
        }
    }
}
