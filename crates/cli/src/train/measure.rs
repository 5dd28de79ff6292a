//! What is measured after each epoch: a run's own classifier, and the features that it learns.

use kith_core::augment::policy::Draw;
use kith_core::checkpoint::Stage;
use kith_core::encoder::Encoder;
use kith_core::loss::cross_entropy;
use kith_core::metrics::{self, Metric};
use kith_core::probe::confusion::Confusion;
use kith_core::probe::geometry::Geometry;
use kith_core::probe::knn::Vote;
use kith_core::probe::measure::{ALIGNMENT, KNN_WIDE, Measure, RANK_ME, SPREAD, UNIFORMITY};
use kith_core::read::read;
use kith_core::recipe::Recipe;
use kith_core::rng::Purpose;
use kith_core::sampler::Visit;
use kith_core::trainer::{Task, Trainer};
use kith_core::{Int, Tensor};
use kith_data::Split;

use crate::device::Seeded;
use crate::failure::Failure;
use crate::inference::{embed, in_batches, look_up};
use crate::train::context::RunContext;
use crate::train::geometry;
use crate::train::readings::Readings;
use crate::train::record::Score;
use crate::train::splits::Splits;

/// Labelled images that vote each epoch; more would cost more than they tell.
const VOTERS: usize = 1_000;

/// What is measured of features after each epoch, besides neighbours of [`Vote::NARROW`].
const OF_FEATURES: [Measure; 5] = [RANK_ME, ALIGNMENT, UNIFORMITY, SPREAD, KNN_WIDE];

/// All that a trainer's records have.
pub(crate) fn metrics<T: Task>(trainer: &Trainer<T>) -> Vec<Metric> {
    let own = OF_FEATURES.iter().filter(|_| T::LEARNS_FEATURES).map(|measure| measure.metric);
    trainer.metrics().into_iter().chain(own).collect()
}

/// All that the records of a run of such a stage have.
pub(crate) fn metrics_of(stage: Stage, recipe: &Recipe) -> Vec<Metric> {
    let learns_features = stage == Stage::Pretrained;
    let own = OF_FEATURES.iter().filter(|_| learns_features).map(|measure| measure.metric);
    kith_core::trainer::metrics_of(stage, recipe).into_iter().chain(own).collect()
}

/// What clean features of images kept aside are worth, measured after an epoch.
#[derive(Debug, Default)]
pub(crate) struct OfFeatures {
    /// Share that [`Vote::NARROW`] tells right.
    pub(crate) knn: Option<f64>,
    /// The others, by name.
    pub(crate) named: Readings,
}

/// Measures features; where no images are kept aside, as where nothing has labels, those of some
/// training images, without neighbours.
pub(crate) fn features(
    encoder: &Encoder,
    recipe: &Recipe,
    splits: &Splits,
    seeded: Seeded<'_>,
) -> Result<OfFeatures, Failure> {
    let aside = &splits.validation;
    let seen = if aside.is_empty() { &splits.unlabelled } else { aside };
    let geometry = geometry::of(encoder, recipe, seen, seeded)?;
    let votes = if aside.is_empty() { None } else { knn(encoder, splits, seeded)? };
    let geometry = geometry.iter().flat_map(Geometry::described);
    let wide = votes.map(|[_, wide]| (KNN_WIDE, wide));
    let named = geometry.chain(wide).map(|(m, value)| (m.metric.name, value));
    Ok(OfFeatures { knn: votes.map(|[narrow, _]| narrow), named: named.collect() })
}

/// Shares of the images kept aside that weighted neighbours among some labelled ones tell right: by
/// [`Vote::NARROW`] and by [`Vote::WIDE`].
fn knn(
    encoder: &Encoder,
    splits: &Splits,
    Seeded { device, seed }: Seeded<'_>,
) -> Result<Option<[f64; 2]>, Failure> {
    let voters = splits.labelled.subset(&splits.labelled.sample(VOTERS, seed));
    let (Some(labels), Some(truth)) = (voters.labels(), splits.validation.labels()) else {
        return Ok(None);
    };
    let bank = embed(encoder, &voters, device)?;
    let queries = embed(encoder, &splits.validation, device)?;
    let found = look_up(&queries, &bank, Vote::WIDE.k, device)?;
    let classes = splits.classes();
    Ok(Some([Vote::NARROW, Vote::WIDE].map(|vote| {
        let predicted = found.predictions(labels, classes, vote);
        Confusion::count(classes, truth, &predicted).accuracy()
    })))
}

/// Accuracy and loss on a split, seen as the recipe says; none where there is nothing to tell.
///
/// `logits` gives none where there is no classifier; the seed and the epoch name what is drawn.
pub(crate) fn score(
    logits: impl Fn(Tensor<4>) -> Option<Tensor<2>>,
    split: &Split,
    context: &RunContext<'_>,
    epoch: u64,
) -> Result<Option<Score>, Failure> {
    let Some(labels) = split.labels().filter(|labels| !labels.is_empty()) else {
        return Ok(None);
    };
    let (mut right, mut loss) = (0.0, 0.0);
    let told = in_batches(split.len(), |places| {
        let visits = Visit::at(epoch, places.iter().map(|&place| u64::from(place)));
        let draw = Draw { seed: context.seed, purpose: Purpose::TestView, visits: &visits };
        let images = split.read(places)?.to_device(context.device);
        let images = context.recipe.evaluation.test_view.apply(images, draw);
        let Some(logits) = logits(images) else { return Ok(None) };
        let own: Vec<i32> = places.iter().map(|&place| i32::from(labels[place as usize])).collect();
        let own = Tensor::<1, Int>::from_data(own.as_slice(), context.device);
        let accuracy = metrics::accuracy(logits.clone(), own.clone());
        let both = Tensor::cat(vec![accuracy, cross_entropy(logits, own).mean()], 0);
        let both = pollster::block_on(read(both))?;
        right += f64::from(both[0]) * places.len() as f64;
        loss += f64::from(both[1]) * places.len() as f64;
        Ok(Some(()))
    })?;
    let count = split.len() as f64;
    Ok(told.map(|()| Score { accuracy: right / count, loss: loss / count }))
}
