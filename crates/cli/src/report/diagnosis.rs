//! What looks wrong with a run, from its history alone: each finding with its figure and with what
//! to try.

use kith_core::method::Objective;
use kith_core::recipe::Recipe;
use serde::Serialize;

use crate::format::percent;
use crate::train::record::Record;

/// Features this narrow have collapsed: a random network of four convolutions starts at 0.1 to 0.3,
/// and healthy runs of it end near 0.5.
const COLLAPSED: f64 = 0.05;
/// With more dead units than this the network is half as wide as it was paid for.
const MOST_DEAD: f64 = 0.5;
/// Neighbours of chance are half as old as the queue; above this share older rows are preferred,
/// which newer ones, made by the network as it is now, should win.
const OLD: f64 = 0.6;
/// Neighbours agree in class as seldom as chance below this multiple of one in so many classes; a
/// class may be somewhat larger than others.
const CHANCE: f64 = 1.5;
/// A first epoch that tells views this well has nothing left to teach.
const TOO_EASY: f64 = 0.9;
/// A loss that fell by less than this share of its start has not fallen.
const LEAST_FALL: f64 = 0.01;
/// Training this far above validation is learning by heart; fine-tuning in the Keras examples stays
/// below.
const GAP: f64 = 0.2;
/// Accuracy on validation images must lose this much from its height to count as falling: a few
/// hundred images tell it to about three points.
const LOSS_OF_HEIGHT: f64 = 0.05;
/// Epochs that are averaged where a course is judged.
const WINDOW: usize = 3;

/// Something that looks wrong.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Finding {
    /// A stable name for scripts.
    #[serde(rename = "finding")]
    pub(crate) name: &'static str,
    /// What was seen.
    pub(crate) figure: f64,
    /// The same in words.
    words: String,
    /// What to try.
    suggestion: &'static str,
}

impl Finding {
    /// A sentence or two for people.
    pub(crate) fn sentence(&self) -> String {
        format!("{}. {}.", self.words, self.suggestion)
    }
}

/// All that looks wrong with a run of so many classes; empty where nothing does.
pub(crate) fn findings(history: &[Record], recipe: &Recipe, classes: usize) -> Vec<Finding> {
    let found = [
        collapse(history),
        dead_units(history),
        stale_queue(history, recipe),
        strange_neighbours(history, classes),
        too_easy(history),
        loss_stays(history),
        neighbours_worsen(history),
        by_heart(history),
    ];
    found.into_iter().flatten().collect()
}

/// A run of a study.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run<'a> {
    pub(crate) seed: u64,
    /// Which of the seed's runs.
    pub(crate) part: &'a str,
    pub(crate) history: &'a [Record],
}

/// A finding and the run of a study that has it, for scripts.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Located {
    #[serde(flatten)]
    finding: Finding,
    seed: u64,
    part: String,
}

impl Run<'_> {
    /// What looks wrong with it.
    pub(crate) fn findings(self, recipe: &Recipe, classes: usize) -> Vec<Located> {
        let Self { seed, part, history } = self;
        let located = |finding| Located { finding, seed, part: part.to_owned() };
        findings(history, recipe, classes).into_iter().map(located).collect()
    }
}

/// What looks wrong with the runs of a study, for people: what the runs of several seeds have in
/// common is said once, with the figures of the first.
pub(crate) fn sentences<'a>(
    runs: impl Iterator<Item = Run<'a>>,
    recipe: &Recipe,
    classes: usize,
) -> Vec<String> {
    let mut found: Vec<(Run<'a>, Finding, Vec<String>)> = Vec::new();
    for run in runs {
        for finding in findings(run.history, recipe, classes) {
            let same = |(first, known, _): &&mut (Run<'_>, Finding, _)| {
                first.part == run.part && known.name == finding.name
            };
            match found.iter_mut().find(same) {
                Some((_, _, seeds)) => seeds.push(run.seed.to_string()),
                None => found.push((run, finding, Vec::new())),
            }
        }
    }
    let sentence = |(run, finding, others): (Run<'_>, Finding, Vec<String>)| {
        let first = format!("Seed {}, {}: {}", run.seed, run.part, finding.sentence());
        match others.as_slice() {
            [] => first,
            others => format!("{first} Likewise with seed {}.", others.join(", ")),
        }
    };
    found.into_iter().map(sentence).collect()
}

fn collapse(history: &[Record]) -> Option<Finding> {
    let figure = history.last()?.reading("feature_spread")?;
    (figure < COLLAPSED).then(|| Finding {
        name: "collapse",
        figure,
        words: format!(
            "All pictures have nearly the same features: their spread is {figure:.3}, where 1 \
             fills the sphere"
        ),
        suggestion: "Lower the learning rate, raise the batch or check that views of different \
                     pictures differ",
    })
}

fn dead_units(history: &[Record]) -> Option<Finding> {
    let figure = history.last()?.reading("dead_units")?;
    (figure > MOST_DEAD).then(|| Finding {
        name: "dead_units",
        figure,
        words: format!("{} of the features never vary", percent(figure)),
        suggestion: "Lower the learning rate or give it a warm-up; a narrower encoder would do \
                     the same work",
    })
}

fn stale_queue(history: &[Record], recipe: &Recipe) -> Option<Finding> {
    let Objective::Nnclr(settings) = &recipe.objective else { return None };
    let batch = recipe.pretraining.unlabelled_batch + recipe.pretraining.labelled_batch;
    let refresh = settings.queue as f64 / batch as f64;
    let last = history.last()?;
    // Before the queue has been filled once, its oldest rows are random.
    let figure = last.reading("queue_age").filter(|_| last.step as f64 > 2.0 * refresh)? / refresh;
    (figure > OLD).then(|| Finding {
        name: "stale_queue",
        figure,
        words: format!(
            "Neighbours are {} of the queue's {refresh:.0} steps old, older than by chance",
            percent(figure)
        ),
        suggestion: "Lower the learning rate or shorten the queue (objective.queue), so that \
                     its rows fit the network of now",
    })
}

fn strange_neighbours(history: &[Record], classes: usize) -> Option<Finding> {
    if classes < 2 || history.len() < WINDOW {
        return None;
    }
    let sum = |name| tail(history).iter().filter_map(|r| r.reading(name)).sum::<f64>();
    let (agreeing, known) = (sum("neighbours_agreeing"), sum("neighbours_known"));
    let (figure, chance) = (agreeing / known, 1.0 / classes as f64);
    (known > 0.0 && figure < CHANCE * chance).then(|| Finding {
        name: "strange_neighbours",
        figure,
        words: format!(
            "Nearest neighbours are of the same class for {} of labelled pictures, about as \
             often as chance ({})",
            percent(figure),
            percent(chance)
        ),
        suggestion: "Train longer before trusting neighbours, or pre-train with SimCLR, which \
                     needs none",
    })
}

fn too_easy(history: &[Record]) -> Option<Finding> {
    let figure = history.first()?.reading("contrastive_accuracy")?;
    (figure > TOO_EASY).then(|| Finding {
        name: "weak_augmentation",
        figure,
        words: format!(
            "{} of views found each other within the first epoch: the task is too easy to teach \
             anything",
            percent(figure)
        ),
        suggestion: "Augment more strongly (pretraining.views), above all crops and colours, or \
                     take larger batches",
    })
}

fn loss_stays(history: &[Record]) -> Option<Finding> {
    let first = history.first()?.reading("loss")?;
    let later = history.get(1..).filter(|later| later.len() + 1 >= WINDOW)?;
    let least = later.iter().filter_map(|r| r.reading("loss")).fold(f64::INFINITY, f64::min);
    let figure = (first - least) / first.abs();
    (figure < LEAST_FALL).then(|| Finding {
        name: "loss_stays",
        figure,
        words: format!(
            "In {} epochs the loss has not fallen: {first:.4} at first, {least:.4} at best",
            history.len()
        ),
        suggestion: "Change the learning rate tenfold, up if nothing moves and down if it \
                     jumps, and check the pictures",
    })
}

/// The probe follows its training images while features get worse for images that nobody saw.
fn neighbours_worsen(history: &[Record]) -> Option<Finding> {
    let pretraining = |r: &Record| r.reading("probe_accuracy");
    let probe = smoothed(history, &pretraining)?;
    let knn = smoothed(history, &|r| r.knn);
    let validation = smoothed(history, &|r| r.validation.map(|score| score.accuracy));
    let (which, course) = match (knn, validation) {
        (Some(knn), _) => ("kNN", knn),
        (None, Some(validation)) => ("the probe itself", validation),
        (None, None) => return None,
    };
    let peak = (0..course.len()).reduce(|a, b| if course[b] > course[a] { b } else { a })?;
    let last = course.len() - 1;
    let figure = course[peak] - course[last];
    (figure > LOSS_OF_HEIGHT && probe[last] > probe[peak]).then(|| Finding {
        name: "features_worsen",
        figure,
        words: format!(
            "On validation pictures {which} lost {:.1} points since about epoch {}, while the \
             probe went on rising on its training pictures",
            100.0 * figure,
            history[peak + WINDOW / 2].epoch
        ),
        suggestion: "Take the best network instead of the last (best.safetensors), train fewer \
                     epochs or augment more strongly",
    })
}

fn by_heart(history: &[Record]) -> Option<Finding> {
    let last = history.last()?;
    let (training, seen) = (last.reading("accuracy")?, last.validation.or(last.test)?);
    let figure = training - seen.accuracy;
    (figure > GAP).then(|| Finding {
        name: "overfitting",
        figure,
        words: format!(
            "{} of the training pictures are told right, {} of {} pictures",
            percent(training),
            percent(seen.accuracy),
            last.chosen_on()
        ),
        suggestion: "Label more pictures, start from a pre-trained encoder, augment more \
                     strongly (finetuning.view) or train fewer epochs",
    })
}

/// The last epochs of a run.
fn tail(history: &[Record]) -> &[Record] {
    &history[history.len().saturating_sub(WINDOW)..]
}

/// Means over neighbouring epochs; none where an epoch lacks the number or there are too few.
fn smoothed(history: &[Record], of: &dyn Fn(&Record) -> Option<f64>) -> Option<Vec<f64>> {
    let course: Vec<f64> = history.iter().map(of).collect::<Option<_>>()?;
    let means = course.windows(WINDOW).map(|some| some.iter().sum::<f64>() / WINDOW as f64);
    Some(means.collect()).filter(|means: &Vec<f64>| !means.is_empty())
}

#[cfg(test)]
mod tests;
