//! The MNIST family in the IDX format (`LeCun`, Cortes and Burges, 1998), gzipped or not.
//!
//! Grey pictures of one size, which become three equal planes, and a byte per label.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use crate::file::{data_directory, labels_from_bytes, name_of_directory};
use crate::idx_file::{IdxFile, Kind};
use crate::split::{Metadata, Split};
use crate::storage::Storage;
use crate::training::Training;
use crate::{Dataset, Error, Options};

/// Classes of Fashion-MNIST (Xiao, Rasul and Vollgraf, 2017) in the order of their labels.
const FASHION: [&str; 10] = [
    "T-shirt/top",
    "trouser",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "ankle boot",
];

const TRAINING_PICTURES: [&str; 4] = [
    "train-images-idx3-ubyte",
    "train-images-idx3-ubyte.gz",
    "train-images.idx3-ubyte",
    "train-images.idx3-ubyte.gz",
];
const TRAINING_LABELS: [&str; 4] = [
    "train-labels-idx1-ubyte",
    "train-labels-idx1-ubyte.gz",
    "train-labels.idx1-ubyte",
    "train-labels.idx1-ubyte.gz",
];
const TEST_PICTURES: [&str; 4] = [
    "t10k-images-idx3-ubyte",
    "t10k-images-idx3-ubyte.gz",
    "t10k-images.idx3-ubyte",
    "t10k-images.idx3-ubyte.gz",
];
const TEST_LABELS: [&str; 4] = [
    "t10k-labels-idx1-ubyte",
    "t10k-labels-idx1-ubyte.gz",
    "t10k-labels.idx1-ubyte",
    "t10k-labels.idx1-ubyte.gz",
];

/// Opens a directory that holds the four files, or whose `raw` does.
///
/// Classes are the labels that occur, in rising order: a file of 0, 2 and 5 has three classes. They
/// are named as Fashion-MNIST's if the directory's name contains "fashion", else by their numbers.
pub(crate) fn open(directory: &Path, options: &Options) -> Result<Dataset, Error> {
    let name = name_of_directory(directory);
    let directory = &data_directory(directory, "raw")?;
    let fashion = name.to_lowercase().contains("fashion");
    let highest = if fashion { FASHION.len() as u8 - 1 } else { u8::MAX };
    let (storage, labels) = pictures(directory, [&TRAINING_PICTURES, &TRAINING_LABELS], highest)?;
    let (test_shelf, test_labels) = pictures(directory, [&TEST_PICTURES, &TEST_LABELS], highest)?;
    let numbers: BTreeSet<u16> = labels.iter().chain(&test_labels).copied().collect();
    let frame = options.frame(storage.size()[0]);
    let training = Training {
        labelled: (0..labels.len() as u32).collect(),
        storage: storage.into(),
        metadata: metadata(&labels, &numbers),
        loose: Vec::new(),
        classes: numbers.len(),
        frame,
    };
    let (count, note) = training.usual_count(options);
    let [labelled, unlabelled] = training.split(count, options)?;
    let all = (0..test_labels.len() as u32).collect();
    let test = Split::unlabelled(test_shelf.into(), metadata(&test_labels, &numbers), all, frame);
    let class = |&number: &u16| match fashion {
        true => FASHION[usize::from(number)].to_owned(),
        false => number.to_string(),
    };
    let class_names = numbers.iter().map(class).collect();
    let splits = [labelled, unlabelled, test.with_labels()];
    let mut dataset = Dataset::new(name, class_names, splits);
    dataset.notes.extend(note.into_iter().chain(untaught(&labels, &numbers)));
    Ok(dataset)
}

/// The pictures of one file and the labels of its sibling, as the file counts them.
fn pictures(
    directory: &Path,
    [pictures, labels]: [&[&'static str]; 2],
    highest: u8,
) -> Result<(Storage, Vec<u16>), Error> {
    let pictures = IdxFile::read(directory, pictures, Kind::Pictures)?;
    let labels = IdxFile::read(directory, labels, Kind::Labels)?;
    labels.check_count(pictures.count)?;
    let labels = labels_from_bytes(&labels.path, &labels.content, [0, highest])?;
    let storage = Storage::Memory { pixels: pictures.content, planes: 1, size: pictures.size };
    Ok((storage, labels))
}

/// Labels that count the classes without gaps.
fn metadata(labels: &[u16], numbers: &BTreeSet<u16>) -> Arc<Metadata> {
    let places: BTreeMap<u16, u16> = numbers.iter().copied().zip(0..).collect();
    let labels = labels.iter().map(|label| places[label]).collect();
    Metadata { labels, ..Metadata::default() }.into()
}

/// A note where test pictures have labels that no training picture has.
fn untaught(labels: &[u16], numbers: &BTreeSet<u16>) -> Option<String> {
    let taught: BTreeSet<u16> = labels.iter().copied().collect();
    let more: Vec<String> = numbers.difference(&taught).map(u16::to_string).collect();
    let words = "no training image has these labels, but test images do";
    (!more.is_empty()).then(|| format!("{words}: {}", more.join(", ")))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use tempfile::TempDir;

    use super::*;

    const SIDE: usize = 4;

    fn idx(sizes: &[u32], content: &[u8]) -> Vec<u8> {
        let mut file = vec![0, 0, 8, sizes.len() as u8];
        file.extend(sizes.iter().flat_map(|size| size.to_be_bytes()));
        file.extend(content);
        file
    }

    fn images(count: usize) -> Vec<u8> {
        let pixels: Vec<u8> = (0..count * SIDE * SIDE).map(|i| (i * 7) as u8).collect();
        idx(&[count as u32, SIDE as u32, SIDE as u32], &pixels)
    }

    fn labels(count: usize) -> Vec<u8> {
        idx(&[count as u32], &(0..count).map(|i| (i % 10) as u8).collect::<Vec<_>>())
    }

    fn gzipped(content: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(content).unwrap();
        encoder.finish().unwrap()
    }

    /// Two files plain, two gzipped, three of the four spellings.
    fn written() -> TempDir {
        let directory = tempfile::Builder::new().prefix("my-Fashion").tempdir().unwrap();
        for (name, content) in [
            (TRAINING_PICTURES[1], gzipped(&images(60))),
            (TRAINING_LABELS[0], labels(60)),
            (TEST_PICTURES[2], images(20)),
            (TEST_LABELS[1], gzipped(&labels(20))),
        ] {
            fs::write(directory.path().join(name), content).unwrap();
        }
        directory
    }

    fn twenty() -> Options {
        Options { labelled: Some(20), ..Options::default() }
    }

    fn code_with(name: &str, content: &[u8]) -> &'static str {
        let directory = written();
        fs::write(directory.path().join(name), content).unwrap();
        open(directory.path(), &twenty()).expect_err("the file is wrong").code()
    }

    #[test]
    fn grey_pictures_become_three_planes_gzipped_or_not() {
        let set = open(written().path(), &twenty()).unwrap();
        assert_eq!((set.labelled.len(), set.unlabelled.len(), set.test.len()), (20, 40, 20));
        assert_eq!((set.side(), set.class_names[9].as_str()), (SIDE, "ankle boot"));
        let number = set.unlabelled.pictures()[5] as usize;
        let images = set.unlabelled.read(&[5]).unwrap();
        for (at, &got) in images.picture(0).iter().enumerate() {
            let naive = (number * SIDE * SIDE + at % (SIDE * SIDE)) * 7;
            assert_eq!(got, naive as u8);
        }
    }

    #[test]
    fn pictures_are_enlarged_to_the_side() {
        let set = open(written().path(), &Options { side: Some(32), ..twenty() }).unwrap();
        assert_eq!(set.test.read(&[3]).unwrap().size(), [32; 2]);
    }

    #[test]
    fn classes_are_numbers_outside_fashion() {
        let directory = tempfile::Builder::new().prefix("digits").tempdir().unwrap();
        for file in fs::read_dir(written().path()).unwrap().map(Result::unwrap) {
            fs::copy(file.path(), directory.path().join(file.file_name())).unwrap();
        }
        let set = open(directory.path(), &twenty()).unwrap();
        assert_eq!(set.class_names.concat(), "0123456789");
    }

    #[test]
    fn labels_with_gaps_are_as_many_classes_as_there_are() {
        let directory = tempfile::Builder::new().prefix("gaps").tempdir().unwrap();
        let put = |name: &str, content: Vec<u8>| fs::write(directory.path().join(name), content);
        let some = |labels: [u8; 3], count: usize| {
            idx(&[count as u32], &(0..count).map(|i| labels[i % 3]).collect::<Vec<_>>())
        };
        put(TRAINING_PICTURES[0], images(60)).unwrap();
        put(TRAINING_LABELS[0], some([0, 5, 2], 60)).unwrap();
        put(TEST_PICTURES[0], images(21)).unwrap();
        put(TEST_LABELS[0], some([5, 0, 7], 21)).unwrap();
        let set = open(directory.path(), &Options::default()).unwrap();
        assert_eq!(set.class_names, ["0", "2", "5", "7"]);
        assert_eq!(set.labelled.labels().unwrap()[..3], [0, 2, 1]);
        assert_eq!(set.test.labels().unwrap()[..3], [2, 0, 3]);
        assert_eq!((set.labelled.len(), set.unlabelled.len()), (60, 60));
        assert!(set.notes[0].starts_with("60 training images") && set.notes[1].ends_with(": 7"));
    }

    #[test]
    fn wrong_files_are_refused() {
        let (pictures, answers) = (TRAINING_PICTURES[0], TRAINING_LABELS[0]);
        let whole = images(60);
        assert_eq!(code_with(pictures, &whole[..whole.len() - 1]), "TRUNCATED");
        assert_eq!(code_with(pictures, &whole[..9]), "TRUNCATED");
        assert_eq!(code_with(pictures, &[&whole[..], &[0]].concat()), "OVERSIZED");
        assert_eq!(code_with(pictures, &labels(60)), "MAGIC");
        assert_eq!(code_with(pictures, b"<!doctype html><body>"), "HTML");
        assert_eq!(code_with(answers, &labels(59)), "TRUNCATED");
        assert_eq!(code_with(answers, &labels(61)), "OVERSIZED");
        assert_eq!(code_with(answers, &idx(&[60], &[10; 60])), "LABEL");
        assert_eq!(code_with(pictures, &idx(&[60, 0, 4], &[])), "PICTURE_SIZE");
        assert_eq!(code_with(pictures, &idx(&[u32::MAX; 3], &[])), "PICTURE_SIZE");
    }

    #[test]
    fn a_gzip_cut_short_or_damaged_is_refused() {
        let whole = gzipped(&images(60));
        assert_eq!(code_with(TRAINING_PICTURES[1], &whole[..whole.len() / 2]), "TRUNCATED");
        let mut damaged = whole;
        damaged[10..40].fill(0xff);
        assert_eq!(code_with(TRAINING_PICTURES[1], &damaged), "UNREADABLE");
    }

    #[test]
    fn a_missing_sibling_is_named() {
        let directory = written();
        fs::remove_file(directory.path().join(TEST_LABELS[1])).unwrap();
        let error = open(directory.path(), &twenty()).expect_err("a file is missing");
        assert!(matches!(error, Error::MissingFile { name, .. } if name == TEST_LABELS[0]));
    }
}
