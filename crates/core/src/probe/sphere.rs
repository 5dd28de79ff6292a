//! Alignment and uniformity: how features lie on the unit sphere (Wang and Isola 2020, section 4.1).

use super::Features;
use super::distance::squared_distance;
use crate::error::Error;

/// The t of the paper's Gaussian potential.
pub const POTENTIAL: f64 = 2.0;

/// Mean squared distance of the unit features of two views of the same images, in [0, 4]: 0 where
/// views of an image are one point, 2 where they have nothing in common.
///
/// # Errors
/// [`Error::TooFew`] without images or where the views are of other numbers of images,
/// [`Error::Dimension`] where their features have other lengths.
pub fn alignment(first: &Features, second: &Features) -> Result<f64, Error> {
    if first.dim != second.dim {
        return Err(Error::Dimension { expected: first.dim, got: second.dim });
    }
    if first.is_empty() || first.len() != second.len() {
        let (expected, got) = (first.len().max(second.len()).max(1), first.len().min(second.len()));
        return Err(Error::TooFew { what: "pictures seen twice", expected, got });
    }
    let (first, second) = (first.unit(), second.unit());
    let apart = |place| f64::from(squared_distance(first.row(place), second.row(place)));
    Ok((0..first.len()).map(apart).sum::<f64>() / first.len() as f64)
}

/// Logarithm of the mean Gaussian potential exp(-2·‖x - y‖²) of all pairs of unit features: 0 where
/// all are one point, near -4 where they are spread as evenly as many dimensions allow.
///
/// # Errors
/// [`Error::TooFew`] for fewer than two images.
pub fn uniformity(features: &Features) -> Result<f64, Error> {
    let count = features.len();
    if count < 2 {
        return Err(Error::TooFew { what: "pictures to pair", expected: 2, got: count });
    }
    let unit = features.unit();
    let potential = |place: usize, other: usize| {
        (-POTENTIAL * f64::from(squared_distance(unit.row(place), unit.row(other)))).exp()
    };
    let pairs = (0..count).flat_map(|place| (0..place).map(move |other| (place, other)));
    let sum: f64 = pairs.map(|(place, other)| potential(place, other)).sum();
    Ok((2.0 * sum / (count * (count - 1)) as f64).ln())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn features(rows: &[[f32; 2]]) -> Features {
        Features { values: rows.as_flattened().to_vec(), dim: 2 }
    }

    #[test]
    fn alignment_is_the_mean_squared_distance_of_directions() {
        let first = features(&[[2.0, 0.0], [0.0, 1.0], [1.0, 0.0]]);
        let second = features(&[[5.0, 0.0], [3.0, 0.0], [-1.0, 0.0]]);
        assert!((alignment(&first, &second).unwrap() - (0.0 + 2.0 + 4.0) / 3.0).abs() < 1e-6);
    }

    #[test]
    fn uniformity_is_zero_in_one_place_and_known_on_a_square() {
        assert!(uniformity(&features(&[[1.0, 1.0], [2.0, 2.0]])).unwrap().abs() < 1e-6);
        let square = features(&[[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]]);
        // Four sides of squared length 2 and two diagonals of 4.
        let expected = ((4.0 * (-4.0_f64).exp() + 2.0 * (-8.0_f64).exp()) / 6.0).ln();
        assert!((uniformity(&square).unwrap() - expected).abs() < 1e-5);
    }

    #[test]
    fn what_cannot_be_paired_is_refused() {
        let (one, two) = (features(&[[1.0, 0.0]]), features(&[[1.0, 0.0], [0.0, 1.0]]));
        let wide = Features { values: vec![1.0; 3], dim: 3 };
        assert_eq!(uniformity(&one).expect_err("a pair").code(), "TOO_FEW");
        assert_eq!(alignment(&one, &two).expect_err("other numbers").code(), "TOO_FEW");
        let none = Features { values: vec![], dim: 2 };
        assert_eq!(alignment(&none, &none).expect_err("none").code(), "TOO_FEW");
        assert_eq!(alignment(&one, &wide).expect_err("other lengths").code(), "DIMENSION");
    }
}
