//! CIFAR-10 and CIFAR-100 in their binary versions (Krizhevsky, 2009).
//!
//! Records of a label byte (CIFAR-100: a coarse and a fine one) and 3 colour planes of 32 × 32, each
//! line by line.

use std::path::Path;
use std::sync::Arc;

use kith_core::image::CHANNELS;

use crate::file::{DataFile, data_directory, labels_from_bytes};
use crate::split::{Metadata, Split};
use crate::storage::Storage;
use crate::training::Training;
use crate::{Dataset, Error, Options};

const SIDE: usize = 32;
const PICTURE_BYTES: usize = CHANNELS * SIDE * SIDE;

/// What tells one set of this form from another.
#[derive(Debug)]
pub(crate) struct Set {
    name: &'static str,
    /// The directory that its archive holds.
    directory: &'static str,
    training: &'static [&'static str],
    test: &'static str,
    /// The file of class names.
    names: &'static str,
    /// The number of classes of each label byte of a record.
    labels: &'static [u8],
    /// The label byte that is meant.
    label: usize,
    hint: &'static str,
}

/// CIFAR-10.
pub(crate) const CIFAR10: Set = Set {
    name: "cifar10",
    directory: "cifar-10-batches-bin",
    training: &[
        "data_batch_1.bin",
        "data_batch_2.bin",
        "data_batch_3.bin",
        "data_batch_4.bin",
        "data_batch_5.bin",
    ],
    test: "test_batch.bin",
    names: "batches.meta.txt",
    labels: &[10],
    label: 0,
    hint: "CIFAR-10's binary version (not the Python one) holds data_batch_1.bin to \
           data_batch_5.bin, test_batch.bin and batches.meta.txt; `kith fetch cifar10` gets them",
};

/// CIFAR-100 with its hundred classes.
pub(crate) const CIFAR100: Set = Set {
    name: "cifar100",
    directory: "cifar-100-binary",
    training: &["train.bin"],
    test: "test.bin",
    names: "fine_label_names.txt",
    labels: &[20, 100],
    label: 1,
    hint: "CIFAR-100's binary version (not the Python one) holds train.bin, test.bin, \
           fine_label_names.txt and coarse_label_names.txt; `kith fetch cifar100` gets them",
};

/// CIFAR-100 with its twenty superclasses.
pub(crate) const CIFAR100_COARSE: Set =
    Set { name: "cifar100-coarse", names: "coarse_label_names.txt", label: 0, ..CIFAR100 };

impl Set {
    fn classes(&self) -> usize {
        usize::from(self.labels[self.label])
    }

    fn record_bytes(&self) -> usize {
        self.labels.len() + PICTURE_BYTES
    }
}

/// Opens the directory of a set.
pub(crate) fn open(set: &Set, directory: &Path, options: &Options) -> Result<Dataset, Error> {
    let directory = &data_directory(directory, set.directory)?;
    let frame = options.frame(SIDE);
    let names = DataFile::open(directory, set.names, set.hint)?.class_names(set.classes())?;
    let (storage, metadata) = records(set, directory, set.training)?;
    let training = Training {
        labelled: all_pictures(&metadata),
        storage,
        metadata,
        loose: Vec::new(),
        classes: set.classes(),
        frame,
    };
    let (count, note) = training.usual_count(options);
    let [labelled, unlabelled] = training.split(count, options)?;
    let (storage, metadata) = records(set, directory, &[set.test])?;
    let pictures = all_pictures(&metadata);
    let test = Split::unlabelled(storage, metadata, pictures, frame).with_labels();
    let mut dataset = Dataset::new(set.name.to_owned(), names, [labelled, unlabelled, test]);
    dataset.notes.extend(note);
    Ok(dataset)
}

/// The number of every labelled picture.
fn all_pictures(metadata: &Metadata) -> Vec<u32> {
    (0..metadata.labels.len() as u32).collect()
}

/// Pictures and labels of some files, one after the other.
fn records(
    set: &Set,
    directory: &Path,
    files: &[&'static str],
) -> Result<(Arc<Storage>, Arc<Metadata>), Error> {
    let (mut pixels, mut labels) = (Vec::new(), Vec::new());
    for name in files {
        let file = DataFile::open(directory, name, set.hint)?;
        file.records(set.record_bytes() as u64)?;
        let content = file.read_all()?;
        let records = content.chunks_exact(set.record_bytes());
        // Labels that are not meant are checked, too: they tell a file of another kind.
        for (place, &classes) in set.labels.iter().enumerate() {
            let bytes: Vec<u8> = records.clone().map(|record| record[place]).collect();
            let checked = labels_from_bytes(file.path(), &bytes, [0, classes - 1])?;
            labels.extend(checked.into_iter().filter(|_| place == set.label));
        }
        pixels.reserve(content.len());
        records.for_each(|record| pixels.extend_from_slice(&record[set.labels.len()..]));
    }
    let metadata = Metadata { labels, ..Metadata::default() };
    let storage = Storage::Memory { pixels, planes: CHANNELS, size: [SIDE; 2] };
    Ok((storage.into(), metadata.into()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::*;

    const CLASSES: usize = 10;
    const RECORD_BYTES: usize = 1 + PICTURE_BYTES;

    fn open(directory: &Path, options: &Options) -> Result<Dataset, Error> {
        super::open(&CIFAR10, directory, options)
    }

    fn record(file: usize, picture: usize) -> Vec<u8> {
        let mut record = vec![(picture % CLASSES) as u8];
        record.extend((0..RECORD_BYTES - 1).map(|i| (file * 17 + picture + i * 5) as u8));
        record
    }

    fn written() -> TempDir {
        let directory = tempfile::tempdir().unwrap();
        let files = CIFAR10.training.iter().copied().chain(["test_batch.bin"]);
        for (file, name) in files.enumerate() {
            let content: Vec<u8> = (0..20).flat_map(|picture| record(file, picture)).collect();
            fs::write(directory.path().join(name), content).unwrap();
        }
        let names: Vec<_> = (0..CLASSES).map(|c| format!("class{c}\n")).collect();
        fs::write(directory.path().join("batches.meta.txt"), names.concat() + "\n").unwrap();
        directory
    }

    fn thirty() -> Options {
        Options { labelled: Some(30), ..Options::default() }
    }

    fn code_with(name: &str, content: &[u8]) -> &'static str {
        let directory = written();
        fs::write(directory.path().join(name), content).unwrap();
        open(directory.path(), &thirty()).expect_err("the file is wrong").code()
    }

    #[test]
    fn records_of_all_files_follow_each_other() {
        let set = open(written().path(), &thirty()).unwrap();
        assert_eq!((set.labelled.len(), set.unlabelled.len(), set.test.len()), (30, 70, 20));
        let images = set.unlabelled.read(&[0, 69]).unwrap();
        for (place, index) in [0, 69].into_iter().enumerate() {
            let number = set.unlabelled.pictures()[index] as usize;
            assert_eq!(images.picture(place), &record(number / 20, number % 20)[1..]);
        }
        assert_eq!(set.test.label(13), Some(3));
    }

    #[test]
    fn labels_are_balanced_and_more_than_there_are_is_refused() {
        let directory = written();
        let set = open(directory.path(), &thirty()).unwrap();
        let labels = set.labelled.labels().unwrap();
        for class in 0..CLASSES as u16 {
            assert_eq!(labels.iter().filter(|&&l| l == class).count(), 3);
        }
        let many = Options { labelled: Some(101), ..Options::default() };
        let error = open(directory.path(), &many).expect_err("there are 100");
        assert!(matches!(error, Error::TooFew { asked: 101, got: 100, .. }));
    }

    #[test]
    fn a_small_set_is_all_labelled_where_no_number_is_asked_for() {
        let set = open(written().path(), &Options::default()).unwrap();
        assert_eq!((set.labelled.len(), set.unlabelled.len()), (100, 100));
        assert!(set.notes[0].starts_with("100 training images, 5000"), "{:?}", set.notes);
    }

    #[test]
    fn wrong_files_are_refused() {
        assert_eq!(code_with("data_batch_3.bin", &[0; RECORD_BYTES + 1]), "TRUNCATED");
        assert_eq!(code_with("test_batch.bin", &[10; RECORD_BYTES]), "LABEL");
        assert_eq!(code_with("batches.meta.txt", b"\n"), "TEXT");
        assert_eq!(code_with("data_batch_1.bin", b"  <html>gone</html>"), "HTML");
    }

    #[test]
    fn the_nested_directory_is_found_and_a_missing_file_named() {
        let outer = tempfile::tempdir().unwrap();
        fs::rename(written().keep(), outer.path().join("cifar-10-batches-bin")).unwrap();
        assert!(open(outer.path(), &thirty()).is_ok());
        fs::remove_file(outer.path().join("cifar-10-batches-bin/data_batch_4.bin")).unwrap();
        let error = open(outer.path(), &thirty()).expect_err("a file is missing");
        assert!(matches!(error, Error::MissingFile { name: "data_batch_4.bin", .. }), "{error}");
    }

    /// 40 training and 10 test records of CIFAR-100, in the directory of its archive.
    fn hundred() -> TempDir {
        let directory = tempfile::tempdir().unwrap();
        let inner = directory.path().join("cifar-100-binary");
        fs::create_dir(&inner).unwrap();
        for (file, count) in [("train.bin", 40), ("test.bin", 10)] {
            let record = |picture: usize| {
                let pixels = (0..PICTURE_BYTES).map(move |i| (picture * 3 + i) as u8);
                [(picture % 20) as u8, (99 - picture) as u8].into_iter().chain(pixels)
            };
            fs::write(inner.join(file), (0..count).flat_map(record).collect::<Vec<_>>()).unwrap();
        }
        for (file, count) in [("fine_label_names.txt", 100), ("coarse_label_names.txt", 20)] {
            let names: String = (0..count).map(|class| format!("{file}{class}\n")).collect();
            fs::write(inner.join(file), names + "\n").unwrap();
        }
        directory
    }

    #[test]
    fn cifar_100_has_fine_and_coarse_labels_of_the_same_pictures() {
        let directory = hundred();
        let of = |set| super::open(set, directory.path(), &Options::default()).unwrap();
        let (fine, coarse) = (of(&CIFAR100), of(&CIFAR100_COARSE));
        assert_eq!((fine.class_names.len(), coarse.class_names.len()), (100, 20));
        assert_eq!(fine.class_names[99], "fine_label_names.txt99");
        assert_eq!((fine.labelled.len(), fine.unlabelled.len(), fine.test.len()), (40, 40, 10));
        assert_eq!((fine.labelled.label(3), coarse.labelled.label(3)), (Some(96), Some(3)));
        assert_eq!((fine.test.label(9), coarse.test.label(9)), (Some(90), Some(9)));
        for set in [&fine, &coarse] {
            let images = set.unlabelled.read(&[7]).unwrap();
            let expected: Vec<u8> = (0..PICTURE_BYTES).map(|i| (21 + i) as u8).collect();
            assert_eq!(images.picture(0), expected);
        }
        assert_eq!([fine.name.as_str(), coarse.name.as_str()], ["cifar100", "cifar100-coarse"]);
    }

    #[test]
    fn wrong_files_of_cifar_100_are_refused() {
        let code = |file: &str, content: &[u8]| {
            let directory = hundred();
            fs::write(directory.path().join("cifar-100-binary").join(file), content).unwrap();
            let error = super::open(&CIFAR100, directory.path(), &Options::default());
            error.expect_err("the file is wrong").code()
        };
        assert_eq!(code("train.bin", &[0; PICTURE_BYTES + 1]), "TRUNCATED");
        assert_eq!(code("train.bin", &[0; 2 * RECORD_BYTES]), "TRUNCATED");
        let mut record = [0; PICTURE_BYTES + 2];
        record[1] = 100;
        assert_eq!(code("test.bin", &record), "LABEL");
        record[..2].copy_from_slice(&[20, 0]);
        assert_eq!(code("test.bin", &record), "LABEL");
        assert_eq!(code("fine_label_names.txt", b"apple\n"), "TEXT");
        let error = super::open(&CIFAR100, written().path(), &Options::default()).unwrap_err();
        assert!(matches!(error, Error::MissingFile { .. }), "{error}");
        assert!(error.to_string().contains("kith fetch cifar100"), "{error}");
    }
}
