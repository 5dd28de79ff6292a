//! The built-in gallery: emoji as two vendors draw them.
//!
//! Every emoji comes twice, drawn by Google (Noto Emoji) and by Twitter (Twemoji), 64 × 64 over
//! white. Its class is its Unicode category. "Find this picture drawn by the other vendor" has one
//! right answer, [`counterparts`], which nobody had to label. The pictures' licences and origin
//! are in `assets/gallery/NOTICE.md`.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::atlas::{SIDE, VENDORS, storage};
use crate::divide::hold_out;
use crate::split::{Metadata, Split};
use crate::training::Training;
use crate::{Dataset, Error, Options};

const TABLE: &str = include_str!("../../../assets/gallery/emoji.tsv");

/// Who drew a picture. The order is that of the pictures of one emoji.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vendor {
    /// Noto Emoji.
    Google,
    /// Twemoji.
    Twitter,
}

/// What a picture of the gallery shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Emoji {
    /// Its Unicode code points in hexadecimal, joined by `-`.
    pub code: &'static str,
    /// Its Unicode category: the class.
    pub category: &'static str,
    /// Its Unicode name in lower case.
    pub name: &'static str,
}

/// All emoji of the gallery, each once, in Unicode's order; a group of
/// [`Split::groups`] is a place in this list.
pub fn emoji() -> Vec<Emoji> {
    let emoji = |line: &'static str| {
        let mut fields = line.split('\t');
        let mut field = || fields.next().expect("every line of the table has three fields");
        Emoji { code: field(), category: field(), name: field() }
    };
    TABLE.lines().skip(1).map(emoji).collect()
}

/// Who drew a picture of a split of the gallery. `index` must be in the split.
pub fn vendor(split: &Split, index: usize) -> Vendor {
    match split.pictures()[index] as usize % VENDORS {
        0 => Vendor::Google,
        _ => Vendor::Twitter,
    }
}

/// For every picture of a split of the gallery, where in the split the other vendor's drawing of
/// the same emoji is; `None` where it is not in the split.
pub fn counterparts(split: &Split) -> Vec<Option<u32>> {
    let places: BTreeMap<u32, u32> = split.pictures().iter().copied().zip(0..).collect();
    // The two drawings of an emoji are neighbours, the first of even number.
    split.pictures().iter().map(|picture| places.get(&(picture ^ 1)).copied()).collect()
}

/// Opens the gallery. A fifth of the emoji of every class, drawn by both vendors, is held out for
/// testing: no emoji is on both sides.
pub(crate) fn open(options: &Options) -> Result<Dataset, Error> {
    let emoji = emoji();
    let class_names = classes(&emoji);
    let frame = options.frame(SIDE);
    let metadata = Arc::new(metadata(&emoji, &class_names));
    let storage = Arc::new(storage(emoji.len()));
    let (kept, held_out) = hold_out(&emoji_by_class(&emoji, &class_names), options.seed);
    let test = Split::unlabelled(storage.clone(), metadata.clone(), drawings(&held_out), frame);
    let training = Training {
        storage,
        metadata,
        labelled: drawings(&kept),
        loose: Vec::new(),
        classes: class_names.len(),
        frame,
    };
    let [labelled, unlabelled] = training.split(options.labelled, options)?;
    let name = "gallery".to_owned();
    let splits = [labelled, unlabelled, test.with_labels()];
    Ok(Dataset { draws_test: true, ..Dataset::new(name, class_names, splits) })
}

/// The categories in the order in which they come first.
fn classes(emoji: &[Emoji]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for emoji in emoji {
        if !names.iter().any(|name| name == emoji.category) {
            names.push(emoji.category.to_owned());
        }
    }
    names
}

/// The class of an emoji.
fn class(emoji: &Emoji, class_names: &[String]) -> usize {
    let place = class_names.iter().position(|name| name == emoji.category);
    place.expect("the classes are the emoji's categories")
}

/// The emoji of every class.
fn emoji_by_class(emoji: &[Emoji], class_names: &[String]) -> Vec<Vec<u32>> {
    let mut members = vec![Vec::new(); class_names.len()];
    for (number, emoji) in emoji.iter().enumerate() {
        members[class(emoji, class_names)].push(number as u32);
    }
    members
}

/// The pictures of some emoji.
fn drawings(emoji: &[u32]) -> Vec<u32> {
    let vendors = VENDORS as u32;
    emoji
        .iter()
        .flat_map(|emoji| (0..vendors).map(move |vendor| emoji * vendors + vendor))
        .collect()
}

/// What is known about every drawing.
fn metadata(emoji: &[Emoji], class_names: &[String]) -> Metadata {
    let twice = |number: usize| std::iter::repeat_n(&emoji[number], VENDORS);
    let all = || (0..emoji.len()).flat_map(twice);
    let groups = (0..emoji.len() as u32).flat_map(|number| [number; VENDORS]);
    Metadata {
        labels: all().map(|emoji| class(emoji, class_names) as u16).collect(),
        groups: groups.collect(),
        domains: all().zip((0..VENDORS as u16).cycle()).map(|(_, vendor)| Some(vendor)).collect(),
        names: all().map(|emoji| emoji.name.to_owned()).collect(),
        ..Metadata::default()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use kith_core::loader::ImageSet;

    use super::*;

    fn gallery() -> Dataset {
        open(&Options::default()).unwrap()
    }

    #[test]
    fn every_emoji_is_there_twice_and_in_one_of_nine_classes() {
        let set = gallery();
        let emoji = emoji();
        assert_eq!((set.class_names.len(), set.side()), (9, SIDE));
        assert_eq!(set.labelled.len() + set.test.len(), emoji.len() * VENDORS);
        assert!(emoji.len() > 1_800, "expected over 1,800 emoji, got {}", emoji.len());
        let codes: BTreeSet<_> = emoji.iter().map(|emoji| emoji.code).collect();
        assert_eq!(codes.len(), emoji.len(), "an emoji is there twice");
    }

    #[test]
    fn the_other_vendors_drawing_is_of_the_same_emoji_and_side() {
        let set = gallery();
        for split in [&set.labelled, &set.unlabelled, &set.test] {
            let groups = split.groups().unwrap();
            for (index, other) in counterparts(split).into_iter().enumerate() {
                let other = other.expect("both drawings are in the same split") as usize;
                assert_eq!(groups[index], groups[other]);
                assert_ne!(vendor(split, index), vendor(split, other));
                assert_eq!(split.name(index), split.name(other));
            }
        }
        assert!(counterparts(&set.test.subset(&[0, 2])).iter().all(Option::is_none));
    }

    #[test]
    fn vendors_are_domains() {
        let set = gallery();
        for split in [&set.unlabelled, &set.test] {
            for index in 0..split.len() {
                let domain = split.domain(index as u32).expect("it is known");
                assert_eq!(domain == 0, vendor(split, index) == Vendor::Google);
            }
        }
    }

    #[test]
    fn no_emoji_is_trained_and_tested() {
        let set = gallery();
        let trained: BTreeSet<u32> = set.unlabelled.groups().unwrap().into_iter().collect();
        let tested: BTreeSet<u32> = set.test.groups().unwrap().into_iter().collect();
        assert!(trained.is_disjoint(&tested));
        let share = tested.len() as f64 / (trained.len() + tested.len()) as f64;
        assert!((share - 0.2).abs() < 0.01, "expected a fifth, got {share}");
    }

    #[test]
    fn no_two_drawings_of_a_vendor_are_the_same() {
        let set = gallery();
        for split in [&set.unlabelled, &set.test] {
            let all = split.read(&(0..split.len() as u32).collect::<Vec<_>>()).unwrap();
            let distinct: BTreeSet<_> = (0..all.len()).map(|i| all.picture(i)).collect();
            assert_eq!(distinct.len(), all.len());
        }
    }

    #[test]
    fn the_grinning_face_is_yellow_on_white() {
        let set = gallery();
        let split = [&set.unlabelled, &set.test]
            .into_iter()
            .find(|split| split.pictures().contains(&0))
            .expect("the first emoji is somewhere");
        let index = split.pictures().iter().position(|&p| p == 0).unwrap();
        let images = split.read(&[index as u32]).unwrap();
        let at =
            |y: usize, x: usize| [0, 1, 2].map(|c| images.picture(0)[(c * SIDE + y) * SIDE + x]);
        assert_eq!(at(0, 0), [255; 3]);
        let [red, green, blue] = at(12, 32);
        assert!(red > 200 && green > 150 && blue < 120, "{:?}", at(12, 32));
    }

    #[test]
    fn few_labels_leave_the_rest_unlabelled() {
        let set = open(&Options { labelled: Some(90), ..Options::default() }).unwrap();
        let all = gallery().labelled.len();
        assert_eq!((set.labelled.len(), set.unlabelled.len()), (90, all - 90));
        let labels = set.labelled.labels().unwrap();
        assert!((0..9).all(|class| labels.iter().filter(|&&l| l == class).count() == 10));
    }
}
