//! Which settings and which images an encoder may have.

use super::mobilenet::Form;
use super::settings::EncoderSettings;
use super::{conv4, conv4_pool, mobilenet, mobilenet_v3, vit};
use crate::error::Error;
use crate::range;

impl EncoderSettings {
    /// Whether every setting is in its range.
    ///
    /// # Errors
    /// [`Error::Setting`] naming the first that is not.
    pub fn check(&self) -> Result<(), Error> {
        self.pixels().check()?;
        match *self {
            Self::Conv4 { width } | Self::Resnet { width, .. } => {
                range::count("encoder.width", width as u64, 1..=range::MOST_WIDTH)
            }
            Self::Conv4Pool { width, grid, features, .. } => {
                conv4_pool::Shape { width, grid, features }.check()
            }
            Self::Mobilenet { width_multiplier, .. } => {
                mobilenet::check_multiplier(width_multiplier)
            }
            Self::Vit { size, patch, registers, grid, .. } => {
                size.shape().check()?;
                vit::check_registers(registers)?;
                vit::check_grid(grid)?;
                vit::check_patch(patch)
            }
            Self::EfficientnetLite { ref size, .. } => size.shape().check(),
            Self::MobilenetV3 { width_multiplier, .. } => {
                mobilenet_v3::check_multiplier(width_multiplier)
            }
        }
    }

    /// Whether an encoder that is made for images of one side takes images of another.
    ///
    /// # Errors
    /// [`Error::Setting`] where it does not.
    pub fn takes(&self, side: usize, made_for: usize) -> Result<(), Error> {
        match *self {
            Self::Conv4 { .. } if conv4::last_side(side) != conv4::last_side(made_for) => {
                let expected = format!(
                    "{made_for}, or a side that leaves conv4's dense layer as many numbers"
                );
                Err(Error::setting("pretraining.views.side", expected, side))
            }
            Self::Conv4Pool { width, grid, features, .. } => {
                conv4_pool::Shape { width, grid, features }.check_side(side)
            }
            Self::Mobilenet { form: Form::Keras, .. } => mobilenet::check_keras_side(side),
            Self::Vit { patch, .. } => {
                let name = if side == made_for { "side" } else { "pretraining.views.side" };
                vit::check_side(name, side, patch)
            }
            Self::Conv4 { .. }
            | Self::Resnet { .. }
            | Self::Mobilenet { .. }
            | Self::EfficientnetLite { .. }
            | Self::MobilenetV3 { .. } => Ok(()),
        }
    }
}
