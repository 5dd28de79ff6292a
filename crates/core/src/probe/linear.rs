//! A linear classifier on frozen features: multinomial logistic regression whose penalty is chosen by
//! cross-validation.

#[cfg(feature = "cpu")]
mod cpu;
mod problem;
mod search;

use burn::tensor::activation::softmax;
use burn::tensor::{Device, Int, Tensor, TensorData};

pub use search::{LinearFit, Parts, STRENGTH_OF_ONE, STRENGTHS};

use super::knn::best;
use super::{Features, Labelled};
use crate::archive::{Archive, Stored};
use crate::error::Error;
use crate::read::read;
use crate::rows::products;

/// Settings of the fit: the mean cross-entropy on standardised features plus `strength / 2` times the
/// sum of squared weights (biases are free), at its minimum.
///
/// With n images of equal weight, scikit-learn's `C` is 1 / (n · strength).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LinearSettings {
    /// Strength of the penalty, above 0; chosen by cross-validation where none is given.
    pub strength: Option<f64>,
    /// What images of classes of unlike size weigh.
    pub balance: Balance,
}

/// A fitted classifier.
#[derive(Clone, Debug)]
pub struct LinearProbe {
    /// `[classes, dim]`, for features as they come (standardisation folded in).
    pub(super) weight: Tensor<2>,
    /// `[1, classes]`.
    pub(super) bias: Tensor<2>,
}

/// A classifier, and how it was found.
#[derive(Clone, Debug)]
pub struct Fitted {
    /// Fitted to all images.
    pub probe: LinearProbe,
    /// The penalty's strength.
    pub strength: f64,
    /// Strengths that were tried, from the strongest on; none where it was given.
    pub tried: Vec<Tried>,
    /// Probabilities of images by classifiers of that strength that were fitted without them,
    /// `[n, classes]`; NaN for an image that no classifier could judge.
    pub held_out: Vec<f32>,
}

/// What a strength gave on images that were kept aside.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tried {
    /// The penalty's strength.
    pub strength: f64,
    /// Mean cross-entropy; every class weighs the same where classes are balanced.
    pub loss: f64,
    /// Share told right.
    pub accuracy: f64,
}

impl LinearProbe {
    /// Fits a classifier to features and their labels. Deterministic: classes are cut into five parts in
    /// the order of their images, and each part is predicted by the others; of more than 5,000 images one
    /// part is.
    ///
    /// # Errors
    /// Those of [`LinearFit::new`] and [`LinearFit::finish`].
    pub async fn fit(
        images: Labelled<'_>,
        settings: LinearSettings,
        device: &Device,
    ) -> Result<Fitted, Error> {
        let mut fit = LinearFit::new(images, settings, &Parts::of(images.labels))?;
        while fit.advance(images, device).await?.is_some() {}
        fit.finish(images, device).await
    }

    /// The class of each image.
    ///
    /// # Errors
    /// [`Error::Device`] when the device fails.
    pub async fn predict(&self, features: &Features) -> Result<Vec<u16>, Error> {
        let [classes, _] = self.weight.dims();
        let logits = read(self.logits(features)).await?;
        Ok(logits.chunks(classes).map(best).collect())
    }

    /// Probabilities of the classes of each image, `[n, classes]`; a row sums to 1.
    ///
    /// # Errors
    /// [`Error::Device`] when the device fails.
    pub async fn probabilities(&self, features: &Features) -> Result<Vec<f32>, Error> {
        read(softmax(self.logits(features), 1)).await
    }

    /// `[n, classes]`.
    fn logits(&self, features: &Features) -> Tensor<2> {
        let x = upload(features, &self.weight.device());
        products(x, self.weight.clone()) + self.bias.clone()
    }

    /// Waits for the weights, `[classes, dim]`, and the biases, `[classes]`.
    ///
    /// # Errors
    /// [`Error::Device`] when reading fails.
    pub async fn weights(&self) -> Result<[Stored; 2], Error> {
        let bias = self.bias.clone().flatten::<1>(0, 1);
        Ok([Stored::read(self.weight.clone()).await?, Stored::read(bias).await?])
    }

    /// Adds the probe to a checkpoint as `probe.weight` `[classes, dim]` and `probe.bias`.
    ///
    /// # Errors
    /// [`Error::Device`] when reading fails.
    pub async fn store(&self, archive: &mut Archive) -> Result<(), Error> {
        let [weight, bias] = self.weights().await?;
        archive.tensors.insert("probe.weight".into(), weight);
        archive.tensors.insert("probe.bias".into(), bias);
        Ok(())
    }
}

/// `[n, dim]`.
pub(crate) fn upload(features: &Features, device: &Device) -> Tensor<2> {
    let data = TensorData::new(features.values.clone(), [features.len(), features.dim]);
    Tensor::from_data(data, device)
}

/// What images of classes of unlike size weigh.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Balance {
    /// Every image the same.
    #[default]
    Pictures,
    /// Every class the same.
    Classes,
}

impl Balance {
    /// What each image weighs; they sum to 1.
    fn shares(self, labels: &[u16], classes: usize) -> Vec<f32> {
        let mut counts = vec![0; classes];
        labels.iter().for_each(|&label| counts[usize::from(label)] += 1);
        let present = counts.iter().filter(|&&count| count > 0).count();
        let share = |&label: &u16| match self {
            Self::Pictures => 1.0 / labels.len() as f32,
            Self::Classes => 1.0 / (present * counts[usize::from(label)]) as f32,
        };
        labels.iter().map(share).collect()
    }
}

/// `[n, classes]`, 1 at each label.
pub(crate) fn one_hot(labels: &[u16], classes: usize, device: &Device) -> Tensor<2> {
    let labels: Vec<i32> = labels.iter().map(|&label| i32::from(label)).collect();
    let n = labels.len();
    let labels = Tensor::<2, Int>::from_data(TensorData::new(labels, [n, 1]), device);
    labels.equal(Tensor::<1, Int>::arange(0..classes as i64, device).reshape([1, classes])).float()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Purpose, stream};

    /// Three clouds in the plane, far from the origin and of unlike spread.
    fn clouds() -> (Features, Vec<u16>) {
        let mut stream = stream(2, Purpose::Test, 0, 0);
        let mut features = Features { values: vec![], dim: 2 };
        let labels: Vec<u16> = (0..90).map(|i| i % 3).collect();
        for label in &labels {
            let centre = [[10.0, 0.0], [10.0, 500.0], [13.0, 0.0]][usize::from(*label)];
            let spread = [0.3, 30.0];
            for axis in 0..2 {
                features.values.push((centre[axis] + spread[axis] * stream.normal()) as f32);
            }
        }
        (features, labels)
    }

    fn fit(features: &Features, labels: &[u16], settings: LinearSettings) -> Fitted {
        let classes = labels.iter().max().map_or(0, |&most| usize::from(most) + 1);
        let images = Labelled { features, labels, classes };
        pollster::block_on(LinearProbe::fit(images, settings, &Device::flex())).unwrap()
    }

    #[test]
    fn separable_clouds_are_told_apart() {
        let (features, labels) = clouds();
        let fitted = fit(&features, &labels, LinearSettings::default());
        assert_eq!(pollster::block_on(fitted.probe.predict(&features)).unwrap(), labels);
        assert!(fitted.strength < 0.05, "what is clear needs little penalty: {}", fitted.strength);
        assert!(fitted.tried.len() > 3 && fitted.held_out.iter().all(|share| share.is_finite()));
    }

    /// The gradient of the first of two classes' weights by the definition, in double precision, for
    /// standardised features.
    fn slope(features: &Features, labels: &[u16], fitted: &Fitted, balance: Balance) -> [f64; 2] {
        let [weight, bias] = pollster::block_on(fitted.probe.weights()).unwrap();
        let n = labels.len() as f64;
        let column = |axis: usize| features.values.iter().skip(axis).step_by(2);
        let mean = [0, 1].map(|axis| column(axis).map(|&x| f64::from(x)).sum::<f64>() / n);
        let deviation = [0, 1].map(|axis| {
            let off = column(axis).map(|&x| (f64::from(x) - mean[axis]).powi(2)).sum::<f64>();
            (off / n).sqrt()
        });
        let logit = |row: &[f32], class: usize| {
            let weights = &weight.values[2 * class..][..2];
            f64::from(weights[0] * row[0] + weights[1] * row[1] + bias.values[class])
        };
        let error = |image: usize, share: f32| {
            let row = features.row(image);
            let likely = 1.0 / (1.0 + (logit(row, 1) - logit(row, 0)).exp());
            f64::from(share) * (likely - f64::from(u8::from(labels[image] == 0)))
        };
        let errors: Vec<f64> =
            balance.shares(labels, 2).into_iter().enumerate().map(|(i, s)| error(i, s)).collect();
        [0, 1].map(|axis| {
            let penalty = fitted.strength * f64::from(weight.values[axis]) * deviation[axis];
            let terms = column(axis).zip(&errors);
            let terms = terms.map(|(&x, error)| error * (f64::from(x) - mean[axis]));
            penalty + terms.sum::<f64>() / deviation[axis]
        })
    }

    #[test]
    fn the_gradient_of_the_penalised_loss_vanishes() {
        let (features, labels) = clouds();
        let labels: Vec<u16> = labels.iter().map(|&label| label.min(1)).collect();
        for (strength, balance) in [(0.3, Balance::Pictures), (1e-3, Balance::Classes)] {
            let settings = LinearSettings { strength: Some(strength), balance };
            let fitted = fit(&features, &labels, settings);
            let slope = slope(&features, &labels, &fitted, balance);
            assert!(slope.iter().all(|x| x.abs() < 2e-5), "the gradient is {slope:?}");
        }
    }

    /// Labels by chance teach nothing: the strongest penalties are the best, and images that were kept
    /// aside are told about as well as by guessing.
    #[test]
    fn chance_is_penalised() {
        let (features, _) = clouds();
        let mut stream = stream(5, Purpose::Test, 0, 0);
        let labels: Vec<u16> = (0..90).map(|_| stream.below(2) as u16).collect();
        let fitted = fit(&features, &labels, LinearSettings::default());
        assert!(fitted.strength >= 0.3, "{:?}", fitted.tried);
        let best = fitted.tried.iter().find(|tried| tried.strength == fitted.strength).unwrap();
        assert!((best.loss - 2_f64.ln()).abs() < 0.05, "{best:?}");
    }

    #[test]
    fn one_image_a_class_has_nothing_to_keep_aside() {
        let (features, labels) = clouds();
        let fitted = fit(&features.select(&[0, 1, 2]), &labels[..3], LinearSettings::default());
        assert_eq!((fitted.strength, fitted.tried.len()), (STRENGTH_OF_ONE, 0));
        assert!(fitted.held_out.len() == 9 && fitted.held_out.iter().all(|share| share.is_nan()));
        assert_eq!(pollster::block_on(fitted.probe.predict(&features)).unwrap().len(), 90);
    }

    #[test]
    fn balanced_classes_weigh_the_same() {
        assert_eq!(
            Balance::Classes.shares(&[0, 0, 0, 2], 3),
            [1.0 / 6.0, 1.0 / 6.0, 1.0 / 6.0, 0.5]
        );
        assert_eq!(Balance::Pictures.shares(&[0, 0, 0, 2], 3), [0.25; 4]);
    }

    #[test]
    fn what_cannot_be_fitted_is_refused() {
        let (features, _) = clouds();
        let refused = |labels: &[u16], classes, settings| {
            let images = Labelled { features: &features, labels, classes };
            let device = Device::flex();
            let fitted = LinearProbe::fit(images, settings, &device);
            pollster::block_on(fitted).expect_err("nothing to fit").code()
        };
        assert_eq!(refused(&[0; 90], 1, LinearSettings::default()), "TOO_FEW");
        let none = LinearSettings { strength: Some(0.0), ..Default::default() };
        assert_eq!(refused(&[0; 90], 2, none), "SETTING");
    }
}
