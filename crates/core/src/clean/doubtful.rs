//! Doubtful labels by confident learning (Northcutt, Jiang and Chuang 2021), as cleanlab finds them.

use super::confident::{Judged, largest, round_keeping_sum};

/// Which labels are doubtful.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Filter {
    /// For every pair of given label and class as many images as the confident joint counts, those that
    /// look most like the class: cleanlab's `prune_by_noise_rate`.
    #[default]
    NoiseRate,
    /// Those that the confident joint counts as another class: cleanlab's `confident_learning`.
    OffDiagonal,
}

/// What doubtful labels are sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rank {
    /// The probability of the given label.
    #[default]
    SelfConfidence,
    /// How far it is above that of the likeliest other class, from 0 to 1: ½ where they are equal.
    NormalisedMargin,
}

/// A label that may be wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Doubt {
    /// The image.
    pub image: usize,
    /// The class that it looks like.
    pub suggested: u16,
    /// The probability of the given label.
    pub self_confidence: f64,
    /// By [`Rank::NormalisedMargin`].
    pub normalised_margin: f64,
}

/// A label of less than this share of a guess's probability, 1 / classes, is most likely wrong.
const STRONG: f64 = 0.5;

impl Doubt {
    /// Whether the label is most likely wrong, and not one of an image between classes: its probability
    /// is less than half of what a guess would have.
    pub fn is_strong(&self, classes: usize) -> bool {
        self.self_confidence * (classes as f64) < STRONG
    }
}

/// What a given label's probability may be below the largest and still be the likeliest, as cleanlab has
/// it.
const EQUAL: f64 = 1e-6;

/// Labels that may be wrong, the most doubtful first, the first image on ties.
///
/// The same as cleanlab's `find_label_issues` on the same probabilities, apart from images that tie.
pub fn doubtful(judged: &Judged<'_>, filter: Filter, rank: Rank) -> Vec<Doubt> {
    let images = match filter {
        Filter::NoiseRate => by_noise_rate(judged),
        Filter::OffDiagonal => off_diagonal(judged),
    };
    let looks_otherwise = |image: &usize| {
        let label = usize::from(judged.labels[*image]);
        let row = judged.row(*image);
        let own = f64::from(row[label]) + EQUAL;
        row.iter().enumerate().any(|(class, &p)| {
            // The first of equals is the likeliest.
            let p = f64::from(p);
            class != label && (p > own || class < label && p >= own)
        })
    };
    let doubt = |image: usize| Doubt {
        image,
        suggested: largest(judged.row(image)) as u16,
        self_confidence: f64::from(judged.row(image)[usize::from(judged.labels[image])]),
        normalised_margin: normalised_margin(judged, image),
    };
    let mut found: Vec<Doubt> = images.into_iter().filter(looks_otherwise).map(doubt).collect();
    let key = |doubt: &Doubt| match rank {
        Rank::SelfConfidence => doubt.self_confidence,
        Rank::NormalisedMargin => doubt.normalised_margin,
    };
    found.sort_by(|a, b| key(a).total_cmp(&key(b)).then(a.image.cmp(&b.image)));
    found
}

fn normalised_margin(judged: &Judged<'_>, image: usize) -> f64 {
    let label = usize::from(judged.labels[image]);
    let row = judged.row(image);
    let others = row.iter().enumerate().filter(|(class, _)| *class != label);
    let other = others.map(|(_, &p)| f64::from(p)).fold(f64::NEG_INFINITY, f64::max);
    (f64::from(row[label]) - other + 1.0) / 2.0
}

/// Images in rising order.
fn off_diagonal(judged: &Judged<'_>) -> Vec<usize> {
    let looks = judged.confident().into_iter().zip(judged.labels).enumerate();
    let other =
        looks.filter(|(_, (class, label))| class.is_some_and(|c| c != usize::from(**label)));
    other.map(|(image, _)| image).collect()
}

/// Images in rising order.
fn by_noise_rate(judged: &Judged<'_>) -> Vec<usize> {
    let counts = prune_counts(judged);
    let mut members = vec![Vec::new(); judged.classes];
    for (image, &label) in judged.labels.iter().enumerate() {
        members[usize::from(label)].push(image);
    }
    let mut doubted = vec![false; judged.labels.len()];
    for (label, members) in members.iter().enumerate().filter(|(_, own)| own.len() > 1) {
        for class in (0..judged.classes).filter(|&class| class != label) {
            let margin = |&image: &usize| {
                let row = judged.row(image);
                f64::from(row[class]) - f64::from(row[label])
            };
            let mut order: Vec<usize> = members.clone();
            order.sort_by(|a, b| margin(b).total_cmp(&margin(a)));
            let most = (counts[class][label] as usize).min(order.len());
            order[..most].iter().for_each(|&image| doubted[image] = true);
        }
    }
    (0..doubted.len()).filter(|&image| doubted[image]).collect()
}

/// How many images of each given label (column) are doubted for each class (row): the confident joint
/// turned over, with one image at least left to every label.
fn prune_counts(judged: &Judged<'_>) -> Vec<Vec<f64>> {
    let joint = judged.joint();
    let mut counts: Vec<Vec<f64>> =
        (0..judged.classes).map(|class| joint.iter().map(|row| row[class]).collect()).collect();
    for label in 0..judged.classes {
        let own = counts[label][label];
        let filled = counts.iter().filter(|row| row[label] != 0.0).count();
        let less = (own.max(1.0) - own) / (filled as f64 - 1.0).max(1.0);
        counts.iter_mut().for_each(|row| row[label] = (row[label] - less).max(0.0).trunc());
        counts[label][label] = own.max(1.0);
    }
    counts.iter_mut().for_each(|row| round_keeping_sum(row));
    counts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Purpose, stream};

    const CLASSES: usize = 4;

    /// Probabilities that know the truth, most of the time, and labels of which every tenth is wrong.
    fn planted(seed: u64) -> (Vec<u16>, Vec<f32>, Vec<usize>) {
        let mut stream = stream(seed, Purpose::Test, 0, 0);
        let (mut labels, mut probabilities, mut wrong) = (Vec::new(), Vec::new(), Vec::new());
        for image in 0..800 {
            let truth = image % CLASSES;
            let logits: Vec<f64> = (0..CLASSES)
                .map(|class| f64::from(u8::from(class == truth)) * 4.0 + stream.normal())
                .collect();
            let sum: f64 = logits.iter().map(|logit| logit.exp()).sum();
            probabilities.extend(logits.iter().map(|logit| (logit.exp() / sum) as f32));
            let is_wrong = stream.chance(0.1);
            wrong.extend(is_wrong.then_some(image));
            let moved = if is_wrong { truth + 1 + stream.below(CLASSES - 1) } else { truth };
            labels.push((moved % CLASSES) as u16);
        }
        (labels, probabilities, wrong)
    }

    #[test]
    fn planted_wrong_labels_are_found_with_their_classes() {
        let (labels, probabilities, wrong) = planted(1);
        let judged = Judged { labels: &labels, probabilities: &probabilities, classes: CLASSES };
        for filter in [Filter::NoiseRate, Filter::OffDiagonal] {
            let found = doubtful(&judged, filter, Rank::default());
            let hits = found.iter().filter(|doubt| wrong.contains(&doubt.image));
            let right =
                hits.clone().filter(|doubt| usize::from(doubt.suggested) == doubt.image % 4);
            let (hits, right) = (hits.count(), right.count());
            assert!(hits * 10 >= wrong.len() * 7, "{filter:?}: {hits} of {}", wrong.len());
            assert!(hits * 10 >= found.len() * 8, "{filter:?}: {hits} of {} found", found.len());
            assert!(right * 10 >= hits * 9, "{filter:?}: {right} suggestions of {hits}");
            let strong: Vec<&Doubt> =
                found.iter().filter(|doubt| doubt.is_strong(CLASSES)).collect();
            let hits = strong.iter().filter(|doubt| wrong.contains(&doubt.image)).count();
            assert!(hits * 10 >= strong.len() * 9, "{filter:?}: {hits} of {} strong", strong.len());
        }
    }

    #[test]
    fn ranks_rise_and_margins_are_halves_where_classes_are_equal() {
        let (labels, probabilities, _) = planted(2);
        let judged = Judged { labels: &labels, probabilities: &probabilities, classes: CLASSES };
        let confidence = |rank: Rank| {
            let found = doubtful(&judged, Filter::NoiseRate, rank);
            found.iter().map(|d| (d.self_confidence, d.normalised_margin)).collect::<Vec<_>>()
        };
        assert!(confidence(Rank::SelfConfidence).is_sorted_by(|a, b| a.0 <= b.0));
        assert!(confidence(Rank::NormalisedMargin).is_sorted_by(|a, b| a.1 <= b.1));
        let even = Judged { labels: &[0], probabilities: &[0.5, 0.5], classes: 2 };
        assert!((normalised_margin(&even, 0) - 0.5).abs() < 1e-12);
    }

    #[test]
    fn labels_that_are_all_right_are_hardly_doubted() {
        let (_, probabilities, _) = planted(3);
        let labels: Vec<u16> = (0..800).map(|image| image % 4).collect();
        let judged = Judged { labels: &labels, probabilities: &probabilities, classes: CLASSES };
        let found = doubtful(&judged, Filter::NoiseRate, Rank::default());
        assert!(found.len() < 25, "{} of 800", found.len());
    }

    #[test]
    fn nothing_and_one_class_are_not_doubted() {
        let none = Judged { labels: &[], probabilities: &[], classes: 2 };
        assert!(doubtful(&none, Filter::NoiseRate, Rank::default()).is_empty());
        let one = Judged { labels: &[0, 0], probabilities: &[1.0, 1.0], classes: 1 };
        assert!(doubtful(&one, Filter::OffDiagonal, Rank::default()).is_empty());
    }
}
