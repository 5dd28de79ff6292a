//! A folder of picture files, its first-level sub-folders as classes.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use kith_core::image::CHANNELS;
use rayon::prelude::*;

use crate::decode::square_from_file;
use crate::divide::{by_class, hold_out};
use crate::file::name_of_directory;
use crate::folder_files::{class_of, classes, pictures};
use crate::shelf::Shelf;
use crate::split::{Catalogue, Split};
use crate::training::Training;
use crate::{Dataset, Error, Options, Skipped};

/// Side of the pictures where none is asked for, in pixels: STL-10's.
const SIDE: usize = 96;

/// Share of unreadable pictures that is accepted, in percent.
const SKIPPED_PERCENT: usize = 5;

/// Pictures decoded before they are put on the shelf together.
const BATCH: usize = 512;

/// Opens a folder: finds its pictures, decodes them all, and holds a fifth of every class out for
/// testing.
///
/// Pictures that lie beside the sub-folders have no label and are only learnt from without. A
/// single sub-folder tells nothing apart, so its pictures have no labels either. Files and folders
/// whose name starts with a dot are passed over, and linked folders are not entered.
pub(crate) fn open(directory: &Path, options: &Options) -> Result<Dataset, Error> {
    if !directory.is_dir() {
        return Err(Error::NotADirectory { path: directory.to_owned() });
    }
    let side = options.side.unwrap_or(SIDE);
    let found = pictures(directory)?;
    let Decoded { paths, pixels, skipped } = decode(directory, &found, side)?;
    let shelf = Arc::new(Shelf::Memory { pixels, planes: CHANNELS, size: [side; 2] });
    let (class_names, labels) = classes(&paths)?;
    if options.labelled.is_some() && class_names.is_empty() {
        let got = usize::from(paths.iter().any(|path| class_of(path).is_some()));
        return Err(Error::OneClass { path: directory.to_owned(), got });
    }
    let labelled = 0..labels.len() as u32;
    let loose = labels.len() as u32..paths.len() as u32;
    let members = match class_names.len() {
        0 => vec![loose.clone().collect()],
        count => by_class(&labelled.collect::<Vec<_>>(), |p| labels[p as usize], count),
    };
    let (kept, held_out) = hold_out(&members, options.seed);
    let names = paths.iter().map(|path| path.to_string_lossy().into_owned()).collect();
    let catalogue = Arc::new(Catalogue { labels, names, ..Catalogue::default() });
    let test = Split::unlabelled(shelf.clone(), catalogue.clone(), held_out, side).with_labels();
    let (labelled, loose) = match class_names.len() {
        0 => (Vec::new(), kept),
        _ => (kept, loose.collect()),
    };
    let classes = class_names.len();
    let training = Training { shelf, catalogue, labelled, loose, classes, side };
    let [labelled, unlabelled] = training.split(options.labelled, options)?;
    let name = name_of_directory(directory);
    Ok(Dataset { name, class_names, labelled, unlabelled, test, skipped })
}

/// Pictures of a folder after all were tried.
#[derive(Default)]
struct Decoded {
    /// Relative paths of those that can be read.
    paths: Vec<PathBuf>,
    /// Their pixels, `[paths.len(), 3, side, side]`.
    pixels: Vec<u8>,
    /// The others with their reasons.
    skipped: Vec<Skipped>,
}

/// Tries all pictures.
fn decode(directory: &Path, found: &[PathBuf], side: usize) -> Result<Decoded, Error> {
    if found.is_empty() {
        return Err(Error::EmptyFolder { path: directory.to_owned() });
    }
    let mut decoded = Decoded::default();
    decoded.pixels.reserve(found.len() * CHANNELS * side * side);
    for batch in found.chunks(BATCH) {
        let squares: Vec<_> =
            batch.par_iter().map(|path| square_from_file(&directory.join(path), side)).collect();
        for (path, square) in batch.iter().zip(squares) {
            match square {
                Ok(square) => {
                    decoded.pixels.extend(square);
                    decoded.paths.push(path.clone());
                }
                Err(reason) => {
                    decoded.skipped.push(Skipped { path: directory.join(path), reason });
                }
            }
        }
    }
    check_skipped(&decoded.skipped, found.len())?;
    Ok(decoded)
}

/// Refuses a folder of which too much cannot be read.
fn check_skipped(skipped: &[Skipped], total: usize) -> Result<(), Error> {
    match skipped.first() {
        Some(first) if skipped.len() * 100 > total * SKIPPED_PERCENT => {
            Err(Error::TooManySkipped {
                skipped: skipped.len(),
                total,
                limit_percent: SKIPPED_PERCENT,
                first: first.path.clone(),
                reason: first.reason.clone(),
            })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use image::{Rgb, RgbImage};
    use tempfile::TempDir;

    use super::*;

    /// A folder of one-coloured pictures at the given paths, each as bright as its place.
    fn written(paths: &[String]) -> TempDir {
        let directory = tempfile::tempdir().unwrap();
        for (place, path) in paths.iter().enumerate() {
            let path = directory.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            RgbImage::from_pixel(6, 4, Rgb([place as u8; 3])).save(path).unwrap();
        }
        directory
    }

    fn paths(folder: &str, count: usize) -> Vec<String> {
        (0..count).map(|i| format!("{folder}{i:02}.png")).collect()
    }

    /// Ten cats, some deeper; twenty dogs; four beside them.
    fn pets() -> TempDir {
        written(&[paths("cat/", 5), paths("cat/old/", 5), paths("dog/", 20), paths("", 4)].concat())
    }

    fn small() -> Options {
        Options { side: Some(2), ..Options::default() }
    }

    #[test]
    fn sub_folders_are_classes_and_a_fifth_of_each_is_held_out() {
        let set = open(pets().path(), &small()).unwrap();
        assert_eq!(set.class_names, ["cat", "dog"]);
        assert_eq!((set.labelled.len(), set.unlabelled.len(), set.test.len()), (24, 28, 6));
        let dogs = set.test.labels().unwrap().iter().filter(|&&l| l == 1).count();
        assert_eq!(dogs, 4);
        let trained = set.unlabelled.pictures();
        assert!(set.test.pictures().iter().all(|picture| !trained.contains(picture)));
    }

    #[test]
    fn every_picture_keeps_its_own_name_pixels_and_label() {
        let set = open(pets().path(), &small()).unwrap();
        for index in 0..set.labelled.len() {
            let name = set.labelled.name(index).unwrap();
            assert_eq!(set.labelled.label(index), Some(u16::from(name.starts_with("dog"))));
            let brightness = set.labelled.read(&[index as u32]).unwrap().picture(0)[0];
            let number: u8 = name[name.len() - 6..name.len() - 4].parse().unwrap();
            let offset = [("cat/old", 5), ("dog", 10), ("cat", 0)];
            let offset = offset.iter().find(|(start, _)| name.starts_with(start)).unwrap().1;
            assert_eq!(brightness, offset + number, "{name}");
        }
    }

    #[test]
    fn few_labels_are_balanced_and_the_rest_is_unlabelled() {
        let set = open(pets().path(), &Options { labelled: Some(10), ..small() }).unwrap();
        let dogs = set.labelled.labels().unwrap().iter().filter(|&&l| l == 1).count();
        assert_eq!((set.labelled.len(), dogs, set.unlabelled.len()), (10, 5, 18));
        let asked = open(pets().path(), &Options { labelled: Some(25), ..small() });
        assert_eq!(asked.unwrap_err().code(), "TOO_FEW");
    }

    #[test]
    fn without_two_sub_folders_there_are_no_labels() {
        for folder in [written(&paths("", 10)), written(&paths("only/", 10))] {
            let set = open(folder.path(), &small()).unwrap();
            assert!(set.class_names.is_empty() && set.labelled.is_empty());
            assert_eq!((set.unlabelled.len(), set.test.len()), (8, 2));
            assert_eq!(set.test.labels(), None);
            let asked = open(folder.path(), &Options { labelled: Some(2), ..small() });
            assert_eq!(asked.unwrap_err().code(), "ONE_CLASS");
        }
    }

    #[test]
    fn a_few_unreadable_files_are_listed_and_many_are_refused() {
        let folder = written(&paths("", 39));
        fs::write(folder.path().join("bad.JPG"), "no picture").unwrap();
        fs::write(folder.path().join("notes.txt"), "not meant as one").unwrap();
        fs::write(folder.path().join(".hidden.png"), "nor this").unwrap();
        let set = open(folder.path(), &small()).unwrap();
        assert_eq!(set.skipped.len(), 1);
        assert!(set.skipped[0].path.ends_with("bad.JPG") && !set.skipped[0].reason.is_empty());
        for name in ["b.png", "c.gif"] {
            fs::write(folder.path().join(name), "no picture").unwrap();
        }
        assert_eq!(open(folder.path(), &small()).unwrap_err().code(), "TOO_MANY_SKIPPED");
    }

    #[test]
    fn a_folder_without_pictures_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.txt"), "text").unwrap();
        assert_eq!(open(folder.path(), &small()).unwrap_err().code(), "EMPTY_FOLDER");
    }
}
