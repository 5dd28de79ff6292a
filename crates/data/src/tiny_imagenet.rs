//! Tiny ImageNet (Le and Yang, 2015): 200 classes of ImageNet in 64 × 64.
//!
//! `train` holds a folder for each class, named by its number in WordNet, with a folder `images` in
//! it; `val/val_annotations.txt` says the classes of the images in `val/images`. The images in `test`
//! have no labels.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::encoded::Files;
use crate::file::{DataFile, data_directory};
use crate::ignored::Ignored;
use crate::layout::{Item, Part, uneven_classes};
use crate::pictures::Pictures;
use crate::printable::printable;
use crate::scan::Watch;
use crate::walk::{Found, walk};
use crate::{Dataset, Error, Options};

/// Side of the images, in pixels.
const SIDE: usize = 64;

const HINT: &str = "Tiny ImageNet's directory holds wnids.txt, words.txt, train and val, and in val \
                    the file val_annotations.txt; `kith fetch tiny-imagenet` gets them. If the \
                    images of val are sorted into folders, use folder:DIR";

/// Opens Tiny ImageNet's directory; labels count the classes in the order of their numbers. The
/// validation images test, since the test images have no labels.
pub(crate) fn open(
    directory: &Path,
    options: &Options,
    watch: Watch<'_>,
) -> Result<Dataset, Error> {
    let directory = &data_directory(directory, "tiny-imagenet-200")?;
    let classes = classes(directory)?;
    let annotations = Annotations::read(directory, &classes)?;
    let mut walk = walk(directory)?;
    for _read in ["wnids.txt", "words.txt", "val/val_annotations.txt"] {
        walk.ignored.take_back(".txt");
    }
    let (mut items, mut missing) = (Vec::new(), annotations.of.clone());
    for file in walk.files {
        missing.remove(&file.path);
        items.extend(item(directory, file, (&classes, &annotations), &mut walk.ignored)?);
    }
    if items.is_empty() {
        return Err(Error::empty_folder(directory, &walk.ignored.words()));
    }
    items.sort_by(|a, b| a.file.path.cmp(&b.file.path));
    walk.notes.extend(annotations.missing(&missing)?);
    walk.notes.extend(uneven_classes(&items));
    let paths = items.iter().map(|item| item.file.path.clone()).collect();
    let pictures = Pictures {
        name: "tiny-imagenet".to_owned(),
        origin: directory,
        images: Arc::new(Files::new(directory, paths)),
        items,
        order: classes.into_values().collect(),
        hint: HINT,
        ignored: walk.ignored,
        notes: walk.notes,
    };
    pictures.open(options.frame(SIDE), options, watch)
}

/// The names of the classes by their numbers. Where two classes have the same first name, their
/// numbers follow it.
fn classes(directory: &Path) -> Result<BTreeMap<String, String>, Error> {
    let numbers = DataFile::open(directory, "wnids.txt", HINT)?.lines()?;
    let words = DataFile::open(directory, "words.txt", HINT)?.lines()?;
    let words: BTreeMap<&str, &str> =
        words.iter().filter_map(|line| line.split_once('\t')).collect();
    let first = |number: &str| {
        let names = words.get(number).copied().unwrap_or(number);
        names.split(',').next().unwrap_or(names).trim().to_owned()
    };
    let mut uses: BTreeMap<String, usize> = BTreeMap::new();
    for number in &numbers {
        *uses.entry(first(number)).or_default() += 1;
    }
    let name = |number: String| {
        let first = first(&number);
        let name = if uses[&first] > 1 { format!("{first} ({number})") } else { first };
        (number, name)
    };
    Ok(numbers.into_iter().map(name).collect())
}

/// What a file of the directory is; nothing where it is passed over.
fn item(
    directory: &Path,
    file: Found,
    (classes, annotations): (&BTreeMap<String, String>, &Annotations),
    ignored: &mut Ignored,
) -> Result<Option<Item>, Error> {
    let parts: Vec<_> = file.path.iter().map(|part| part.to_string_lossy()).collect();
    let parts: Vec<&str> = parts.iter().map(AsRef::as_ref).collect();
    let (part, class) = match parts[..] {
        ["train", number, "images", _] => match classes.get(number) {
            Some(name) => (Part::Train, name),
            None => return Err(strange(directory, number)),
        },
        ["val", "images", _] => match annotations.of.get(&file.path) {
            Some(name) => (Part::Test, name),
            None => {
                ignored.add("validation images without a label");
                return Ok(None);
            }
        },
        ["test", ..] => {
            ignored.add("test images, which have no labels");
            return Ok(None);
        }
        _ => {
            ignored.add("beside the images of train and val");
            return Ok(None);
        }
    };
    let class = Some(class.clone());
    Ok(Some(Item { file, part, class, domain: None }))
}

/// The error of a training folder that is none of the classes.
fn strange(directory: &Path, number: &str) -> Error {
    Error::Layout {
        path: directory.join("train"),
        expected: "a folder for each class of wnids.txt; for other images use folder:DIR"
            .to_owned(),
        got: format!("the folder {number}"),
    }
}

/// The classes of the validation images.
struct Annotations {
    table: PathBuf,
    /// The name of an image's class, by the image's path in the set.
    of: BTreeMap<PathBuf, String>,
}

impl Annotations {
    fn read(directory: &Path, classes: &BTreeMap<String, String>) -> Result<Self, Error> {
        let file = DataFile::open(&directory.join("val"), "val_annotations.txt", HINT)?;
        let mut this = Self { table: file.path().to_owned(), of: BTreeMap::new() };
        for (line, text) in (1..).zip(file.lines()?) {
            let wrong = |expected: String| Error::Text {
                path: this.table.clone(),
                line,
                expected,
                got: text.clone(),
            };
            let mut columns = text.split('\t');
            let (Some(name), Some(number)) = (columns.next(), columns.next()) else {
                return Err(wrong("a file, a tab and the number of its class".to_owned()));
            };
            let Some(class) = classes.get(number) else {
                return Err(wrong("a class of wnids.txt in the second column".to_owned()));
            };
            let path = Path::new("val/images").join(name);
            match this.of.insert(path, class.clone()) {
                Some(other) if other != *class => {
                    return Err(wrong(format!(
                        "the class of an earlier line, {other}, for {name}"
                    )));
                }
                _ => {}
            }
        }
        Ok(this)
    }

    /// A sentence on annotated images that are not there.
    ///
    /// # Errors
    /// [`Error::Layout`] when none is there.
    fn missing(&self, missing: &BTreeMap<PathBuf, String>) -> Result<Option<String>, Error> {
        let Some(first) = missing.keys().next().map(|path| printable(path)) else {
            return Ok(None);
        };
        let (count, all) = (missing.len(), self.of.len());
        if count == all {
            let expected = "its images in val/images".to_owned();
            let got = format!("none of {all}, the first is {first}");
            return Err(Error::Layout { path: self.table.clone(), expected, got });
        }
        Ok(Some(format!(
            "val_annotations.txt: {count} of {all} images are not there (first: {first})"
        )))
    }
}

#[cfg(test)]
mod tests;
