//! A run that begins a rounding error away.

use crate::archive::{Archive, Precision};
use crate::error::Error;

/// How many runs that begin a rounding error away tell what rounding does.
pub const REPEATS: u32 = 5;
/// Units in the last place by which weights move: about what adding a thousand numbers in another order
/// comes to.
const UNITS: u32 = 8;

/// The state of a run, with the weights of its encoder moved by eight units in the last place, up or down by
/// place and `repeat`.
///
/// # Errors
/// Those of [`Archive::from_bytes`] and [`Archive::get`].
pub fn perturbed(state: &[u8], repeat: u32) -> Result<Vec<u8>, Error> {
    let mut archive = Archive::from_bytes(state)?;
    let names: Vec<String> = archive.names_below("encoder.").map(ToOwned::to_owned).collect();
    for name in names {
        let mut stored = archive.get(&name)?.into_owned();
        for (place, value) in stored.values.iter_mut().enumerate() {
            *value = moved(*value, place as u32, repeat);
        }
        archive.tensors.insert(name, stored);
    }
    archive.to_bytes(Precision::Single)
}

/// A number some units in the last place away; what is too small for that, or none, stays.
fn moved(value: f32, place: u32, repeat: u32) -> f32 {
    if !value.is_normal() {
        return value;
    }
    // Knuth's multiplicative hash: neighbouring places go different ways.
    let up =
        place.wrapping_mul(2_654_435_761).wrapping_add(repeat.wrapping_mul(0x9e37_79b9)) >> 31 == 0;
    let bits = value.to_bits();
    let moved = f32::from_bits(if up { bits + UNITS } else { bits - UNITS });
    if moved.is_normal() { moved } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::Stored;

    #[test]
    fn weights_of_the_encoder_alone_move_by_a_millionth() {
        let values = vec![1.0, -0.03, 0.0, 5e-40, 1e30, f32::MAX, f32::MIN_POSITIVE];
        let stored = Stored { shape: vec![7], values: values.clone() };
        let mut archive = Archive { note: "{}".into(), ..Archive::default() };
        archive.tensors.insert("encoder.weight".into(), stored.clone());
        archive.tensors.insert("probe.weight".into(), stored.clone());
        let bytes = archive.to_bytes(Precision::Single).expect("sound");
        let repeats: Vec<Vec<f32>> = (0..REPEATS)
            .map(|repeat| {
                let moved = perturbed(&bytes, repeat).expect("sound");
                let moved = Archive::from_bytes(&moved).expect("its own");
                assert_eq!(*moved.get("probe.weight").expect("kept"), stored);
                moved.get("encoder.weight").expect("kept").values.clone()
            })
            .collect();
        for repeat in &repeats {
            assert_eq!(repeat[2..4], values[2..4], "nothing to move");
            for (moved, value) in repeat.iter().zip(&values) {
                assert!((moved - value).abs() <= 1e-6 * value.abs(), "{value} moved to {moved}");
            }
            assert!(repeat[0] != 1.0 && repeat[1] != -0.03 && repeat[4] != 1e30);
        }
        assert!(repeats.iter().any(|repeat| repeat != &repeats[0]), "repeats differ");
    }
}
