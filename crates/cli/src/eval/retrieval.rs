//! Whether the nearest of the test images are what one looks for.

use kith_core::Device;
use kith_core::probe::Features;
use kith_core::probe::retrieval::{KS, Others};
use kith_data::{Split, gallery};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use crate::failure::Failure;
use crate::format::percent;

/// Shares of images with a right one among their k nearest, for each of [`KS`].
type Recall = [f64; KS.len()];

/// Recall among the test images.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Retrieval {
    /// Of another image of the same class; none where every class has one.
    pub(crate) class: Option<Recall>,
    /// Of the other vendor's drawing of the same emoji; the gallery alone has them.
    pub(crate) counterpart: Option<Recall>,
}

impl Retrieval {
    /// Looks every test image up among the others.
    pub(crate) fn of(features: &Features, test: &Split, device: &Device) -> Result<Self, Failure> {
        if features.len() < 2 {
            return Ok(Self::default());
        }
        let others = pollster::block_on(Others::find(features, device))?;
        let class = test.labels().and_then(|labels| others.recall_of_labels(labels));
        let counterpart = is_gallery(test).then(|| {
            let own = gallery::counterparts(test);
            let right = |query: usize, place: usize| own[query] == Some(place as u32);
            others.recall(|query| own[query].is_some(), right)
        });
        Ok(Self { class, counterpart: counterpart.flatten() })
    }

    fn named(self) -> [(&'static str, Option<Recall>); 2] {
        [("other_vendor", self.counterpart), ("same_class", self.class)]
    }

    /// In a line for a terminal; none where nothing can be found.
    pub(crate) fn words(self) -> Option<String> {
        let words = |(name, recall): (&str, Option<Recall>)| {
            let shares = recall?.map(percent).join(", ");
            Some(format!("{} {shares}", name.replace('_', " ")))
        };
        let found: Vec<String> = self.named().into_iter().filter_map(words).collect();
        let at = KS.map(|k| k.to_string()).join(", ");
        (!found.is_empty()).then(|| format!("recall at {at}: {}", found.join("; ")))
    }
}

/// Recall by name of what is looked for and by k; what cannot be found is left out.
impl Serialize for Retrieval {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(self.named().into_iter().filter_map(|(name, recall)| {
            let at = KS.iter().zip(recall?).map(|(k, share)| (format!("recall@{k}"), share.into()));
            Some((name, at.collect::<Map<String, Value>>()))
        }))
    }
}

/// The gallery alone knows which images show the same thing.
fn is_gallery(split: &Split) -> bool {
    split.groups().is_some()
}
