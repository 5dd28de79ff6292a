//! What opening a folder promises.

use std::fs;

use image::{Rgb, RgbImage};
use kith_core::loader::ImageSet;
use tempfile::TempDir;

use super::*;
use crate::Split;

fn open(directory: &Path, options: &Options) -> Result<Dataset, Error> {
    super::open(directory, options, &mut |_, _| {})
}

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
        let only = set.notes.iter().any(|note| note.starts_with("only is the only class"));
        assert_eq!(only, folder.path().join("only").exists(), "{:?}", set.notes);
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

fn names(split: &Split) -> Vec<&str> {
    (0..split.len()).map(|index| split.name(index).unwrap()).collect()
}

/// Training, validation and test images of two classes, and some without.
fn divided(folders: &[&str]) -> TempDir {
    let both = |folder: &&str| match *folder {
        "unlabelled" => paths("unlabelled/", 3),
        folder => [format!("{folder}/cat/"), format!("{folder}/dog/")]
            .iter()
            .flat_map(|folder| paths(folder, 4))
            .collect(),
    };
    written(&folders.iter().flat_map(both).collect::<Vec<_>>())
}

#[test]
fn folders_of_splits_are_the_splits() {
    let folder = divided(&["train", "val", "test", "unlabelled"]);
    let set = open(folder.path(), &small()).unwrap();
    assert_eq!(set.class_names, ["cat", "dog"]);
    let validation = set.validation.as_ref().expect("there are validation images");
    for (split, start) in [(&set.labelled, "train/"), (validation, "val/"), (&set.test, "test/")] {
        assert!(names(split).iter().all(|name| name.starts_with(start)), "{:?}", names(split));
        assert_eq!((split.len(), split.labels()), (8, Some(&[0, 0, 0, 0, 1, 1, 1, 1][..])));
    }
    let unlabelled = names(&set.unlabelled);
    let of = |start: &str| unlabelled.iter().filter(|name| name.starts_with(start)).count();
    assert_eq!([of("train/"), of("unlabelled/"), unlabelled.len()], [8, 3, 11]);
    assert!(!set.draws_test && set.notes.is_empty(), "{:?}", set.notes);
}

#[test]
fn without_test_images_those_for_validation_test() {
    let set = open(divided(&["train", "val"]).path(), &small()).unwrap();
    assert!(set.validation.is_none() && !set.draws_test);
    assert!(names(&set.test).iter().all(|name| name.starts_with("val/")));
    assert!(set.notes[0].contains("validation images test"), "{:?}", set.notes);
    let set = open(divided(&["train"]).path(), &small()).unwrap();
    assert_eq!((set.labelled.len(), set.test.len(), set.draws_test), (6, 2, true));
}

#[test]
fn a_table_of_labels_makes_classes() {
    let folder = written(&paths("", 10));
    let lines = (0..8).map(|i| format!("{i:02}.png,{}\r\n", ["b", "a"][i % 2]));
    let table = format!("\u{feff}file,label\r\n{}gone.png,a\r\n", lines.collect::<String>());
    fs::write(folder.path().join("labels.csv"), table).unwrap();
    let set = open(folder.path(), &small()).unwrap();
    assert_eq!(
        (set.class_names.join(","), set.labelled.len(), set.test.len()),
        ("a,b".into(), 6, 2)
    );
    assert_eq!(set.unlabelled.len(), 8, "two images have no label");
    for index in 0..set.labelled.len() {
        let number: u16 = set.labelled.name(index).unwrap()[..2].parse().unwrap();
        assert_eq!(set.labelled.label(index), Some(1 - number % 2));
    }
    assert!(set.notes[0].contains("gone.png") && set.notes[0].contains("2 images"));
}

#[test]
fn a_table_of_labels_says_domains() {
    let folder = written(&paths("", 8));
    let line = |i: usize| format!("{i:02}.png,{},{}\n", ["a", "b"][i % 2], ["y", "x"][i / 4]);
    let table = format!("file,label,domain\n{}", (0..8).map(line).collect::<String>());
    fs::write(folder.path().join("labels.csv"), table).unwrap();
    let set = open(folder.path(), &small()).unwrap();
    assert!(set.notes[0].contains("domains: 2"), "{:?}", set.notes);
    for split in [&set.labelled, &set.unlabelled, &set.test] {
        for index in 0..split.len() {
            let number: u16 = split.name(index).unwrap()[..2].parse().unwrap();
            assert_eq!(split.domain(index as u32), Some(u16::from(number < 4)));
        }
    }
    let plain = written(&paths("", 8));
    let set = open(plain.path(), &small()).unwrap();
    assert_eq!(set.unlabelled.domain(0), None);
}

#[test]
fn test_images_without_classes_stay_without() {
    let train = [paths("train/cat/", 2), paths("train/dog/", 2), paths("test/", 3)].concat();
    let set = open(written(&train).path(), &small()).unwrap();
    assert_eq!((set.labelled.len(), set.test.len(), set.test.labels()), (4, 3, None));
}

#[cfg(unix)]
#[test]
fn one_image_under_many_names_is_as_many_images() {
    let folder = written(&paths("", 1));
    for link in 0..9 {
        let link = folder.path().join(format!("link{link}.png"));
        std::os::unix::fs::symlink(folder.path().join("00.png"), link).unwrap();
    }
    let set = open(folder.path(), &small()).unwrap();
    assert_eq!((set.unlabelled.len(), set.test.len()), (8, 2));
}

#[test]
fn names_with_commas_quotes_and_ends_of_lines_are_kept() {
    let odd = ["a,b.png", "say \"hi\".png", " lead.png", "é.png", "e\u{301}.png"];
    let odd: Vec<String> = odd.map(String::from).to_vec();
    let set = open(written(&odd).path(), &small()).unwrap();
    let mut got = [names(&set.unlabelled), names(&set.test)].concat();
    let mut expected: Vec<&str> = odd.iter().map(String::as_str).collect();
    got.sort_unstable();
    expected.sort_unstable();
    assert_eq!(got, expected);
}
