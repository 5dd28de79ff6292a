//! Images that are labelled round by round, as a rule proposes them.

use kith_core::active::{self, Graph, Propagation, Rule, propose};
use kith_core::encoder::Encoder;
use kith_core::probe::linear::{LinearProbe, LinearSettings};
use kith_core::probe::{Features, Labelled};
use kith_core::{Device, Error};
use kith_data::Dataset;
use serde::Serialize;

use crate::failure::Failure;
use crate::inference::embed;

/// Images of a round.
const ROUND: usize = 10;
/// Neighbours that each image is joined with, as in the page.
const NEIGHBOURS: usize = 20;
/// Labels that two classes must have before a probe is asked where it is uncertain.
const ENOUGH: usize = 2;

/// Images whose labels are known, and test images.
pub(super) struct Pool<'a> {
    features: Features,
    labels: Vec<u16>,
    graph: Graph,
    test: Features,
    truth: Vec<u16>,
    classes: usize,
    device: &'a Device,
}

/// What so many labels gave.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Measured {
    pub(super) labels: usize,
    /// Classes among them.
    pub(super) classes: usize,
    /// Share of test images that the probe tells right.
    pub(super) accuracy: f64,
    /// Share of the images without a label that label propagation tells right.
    pub(super) propagated: f64,
}

impl<'a> Pool<'a> {
    pub(super) fn of(
        dataset: &Dataset,
        encoder: &Encoder,
        device: &'a Device,
    ) -> Result<Self, Failure> {
        let known = |labels: Option<&[u16]>, what| match labels {
            Some(labels) if !labels.is_empty() => Ok(labels.to_vec()),
            _ => Err(Error::TooFew { what, expected: 1, got: 0 }),
        };
        let labels = known(dataset.labelled.labels(), "images whose labels are known")?;
        let truth = known(dataset.test.labels(), "test images with labels")?;
        let features = embed(encoder, &dataset.labelled, device)?;
        let graph = pollster::block_on(Graph::of(&features, NEIGHBOURS, device))?;
        let test = embed(encoder, &dataset.test, device)?;
        let classes = dataset.class_names.len();
        Ok(Self { features, labels, graph, test, truth, classes, device })
    }

    pub(super) fn len(&self) -> usize {
        self.labels.len()
    }

    /// Labels images in rounds, and measures after so many labels.
    pub(super) fn labelled_by(
        &self,
        rule: Rule,
        counts: &[usize],
        seed: u64,
    ) -> Result<Vec<Measured>, Failure> {
        let mut given: Vec<usize> = Vec::new();
        let mut measured = Vec::new();
        for &count in counts {
            while given.len() < count {
                let round = ROUND.min(count - given.len());
                given.extend(self.proposed(rule, &given, round, seed)?);
            }
            measured.push(self.measured(&given)?);
        }
        Ok(measured)
    }

    /// The next images. As long as a probe knows too little to be asked, the most representative ones.
    fn proposed(
        &self,
        rule: Rule,
        given: &[usize],
        count: usize,
        seed: u64,
    ) -> Result<Vec<usize>, Failure> {
        let mut is_open = vec![true; self.len()];
        given.iter().for_each(|&image| is_open[image] = false);
        let open: Vec<usize> = (0..self.len()).filter(|&image| is_open[image]).collect();
        let (rule, probabilities) = match (rule, self.known(given)) {
            (Rule::Uncertain, Some(probe)) => {
                (rule, pollster::block_on(probe.probabilities(&self.features))?)
            }
            (Rule::Uncertain, None) => (Rule::Representative, vec![]),
            _ => (rule, vec![]),
        };
        let pool = active::Pool {
            features: &self.features,
            graph: &self.graph,
            labelled: given,
            open: &open,
            probabilities: &probabilities,
        };
        let proposals = pollster::block_on(propose(rule, pool, count, seed, self.device))?;
        Ok(proposals.into_iter().map(|proposal| proposal.image).collect())
    }

    /// A probe of what is labelled; none while fewer than two classes have enough labels.
    fn known(&self, given: &[usize]) -> Option<LinearProbe> {
        let mut counts = vec![0; self.classes];
        given.iter().for_each(|&image| counts[usize::from(self.labels[image])] += 1);
        let enough = counts.iter().filter(|&&count| count >= ENOUGH).count();
        if enough < 2 { None } else { self.probe(given).ok() }
    }

    fn probe(&self, given: &[usize]) -> Result<LinearProbe, Failure> {
        let labels: Vec<u16> = given.iter().map(|&image| self.labels[image]).collect();
        let features = self.features.select(given);
        let images = Labelled { features: &features, labels: &labels, classes: self.classes };
        let fitted = LinearProbe::fit(images, LinearSettings::default(), self.device);
        Ok(pollster::block_on(fitted)?.probe)
    }

    fn measured(&self, given: &[usize]) -> Result<Measured, Failure> {
        let probe = self.probe(given)?;
        let told = pollster::block_on(probe.predict(&self.test))?;
        let right = told.iter().zip(&self.truth).filter(|(told, truth)| told == truth).count();
        let labels: Vec<(usize, u16)> =
            given.iter().map(|&image| (image, self.labels[image])).collect();
        let spread = Propagation::default().run(&self.graph, &labels, self.classes)?.labels();
        let mut is_given = vec![false; self.len()];
        given.iter().for_each(|&image| is_given[image] = true);
        let rest: Vec<usize> = (0..self.len()).filter(|&image| !is_given[image]).collect();
        let spread = rest.iter().filter(|&&image| spread[image] == Some(self.labels[image]));
        let mut classes: Vec<u16> = labels.iter().map(|&(_, label)| label).collect();
        classes.sort_unstable();
        classes.dedup();
        Ok(Measured {
            labels: given.len(),
            classes: classes.len(),
            accuracy: right as f64 / self.truth.len() as f64,
            propagated: spread.count() as f64 / rest.len().max(1) as f64,
        })
    }
}
