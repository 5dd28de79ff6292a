//! What classifiers say of images that they have not learnt from.

use burn::tensor::Device;

use crate::error::Error;
use crate::probe::Labelled;
use crate::probe::linear::{LinearFit, LinearSettings, Parts};

/// Probabilities of classes by a linear probe that was fitted to the images of the other parts, with the
/// penalty that suits them best, `[n, classes]`: cross-validation.
///
/// # Errors
/// [`Error::TooFew`] where a part leaves fewer than two classes to learn from, or lacks a class,
/// [`Error::Device`] when the device fails.
pub async fn probabilities(
    images: Labelled<'_>,
    folds: &[usize],
    device: &Device,
) -> Result<Vec<f32>, Error> {
    let count = folds.iter().max().map_or(0, |&last| last + 1);
    let parts = Parts { of: folds.to_vec(), count };
    let mut fit = LinearFit::new(images, LinearSettings::default(), &parts)?;
    while fit.advance(images, device).await?.is_some() {}
    let held_out = fit.held_out(images);
    let unjudged = held_out.chunks_exact(images.classes).filter(|row| row[0].is_nan()).count();
    if unjudged > 0 {
        let (what, expected) = ("images whose class other parts have", images.labels.len());
        return Err(Error::TooFew { what, expected, got: expected - unjudged });
    }
    Ok(held_out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::Features;
    use crate::rng::{Purpose, stream};

    #[test]
    fn an_image_is_judged_by_others_alone() {
        let mut stream = stream(2, Purpose::Test, 0, 0);
        let mut labels: Vec<u16> = (0..60).map(|i| i % 2).collect();
        let place = |label: &u16| f64::from(*label) * 8.0 + stream.normal();
        let values = labels.iter().map(place).map(|x| x as f32).collect();
        let features = Features { values, dim: 1 };
        labels[10] = 1;
        let folds: Vec<usize> = (0..60).map(|i| i / 12).collect();
        let images = Labelled { features: &features, labels: &labels, classes: 2 };
        let device = Device::flex();
        let told = probabilities(images, &folds, &device);
        let told = pollster::block_on(told).unwrap();
        assert_eq!(told.len(), 120);
        for row in told.chunks(2) {
            assert!((row[0] + row[1] - 1.0).abs() < 1e-5);
        }
        assert!(told[20] > 0.6, "the others say that image 10 is of class 0: {}", told[20]);
        let one = Labelled { labels: &labels, features: &features, classes: 1 };
        let error = probabilities(one, &folds, &device);
        assert_eq!(pollster::block_on(error).expect_err("one class").code(), "TOO_FEW");
    }
}
