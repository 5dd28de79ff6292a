//! Pictures of a batch on the CPU, each changed where it lies.

use burn::backend::Flex;
use burn::tensor::Tensor;

use super::LUMA;
use crate::array::{array, plain};
use crate::threads;

/// Changes the samples of each picture, `[3, h, w]`; `change` gets its place in the batch, too. All
/// threads share the work.
pub(super) fn each_picture(
    images: Tensor<4>,
    change: impl Fn(usize, &mut [f32]) + Send + Sync,
) -> Tensor<4> {
    let [_, planes, height, width] = images.dims();
    let size = planes * height * width;
    let mut images = plain(images).to_contiguous();
    if size > 0 {
        threads::each_part(images.storage_mut(), size, change);
    }
    Tensor::from_primitive::<Flex>(images)
}

/// Changes the samples of the pictures that are `chosen`.
pub(super) fn each_chosen(
    images: Tensor<4>,
    chosen: &[bool],
    change: impl Fn(&mut [f32]) + Send + Sync,
) -> Tensor<4> {
    each_picture(images, |place, picture| {
        if chosen[place] {
            change(picture);
        }
    })
}

/// Takes the samples of `images` where a picture of `changed` was not `chosen`.
pub(super) fn where_chosen(
    images: Tensor<4>,
    changed: Tensor<4>,
    chosen: impl Iterator<Item = bool>,
) -> Tensor<4> {
    let images = plain(images).to_contiguous();
    let chosen: Vec<bool> = chosen.collect();
    each_picture(changed, |place, picture| {
        if !chosen[place] {
            let own = &images.storage()[place * picture.len()..][..picture.len()];
            picture.copy_from_slice(own);
        }
    })
}

/// Changes the colour of each pixel of a picture, `[3, h, w]`.
pub(super) fn each_pixel(picture: &mut [f32], change: impl Fn([f32; 3]) -> [f32; 3]) {
    let (red, others) = picture.split_at_mut(picture.len() / 3);
    let (green, blue) = others.split_at_mut(others.len() / 2);
    for ((red, green), blue) in red.iter_mut().zip(green).zip(blue) {
        [*red, *green, *blue] = change([*red, *green, *blue]);
    }
}

/// The luma of each pixel, `[n, 1, h, w]`.
pub(super) fn gray(images: Tensor<4>) -> Tensor<4> {
    let [n, _, height, width] = images.dims();
    let area = height * width;
    let images = plain(images).to_contiguous();
    let mut lumas = threads::zeros(n * area);
    if area > 0 {
        threads::each_part(&mut lumas, area, |place, lumas| {
            let picture = &images.storage::<f32>()[place * 3 * area..][..3 * area];
            let (red, others) = picture.split_at(area);
            let (green, blue) = others.split_at(area);
            let colours = red.iter().zip(green).zip(blue);
            for (((&red, &green), &blue), own) in colours.zip(lumas) {
                *own = luma([red, green, blue]);
            }
        });
    }
    Tensor::from_primitive::<Flex>(array(lumas, [n, 1, height, width]))
}

/// The luma of a colour.
pub(super) fn luma(colour: [f32; 3]) -> f32 {
    let [red, green, blue] = [0, 1, 2].map(|plane| LUMA[plane] as f32 * colour[plane]);
    red + green + blue
}
