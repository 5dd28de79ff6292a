//! Imagenette and Imagewoof (Howard, 2019): ten classes of ImageNet each, easy and hard to tell
//! apart.
//!
//! `train` and `val` hold a folder of images for each class, named by its number in WordNet.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::encoded::Files;
use crate::file::name_of_directory;
use crate::layout::{Layout, Part, lay_out};
use crate::pictures::Pictures;
use crate::scan::Watch;
use crate::walk::walk;
use crate::{Dataset, Error, Options};

/// Side of the images where none is asked for, in pixels: the smallest that results are published
/// for.
const SIDE: usize = 128;

/// Directories that the archives hold.
const ARCHIVES: [&str; 6] = [
    "imagenette2-160",
    "imagenette2-320",
    "imagenette2",
    "imagewoof2-160",
    "imagewoof2-320",
    "imagewoof2",
];

/// What the folders of classes stand for, by name.
const CLASSES: [(&str, &str); 20] = [
    ("n01440764", "tench"),
    ("n02086240", "Shih-Tzu"),
    ("n02087394", "Rhodesian ridgeback"),
    ("n02088364", "beagle"),
    ("n02089973", "English foxhound"),
    ("n02093754", "Border terrier"),
    ("n02096294", "Australian terrier"),
    ("n02099601", "golden retriever"),
    ("n02102040", "English springer"),
    ("n02105641", "Old English sheepdog"),
    ("n02111889", "Samoyed"),
    ("n02115641", "dingo"),
    ("n02979186", "cassette player"),
    ("n03000684", "chain saw"),
    ("n03028079", "church"),
    ("n03394916", "French horn"),
    ("n03417042", "garbage truck"),
    ("n03425413", "gas pump"),
    ("n03445777", "golf ball"),
    ("n03888257", "parachute"),
];

const HINT: &str = "Imagenette's and Imagewoof's directories hold train and val, each with a folder \
                    for each of ten classes, as in train/n01440764; `kith fetch imagenette` gets \
                    Imagenette";

/// Opens Imagenette's or Imagewoof's directory; labels count the classes in the order of their
/// folders' names. The validation images test.
pub(crate) fn open(
    directory: &Path,
    options: &Options,
    watch: Watch<'_>,
) -> Result<Dataset, Error> {
    let directory = &set_directory(directory)?;
    for name in ["train", "val"] {
        if !directory.join(name).is_dir() {
            return Err(Error::MissingFile { directory: directory.to_owned(), name, hint: HINT });
        }
    }
    let mut walk = walk(directory)?;
    let Layout { mut items, notes } = lay_out(walk.files, None, &mut walk.ignored)?;
    if items.is_empty() {
        return Err(Error::empty_folder(directory, &walk.ignored.words()));
    }
    for item in &mut items {
        if item.part == Part::Validation {
            item.part = Part::Test;
        }
        if let Some(folder) = &mut item.class {
            let known = CLASSES.iter().find(|(number, _)| number == folder);
            let Some((_, name)) = known else {
                return Err(strange(directory, folder));
            };
            *folder = (*name).to_owned();
        }
    }
    let paths = items.iter().map(|item| item.file.path.clone()).collect();
    let pictures = Pictures {
        name: name_of_directory(directory),
        origin: directory,
        images: Arc::new(Files::new(directory, paths)),
        items,
        order: CLASSES.iter().map(|(_, name)| (*name).to_owned()).collect(),
        hint: HINT,
        ignored: walk.ignored,
        notes: [walk.notes, notes].concat(),
    };
    pictures.open(options.frame(SIDE), options, watch)
}

/// The directory given, or the one of an archive in it.
fn set_directory(directory: &Path) -> Result<PathBuf, Error> {
    if !directory.is_dir() {
        return Err(Error::NotADirectory { path: directory.to_owned() });
    }
    if directory.join("train").is_dir() {
        return Ok(directory.to_owned());
    }
    let there = || ARCHIVES.into_iter().filter(|name| directory.join(name).is_dir());
    let mut found = there();
    match (found.next(), found.next()) {
        (Some(name), None) => Ok(directory.join(name)),
        (Some(_), Some(_)) => Err(Error::Layout {
            path: directory.to_owned(),
            expected: "one set: name the one to use".to_owned(),
            got: there().collect::<Vec<_>>().join(", "),
        }),
        (None, _) => Ok(directory.to_owned()),
    }
}

/// The error of a folder that is none of the known classes.
fn strange(directory: &Path, folder: &str) -> Error {
    Error::Layout {
        path: directory.to_owned(),
        expected: "the classes of Imagenette or Imagewoof, as n01440764; for other images use \
                   folder:DIR"
            .to_owned(),
        got: format!("the folder {folder}"),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use image::{Rgb, RgbImage};
    use tempfile::TempDir;

    use super::*;

    /// Four training and two validation images of three classes, one of which is Imagewoof's.
    fn written() -> TempDir {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("imagenette2-160");
        for (class, number) in ["n03888257", "n01440764", "n02102040"].iter().enumerate() {
            let images = (0..6).map(|image| match image {
                0..4 => format!("train/{number}/{number}_{image}.JPEG"),
                _ => format!("val/{number}/{number}_{image}.JPEG"),
            });
            for path in images.map(|path| root.join(path)) {
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                let shade = Rgb([class as u8 * 80, 10, 20]);
                RgbImage::from_pixel(20, 16, shade).save(path).unwrap();
            }
        }
        let noisy = root.join("noisy_imagenette.csv");
        fs::write(noisy, "path,noisy_labels_0\n").unwrap();
        directory
    }

    fn open(directory: &Path) -> Result<Dataset, Error> {
        let options = Options { side: Some(8), ..Options::default() };
        super::open(directory, &options, &mut |_, _| {})
    }

    #[test]
    fn folders_are_classes_in_their_order_by_plain_names() {
        let directory = written();
        let set = open(directory.path()).unwrap();
        assert_eq!(set.name, "imagenette2-160");
        assert_eq!(set.class_names, ["tench", "English springer", "parachute"]);
        assert_eq!((set.labelled.len(), set.unlabelled.len(), set.test.len()), (12, 12, 6));
        assert!(!set.draws_test && set.validation.is_none() && set.notes.is_empty());
        assert_eq!(set.ignored.words(), "1 .csv");
        for split in [&set.labelled, &set.test] {
            for index in 0..split.len() {
                let red = split.read(&[index as u32]).unwrap().picture(0)[0];
                // Written in another order than that of the labels; JPEG changes shades a little.
                let label = [2, 0, 1][usize::from((red + 10) / 80)];
                assert_eq!(split.label(index), Some(label), "{:?}", split.name(index));
            }
        }
        assert_eq!(set.test.name(0), Some("val/n01440764/n01440764_4.JPEG"));
        let inner = open(&directory.path().join("imagenette2-160")).unwrap();
        assert_eq!(inner.class_names, set.class_names);
    }

    #[test]
    fn the_side_is_that_of_published_results() {
        let set = super::open(written().path(), &Options::default(), &mut |_, _| {}).unwrap();
        assert_eq!(set.side(), 128);
    }

    #[test]
    fn what_is_another_set_or_two_is_refused() {
        let directory = written();
        let set = directory.path().join("imagenette2-160");
        fs::create_dir(set.join("train/cat")).unwrap();
        fs::write(set.join("train/cat/1.png"), "x").unwrap();
        let error = open(directory.path()).unwrap_err();
        assert!(error.code() == "LAYOUT" && error.to_string().contains("folder cat"), "{error}");
        fs::create_dir(directory.path().join("imagewoof2")).unwrap();
        let error = open(directory.path()).unwrap_err().to_string();
        assert!(error.contains("imagenette2-160, imagewoof2"), "{error}");
        fs::remove_dir_all(set.join("val")).unwrap();
        let error = open(&set).unwrap_err();
        assert!(matches!(error, Error::MissingFile { name: "val", .. }), "{error}");
    }
}
