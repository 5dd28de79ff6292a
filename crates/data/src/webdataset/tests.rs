//! What opening tar shards promises.

use std::io::Cursor;

use image::{ImageFormat, Rgb, RgbImage};
use tar::{Builder, EntryType, Header};
use tempfile::TempDir;

use super::*;
use crate::Split;

/// A PNG of one shade.
fn png(shade: u8) -> Vec<u8> {
    let mut content = Cursor::new(Vec::new());
    RgbImage::from_pixel(6, 4, Rgb([shade; 3])).write_to(&mut content, ImageFormat::Png).unwrap();
    content.into_inner()
}

/// A tar of members, their names written as they are.
fn tar_of(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut tar = Builder::new(Vec::new());
    for (name, content) in members {
        tar.append(&header(name, EntryType::Regular, content.len()), *content).unwrap();
    }
    tar.into_inner().unwrap()
}

fn header(name: &str, kind: EntryType, bytes: usize) -> Header {
    let mut header = Header::new_gnu();
    header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
    header.set_entry_type(kind);
    header.set_size(bytes as u64);
    header.set_mode(0o644);
    header.set_cksum();
    header
}

/// A shard of samples from a number on, each as bright as its number, of three classes by number,
/// whose members another ending has.
fn shard(from: u8, count: u8, ending: &str, class: impl Fn(u8) -> String) -> Vec<u8> {
    let members: Vec<(String, Vec<u8>)> = (from..from + count)
        .flat_map(|number| {
            let name = |ending: &str| format!("{number:04}.{ending}");
            [(name("png"), png(number)), (name(ending), class(number).into_bytes())]
        })
        .collect();
    let members: Vec<(&str, &[u8])> =
        members.iter().map(|(name, content)| (name.as_str(), &content[..])).collect();
    tar_of(&members)
}

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

fn by_number(number: u8) -> String {
    format!("{}\n", number % 3 * 5)
}

/// Every image of a split has the pixels and the class of its name.
fn check(split: &Split, class_names: &[String]) {
    for index in 0..split.len() {
        let name = split.name(index).unwrap();
        let number: u8 = name[name.len() - 8..name.len() - 4].parse().unwrap();
        assert_eq!(split.read(&[index as u32]).unwrap().picture(0), [number; 12], "{name}");
        let class = &class_names[usize::from(split.label(index).unwrap())];
        assert_eq!(*class, by_number(number).trim(), "{name}");
    }
}

#[test]
fn shards_called_like_splits_are_the_splits() {
    let folder = written(&[
        ("train-0.tar", shard(0, 12, "cls", by_number)),
        ("train-1.tar", shard(12, 12, "cls", by_number)),
        ("test-0.tar", shard(30, 6, "cls", by_number)),
    ]);
    let set = open(folder.path()).unwrap();
    assert_eq!(set.class_names, ["0", "5", "10"], "in the order of numbers");
    assert_eq!((set.labelled.len(), set.unlabelled.len(), set.test.len()), (24, 24, 6));
    assert!(!set.draws_test && set.notes.is_empty() && set.ignored.is_empty(), "{:?}", set.notes);
    check(&set.labelled, &set.class_names);
    check(&set.test, &set.class_names);
    assert_eq!(set.labelled.name(12), Some("train-1.tar/0012.png"));
}

#[test]
fn one_shard_has_a_fifth_held_out() {
    let folder = written(&[("cats.tar", shard(0, 30, "cls", by_number))]);
    let set = open(&folder.path().join("cats.tar")).unwrap();
    assert_eq!((set.name.as_str(), set.draws_test), ("cats", true));
    assert_eq!((set.labelled.len(), set.test.len()), (24, 6));
    check(&set.labelled, &set.class_names);
    check(&set.test, &set.class_names);
}

#[test]
fn memory_cache_and_reading_anew_give_the_same_pixels() {
    let folder = written(&[("cats.tar", shard(0, 30, "cls", by_number))]);
    let kept = tempfile::tempdir().unwrap();
    let cache =
        crate::Cache { folder: kept.path().into(), most_bytes: u64::MAX, of: crate::Cached::All };
    let options = Options { side: Some(2), cache: Some(cache), ..Options::default() };
    for _ in 0..2 {
        let set = super::open(folder.path(), &options, &mut |_, _| {}).unwrap();
        check(&set.labelled, &set.class_names);
    }
    assert_eq!(fs::read_dir(kept.path()).unwrap().count(), 1);
}

#[test]
fn classes_may_be_names_or_come_from_json_or_texts() {
    let name = |number: u8| ["dog", "cat"][usize::from(number % 2)].to_owned();
    let json = |number: u8| format!("{{\"width\": 6, \"label\": {}}}", number % 2);
    for (ending, class, names, note) in [
        ("cls", &name as &dyn Fn(u8) -> String, ["cat", "dog"], None),
        ("json", &json, ["0", "1"], Some(".json")),
        ("txt", &name, ["cat", "dog"], Some(".txt")),
    ] {
        let folder = written(&[("a.tar", shard(0, 20, ending, class))]);
        let set = open(folder.path()).unwrap();
        assert_eq!(set.class_names, names, "{ending}");
        let said = set.notes.first().map_or("", String::as_str);
        assert!(note.is_none_or(|note| said.ends_with(note)), "{said}");
    }
    let caption = |number: u8| format!("a photo of {number}");
    let set = open(written(&[("a.tar", shard(0, 20, "txt", caption))]).path()).unwrap();
    assert!(set.class_names.is_empty());
    assert_eq!((set.unlabelled.len(), set.ignored.words().as_str()), (16, "20 .txt"));
}

#[test]
fn a_list_of_names_stands_beside_shards() {
    let class = |number: u8| (number % 2).to_string();
    let with = |names: &str| {
        written(&[("a.tar", shard(0, 20, "cls", class)), (NAMES, names.as_bytes().to_vec())])
    };
    let set = open(with("dog\ncat\n").path()).unwrap();
    assert_eq!(set.class_names, ["dog", "cat"]);
    assert!(set.ignored.is_empty(), "the list is read: {:?}", set.ignored);
    let error = open(with("dog\n").path()).unwrap_err();
    assert!(error.code() == "LABEL" && error.to_string().contains("0 to 0"), "{error}");
}

#[test]
fn what_is_passed_over_is_counted() {
    let (image, mut tar) = (png(7), Builder::new(Vec::new()));
    for (name, content) in [
        ("d/1.png", &image[..]),
        ("d/1.seg.png", &image),
        ("d/1.jpg", &image),
        ("d/2.cls", b"1"),
        ("d/3.avif", b"x"),
        ("d/._4.png", b"x"),
        ("d/5.png", &image),
    ] {
        tar.append(&header(name, EntryType::Regular, content.len()), content).unwrap();
    }
    tar.append(&header("d/", EntryType::Directory, 0), &b""[..]).unwrap();
    tar.append(&header("d/6.png", EntryType::Symlink, 0), &b""[..]).unwrap();
    let folder = written(&[("a.tar", tar.into_inner().unwrap())]);
    let set = open(folder.path()).unwrap();
    assert_eq!((set.unlabelled.len(), set.test.len()), (1, 1));
    let words = set.ignored.words();
    for part in [
        "1 .avif (no decoder)",
        "1 .seg.png",
        "1 hidden",
        "1 links and other",
        "2 samples without an image",
        "1 second images of a sample",
    ] {
        assert!(words.contains(part), "`{part}` is not in `{words}`");
    }
}

#[test]
fn a_broken_image_is_skipped_by_name() {
    let members: Vec<(String, Vec<u8>)> = (0..39)
        .map(|number| (format!("{number:04}.png"), png(number)))
        .chain([("bad.jpg".to_owned(), b"no image".to_vec())])
        .collect();
    let members: Vec<(&str, &[u8])> = members.iter().map(|(n, c)| (n.as_str(), &c[..])).collect();
    let folder = written(&[("a.tar", tar_of(&members))]);
    let set = open(folder.path()).unwrap();
    assert!(set.skipped.len() == 1 && set.skipped[0].path.ends_with("a.tar/bad.jpg"));
}

#[test]
fn archives_that_were_put_together_are_read_to_the_end() {
    let two = [shard(0, 6, "cls", by_number), shard(6, 6, "cls", by_number)].concat();
    let set = open(written(&[("a.tar", two)]).path()).unwrap();
    assert_eq!(set.labelled.len() + set.test.len(), 12);
}

#[test]
fn shards_that_cannot_be_right_are_refused() {
    let image = png(1);
    let sound = shard(0, 3, "cls", by_number);
    let code = |content: Vec<u8>| {
        let folder = written(&[("a.tar", content)]);
        let error = open(folder.path()).expect_err("the shard is wrong");
        assert!(error.to_string().contains("a.tar"), "{error}");
        error.code()
    };
    let one = |name: &str| code(tar_of(&[("0.png", &image), (name, &image)]));
    assert_eq!(one("0.png"), "LAYOUT", "twice");
    assert_eq!(one("../1.png"), "LAYOUT");
    assert_eq!(one("/1.png"), "LAYOUT");
    assert_eq!(one("1.cls"), "LAYOUT");
    assert_eq!(one("1.json"), "LAYOUT");
    assert_eq!(code(tar_of(&[("0.png", &image), ("0.cls", b"-7")])), "LABEL");
    assert_eq!(code(sound[..512 + image.len() / 2].to_vec()), "TRUNCATED");
    assert_eq!(code(Vec::new()), "TRUNCATED");
    assert_eq!(code(b"no tar".repeat(999)), "DAMAGED");
    assert_eq!(code([&[0x1f, 0x8b][..], &sound].concat()), "LAYOUT", "gzip");
    assert_eq!(code(b"<!DOCTYPE html>".repeat(99)), "HTML");
    let mut damaged = sound.clone();
    damaged[1024] ^= 1;
    assert_eq!(code(damaged), "DAMAGED");
    let folder = written(&[("a.tar", tar_of(&[("0.txt", b"x")]))]);
    assert_eq!(open(folder.path()).unwrap_err().code(), "EMPTY_FOLDER");
}

#[test]
fn a_shard_without_its_end_is_told() {
    let sound = shard(0, 6, "cls", by_number);
    let folder = written(&[("a.tar", sound[..sound.len() - 1024].to_vec())]);
    let notes = open(folder.path()).unwrap().notes;
    assert!(notes[0].contains("no end mark"), "{notes:?}");
}
