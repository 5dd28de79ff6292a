//! Which penalty suits images best: cross-validation.

use burn::tensor::Device;

use super::problem::Problem;
use super::{Fitted, LinearSettings, Tried};
use crate::error::Error;
use crate::probe::Labelled;
use crate::probe::knn::best;
use crate::range;

/// Strengths that are tried, from the strongest on: half powers of ten from 1 to 1e-5.
pub const STRENGTHS: usize = 11;
/// The strength where no image can be kept aside, since each class has one.
pub const STRENGTH_OF_ONE: f64 = 0.1;
/// Parts that take turns in being predicted by the others.
const PARTS: usize = 5;
/// Of more images, one part is enough to tell strengths apart.
const ONE_PART: usize = 5_000;
/// Worse strengths in a row after which weaker ones are not tried.
const PATIENCE: usize = 2;
/// The strength at a place of the search.
fn strength_at(place: usize) -> f64 {
    10_f64.powf(-(place as f64) / 2.0)
}

/// Which images are predicted by a classifier of the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parts {
    /// The part of every image; those of parts from `count` on always teach.
    pub of: Vec<usize>,
    /// Parts that are predicted.
    pub count: usize,
}

impl Parts {
    /// Every class cut into five in the order of its images.
    pub fn of(labels: &[u16]) -> Self {
        let classes = labels.iter().max().map_or(0, |&most| usize::from(most) + 1);
        let (mut sizes, mut seen) = (vec![0; classes], vec![0; classes]);
        labels.iter().for_each(|&label| sizes[usize::from(label)] += 1);
        let part = |&label: &u16| {
            let label = usize::from(label);
            let place = seen[label];
            seen[label] += 1;
            // A class of fewer than five images is spread over as many parts.
            place * PARTS / sizes[label].max(1)
        };
        let count = if labels.len() > ONE_PART { 1 } else { PARTS };
        Self { of: labels.iter().map(part).collect(), count }
    }
}

/// A fit between two strengths. It holds no images: they are given to each call, always the same ones.
#[derive(Debug)]
pub struct LinearFit {
    settings: LinearSettings,
    parts: Vec<Part>,
    tried: Vec<Tried>,
    /// Of the best strength so far.
    held_out: Vec<f32>,
}

/// One part of the images, and the classifier that the others make.
#[derive(Debug)]
struct Part {
    images: Vec<usize>,
    others: Vec<usize>,
    /// Which classes the others have.
    taught: Vec<bool>,
    /// The classifier that was found last, where the search for the next one starts.
    weights: Vec<f64>,
}

impl LinearFit {
    /// A fit at its start.
    ///
    /// # Errors
    /// [`Error::TooFew`] without images or with fewer than two classes, [`Error::Setting`] for a strength
    /// that is not above 0.
    pub fn new(
        images: Labelled<'_>,
        settings: LinearSettings,
        parts: &Parts,
    ) -> Result<Self, Error> {
        let Labelled { features, labels, classes } = images;
        range::above_zero("strength", settings.strength.unwrap_or(STRENGTH_OF_ONE))?;
        if labels.is_empty() || classes < 2 {
            let (what, got) = ("classes with labelled images", classes.min(labels.len()));
            return Err(Error::TooFew { what, expected: 2, got });
        }
        let part = |part: usize| {
            let (images, others): (Vec<usize>, Vec<usize>) =
                (0..labels.len()).partition(|&image| parts.of[image] == part);
            let mut taught = vec![false; classes];
            others.iter().for_each(|&image| taught[usize::from(labels[image])] = true);
            let weights = vec![0.0; classes * (features.dim + 1)];
            Part { images, others, taught, weights }
        };
        let usable = |part: &Part| {
            let known = |&image: &usize| part.taught[usize::from(labels[image])];
            let classes = part.taught.iter().filter(|&&taught| taught).count();
            classes >= 2 && part.images.iter().any(known)
        };
        let parts = (0..parts.count).map(part).filter(usable).collect();
        Ok(Self { settings, parts, tried: vec![], held_out: vec![] })
    }

    /// Tries the next strength on images that are kept aside; none where all that promise anything are
    /// tried.
    ///
    /// # Errors
    /// [`Error::Device`] when the device fails, [`Error::Setting`] for features whose squares are too
    /// large to be added up.
    pub async fn advance(
        &mut self,
        images: Labelled<'_>,
        device: &Device,
    ) -> Result<Option<Tried>, Error> {
        let place = self.tried.len();
        let strength = match self.settings.strength {
            Some(strength) if place == 0 => strength,
            None if place < STRENGTHS && place <= self.best() + PATIENCE => strength_at(place),
            _ => return Ok(None),
        };
        if self.parts.is_empty() {
            return Ok(None);
        }
        let Labelled { features, labels, classes } = images;
        let mut held_out = vec![f32::NAN; labels.len() * classes];
        for part in &mut self.parts {
            let known: Vec<u16> = part.others.iter().map(|&image| labels[image]).collect();
            let others = features.select(&part.others);
            let others = Labelled { features: &others, labels: &known, classes };
            let problem = Problem::new(others, self.settings.balance, device);
            part.weights = problem.solve(part.weights.clone(), strength).await?;
            let probe = problem.probe(&part.weights);
            let told = probe.probabilities(&features.select(&part.images)).await?;
            let known = |&image: &usize| part.taught[usize::from(labels[image])];
            let told = part.images.iter().zip(told.chunks_exact(classes));
            for (&image, told) in told.filter(|(image, _)| known(image)) {
                held_out[image * classes..][..classes].copy_from_slice(told);
            }
        }
        let tried = self.judged(strength, images, &held_out);
        self.tried.push(tried);
        if self.best() == place {
            self.held_out = held_out;
        }
        Ok(Some(tried))
    }

    /// The classifier of the best strength so far, fitted to all images.
    ///
    /// # Errors
    /// As [`advance`](Self::advance).
    pub async fn finish(&self, images: Labelled<'_>, device: &Device) -> Result<Fitted, Error> {
        let chosen = self.tried.get(self.best()).map(|tried| tried.strength);
        let strength = self.settings.strength.or(chosen).unwrap_or(STRENGTH_OF_ONE);
        let problem = Problem::new(images, self.settings.balance, device);
        let start = vec![0.0; images.classes * (images.features.dim + 1)];
        let probe = problem.probe(&problem.solve(start, strength).await?);
        let tried = match self.settings.strength {
            Some(_) => vec![],
            None => self.tried.clone(),
        };
        Ok(Fitted { probe, strength, tried, held_out: self.held_out(images) })
    }

    /// Probabilities of images by the best classifiers so far that were fitted without them, `[n,
    /// classes]`; NaN for an image that no classifier could judge.
    pub fn held_out(&self, images: Labelled<'_>) -> Vec<f32> {
        let mut held_out = self.held_out.clone();
        held_out.resize(images.labels.len() * images.classes, f32::NAN);
        held_out
    }

    /// The place of the strength with the lowest loss.
    fn best(&self) -> usize {
        let lower =
            |a: usize, b: usize| if self.tried[b].loss < self.tried[a].loss { b } else { a };
        (0..self.tried.len()).reduce(lower).unwrap_or(0)
    }

    fn judged(&self, strength: f64, images: Labelled<'_>, held_out: &[f32]) -> Tried {
        let rows = images.labels.iter().zip(held_out.chunks_exact(images.classes));
        let judged: Vec<(u16, &[f32])> =
            rows.filter(|(_, row)| !row[0].is_nan()).map(|(&label, row)| (label, row)).collect();
        let labels: Vec<u16> = judged.iter().map(|&(label, _)| label).collect();
        let shares = self.settings.balance.shares(&labels, images.classes);
        let (mut loss, mut right) = (0.0, 0);
        for (&(label, row), share) in judged.iter().zip(shares) {
            let likely = f64::from(row[usize::from(label)]).max(f64::from(f32::MIN_POSITIVE));
            loss -= f64::from(share) * likely.ln();
            right += usize::from(best(row) == label);
        }
        Tried { strength, loss, accuracy: right as f64 / judged.len().max(1) as f64 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_have_of_every_class_the_same_share() {
        let labels: Vec<u16> = (0..60).map(|i| u16::from(i % 6 == 0)).collect();
        let parts = Parts::of(&labels);
        for part in 0..PARTS {
            let of = |class| (0..60).filter(|&i| parts.of[i] == part && labels[i] == class).count();
            assert_eq!((of(0), of(1)), (10, 2));
        }
        assert_eq!(parts.count, PARTS);
        assert_eq!(Parts::of(&vec![0; ONE_PART + 1]).count, 1);
    }
}
