//! The report: findings with their images, to accept or reject.

use std::collections::BTreeMap;

use kith_core::image::{CHANNELS, Images};
use kith_core::resize::resize;

use super::copies::jpeg;
use super::findings::{Finding, Kind};
use super::images::All;
use super::{Blending, Cleaned, DoubtfulLabels};
use crate::failure::Failure;
use crate::format::percent;
use crate::report::review::{Card, Review, Section};
use crate::report::table::Table;

/// Findings of a kind that are shown.
const SHOWN: usize = 400;
/// The most pixels of a side that are shown.
const SIDE: usize = 96;
/// Quality of the images.
const QUALITY: u8 = 85;

/// The page of what was found.
pub(super) fn review(
    all: &All,
    cleaned: &Cleaned,
    facts: Vec<(String, String)>,
) -> Result<Review, Failure> {
    let kinds = [Kind::NearDuplicate, Kind::DoubtfulLabel, Kind::Outlier, Kind::UnsureLabel];
    let of = |kind| cleaned.findings.iter().filter(move |finding| finding.finding == kind);
    let shown = kinds.map(|kind| of(kind).take(SHOWN).collect::<Vec<_>>());
    let pictures = Pictures::of(all, shown.iter().flatten().copied())?;
    let mut sections = Vec::new();
    for (kind, shown) in kinds.into_iter().zip(shown) {
        let found = of(kind).count();
        let of_labels = matches!(kind, Kind::DoubtfulLabel | Kind::UnsureLabel);
        if of_labels && cleaned.doubtful_labels.is_none() {
            continue;
        }
        sections.push(Section {
            title: title(kind, found),
            words: words(kind, cleaned),
            more: found - shown.len(),
            cards: shown.into_iter().map(|finding| card(all, finding, &pictures)).collect(),
        });
    }
    Ok(Review {
        title: format!("Clean-up of {} images", cleaned.images),
        subtitle: subtitle(cleaned),
        folder: cleaned.folder.clone(),
        next: cleaned.next(),
        sections,
        tables: tables(cleaned),
        notes: cleaned.notes.clone(),
        facts,
    })
}

fn subtitle(cleaned: &Cleaned) -> String {
    let labels = cleaned.doubtful_labels.as_ref().map(|labels| labels.found);
    let labels = labels.map_or(String::new(), |found| format!(", doubtful labels: {found}"));
    let near = &cleaned.near_duplicates.found;
    format!("Near-duplicates: {near}{labels}, outliers: {}", cleaned.outliers)
}

fn title(kind: Kind, found: usize) -> String {
    let name = match kind {
        Kind::NearDuplicate => "Near-duplicates",
        Kind::DoubtfulLabel => "Doubtful labels",
        Kind::UnsureLabel => "Between classes",
        Kind::Outlier => "Outliers",
    };
    format!("{name}: {found}")
}

fn words(kind: Kind, cleaned: &Cleaned) -> String {
    match (kind, cleaned.near_duplicates.threshold) {
        (Kind::NearDuplicate, Some(threshold)) => format!(
            "On the left an image that looks the same as the one on the right, which is kept. They are \
             closer than {threshold:.2} of the usual distance there. About one in ten may be two \
             different images."
        ),
        (Kind::NearDuplicate, None) => {
            "Images that the encoder cannot tell apart; no others are near enough to be sure."
                .into()
        }
        (Kind::DoubtfulLabel, _) => "A classifier that has not seen the image says another class, and gives \
            the label less than half the probability of a guess. The most doubtful comes first. On the right \
            the most similar image of the class that it says."
            .into(),
        (Kind::UnsureLabel, _) => "The classifier says another class here, too, but the label is not \
            unlikely. Most of these labels are right: the images lie between two classes."
            .into(),
        (Kind::Outlier, _) => {
            "These lie farther from all others than images of their class do. They may \
            be rare and right."
                .into()
        }
    }
}

/// Images no larger than they are shown.
fn small(images: &Images) -> Result<Images, Failure> {
    let side = images.size()[0].min(SIDE);
    let smaller = (0..images.len()).flat_map(|index| {
        let mut planes = vec![0; CHANNELS * side * side];
        resize(images.picture(index), images.size(), &mut planes, side);
        planes
    });
    Ok(Images::new(smaller.collect(), [images.len(), side, side])?)
}

/// Images as JPEG files by their numbers.
struct Pictures(BTreeMap<usize, Vec<u8>>);

impl Pictures {
    fn of<'a>(all: &All, shown: impl Iterator<Item = &'a Finding>) -> Result<Self, Failure> {
        let numbers = shown.flat_map(|finding| [Some(finding.image), finding.beside]);
        let mut numbers: Vec<usize> = numbers.flatten().collect();
        numbers.sort_unstable();
        numbers.dedup();
        // One at a time, so that memory does not grow with their side.
        let file = |image| Ok((image, jpeg(&small(&all.read(&[image])?)?, 0, QUALITY)));
        numbers.into_iter().map(file).collect::<Result<_, Failure>>().map(Self)
    }

    fn picture(&self, image: usize, word: &str) -> (Vec<u8>, String) {
        (self.0.get(&image).cloned().unwrap_or_default(), word.to_owned())
    }
}

fn card(all: &All, finding: &Finding, pictures: &Pictures) -> Card {
    let own = match (finding.finding, &finding.label) {
        (Kind::NearDuplicate, _) => "this one",
        (_, Some(label)) => label,
        (_, None) => "",
    };
    let beside = finding.beside.map(|image| {
        let word = match finding.finding {
            Kind::NearDuplicate => "kept",
            _ => all.class(image).unwrap_or_default(),
        };
        pictures.picture(image, word)
    });
    Card {
        file: finding.file.clone(),
        finding: finding.finding.word(),
        suggested: finding.suggested.clone(),
        reason: finding.reason.clone(),
        pictures: [pictures.picture(finding.image, own)].into_iter().chain(beside).collect(),
    }
}

fn tables(cleaned: &Cleaned) -> Vec<Table> {
    let blends = cleaned.doubtful_labels.iter().flat_map(|DoubtfulLabels { blends, .. }| blends);
    let row = |Blending { classes: [one, other], counts, share }: &Blending| {
        let [there, back] = counts.map(|count| count.to_string());
        vec![format!("{one} and {other}"), percent(*share), there, back]
    };
    let header = ["classes", "of both", "first looks like second", "second looks like first"];
    let blending = Table {
        title: "Classes that blend".into(),
        header: header.map(Into::into).to_vec(),
        rows: blends.map(row).collect(),
    };
    let copies = cleaned.near_duplicates.copies_found.as_object();
    let row = |(word, share): (&String, &serde_json::Value)| {
        vec![word.clone(), percent(share.as_f64().unwrap_or_default())]
    };
    let found = Table {
        title: "How many copies would be found: of copies made of these images".into(),
        header: ["made by", "found"].map(Into::into).to_vec(),
        rows: copies.into_iter().flatten().map(row).collect(),
    };
    [blending, found].into_iter().filter(|table| !table.rows.is_empty()).collect()
}
