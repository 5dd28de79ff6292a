//! STL-10 in its binary form (Coates, Ng and Lee, AISTATS 2011).
//!
//! Bytes of 3 colour planes of 96 × 96, each column by column; labels from 1 to 10; ten folds of
//! 1,000 labelled pictures. Nothing but labels and folds is held in memory.

use std::path::Path;
use std::sync::Arc;

use kith_core::image::CHANNELS;
use kith_core::square::Frame;

use crate::divide::{by_class, drawn, unlabelled};
use crate::file::{DataFile, data_directory, labels_from_bytes};
use crate::split::{Metadata, Split};
use crate::storage::Storage;
use crate::{Dataset, Error, Options};

/// Folds that STL-10 defines.
pub(crate) const FOLDS: usize = 10;

const SIDE: usize = 96;
const PICTURE_BYTES: u64 = (CHANNELS * SIDE * SIDE) as u64;
const CLASSES: usize = 10;
const LABELS: [u8; 2] = [1, CLASSES as u8];
const HINT: &str = "STL-10's binary directory holds train_X.bin, train_y.bin, test_X.bin, \
                    test_y.bin, unlabeled_X.bin, class_names.txt and fold_indices.txt; \
                    `kith fetch stl10` gets them";

/// Opens STL-10's directory.
pub(crate) fn open(directory: &Path, options: &Options) -> Result<Dataset, Error> {
    let directory = &data_directory(directory, "stl10_binary")?;
    let frame = options.frame(SIDE);
    let class_names = DataFile::open(directory, "class_names.txt", HINT)?.class_names(CLASSES)?;
    let training = labelled_pictures(directory, ["train_X.bin", "train_y.bin"], frame)?;
    let test = labelled_pictures(directory, ["test_X.bin", "test_y.bin"], frame)?;
    let (storage, count) = storage(directory, "unlabeled_X.bin")?;
    let free = unlabelled((0..count as u32).collect(), options.unlabelled, options.seed)?;
    let labelled = labelled_part(training, directory, options)?;
    let unlabelled = Split::unlabelled(storage.into(), Arc::default(), free, frame);
    Ok(Dataset::new("stl10".to_owned(), class_names, [labelled, unlabelled, test]))
}

/// A file of pictures and how many it holds.
fn storage(directory: &Path, name: &'static str) -> Result<(Storage, usize), Error> {
    let file = DataFile::open(directory, name, HINT)?;
    let count = file.records(PICTURE_BYTES)?;
    Ok((Storage::ColumnMajorFile { file, size: [SIDE; 2] }, count))
}

/// All pictures of a file with the labels of its sibling.
fn labelled_pictures(
    directory: &Path,
    [pictures, labels]: [&'static str; 2],
    frame: Frame,
) -> Result<Split, Error> {
    let (storage, count) = storage(directory, pictures)?;
    let file = DataFile::open(directory, labels, HINT)?;
    file.check_bytes(count as u64)?;
    let labels = labels_from_bytes(file.path(), &file.read_all()?, LABELS)?;
    let metadata = Metadata { labels, ..Metadata::default() };
    let all = (0..count as u32).collect();
    Ok(Split::unlabelled(storage.into(), metadata.into(), all, frame).with_labels())
}

/// The fold of the labelled pictures and the number of them that the options ask for.
fn labelled_part(all: Split, directory: &Path, options: &Options) -> Result<Split, Error> {
    let part = match options.fold {
        Some(fold) => all.subset(&fold_indices(directory, fold, all.len())?),
        None => all,
    };
    let Some(count) = options.labelled else { return Ok(part) };
    let label = |i: u32| part.label(i as usize).expect("training pictures have labels");
    let members = by_class(&(0..part.len() as u32).collect::<Vec<_>>(), label, CLASSES);
    Ok(part.subset(&drawn(&members, count, options)?))
}

/// The pictures of a fold: a line of numbers, counted from 0.
fn fold_indices(directory: &Path, fold: usize, pictures: usize) -> Result<Vec<u32>, Error> {
    let file = DataFile::open(directory, "fold_indices.txt", HINT)?;
    let lines = file.lines()?;
    let refuse = |line: usize, expected: String, got: &str| Error::Text {
        path: file.path().to_owned(),
        line,
        expected,
        got: got.to_owned(),
    };
    let numbers = match lines.get(fold) {
        Some(line) if lines.len() == FOLDS && !line.is_empty() => line,
        _ => return Err(refuse(lines.len(), format!("{FOLDS} lines of picture numbers"), "")),
    };
    let number = |word: &str| {
        let number = word.parse().ok().filter(|&n| (n as usize) < pictures);
        number.ok_or_else(|| refuse(fold + 1, format!("numbers below {pictures}"), word))
    };
    numbers.split_ascii_whitespace().map(number).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::*;

    const TRAINING: usize = 40;

    /// The byte of a picture in a file at a plane, line and column.
    fn sample(file: usize, [picture, plane, y, x]: [usize; 4]) -> u8 {
        (file * 91 + picture * 7 + plane * 50 + y * 3 + x * 11) as u8
    }

    fn pictures(file: usize, count: usize) -> Vec<u8> {
        let byte = |at: usize| {
            let (picture, plane) = (at / PICTURE_BYTES as usize, at / (SIDE * SIDE) % CHANNELS);
            sample(file, [picture, plane, at % SIDE, at / SIDE % SIDE])
        };
        (0..count * PICTURE_BYTES as usize).map(byte).collect()
    }

    fn written() -> TempDir {
        let directory = tempfile::tempdir().unwrap();
        let inner = directory.path().join("stl10_binary");
        fs::create_dir(&inner).unwrap();
        let labels = |count: usize| (0..count).map(|i| (i % CLASSES) as u8 + 1).collect::<Vec<_>>();
        let names: Vec<_> = (0..CLASSES).map(|c| format!("class{c}\n")).collect();
        let folds: Vec<_> = (0..FOLDS).map(|f| format!("{} {} {}\n", f, 39 - f, 20 + f)).collect();
        for (name, content) in [
            ("train_X.bin", pictures(0, TRAINING)),
            ("train_y.bin", labels(TRAINING)),
            ("test_X.bin", pictures(1, 20)),
            ("test_y.bin", labels(20)),
            ("unlabeled_X.bin", pictures(2, 50)),
            ("class_names.txt", names.concat().into_bytes()),
            ("fold_indices.txt", folds.concat().into_bytes()),
        ] {
            fs::write(inner.join(name), content).unwrap();
        }
        directory
    }

    /// The code of the error after one file was replaced.
    fn code_with(name: &str, content: &[u8], options: &Options) -> &'static str {
        let directory = written();
        fs::write(directory.path().join("stl10_binary").join(name), content).unwrap();
        open(directory.path(), options).expect_err("the file is wrong").code()
    }

    #[test]
    fn columns_become_rows_and_labels_count_from_0() {
        let directory = written();
        let set = open(directory.path(), &Options::default()).unwrap();
        assert_eq!((set.labelled.len(), set.unlabelled.len(), set.test.len()), (TRAINING, 50, 20));
        assert_eq!((set.side(), set.class_names[9].as_str()), (SIDE, "class9"));
        assert_eq!((set.labelled.label(13), set.unlabelled.labels()), (Some(3), None));
        let images = set.unlabelled.read(&[49, 7]).unwrap();
        for (at, &got) in images.picture(1).iter().enumerate() {
            let [plane, y, x] = [at / SIDE / SIDE, at / SIDE % SIDE, at % SIDE];
            assert_eq!(got, sample(2, [7, plane, y, x]), "plane {plane}, line {y}, column {x}");
        }
    }

    #[test]
    fn a_fold_is_its_line_and_can_be_thinned_by_class() {
        let directory = written();
        let fold = |fold, labelled| {
            let options = Options { fold: Some(fold), labelled, ..Options::default() };
            open(directory.path(), &options).map(|set| set.labelled.pictures().to_vec())
        };
        assert_eq!(fold(3, None).unwrap(), [3, 36, 23]);
        assert_eq!(fold(3, Some(2)).unwrap().len(), 2);
        assert_eq!(fold(3, Some(4)).unwrap_err().code(), "TOO_FEW");
    }

    #[test]
    fn labelled_pictures_are_balanced_by_the_seed() {
        let directory = written();
        let draw = |seed| {
            let options = Options { labelled: Some(20), seed, ..Options::default() };
            open(directory.path(), &options).unwrap().labelled
        };
        let (one, two) = (draw(1), draw(2));
        let mut labels = one.labels().unwrap().to_vec();
        labels.sort_unstable();
        assert_eq!(labels, (0..20).map(|i| i / 2).collect::<Vec<_>>());
        assert_eq!(one.pictures(), draw(1).pictures());
        assert_ne!(one.pictures(), two.pictures());
    }

    #[test]
    fn another_side_is_read_resized() {
        let options = Options { side: Some(48), ..Options::default() };
        let set = open(written().path(), &options).unwrap();
        assert_eq!((set.side(), set.test.read(&[0]).unwrap().size()), (48, [48; 2]));
    }

    #[test]
    fn wrong_files_are_refused_by_name() {
        let plain = Options::default();
        assert_eq!(code_with("train_X.bin", &[0; 100], &plain), "TRUNCATED");
        assert_eq!(code_with("unlabeled_X.bin", &[], &plain), "TRUNCATED");
        assert_eq!(code_with("train_y.bin", &[1; TRAINING - 1], &plain), "TRUNCATED");
        assert_eq!(code_with("train_y.bin", &[1; TRAINING + 1], &plain), "OVERSIZED");
        assert_eq!(code_with("train_y.bin", &[0; TRAINING], &plain), "LABEL");
        assert_eq!(code_with("test_y.bin", &[11; 20], &plain), "LABEL");
        assert_eq!(code_with("test_X.bin", b"<!DOCTYPE html>", &plain), "HTML");
        assert_eq!(code_with("class_names.txt", b"one\ntwo\n", &plain), "TEXT");
    }

    #[test]
    fn wrong_folds_are_refused() {
        let folded = Options { fold: Some(0), ..Options::default() };
        assert_eq!(code_with("fold_indices.txt", b"1 2 3\n", &folded), "TEXT");
        assert_eq!(
            code_with("fold_indices.txt", "1 x\n".repeat(FOLDS).as_bytes(), &folded),
            "TEXT"
        );
        assert_eq!(code_with("fold_indices.txt", "40\n".repeat(FOLDS).as_bytes(), &folded), "TEXT");
    }

    #[test]
    fn a_missing_sibling_is_named() {
        let directory = written();
        fs::remove_file(directory.path().join("stl10_binary/test_X.bin")).unwrap();
        let error = open(directory.path(), &Options::default()).expect_err("a file is missing");
        assert!(matches!(error, Error::MissingFile { name: "test_X.bin", .. }), "{error}");
    }

    #[test]
    fn a_file_that_shrinks_while_read_is_an_error() {
        let directory = written();
        let set = open(directory.path(), &Options::default()).unwrap();
        fs::write(directory.path().join("stl10_binary/test_X.bin"), [0; 10]).unwrap();
        assert_eq!(set.test.read(&[5]).unwrap_err().code(), "UNREADABLE");
    }
}
