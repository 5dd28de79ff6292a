//! Margin sampling (Scheffer, Decomain and Wrobel 2001).

use serde::Serialize;

use crate::rows::largest;

/// The two most likely classes of an image, and their probabilities, most likely first.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "typescript", derive(tsify::Tsify))]
pub struct Margin {
    /// Classes.
    pub classes: [u16; 2],
    /// Their probabilities.
    pub shares: [f32; 2],
}

impl Margin {
    /// Of probabilities of at least two classes.
    pub(super) fn of(shares: &[f32]) -> Self {
        let best = largest(shares, 2);
        Self {
            classes: [best[0] as u16, best[1] as u16],
            shares: [shares[best[0]], shares[best[1]]],
        }
    }

    /// How much likelier the first is.
    pub(super) fn width(&self) -> f32 {
        self.shares[0] - self.shares[1]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_margin_is_between_the_two_likeliest() {
        let margin = Margin::of(&[0.2, 0.1, 0.4, 0.3]);
        assert_eq!((margin.classes, margin.shares), ([2, 3], [0.4, 0.3]));
        assert!((margin.width() - 0.1).abs() < 1e-6);
    }
}
