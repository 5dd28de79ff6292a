//! What frozen features of clean images are worth: linear probe and weighted neighbours.

use kith_core::Device;
use kith_core::encoder::Encoder;
use kith_core::probe::confusion::Confusion;
use kith_core::probe::knn::Vote;
use kith_core::probe::linear::{LinearProbe, LinearSettings};
use kith_core::probe::{Features, Labelled};
use kith_core::recipe::Recipe;
use kith_data::Split;
use serde::{Deserialize, Serialize};

use crate::device::Seeded;
use crate::eval::clusters::Clusters;
use crate::eval::geometry::Space;
use crate::eval::retrieval::Retrieval;
use crate::failure::Failure;
use crate::inference::{embed, look_up};
use crate::train::geometry;
use crate::train::splits::Splits;

/// Shares of test images told right.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Scores {
    pub(crate) linear: f64,
    /// k 200, temperature 0.1.
    #[serde(rename = "knn_200_0.1")]
    pub(crate) wide: f64,
    /// k 20, temperature 0.07.
    #[serde(rename = "knn_20_0.07")]
    pub(crate) narrow: f64,
    /// Of the linear probe.
    #[serde(skip)]
    pub(crate) confusion: Confusion,
    /// The same probes on images to choose by; none where none are kept aside.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) validation: Option<Validated>,
    /// Among the test images.
    pub(crate) retrieval: Retrieval,
    /// Numbers an image.
    #[serde(rename = "features")]
    pub(crate) dim: usize,
    /// Of some of the test images; none of fewer than two.
    #[serde(flatten)]
    pub(crate) space: Option<Space>,
    /// Of some of the test images; none of fewer images than classes.
    #[serde(rename = "k_means")]
    pub(crate) clusters: Option<Clusters>,
}

/// Shares of the validation images told right.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Validated {
    pub(crate) linear: f64,
    /// k 200, temperature 0.1.
    #[serde(rename = "knn_200_0.1")]
    pub(crate) wide: f64,
    /// k 20, temperature 0.07.
    #[serde(rename = "knn_20_0.07")]
    pub(crate) narrow: f64,
}

impl Scores {
    /// What features are like and whether clusters of them are the classes, a line each.
    pub(crate) fn words_of_features(&self) -> impl Iterator<Item = String> {
        let space = self.space.map(|space| space.words(self.dim));
        space.into_iter().chain(self.clusters.map(Clusters::words))
    }
}

/// Classes of the test images as each probe names them.
#[derive(Clone, Debug)]
pub(crate) struct Predictions {
    pub(crate) linear: Vec<u16>,
    /// k 200, temperature 0.1.
    pub(crate) wide: Vec<u16>,
    /// k 20, temperature 0.07.
    pub(crate) narrow: Vec<u16>,
}

/// Features of all images that an evaluation looks at.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sets {
    pub(crate) labelled: Features,
    /// None where no image with a label is kept aside.
    pub(crate) validation: Features,
    pub(crate) test: Features,
}

impl Sets {
    /// Computed by an encoder.
    pub(crate) fn embedded(
        encoder: &Encoder,
        splits: &Splits,
        device: &Device,
    ) -> Result<Self, Failure> {
        let of = |split| embed(encoder, split, device);
        let aside = labels_of(&splits.validation).is_some();
        Ok(Self {
            labelled: of(&splits.labelled)?,
            validation: if aside { of(&splits.validation)? } else { Features::default() },
            test: of(&splits.test)?,
        })
    }
}

/// Whether there are labelled images to fit probes on, and to test them.
pub(crate) fn are_judged(splits: &Splits) -> bool {
    [&splits.labelled, &splits.test].into_iter().all(|split| labels_of(split).is_some())
}

/// The labels of images; none where there is no image.
pub(crate) fn labels_of(split: &Split) -> Option<&[u16]> {
    split.labels().filter(|labels| !labels.is_empty())
}

/// Both probes, fitted on labelled images.
struct Probes<'a> {
    bank: &'a Features,
    labels: &'a [u16],
    classes: usize,
    linear: LinearProbe,
    device: &'a Device,
}

impl<'a> Probes<'a> {
    fn fit(images: Labelled<'a>, device: &'a Device) -> Result<Self, Failure> {
        let Labelled { features: bank, labels, classes } = images;
        let fitted = LinearProbe::fit(images, LinearSettings::default(), device);
        let linear = pollster::block_on(fitted)?.probe;
        Ok(Self { bank, labels, classes, linear, device })
    }

    fn predict(&self, queries: &Features) -> Result<Predictions, Failure> {
        let linear = pollster::block_on(self.linear.predict(queries))?;
        let found = look_up(queries, self.bank, Vote::WIDE.k, self.device)?;
        let voted = |vote| found.predictions(self.labels, self.classes, vote);
        let (wide, narrow) = (voted(Vote::WIDE), voted(Vote::NARROW));
        Ok(Predictions { linear, wide, narrow })
    }

    /// Of images to choose by; none where there are none.
    fn validated(
        &self,
        queries: &Features,
        validation: &Split,
    ) -> Result<Option<Validated>, Failure> {
        let Some(truth) = labels_of(validation) else { return Ok(None) };
        let predictions = self.predict(queries)?;
        let share = |predicted| Confusion::count(self.classes, truth, predicted).accuracy();
        Ok(Some(Validated {
            linear: share(&predictions.linear),
            wide: share(&predictions.wide),
            narrow: share(&predictions.narrow),
        }))
    }
}

/// Fits on labelled images and predicts the test images; none without labels.
pub(crate) fn predictions(
    encoder: &Encoder,
    labelled: &Split,
    test: &Split,
    classes: usize,
    device: &Device,
) -> Result<Option<Predictions>, Failure> {
    let (Some(labels), Some(_)) = (labels_of(labelled), labels_of(test)) else { return Ok(None) };
    let bank = embed(encoder, labelled, device)?;
    let probes = Probes::fit(Labelled { features: &bank, labels, classes }, device)?;
    probes.predict(&embed(encoder, test, device)?).map(Some)
}

/// Fits on the labelled images and measures on the test images; none without labels. The recipe's views
/// are those that features should not tell apart.
pub(crate) fn evaluate(
    encoder: &Encoder,
    recipe: &Recipe,
    splits: &Splits,
    seeded: Seeded<'_>,
) -> Result<Option<Scores>, Failure> {
    if !are_judged(splits) {
        return Ok(None);
    }
    let sets = Sets::embedded(encoder, splits, seeded.device)?;
    evaluate_features(&sets, (encoder, recipe), splits, seeded)
}

/// The same with features that there are already; the encoder shows what views change.
pub(crate) fn evaluate_features(
    sets: &Sets,
    (encoder, recipe): (&Encoder, &Recipe),
    splits: &Splits,
    seeded: Seeded<'_>,
) -> Result<Option<Scores>, Failure> {
    let Seeded { device, seed } = seeded;
    let classes = splits.classes();
    let (Some(labels), Some(truth)) = (labels_of(&splits.labelled), labels_of(&splits.test)) else {
        return Ok(None);
    };
    let probes = Probes::fit(Labelled { features: &sets.labelled, labels, classes }, device)?;
    let predictions = probes.predict(&sets.test)?;
    let count = |predicted| Confusion::count(classes, truth, predicted);
    let confusion = count(&predictions.linear);
    Ok(Some(Scores {
        linear: confusion.accuracy(),
        wide: count(&predictions.wide).accuracy(),
        narrow: count(&predictions.narrow).accuracy(),
        confusion,
        validation: probes.validated(&sets.validation, &splits.validation)?,
        retrieval: Retrieval::of(&sets.test, &splits.test, device)?,
        dim: sets.test.dim,
        space: geometry::of(encoder, recipe, &splits.test, seeded)?.map(Space),
        clusters: Clusters::of(&sets.test, &splits.test, classes, seed)?,
    }))
}
