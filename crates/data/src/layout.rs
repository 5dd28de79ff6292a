//! What the folders of a folder mean: splits where they are called so, classes else.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::path::{Component, Path, PathBuf};

use crate::Error;
use crate::ignored::Ignored;
use crate::labels::Labels;
use crate::printable::printable;
use crate::walk::Found;

/// What an image is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    /// To learn from, with its label if it has one.
    Train,
    /// To choose by.
    Validation,
    /// To test by.
    Test,
    /// To learn from without a label.
    Unlabelled,
}

impl Part {
    /// The part that a folder's name says.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name.to_lowercase().as_str() {
            "train" | "training" => Self::Train,
            "val" | "valid" | "validation" => Self::Validation,
            "test" | "testing" => Self::Test,
            "unlabelled" | "unlabeled" => Self::Unlabelled,
            _ => return None,
        })
    }
}

/// An image with what its place says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Item {
    /// The file.
    pub(crate) file: Found,
    /// What it is for.
    pub(crate) part: Part,
    /// Its class, if it has one.
    pub(crate) class: Option<String>,
    /// The domain that a table says, if there is one.
    pub(crate) domain: Option<String>,
}

/// All images of a folder.
#[derive(Debug, Default)]
pub(crate) struct Layout {
    /// Images with a class first, then the others, either in the order of their paths.
    pub(crate) items: Vec<Item>,
    /// What is worth a sentence.
    pub(crate) notes: Vec<String>,
}

/// Says of every image what it is for and of which class.
///
/// Folders of the first level are splits where all are called so, or two of train, validation and
/// test are there; folders in them are classes. Else they are classes themselves, but for one
/// called `unlabelled`. A table of labels says the classes in place of folders.
pub(crate) fn lay_out(
    files: Vec<Found>,
    labels: Option<&Labels>,
    ignored: &mut Ignored,
) -> Result<Layout, Error> {
    let folders = meaning(&files);
    let mut layout = Layout::default();
    layout.notes.extend(
        taken_for_classes(&files).filter(|_| folders == Meaning::Classes && labels.is_none()),
    );
    for file in files {
        let Some((part, inner)) = part_of(&file.path, folders) else {
            ignored.add("beside the folders of splits");
            continue;
        };
        let class = match labels {
            _ if part == Part::Unlabelled => None,
            Some(labels) => labels.of.get(&file.path).and_then(|row| row.class.clone()),
            None => first_folder(inner).map(|folder| printable(Path::new(folder))),
        };
        let row = labels.and_then(|labels| labels.of.get(&file.path));
        let domain = row.and_then(|row| row.domain.clone());
        layout.items.push(Item { file, part, class, domain });
    }
    if let Some(labels) = labels {
        layout.notes.push(compared(labels, &layout.items)?);
    }
    drop_strangers(&mut layout, ignored);
    layout
        .items
        .sort_by(|a, b| (a.class.is_none(), &a.file.path).cmp(&(b.class.is_none(), &b.file.path)));
    layout.notes.extend(uneven_classes(&layout.items));
    Ok(layout)
}

/// The folder of the first level that a path is in.
fn first_folder(path: &Path) -> Option<&OsStr> {
    let mut parts = path.components();
    let first = parts.next()?;
    parts.next().map(|_| first.as_os_str())
}

/// What the folders of the first level are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning {
    Splits,
    Classes,
}

/// What the folders of the first level are.
fn meaning(files: &[Found]) -> Meaning {
    by_name(&files.iter().filter_map(|file| first_folder(&file.path)).collect())
}

/// What folders are by their names.
fn by_name(folders: &BTreeSet<&OsStr>) -> Meaning {
    let part = |folder: &&OsStr| folder.to_str().and_then(Part::named);
    let parts: BTreeSet<Part> =
        folders.iter().filter_map(part).filter(|part| *part != Part::Unlabelled).collect();
    let all = folders.iter().all(|folder| part(folder).is_some());
    match parts.len() {
        0 => Meaning::Classes,
        1 if !all => Meaning::Classes,
        _ => Meaning::Splits,
    }
}

/// A sentence where folders are called like splits and are classes.
fn taken_for_classes(files: &[Found]) -> Option<String> {
    let folders: BTreeSet<_> = files.iter().filter_map(|file| first_folder(&file.path)).collect();
    let part = |folder: &&OsStr| folder.to_str().and_then(Part::named);
    let alike = |folder: &&OsStr| part(folder).is_some_and(|part| part != Part::Unlabelled);
    let name = folders.into_iter().find(alike)?.display().to_string();
    Some(format!("the folder {name} is taken for a class, as the folders beside it are"))
}

/// Whether folders of the first level, by their names, hold images to test by.
pub(crate) fn name_a_test(folders: &[OsString]) -> bool {
    let test = |folder: &OsString| {
        let part = folder.to_str().and_then(Part::named);
        matches!(part, Some(Part::Test | Part::Validation))
    };
    let meaning = by_name(&folders.iter().map(OsString::as_os_str).collect());
    meaning == Meaning::Splits && folders.iter().any(test)
}

/// The part of an image, and its path within; none where it belongs to no part.
fn part_of(path: &Path, folders: Meaning) -> Option<(Part, &Path)> {
    let folder = first_folder(path);
    match folder.and_then(|folder| folder.to_str()).and_then(Part::named) {
        Some(part) if folders == Meaning::Splits || part == Part::Unlabelled => {
            let inner = path.strip_prefix(Component::Normal(folder?)).unwrap_or(path);
            Some((part, inner))
        }
        _ => (folders == Meaning::Classes).then_some((Part::Train, path)),
    }
}

/// Images without a class can neither test nor choose where others of their split have one.
fn drop_strangers(layout: &mut Layout, ignored: &mut Ignored) {
    for (part, what) in [
        (Part::Test, "test images without a class"),
        (Part::Validation, "validation images without a class"),
    ] {
        let mixed = layout.items.iter().any(|item| item.part == part && item.class.is_some());
        layout.items.retain(|item| {
            let stays = !mixed || item.part != part || item.class.is_some();
            if !stays {
                ignored.add(what);
            }
            stays
        });
    }
}

/// What a table of labels and the images do not have in common, in words.
///
/// # Errors
/// [`Error::Text`] when that is everything.
fn compared(labels: &Labels, items: &[Item]) -> Result<String, Error> {
    let there: BTreeSet<&PathBuf> = items.iter().map(|item| &item.file.path).collect();
    let missing: Vec<_> = labels.of.iter().filter(|(path, _)| !there.contains(path)).collect();
    let unlisted = there.iter().filter(|path| !labels.of.contains_key(**path)).count();
    if let Some((path, row)) = missing.first().filter(|_| missing.len() == labels.of.len()) {
        let expected = "the path of an image in this folder, as in cat/1.jpg".to_owned();
        return Err(labels.wrong(row.line, expected, &printable(path)));
    }
    let mut words = format!("labels.csv: {} files", labels.of.len());
    if let Some((path, row)) = missing.iter().min_by_key(|(_, row)| row.line) {
        let (count, first) = (missing.len(), printable(path));
        words += &format!(
            ", {count} of them not among the images (first in line {}: {first})",
            row.line
        );
    }
    if unlisted > 0 {
        words += &format!("; {unlisted} images are not in it and have no label");
    }
    let domains: BTreeSet<_> =
        items.iter().filter_map(|item| labels.of.get(&item.file.path)?.domain.as_ref()).collect();
    if !domains.is_empty() {
        words += &format!("; domains: {}", domains.len());
    }
    Ok(words)
}

/// A sentence for every split that lacks classes of another.
pub(crate) fn uneven_classes(items: &[Item]) -> Vec<String> {
    /// Names that a sentence can hold.
    const SHOWN: usize = 5;
    let mut classes: BTreeMap<Part, BTreeSet<&str>> = BTreeMap::new();
    for item in items {
        if let Some(class) = &item.class {
            classes.entry(item.part).or_default().insert(class);
        }
    }
    let all: BTreeSet<&str> = classes.values().flatten().copied().collect();
    let lacking = classes.iter().filter_map(|(part, own)| {
        let lacks: Vec<&str> = all.difference(own).copied().collect();
        let name = match part {
            Part::Train => "training",
            Part::Validation => "validation",
            Part::Test => "test",
            Part::Unlabelled => return None,
        };
        let more = if lacks.len() > SHOWN { ", …" } else { "" };
        let list = lacks[..lacks.len().min(SHOWN)].join(", ");
        let count = lacks.len();
        (count > 0)
            .then(|| format!("{name} images lack {count} of {} classes: {list}{more}", all.len()))
    });
    lacking.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(paths: &[&str]) -> Vec<Found> {
        let found = |path: &&str| Found { path: path.into(), bytes: 1, modified: 1 };
        paths.iter().map(found).collect()
    }

    /// Path, part and class.
    type Laid = (String, Part, Option<String>);

    /// Every image as laid out, what was passed over, and notes.
    fn laid(paths: &[&str]) -> (Vec<Laid>, Ignored, Vec<String>) {
        let mut ignored = Ignored::default();
        let layout = lay_out(files(paths), None, &mut ignored).unwrap();
        let item = |item: Item| (item.file.path.display().to_string(), item.part, item.class);
        (layout.items.into_iter().map(item).collect(), ignored, layout.notes)
    }

    fn class(name: &str) -> Option<String> {
        Some(name.to_owned())
    }

    #[test]
    fn folders_are_classes_and_images_beside_them_come_last() {
        let (items, ..) = laid(&["a.png", "z/y/b.gif", "z/a.jpeg", "c/d.webp"]);
        let expected = [
            ("c/d.webp", class("c")),
            ("z/a.jpeg", class("z")),
            ("z/y/b.gif", class("z")),
            ("a.png", None),
        ];
        for (got, (path, class)) in items.iter().zip(expected) {
            assert_eq!((got.0.as_str(), got.1, &got.2), (path, Part::Train, &class));
        }
    }

    #[test]
    fn folders_called_so_are_splits_of_the_same_classes() {
        let (items, ignored, notes) = laid(&[
            "Train/cat/1.png",
            "Train/dog/1.png",
            "valid/cat/2.png",
            "valid/dog/2.png",
            "testing/cat/deep/3.png",
            "unlabeled/4.png",
            "unlabeled/any/5.png",
            "sketch.png",
            "notes/6.png",
        ]);
        let of = |path: &str| items.iter().find(|item| item.0 == path).map(|i| (i.1, i.2.clone()));
        assert_eq!(of("Train/dog/1.png"), Some((Part::Train, class("dog"))));
        assert_eq!(of("valid/cat/2.png"), Some((Part::Validation, class("cat"))));
        assert_eq!(of("testing/cat/deep/3.png"), Some((Part::Test, class("cat"))));
        assert_eq!(of("unlabeled/4.png"), Some((Part::Unlabelled, None)));
        assert_eq!(of("unlabeled/any/5.png"), Some((Part::Unlabelled, None)));
        assert_eq!((items.len(), ignored.words().as_str()), (7, "2 beside the folders of splits"));
        assert_eq!(notes, ["test images lack 1 of 2 classes: dog"]);
    }

    #[test]
    fn one_such_name_among_classes_is_a_class() {
        let (items, _, notes) = laid(&["train/1.png", "car/1.png", "unlabelled/2.png"]);
        assert_eq!(notes, ["the folder train is taken for a class, as the folders beside it are"]);
        assert_eq!(items[1].2, class("train"), "a railway train");
        assert_eq!((items[2].1, &items[2].2), (Part::Unlabelled, &None));
        let (items, ..) = laid(&["train/cat/1.png", "train/dog/1.png"]);
        assert_eq!(items[1].2, class("dog"), "a folder of training images alone");
    }

    #[test]
    fn images_without_a_class_do_not_test_beside_those_that_have_one() {
        let (items, ignored, _) = laid(&["train/cat/1.png", "test/cat/1.png", "test/2.png"]);
        assert_eq!((items.len(), ignored.words().as_str()), (2, "1 test images without a class"));
        let (items, ignored, _) = laid(&["train/cat/1.png", "test/2.png"]);
        assert!(items.len() == 2 && ignored.is_empty());
    }

    #[test]
    fn a_table_says_the_classes_in_place_of_folders() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("labels.csv");
        let read = |content: &str| {
            std::fs::write(&path, content).unwrap();
            Labels::read(&path).unwrap()
        };
        let labels = read("file,label\nx/1.png,cat\n2.png,dog\ngone.png,cat\n");
        let mut ignored = Ignored::default();
        let found = files(&["x/1.png", "2.png", "3.png"]);
        let layout = lay_out(found.clone(), Some(&labels), &mut ignored).unwrap();
        let classes: Vec<_> = layout.items.iter().map(|item| item.class.as_deref()).collect();
        assert_eq!(classes, [Some("dog"), Some("cat"), None]);
        let note = &layout.notes[0];
        assert!(note.contains("3 files, 1 of them") && note.contains("line 4: gone.png"), "{note}");
        assert!(note.contains("1 images are not in it"), "{note}");
        let labels = read("file,label\nelsewhere/1.png,cat\n");
        let error = lay_out(found, Some(&labels), &mut ignored).unwrap_err();
        assert!(matches!(error, Error::Text { line: 2, .. }), "{error}");
    }
}
