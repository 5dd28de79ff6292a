//! What classifiers say of images that they have not learnt from.

use burn::tensor::Device;

use crate::error::Error;
use crate::probe::Features;
use crate::probe::linear::{LinearProbe, LinearSettings};

/// Images with labels.
#[derive(Clone, Copy, Debug)]
pub struct Labelled<'a> {
    /// Features, a row an image.
    pub features: &'a Features,
    /// The label of every image, below `classes`.
    pub labels: &'a [u16],
    /// Number of classes.
    pub classes: usize,
}

/// Probabilities of classes by a linear probe that was fitted to the images of the other parts,
/// `[n, classes]`: cross-validation.
///
/// # Errors
/// [`Error::TooFew`] where a part leaves no images or fewer than two classes to learn from,
/// [`Error::Device`] when the device fails.
pub async fn probabilities(
    images: Labelled<'_>,
    folds: &[usize],
    settings: LinearSettings,
    device: &Device,
) -> Result<Vec<f32>, Error> {
    let Labelled { features, labels, classes } = images;
    let mut found = vec![0.0; labels.len() * classes];
    let parts = folds.iter().max().map_or(0, |&last| last + 1);
    for part in 0..parts {
        let (own, others): (Vec<usize>, Vec<usize>) =
            (0..labels.len()).partition(|&image| folds[image] == part);
        if own.is_empty() {
            continue;
        }
        let known: Vec<u16> = others.iter().map(|&image| labels[image]).collect();
        let probe = LinearProbe::fit(&features.select(&others), &known, classes, settings, device)?;
        let told = probe.probabilities(&features.select(&own)).await?;
        for (image, told) in own.into_iter().zip(told.chunks_exact(classes)) {
            found[image * classes..][..classes].copy_from_slice(told);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
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
        let settings = LinearSettings::default();
        let device = Device::flex();
        let told = probabilities(images, &folds, settings, &device);
        let told = pollster::block_on(told).unwrap();
        assert_eq!(told.len(), 120);
        for row in told.chunks(2) {
            assert!((row[0] + row[1] - 1.0).abs() < 1e-5);
        }
        assert!(told[20] > 0.6, "the others say that image 10 is of class 0: {}", told[20]);
        let one = Labelled { labels: &labels, features: &features, classes: 1 };
        let error = probabilities(one, &folds, settings, &device);
        assert_eq!(pollster::block_on(error).expect_err("one class").code(), "TOO_FEW");
    }
}
