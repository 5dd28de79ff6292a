//! What opening Parquet files promises.

mod draft;

use parquet::basic::{Compression, Encoding, ZstdLevel};
use tempfile::TempDir;

use super::*;
use crate::Split;
use draft::{Draft, SCHEMA, png};

fn written(files: &[(&str, Vec<u8>)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        fs::write(folder.path().join(name), content).unwrap();
    }
    folder
}

fn open(path: &Path) -> Result<Dataset, Error> {
    let options = Options { side: Some(2), ..Options::default() };
    super::open(path, &options, &mut |_, _| {})
}

/// Every image of a split has the pixels and the class of its row.
fn check(split: &Split) {
    for index in 0..split.len() {
        let name = split.name(index).unwrap();
        let row: u8 = name.rsplit('/').next().unwrap().parse().unwrap();
        assert_eq!(split.read(&[index as u32]).unwrap().picture(0), [row; 12], "{name}");
        assert_eq!(split.label(index), Some(u16::from(row % 2)), "{name}");
    }
}

#[test]
fn files_of_pyarrow_are_read() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/parquet");
    let set = open(&folder).unwrap();
    assert_eq!(set.class_names, ["cat", "dog", "owl"]);
    assert_eq!((set.labelled.len(), set.unlabelled.len(), set.test.len()), (12, 12, 3));
    assert!(set.notes.is_empty() && set.ignored.is_empty() && !set.draws_test, "{:?}", set.notes);
    for (split, start) in [(&set.labelled, 0), (&set.test, 20)] {
        for index in 0..split.len() {
            let row = start + index as u8;
            let image = split.read(&[index as u32]).unwrap();
            let expected: Vec<u8> = [row * 10, 255 - row * 10, 7].repeat_each(4);
            assert_eq!(
                (image.picture(0), split.label(index)),
                (&expected[..], Some(u16::from(row % 3)))
            );
        }
    }
}

trait RepeatEach {
    fn repeat_each(self, count: usize) -> Vec<u8>;
}

impl RepeatEach for [u8; 3] {
    fn repeat_each(self, count: usize) -> Vec<u8> {
        self.into_iter().flat_map(|value| std::iter::repeat_n(value, count)).collect()
    }
}

#[test]
fn every_compression_and_kind_of_column_is_read() {
    let plain = "message schema { optional binary img; optional int64 labels; }";
    for compression in [
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::GZIP(Default::default()),
        Compression::ZSTD(ZstdLevel::default()),
        Compression::LZ4_RAW,
    ] {
        for schema in [SCHEMA, plain] {
            let draft = Draft { compression, schema, ..Draft::new(22) };
            let folder = written(&[("a.parquet", draft.bytes())]);
            let set = open(&folder.path().join("a.parquet")).unwrap();
            assert_eq!((set.labelled.len(), set.test.len(), set.draws_test), (18, 4, true));
            check(&set.labelled);
            check(&set.test);
        }
    }
}

#[test]
fn memory_cache_and_reading_anew_give_the_same_pixels() {
    let folder = written(&[("a.parquet", Draft::new(22).bytes())]);
    let kept = tempfile::tempdir().unwrap();
    let cache =
        crate::Cache { folder: kept.path().into(), most_bytes: u64::MAX, of: crate::Cached::All };
    let options = Options { side: Some(2), cache: Some(cache), ..Options::default() };
    for _ in 0..2 {
        let set = super::open(folder.path(), &options, &mut |_, _| {}).unwrap();
        check(&set.labelled);
    }
    let rows = (0..22).map(|row| (0, row)).collect();
    let tables = vec![Table::open(&folder.path().join("a.parquet")).unwrap()];
    let anew = Rows { tables, rows };
    for row in [21, 0, 7, 4] {
        assert_eq!(anew.square(row, 2.into()), Ok(vec![row as u8; 12]));
    }
    let together = anew.squares(&[1, 3, 4, 20], 2.into());
    assert_eq!(together, [1, 3, 4, 20].map(|row| Ok(vec![row; 12])));
}

#[test]
fn names_come_from_what_the_file_says_and_minus_one_is_no_class() {
    let said = r#"{"info": {"features": {"label": {"names": ["b", "a"], "_type": "ClassLabel"}}}}"#;
    let mut draft = Draft { said: Some(said), ..Draft::new(20) };
    draft.groups[0][0].1 = Some(-1);
    draft.groups[0][1].1 = None;
    let test = Draft { groups: vec![vec![(Some(png(0)), Some(-1)); 3]], ..Draft::new(0) };
    let test = Draft { said: Some(said), ..test };
    let files = [("train.parquet", draft.bytes()), ("test.parquet", test.bytes())];
    let folder = written(&files);
    let set = open(folder.path()).unwrap();
    assert_eq!(set.class_names, ["b", "a"]);
    assert_eq!((set.labelled.len(), set.unlabelled.len(), set.test.len()), (18, 20, 3));
    assert_eq!((set.test.labels(), set.ignored.is_empty()), (None, true));
    let validation = Draft { said: Some(said), ..Draft::new(6) };
    fs::write(folder.path().join("validation.parquet"), validation.bytes()).unwrap();
    let set = open(folder.path()).unwrap();
    assert_eq!((set.test.len(), set.test.labels().is_some()), (6, true));
    assert_eq!(set.ignored.words(), "3 test images without a class");
    draft.groups[1][0].1 = Some(2);
    let error = open(written(&[("a.parquet", draft.bytes())]).path()).unwrap_err();
    assert!(error.code() == "LABEL" && error.to_string().contains("a.parquet/04 is 2"), "{error}");
}

#[test]
fn files_of_other_classes_are_not_put_together() {
    let named =
        r#"{"info": {"features": {"label": {"names": ["b", "a"], "_type": "ClassLabel"}}}}"#;
    let draft = Draft { said: Some(named), ..Draft::new(4) };
    let files = [("a.parquet", draft.bytes()), ("b.parquet", Draft::new(4).bytes())];
    let error = open(written(&files).path()).unwrap_err();
    assert!(error.code() == "LAYOUT" && error.to_string().contains("b, a"), "{error}");
}

#[test]
fn images_without_classes_are_learnt_from() {
    let unlabelled = "message schema { optional binary image; }";
    let draft = Draft { schema: unlabelled, ..Draft::new(10) };
    let set = open(written(&[("a.parquet", draft.bytes())]).path()).unwrap();
    assert_eq!((set.labelled.len(), set.unlabelled.len(), set.test.len()), (0, 8, 2));
}

#[test]
fn rows_without_an_image_are_skipped_by_name() {
    let mut draft = Draft::new(40);
    draft.groups[2][1].0 = None;
    draft.groups[3][1].0 = Some(b"no image".to_vec());
    let set = open(written(&[("a.parquet", draft.bytes())]).path()).unwrap();
    assert_eq!(set.skipped.len(), 2);
    assert!(set.skipped[0].path.ends_with("a.parquet/9"), "{:?}", set.skipped);
    assert!(set.skipped[0].reason.contains("no image"), "{:?}", set.skipped);
    check(&set.labelled);
}

#[test]
fn files_that_cannot_be_right_are_refused() {
    let code = |content: Vec<u8>| {
        let folder = written(&[("a.parquet", content)]);
        let error = open(folder.path()).expect_err("the file is wrong");
        assert!(error.to_string().contains("a.parquet"), "{error}");
        error.code()
    };
    let sound = Draft::new(8).bytes();
    assert_eq!(code(sound[..sound.len() / 2].to_vec()), "DAMAGED");
    assert_eq!(code(Vec::new()), "DAMAGED");
    assert_eq!(code(b"<html>".repeat(9)), "HTML");
    let said = Draft { said: Some("{"), ..Draft::new(4) };
    assert_eq!(code(said.bytes()), "DAMAGED");
    let texts = "message schema { optional binary image (UTF8); }";
    assert_eq!(code(Draft { schema: texts, ..Draft::new(4) }.bytes()), "LAYOUT");
}

#[test]
fn a_byte_that_changed_never_ends_the_program() {
    let sound = Draft::new(8).bytes();
    let mut gave_up = 0;
    for (place, mask) in (0..sound.len()).flat_map(|place| [(place, 0x5a), (place, 0xff)]) {
        let mut damaged = sound.clone();
        damaged[place] ^= mask;
        let folder = written(&[("a.parquet", damaged)]);
        // Whatever it is, it is told.
        if let Err(error) = open(folder.path()) {
            gave_up += usize::from(error.to_string().contains("its reader gave up"));
        }
    }
    assert!(gave_up > 0, "the reader no longer panics: is the guard still needed?");
}

#[test]
fn what_a_file_claims_is_refused_before_there_is_room_for_it() {
    let sound = Draft::new(8).bytes();
    let told = |content: Vec<u8>| {
        let folder = written(&[("a.parquet", content)]);
        open(folder.path()).expect_err("the file is wrong").to_string()
    };
    let words = told([&sound[..sound.len() - 8], &u32::MAX.to_le_bytes()[..], b"PAR1"].concat());
    assert!(words.contains("shorter than its description"), "{words}");
    let mut endless = sound.clone();
    let (end, length) = (endless.len() - 8, 40);
    endless[end - length..end].fill(0xff);
    let words = told(endless);
    assert!(words.contains("description"), "{words}");
}

#[test]
fn a_column_in_another_encoding_is_named() {
    let schema = "message schema { required binary image; }";
    let in_encoding = |encoding| Draft { schema, encoding: Some(encoding), ..Draft::new(8) };
    let opened = |draft: Draft| {
        let folder = written(&[("a.parquet", draft.bytes())]);
        open(folder.path()).map(|dataset| dataset.all().len())
    };
    assert!(opened(in_encoding(Encoding::PLAIN)).is_ok());
    let error = opened(in_encoding(Encoding::DELTA_LENGTH_BYTE_ARRAY)).unwrap_err();
    assert_eq!(error.code(), "LAYOUT");
    let words = error.to_string();
    assert!(words.contains("got column image in DELTA_LENGTH_BYTE_ARRAY"), "{words}");
}
