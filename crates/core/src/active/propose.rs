//! Proposals of images to label.

use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use super::coverage::{Coverage, Graph};
use super::uncertainty::Margin;
use crate::error::Error;
use crate::probe::Features;
use crate::probe::knn::nearest;
use crate::rng::{Purpose, stream};

/// By which rule images are proposed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(tsify::Tsify))]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// By chance.
    Random,
    /// Where the probe's two likeliest classes are nearest to each other: margin sampling (Scheffer,
    /// Decomain and Wrobel 2001).
    Uncertain,
    /// Those that stand for most others without a labelled neighbour: facility location (Wei, Iyer and
    /// Bilmes 2015).
    Representative,
    /// The farthest from every labelled image: the greedy k-centre, or core-set (Sener and Savarese 2018).
    Different,
}

impl Rule {
    /// All rules.
    pub const ALL: [Self; 4] =
        [Self::Random, Self::Uncertain, Self::Representative, Self::Different];

    /// Its name, as in options and files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Random => "random",
            Self::Uncertain => "uncertain",
            Self::Representative => "representative",
            Self::Different => "different",
        }
    }
}

/// Images, and what is known of them.
#[derive(Clone, Copy, Debug)]
pub struct Pool<'a> {
    /// Features of all images.
    pub features: &'a Features,
    /// Their neighbours.
    pub graph: &'a Graph,
    /// Places of images that have a label.
    pub labelled: &'a [usize],
    /// Places of images that may be proposed, none of them labelled.
    pub open: &'a [usize],
    /// What a probe says of all images, `[n, classes]`; empty where there is no probe.
    pub probabilities: &'a [f32],
}

/// An image to label, and why.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "typescript", derive(tsify::Tsify))]
pub struct Proposal {
    /// Its place.
    pub image: usize,
    /// Why.
    pub reason: Reason,
}

/// Why an image is proposed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "typescript", derive(tsify::Tsify))]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Reason {
    /// By chance.
    Chance,
    /// The probe's two likeliest classes.
    Margin(Margin),
    /// Images would then have a labelled image nearer than now.
    StandsFor {
        /// So many.
        count: usize,
    },
    /// How near the nearest labelled image is.
    Distance {
        /// Cosine; none where no image is labelled.
        cosine: Option<f32>,
    },
}

/// Up to `count` images to label next, the most wanted first; fewer where fewer are open. Each is chosen as
/// if those before it had a label. The seed decides for [`Rule::Random`] alone.
///
/// # Errors
/// [`Error::TooFew`] for [`Rule::Uncertain`] without a probe of two classes, [`Error::Dimension`] for
/// probabilities that are not a row an image, [`Error::Device`] when the device fails.
pub async fn propose(
    rule: Rule,
    pool: Pool<'_>,
    count: usize,
    seed: u64,
    device: &Device,
) -> Result<Vec<Proposal>, Error> {
    let count = count.min(pool.open.len());
    match rule {
        Rule::Random => Ok(random(pool, count, seed)),
        Rule::Uncertain => uncertain(pool, count),
        Rule::Representative => Ok(representative(pool, count)),
        Rule::Different => different(pool, count, device).await,
    }
}

fn random(pool: Pool<'_>, count: usize, seed: u64) -> Vec<Proposal> {
    let mut open = pool.open.to_vec();
    let drawn = pool.labelled.len() as u64;
    stream(seed, Purpose::Proposals, drawn, 0).shuffle(&mut open);
    open.truncate(count);
    open.into_iter().map(|image| Proposal { image, reason: Reason::Chance }).collect()
}

fn uncertain(pool: Pool<'_>, count: usize) -> Result<Vec<Proposal>, Error> {
    let images = pool.features.len().max(1);
    let classes = pool.probabilities.len() / images;
    if classes < 2 {
        let what = "classes that a probe tells apart, to know where it is uncertain";
        return Err(Error::TooFew { what, expected: 2, got: classes });
    }
    if classes * images != pool.probabilities.len() {
        let (expected, got) = (classes * images, pool.probabilities.len());
        return Err(Error::Dimension { expected, got });
    }
    let row = |image: usize| &pool.probabilities[image * classes..][..classes];
    let mut margins: Vec<(usize, Margin)> =
        pool.open.iter().map(|&image| (image, Margin::of(row(image)))).collect();
    margins.sort_by(|a, b| a.1.width().total_cmp(&b.1.width()).then(a.0.cmp(&b.0)));
    margins.truncate(count);
    let proposal = |(image, margin)| Proposal { image, reason: Reason::Margin(margin) };
    Ok(margins.into_iter().map(proposal).collect())
}

/// Greedily, which reaches at least 63 % of what the best choice would (Nemhauser, Wolsey and Fisher
/// 1978).
fn representative(pool: Pool<'_>, count: usize) -> Vec<Proposal> {
    let mut coverage = Coverage::new(pool.graph, pool.labelled.iter().copied());
    let mut open = pool.open.to_vec();
    let mut proposals = Vec::with_capacity(count);
    while proposals.len() < count {
        let gains = open.iter().map(|&image| coverage.gain(image));
        // The first of the largest.
        let best = gains.enumerate().reduce(|a, b| if b.1.0 > a.1.0 { b } else { a });
        let Some((place, (_, nearer))) = best else { break };
        let image = open.remove(place);
        coverage.add(image);
        proposals.push(Proposal { image, reason: Reason::StandsFor { count: nearer } });
    }
    proposals
}

async fn different(pool: Pool<'_>, count: usize, device: &Device) -> Result<Vec<Proposal>, Error> {
    let mut open = pool.open.to_vec();
    let mut proposals = Vec::with_capacity(count);
    let features = pool.features.select(&open).unit();
    let mut near: Vec<f32> = if pool.labelled.is_empty() || open.is_empty() {
        vec![f32::NEG_INFINITY; open.len()]
    } else {
        nearest(&features, &pool.features.select(pool.labelled), 1, device).await?.cosines
    };
    let mut rows: Vec<usize> = (0..open.len()).collect();
    while proposals.len() < count {
        // Without labels, the image that stands for most others comes first.
        let first = pool.labelled.is_empty() && proposals.is_empty();
        let best = if first {
            let image = representative(pool, 1)[0].image;
            open.iter().position(|&other| other == image)
        } else {
            (0..open.len()).reduce(|a, b| if near[b] < near[a] { b } else { a })
        };
        let Some(place) = best else { break };
        let (image, cosine, row) = (open.remove(place), near.remove(place), rows.remove(place));
        let reason = Reason::Distance { cosine: (!first).then_some(cosine) };
        proposals.push(Proposal { image, reason });
        for (near, &other) in near.iter_mut().zip(&rows) {
            let pairs = features.row(row).iter().zip(features.row(other));
            *near = near.max(pairs.map(|(a, b)| a * b).sum());
        }
    }
    Ok(proposals)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A dense group along one axis, a loose one along another, and a single image along a third.
    fn features() -> Features {
        let mut values = Vec::new();
        (0..12).for_each(|k| values.extend([1.0, 0.01 * k as f32, 0.0]));
        (0..4).for_each(|k| values.extend([0.0, 1.0, 0.1 * k as f32]));
        values.extend([0.0, -0.2, 1.0]);
        Features { values, dim: 3 }
    }

    struct Case {
        features: Features,
        graph: Graph,
    }

    impl Case {
        fn new() -> Self {
            let features = features();
            let graph = pollster::block_on(Graph::of(&features, 4, &Device::flex())).unwrap();
            Self { features, graph }
        }

        fn propose(
            &self,
            rule: Rule,
            (labelled, count): (&[usize], usize),
            probabilities: &[f32],
        ) -> Result<Vec<Proposal>, Error> {
            let open: Vec<usize> = (0..17).filter(|image| !labelled.contains(image)).collect();
            let Self { features, graph } = self;
            let pool = Pool { features, graph, labelled, open: &open, probabilities };
            pollster::block_on(propose(rule, pool, count, 1, &Device::flex()))
        }

        fn images(&self, rule: Rule, labelled: &[usize], count: usize) -> Vec<usize> {
            let proposals = self.propose(rule, (labelled, count), &[]).unwrap();
            proposals.into_iter().map(|proposal| proposal.image).collect()
        }
    }

    #[test]
    fn the_representative_stands_for_the_largest_group_first() {
        let case = Case::new();
        let images = case.images(Rule::Representative, &[], 3);
        assert!(images[0] < 12 && images.iter().any(|&image| image >= 12), "{images:?}");
        let proposals = case.propose(Rule::Representative, (&[images[0]], 1), &[]).unwrap();
        assert_ne!(proposals[0].image, images[0]);
        assert!(matches!(proposals[0].reason, Reason::StandsFor { count: 1.. }));
    }

    /// Against all distances: each is the farthest from what is labelled or was proposed before it.
    #[test]
    fn the_different_is_the_farthest() {
        let case = Case::new();
        let unit = case.features.unit();
        let cosine = |a: usize, b: usize| -> f32 {
            unit.row(a).iter().zip(unit.row(b)).map(|(a, b)| a * b).sum()
        };
        let mut known = vec![0];
        for proposal in case.propose(Rule::Different, (&[0], 4), &[]).unwrap() {
            let near = |image: usize| {
                known.iter().map(|&other| cosine(image, other)).fold(f32::NEG_INFINITY, f32::max)
            };
            let farthest = (0..17).map(near).fold(f32::INFINITY, f32::min);
            let Reason::Distance { cosine: Some(told) } = proposal.reason else {
                panic!("no distance")
            };
            assert!((near(proposal.image) - farthest).abs() < 1e-6);
            assert!((told - farthest).abs() < 1e-5, "expected {farthest}, got {told}");
            known.push(proposal.image);
        }
        assert!(known.contains(&16));
        let first = case.propose(Rule::Different, (&[], 1), &[]).unwrap()[0];
        assert!(first.image < 12 && first.reason == Reason::Distance { cosine: None });
    }

    #[test]
    fn the_uncertain_have_the_narrowest_margins() {
        let case = Case::new();
        let row = |image: usize| [0.5 + 0.01 * ((image * 5) % 17) as f32, 0.3, 0.1];
        let probabilities: Vec<f32> = (0..17).flat_map(row).collect();
        let found = case.propose(Rule::Uncertain, (&[0], 3), &probabilities).unwrap();
        let images: Vec<usize> = found.iter().map(|proposal| proposal.image).collect();
        assert_eq!(images, [7, 14, 4], "those with (5 · image) mod 17 of 1, 2, 3");
        let Reason::Margin(margin) = found[0].reason else { panic!("no margin") };
        assert_eq!((margin.classes, margin.shares), ([0, 1], [0.51, 0.3]));
        let none = case.propose(Rule::Uncertain, (&[0], 3), &[]).expect_err("no probe");
        assert_eq!(none.code(), "TOO_FEW");
        let odd = case.propose(Rule::Uncertain, (&[0], 3), &[0.5; 35]).expect_err("odd rows");
        assert_eq!(odd.code(), "DIMENSION");
    }

    #[test]
    fn chance_is_the_seeds_and_nothing_is_proposed_twice() {
        let case = Case::new();
        assert_eq!(case.images(Rule::Random, &[3], 5), case.images(Rule::Random, &[3], 5));
        assert_ne!(case.images(Rule::Random, &[3], 5), case.images(Rule::Random, &[3, 4], 5));
        for rule in [Rule::Random, Rule::Representative, Rule::Different] {
            let mut images = case.images(rule, &[3, 9], 40);
            images.sort_unstable();
            let open: Vec<usize> = (0..17).filter(|image| ![3, 9].contains(image)).collect();
            assert_eq!(images, open, "{}", rule.name());
        }
    }
}
