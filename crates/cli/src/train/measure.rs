//! How well a run's own classifier does on images with labels.

use kith_core::augment::policy::Draw;
use kith_core::encoder::Encoder;
use kith_core::loss::cross_entropy;
use kith_core::probe::confusion::Confusion;
use kith_core::probe::knn::Vote;
use kith_core::read::read;
use kith_core::rng::Purpose;
use kith_core::sampler::Visit;
use kith_core::{Int, Tensor, metrics};
use kith_data::Split;

use crate::device::Seeded;
use crate::failure::Failure;
use crate::inference::{embed, look_up};
use crate::train::context::RunContext;
use crate::train::record::Score;
use crate::train::splits::Splits;

/// Images that are measured at a time.
const AT_A_TIME: usize = 256;

/// Labelled images that vote each epoch; more would cost more than they tell.
const VOTERS: usize = 1_000;

/// Share of the images kept aside that weighted neighbours among some labelled ones tell right.
pub(crate) fn knn(
    encoder: &Encoder,
    splits: &Splits,
    Seeded { device, seed }: Seeded<'_>,
) -> Result<Option<f64>, Failure> {
    let voters = splits.labelled.subset(&splits.labelled.sample(VOTERS, seed));
    let (Some(labels), Some(truth)) = (voters.labels(), splits.validation.labels()) else {
        return Ok(None);
    };
    let bank = embed(encoder, &voters, device)?;
    let queries = embed(encoder, &splits.validation, device)?;
    let found = look_up(&queries, &bank, Vote::NARROW.k, device)?;
    let predicted = found.predictions(labels, splits.classes(), Vote::NARROW);
    Ok(Some(Confusion::count(splits.classes(), truth, &predicted).accuracy()))
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
    let places: Vec<u32> = (0..split.len() as u32).collect();
    for chunk in places.chunks(AT_A_TIME) {
        let visits = Visit::at(epoch, chunk.iter().map(|&place| u64::from(place)));
        let draw = Draw { seed: context.seed, purpose: Purpose::TestView, visits: &visits };
        let images = split.read(chunk)?.to_device(context.device);
        let images = context.recipe.evaluation.test_view.apply(images, draw);
        let Some(logits) = logits(images) else { return Ok(None) };
        let own: Vec<i32> = chunk.iter().map(|&place| i32::from(labels[place as usize])).collect();
        let own = Tensor::<1, Int>::from_data(own.as_slice(), context.device);
        let accuracy = metrics::accuracy(logits.clone(), own.clone());
        let both = Tensor::cat(vec![accuracy, cross_entropy(logits, own).mean()], 0);
        let both = pollster::block_on(read(both))?;
        right += f64::from(both[0]) * chunk.len() as f64;
        loss += f64::from(both[1]) * chunk.len() as f64;
    }
    let count = places.len() as f64;
    Ok(Some(Score { accuracy: right / count, loss: loss / count }))
}
