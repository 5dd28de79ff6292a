//! Doubtful labels, against what cleanlab finds in the same probabilities.

use kith_core::clean::confident::Judged;
use kith_core::clean::doubtful::{Doubt, Filter, Rank, doubtful};
use kith_tests::fixture::Fixture;

const CASES: [&str; 7] = ["three", "ten", "unsure", "clean", "uneven", "missing", "lone"];

/// A case of the fixture.
struct Case {
    file: Fixture,
    name: &'static str,
    labels: Vec<u16>,
    probabilities: Vec<f32>,
    classes: usize,
}

impl Case {
    fn open(name: &'static str) -> Self {
        let file = Fixture::open("cleanlab");
        let labels = file.integers(&format!("{name}.labels"));
        let stored = file.stored(&format!("{name}.probabilities"));
        Self {
            file,
            name,
            labels: labels.into_iter().map(|label| label as u16).collect(),
            probabilities: stored.values,
            classes: stored.shape[1],
        }
    }

    fn judged(&self) -> Judged<'_> {
        let (labels, probabilities) = (&self.labels, &self.probabilities);
        Judged { labels, probabilities, classes: self.classes }
    }

    fn key(&self, name: &str) -> String {
        format!("{}.{name}", self.name)
    }
}

#[test]
fn thresholds_and_the_confident_joint_are_cleanlabs() {
    for case in CASES.map(Case::open) {
        let expected = case.file.values(&case.key("thresholds"));
        for (got, expected) in case.judged().thresholds().into_iter().zip(expected) {
            // A class without images has a threshold that no probability reaches.
            let got = got.unwrap_or(2.0) as f32;
            assert!((got - expected).abs() < 1e-6, "{}: {got}, expected {expected}", case.name);
        }
        let joint: Vec<f32> =
            case.judged().joint().concat().into_iter().map(|x| x as f32).collect();
        assert_eq!(joint, case.file.values(&case.key("joint")), "{}", case.name);
    }
}

#[test]
fn doubtful_labels_and_their_order_are_cleanlabs() {
    for case in CASES.map(Case::open) {
        for (filter, by) in [
            (Filter::NoiseRate, "prune_by_noise_rate"),
            (Filter::OffDiagonal, "confident_learning"),
        ] {
            for (rank, order) in [
                (Rank::SelfConfidence, "self_confidence"),
                (Rank::NormalisedMargin, "normalized_margin"),
            ] {
                let found = doubtful(&case.judged(), filter, rank);
                let got: Vec<i32> = found.iter().map(|doubt| doubt.image as i32).collect();
                let key = case.key(&format!("{by}.{order}"));
                assert_eq!(got, case.file.integers(&key), "{key}");
            }
        }
    }
}

#[test]
fn scores_are_cleanlabs() {
    for case in CASES.map(Case::open) {
        let found = doubtful(&case.judged(), Filter::NoiseRate, Rank::default());
        let check = |name: &str, of: fn(&Doubt) -> f64| {
            let expected = case.file.values(&case.key(name));
            for doubt in &found {
                let off = (of(doubt) - f64::from(expected[doubt.image])).abs();
                assert!(off < 1e-6, "{}: {name} of image {}", case.name, doubt.image);
            }
        };
        check("self_confidence", |doubt| doubt.self_confidence);
        check("normalized_margin", |doubt| doubt.normalised_margin);
    }
}
