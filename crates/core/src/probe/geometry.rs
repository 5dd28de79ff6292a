//! How features lie in space: what can be said of an encoder without labels.

use burn::tensor::{Device, Tensor, TensorData};

use super::Features;
use super::measure::{ALIGNMENT, Measure, RANK_ME, SPREAD, UNIFORMITY};
use super::rank_me::rank_me;
use super::sphere::{alignment, uniformity};
use crate::error::Error;
use crate::metrics::feature_spread;
use crate::read::read;

/// Four measures of features, none of which needs a label.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Geometry {
    /// [`rank_me`].
    pub rank_me: f64,
    /// [`alignment`].
    pub alignment: f64,
    /// [`uniformity`].
    pub uniformity: f64,
    /// [`feature_spread`].
    pub spread: f64,
}

impl Geometry {
    /// Of clean features, and of features of two views of the same images.
    ///
    /// # Errors
    /// [`Error::TooFew`] for fewer than two images, [`Error::Dimension`] where features of views have
    /// other lengths than each other, [`Error::Device`] when the device fails.
    pub async fn of(
        clean: &Features,
        views: [&Features; 2],
        device: &Device,
    ) -> Result<Self, Error> {
        let uniformity = uniformity(clean)?;
        let alignment = alignment(views[0], views[1])?;
        Ok(Self {
            rank_me: rank_me(clean),
            alignment,
            uniformity,
            spread: spread(clean, device).await?,
        })
    }

    /// Each with its description.
    pub fn described(&self) -> [(Measure, f64); 4] {
        let Self { rank_me, alignment, uniformity, spread } = *self;
        [(RANK_ME, rank_me), (ALIGNMENT, alignment), (UNIFORMITY, uniformity), (SPREAD, spread)]
    }
}

/// [`feature_spread`] of features on the host, in [0, 1].
///
/// # Errors
/// [`Error::TooFew`] without features, [`Error::Device`] when the device fails.
pub async fn spread(features: &Features, device: &Device) -> Result<f64, Error> {
    if features.is_empty() {
        return Err(Error::TooFew { what: "pictures to measure", expected: 1, got: 0 });
    }
    let data = TensorData::new(features.values.clone(), [features.len(), features.dim]);
    let spread = read(feature_spread(Tensor::from_data(data, device))).await?;
    Ok(f64::from(spread[0]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Purpose, stream};

    fn of(clean: &Features, views: [&Features; 2]) -> Geometry {
        pollster::block_on(Geometry::of(clean, views, &Device::flex())).unwrap()
    }

    /// Features that fill the sphere, and the same around one direction.
    #[test]
    fn healthy_features_differ_from_collapsed_ones_in_every_measure() {
        let mut stream = stream(8, Purpose::Test, 0, 0);
        let mut drawn = |deviation: f64, mean: f64| Features {
            values: (0..400 * 16).map(|_| (mean + deviation * stream.normal()) as f32).collect(),
            dim: 16,
        };
        let (full, other) = (drawn(1.0, 0.0), drawn(1.0, 0.0));
        let (narrow, near) = (drawn(0.01, 1.0), drawn(0.01, 1.0));
        let healthy = of(&full, [&full, &other]);
        let collapsed = of(&narrow, [&narrow, &near]);
        assert!(healthy.rank_me > 15.5 && collapsed.rank_me < 3.0, "{healthy:?} {collapsed:?}");
        assert!((healthy.alignment - 2.0).abs() < 0.1 && collapsed.alignment < 0.01);
        assert!(healthy.uniformity < -3.3 && collapsed.uniformity > -0.01);
        assert!((healthy.spread - 1.0).abs() < 0.02 && collapsed.spread < 0.05);
    }

    #[test]
    fn one_picture_is_too_few() {
        let one = Features { values: vec![1.0, 2.0], dim: 2 };
        let alone = pollster::block_on(Geometry::of(&one, [&one, &one], &Device::flex()));
        assert_eq!(alone.expect_err("no pair").code(), "TOO_FEW");
    }
}
