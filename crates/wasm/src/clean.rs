//! Clean-up: near-duplicates, outliers, doubtful labels and classes that blend.

use js_sys::Float32Array;
use kith_core::clean::copies::{Change, copied};
use kith_core::clean::duplicates::{Made, Settings};
use kith_core::clean::search::{Found, JudgedLabels, Question, search};
use kith_core::probe::Features;
use serde::Serialize;
use tsify::{Ts, Tsify};
use wasm_bindgen::prelude::*;

use crate::convert::{features, floats, images, object};
use crate::encoder::Encoder;
use crate::engine::Engine;
use crate::fail::{Result, failure, from_core};

/// All that was found. Pictures are places in all, classes numbers as they were given.
#[derive(Debug, Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub struct CleanUp {
    /// Groups of near-duplicates.
    groups: Vec<GroupFound>,
    /// The relative distance up to which two pictures are near-duplicates; null where only pictures with
    /// the same features are.
    threshold: Option<f64>,
    /// The share of each kind of copies that is found within it.
    copies_found: Vec<f64>,
    /// The least likely by chance first.
    outliers: Vec<OutlierFound>,
    /// Null where no two classes can be judged.
    labels: Option<LabelsFound>,
}

/// Pictures of which one is enough.
#[derive(Debug, Serialize, Tsify)]
pub struct GroupFound {
    /// The picture to keep.
    kept: usize,
    /// The others, the most alike first.
    others: Vec<CopyFound>,
}

/// A near-duplicate.
#[derive(Debug, Serialize, Tsify)]
pub struct CopyFound {
    /// The picture.
    picture: usize,
    /// Its cosine with the one to keep.
    cosine: f32,
    /// Its distance from it, as a share of how far apart pictures lie around them.
    relative: f64,
}

/// A picture that lies far from all others.
#[derive(Debug, Serialize, Tsify)]
pub struct OutlierFound {
    /// The picture.
    picture: usize,
    /// How many times as far as usual it lies from its nearest others.
    times: f64,
}

/// What was found of labels.
#[derive(Debug, Serialize, Tsify)]
pub struct LabelsFound {
    /// Labels that may be wrong, the most doubtful first.
    doubts: Vec<DoubtFound>,
    /// Classes that are taken for each other, most often first.
    blends: Vec<BlendFound>,
    /// Pictures that were judged.
    judged: usize,
    /// Classes of too few different pictures, which were not judged.
    small: Vec<usize>,
}

/// A label that may be wrong.
#[derive(Debug, Serialize, Tsify)]
pub struct DoubtFound {
    /// The picture.
    picture: usize,
    /// The class that it looks like.
    suggested: u16,
    /// Probability of its label.
    probability: f64,
    /// Probability of the suggested class.
    likely: f64,
    /// Whether the label is most likely wrong, and the picture not one between classes.
    strong: bool,
    /// The picture of the suggested class that is most alike.
    beside: Option<usize>,
}

/// Two classes that are taken for each other.
#[derive(Debug, Serialize, Tsify)]
pub struct BlendFound {
    /// The classes, the lower first.
    classes: [usize; 2],
    /// Pictures of the first that look like the second, and of the second that look like the first.
    counts: [usize; 2],
    /// Both together, as a share of the pictures of both.
    share: f64,
}

#[wasm_bindgen]
impl Engine {
    /// Looks for everything in pictures by their features, `[n, dim]`. `labels` are n numbers of classes, -1
    /// for none; `copies` are features of copies of the pictures in `copied`, one kind after another.
    ///
    /// # Errors
    /// `DIMENSION`, `TOO_FEW` for fewer than two pictures, `DEVICE`.
    #[wasm_bindgen(js_name = cleanUp)]
    pub async fn clean_up(
        &self,
        rows: Vec<f32>,
        labels: &[i32],
        copied: &[u32],
        copies: Vec<f32>,
    ) -> Result<Ts<CleanUp>> {
        let dim = rows.len() / labels.len().max(1);
        let rows = features(rows, dim)?;
        let labels: Vec<Option<u16>> = labels.iter().map(|&label| label.try_into().ok()).collect();
        let of: Vec<usize> = copied.iter().map(|&place| place as usize).collect();
        let kinds = copies.chunks((of.len() * dim).max(1));
        let made = kinds.map(|values| Made {
            of: of.clone(),
            features: Features { values: values.to_vec(), dim },
        });
        let question = Question {
            features: &rows,
            labels: &labels,
            preference: &[],
            made: &made.collect::<Vec<_>>(),
            settings: Settings::default(),
            seed: SEED,
        };
        let found = search(question, self.device()).await.map_err(from_core)?;
        object(&CleanUp::from(found))
    }
}

/// Decides which pictures are copied, and which are judged together.
const SEED: u64 = 1;

#[wasm_bindgen]
impl Encoder {
    /// Features of copies of pictures, `[count, dim]`, of their own length; `kind` counts from 0.
    ///
    /// # Errors
    /// `PIXEL_COUNT`, `SETTING` for a kind that there is not, `DEVICE`.
    #[wasm_bindgen(js_name = embedCopies)]
    pub async fn embed_copies(
        &self,
        pixels: Vec<u8>,
        count: usize,
        kind: usize,
    ) -> Result<Float32Array> {
        let expected = format!("expected a kind of copies below {}", Change::ALL.len());
        let change = Change::ALL.get(kind).ok_or_else(|| failure("SETTING", &expected))?;
        let copies = change.of(&images(pixels, count, self.side())?);
        Ok(floats(&self.own_length(&copies).await.map_err(from_core)?.values))
    }
}

/// The kinds of copies in words.
#[wasm_bindgen(js_name = copyKinds)]
pub fn copy_kinds() -> Vec<String> {
    Change::ALL.map(|change| change.word().to_owned()).to_vec()
}

/// Which of so many pictures are copied.
#[wasm_bindgen(js_name = copiedPictures)]
pub fn copied_pictures(count: usize) -> Vec<u32> {
    copied(count, SEED).into_iter().map(|place| place as u32).collect()
}

impl From<Found> for CleanUp {
    fn from(found: Found) -> Self {
        let Found { duplicates, outliers, labels } = found;
        let group = |group: &kith_core::clean::stars::Group| GroupFound {
            kept: group.kept,
            others: group
                .others
                .iter()
                .map(|other| CopyFound {
                    picture: other.image,
                    cosine: other.cosine,
                    relative: other.relative,
                })
                .collect(),
        };
        let times = |&picture: &usize| OutlierFound { picture, times: outliers.scores[picture] };
        Self {
            groups: duplicates.groups.iter().map(group).collect(),
            threshold: duplicates.threshold,
            copies_found: duplicates.found,
            outliers: outliers.found.iter().map(times).collect(),
            labels: labels.map(LabelsFound::from),
        }
    }
}

impl From<JudgedLabels> for LabelsFound {
    fn from(found: JudgedLabels) -> Self {
        let classes = found.classes;
        let pairs = found.doubts.iter().zip(&found.suggested).zip(&found.beside);
        let doubts = pairs.map(|((doubt, &likely), &beside)| DoubtFound {
            picture: doubt.image,
            suggested: doubt.suggested,
            probability: doubt.self_confidence,
            likely,
            strong: doubt.is_strong(classes),
            beside,
        });
        let blends = found.blends.iter().map(|blend| BlendFound {
            classes: blend.classes,
            counts: blend.counts,
            share: blend.share,
        });
        Self {
            doubts: doubts.collect(),
            blends: blends.collect(),
            judged: found.judged,
            small: found.small,
        }
    }
}
