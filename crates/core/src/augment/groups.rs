//! Each picture of a batch to the change that it drew, each change once over all of its pictures.

use burn::tensor::{Device, Int, Tensor, TensorData};

/// Changes each group of pictures `[n, 3, h, w]` by itself; pictures of no group stay as they are.
///
/// `change` gets a group, the places of its pictures in the batch, and the pictures.
pub(super) fn each_group<G: Copy + PartialEq>(
    images: Tensor<4>,
    groups: &[Option<G>],
    change: impl Fn(G, &[usize], Tensor<4>) -> Tensor<4>,
) -> Tensor<4> {
    let mut kinds: Vec<Option<G>> = Vec::new();
    for group in groups {
        if !kinds.contains(group) {
            kinds.push(*group);
        }
    }
    let members = |kind: &Option<G>| -> Vec<usize> {
        (0..groups.len()).filter(|&place| groups[place] == *kind).collect()
    };
    let changed = |kind: &Option<G>, places: &[usize], part| match kind {
        Some(group) => change(*group, places, part),
        None => part,
    };
    if let [kind] = &kinds[..] {
        return changed(kind, &members(kind), images);
    }
    let device = images.device();
    let (mut parts, mut order) = (Vec::new(), Vec::new());
    for kind in &kinds {
        let places = members(kind);
        parts.push(changed(kind, &places, images.clone().select(0, upload(&places, &device))));
        order.extend(places);
    }
    let mut back = vec![0; order.len()];
    for (place, &picture) in order.iter().enumerate() {
        back[picture] = place;
    }
    Tensor::cat(parts, 0).select(0, upload(&back, &device))
}

/// Places in a batch, on its device.
fn upload(places: &[usize], device: &Device) -> Tensor<1, Int> {
    let places: Vec<i32> = places.iter().map(|&place| place as i32).collect();
    let count = places.len();
    Tensor::from_data(TensorData::new(places, [count]), device)
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests run natively and read what they computed")]
mod tests {
    use super::*;

    #[test]
    fn every_picture_meets_its_own_change_and_keeps_its_place() {
        let pixels: Vec<f32> = (0..5 * 3).map(|x| x as f32).collect();
        let images = TensorData::new(pixels.clone(), [5, 3, 1, 1]);
        let groups = [Some(100.0), None, Some(200.0), Some(100.0), None];
        let changed = each_group(
            Tensor::from_data(images, &Device::flex()),
            &groups,
            |term: f64, places, part| {
                assert!(places.iter().all(|&place| groups[place] == Some(term)));
                part.add_scalar(term)
            },
        );
        let expected: Vec<f32> = pixels
            .iter()
            .enumerate()
            .map(|(i, x)| x + groups[i / 3].unwrap_or(0.0) as f32)
            .collect();
        assert_eq!(changed.into_data().try_to_vec::<f32>().unwrap(), expected);
    }
}
