//! CIFAR-10 in its binary version (Krizhevsky, 2009).
//!
//! Records of a label byte from 0 to 9 and 3 colour planes of 32 × 32, each line by line.

use std::path::Path;
use std::sync::Arc;

use kith_core::image::CHANNELS;

use crate::file::{DataFile, data_directory, labels_from_bytes};
use crate::split::{Metadata, Split};
use crate::storage::Storage;
use crate::training::Training;
use crate::{Dataset, Error, Options};

const SIDE: usize = 32;
const RECORD_BYTES: usize = 1 + CHANNELS * SIDE * SIDE;
const CLASSES: usize = 10;
const LABELS: [u8; 2] = [0, CLASSES as u8 - 1];
const TRAINING_FILES: [&str; 5] = [
    "data_batch_1.bin",
    "data_batch_2.bin",
    "data_batch_3.bin",
    "data_batch_4.bin",
    "data_batch_5.bin",
];
const HINT: &str = "CIFAR-10's binary version (not the Python one) holds data_batch_1.bin to \
                    data_batch_5.bin, test_batch.bin and batches.meta.txt; `kith fetch cifar10` \
                    gets them";

/// Opens CIFAR-10's directory.
pub(crate) fn open(directory: &Path, options: &Options) -> Result<Dataset, Error> {
    let directory = &data_directory(directory, "cifar-10-batches-bin")?;
    let frame = options.frame(SIDE);
    let names = DataFile::open(directory, "batches.meta.txt", HINT)?.class_names(CLASSES)?;
    let (storage, metadata) = records(directory, &TRAINING_FILES)?;
    let training = Training {
        labelled: all_pictures(&metadata),
        storage,
        metadata,
        loose: Vec::new(),
        classes: CLASSES,
        frame,
    };
    let (count, note) = training.usual_count(options);
    let [labelled, unlabelled] = training.split(count, options)?;
    let (storage, metadata) = records(directory, &["test_batch.bin"])?;
    let pictures = all_pictures(&metadata);
    let test = Split::unlabelled(storage, metadata, pictures, frame).with_labels();
    let mut dataset = Dataset::new("cifar10".to_owned(), names, [labelled, unlabelled, test]);
    dataset.notes.extend(note);
    Ok(dataset)
}

/// The number of every labelled picture.
fn all_pictures(metadata: &Metadata) -> Vec<u32> {
    (0..metadata.labels.len() as u32).collect()
}

/// Pictures and labels of some files, one after the other.
fn records(
    directory: &Path,
    files: &[&'static str],
) -> Result<(Arc<Storage>, Arc<Metadata>), Error> {
    let (mut pixels, mut labels) = (Vec::new(), Vec::new());
    for name in files {
        let file = DataFile::open(directory, name, HINT)?;
        file.records(RECORD_BYTES as u64)?;
        let content = file.read_all()?;
        let records = content.chunks_exact(RECORD_BYTES);
        let bytes: Vec<u8> = records.clone().map(|record| record[0]).collect();
        labels.extend(labels_from_bytes(file.path(), &bytes, LABELS)?);
        pixels.reserve(content.len());
        records.for_each(|record| pixels.extend_from_slice(&record[1..]));
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

    fn record(file: usize, picture: usize) -> Vec<u8> {
        let mut record = vec![(picture % CLASSES) as u8];
        record.extend((0..RECORD_BYTES - 1).map(|i| (file * 17 + picture + i * 5) as u8));
        record
    }

    fn written() -> TempDir {
        let directory = tempfile::tempdir().unwrap();
        let files = TRAINING_FILES.iter().copied().chain(["test_batch.bin"]);
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
}
