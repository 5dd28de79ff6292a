//! What opening Tiny ImageNet promises.

use std::fs;

use image::{GrayImage, Luma, Rgb, RgbImage};
use tempfile::TempDir;

use super::*;

/// Three classes of six training images, the last of each grey, four validation images and two
/// test images.
fn written() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let at = |path: &str| directory.path().join("tiny-imagenet-200").join(path);
    let make = |path: &str| fs::create_dir_all(at(path)).unwrap();
    let save = |path: &str, shade: u8| {
        RgbImage::from_pixel(64, 64, Rgb([shade, 0, 0])).save(at(path)).unwrap();
    };
    for (class, number) in NUMBERS.iter().enumerate() {
        make(&format!("train/{number}/images"));
        for image in 0..5 {
            save(&format!("train/{number}/images/{number}_{image}.JPEG"), class as u8 * 80);
        }
        let grey = at(&format!("train/{number}/images/{number}_5.JPEG"));
        GrayImage::from_pixel(64, 64, Luma([class as u8 * 80])).save(grey).unwrap();
        fs::write(at(&format!("train/{number}/{number}_boxes.txt")), "").unwrap();
    }
    for folder in ["val/images", "test/images"] {
        make(folder);
    }
    for image in 0..4 {
        save(&format!("val/images/val_{image}.JPEG"), 80 * (image % 3));
    }
    save("test/images/test_0.JPEG", 0);
    save("test/images/test_1.JPEG", 0);
    let line = |image: usize| format!("val_{image}.JPEG\t{}\t0\t32\t44\t62\n", NUMBERS[image % 3]);
    fs::write(at("val/val_annotations.txt"), (0..4).map(line).collect::<String>()).unwrap();
    fs::write(at("wnids.txt"), NUMBERS.map(|number| format!("{number}\n")).concat()).unwrap();
    let words = "n00000001\tentity\nn02124075\tEgyptian cat\nn01443537\tgoldfish, Carassius \
                 auratus\nn03126707\tcrane\n";
    fs::write(at("words.txt"), words).unwrap();
    directory
}

/// As in the file, which is not in the order of the numbers.
const NUMBERS: [&str; 3] = ["n02124075", "n01443537", "n03126707"];

fn open(directory: &Path) -> Result<Dataset, Error> {
    super::open(directory, &Options::default(), &mut |_, _| {})
}

fn write(directory: &TempDir, path: &str, content: &str) {
    fs::write(directory.path().join("tiny-imagenet-200").join(path), content).unwrap();
}

#[test]
fn classes_have_names_and_the_validation_images_test() {
    let directory = written();
    let set = open(directory.path()).unwrap();
    assert_eq!((set.name.as_str(), set.side()), ("tiny-imagenet", 64));
    assert_eq!(set.class_names, ["goldfish", "Egyptian cat", "crane"]);
    assert_eq!((set.labelled.len(), set.unlabelled.len(), set.test.len()), (18, 18, 4));
    assert!(!set.draws_test && set.validation.is_none() && set.notes.is_empty());
    assert_eq!(set.ignored.words(), "3 .txt, 2 test images, which have no labels");
    for split in [&set.labelled, &set.test] {
        for index in 0..split.len() {
            let red = split.read(&[index as u32]).unwrap().picture(0)[0];
            let label = [1, 0, 2][usize::from((red + 10) / 80)];
            assert_eq!(split.label(index), Some(label), "{:?}", split.name(index));
        }
    }
}

#[test]
fn grey_images_have_three_equal_planes() {
    let set = open(written().path()).unwrap();
    let names = (0..set.labelled.len() as u32).filter(|&index| {
        set.labelled.name(index as usize).is_some_and(|name| name.contains("n03126707_5"))
    });
    let image = set.labelled.read(&names.collect::<Vec<_>>()).unwrap();
    let planes: Vec<u8> = image.picture(0).chunks(64 * 64).map(|plane| plane[0]).collect();
    assert_eq!(planes, [160; 3]);
}

#[test]
fn classes_of_the_same_name_can_be_told_apart() {
    let directory = written();
    write(&directory, "words.txt", "n01443537\tcrane\nn03126707\tcrane\n");
    let names = open(directory.path()).unwrap().class_names;
    assert_eq!(names, ["crane (n01443537)", "n02124075", "crane (n03126707)"]);
}

#[test]
fn what_annotations_and_images_do_not_share_is_said() {
    let directory = written();
    write(&directory, "val/val_annotations.txt", "val_9.JPEG\tn01443537\nval_1.JPEG\tn01443537\n");
    let set = open(directory.path()).unwrap();
    assert_eq!(set.test.len(), 1);
    assert!(set.ignored.words().contains("3 validation images without a label"));
    assert!(set.notes[0].contains("1 of 2") && set.notes[0].contains("val_9"), "{:?}", set.notes);
    assert!(set.notes[1].contains("test images lack 2 of 3 classes"), "{:?}", set.notes);
}

#[test]
fn wrong_files_are_refused() {
    let code = |path: &str, content: &str| {
        let directory = written();
        write(&directory, path, content);
        open(directory.path()).expect_err("the file is wrong").code()
    };
    assert_eq!(code("val/val_annotations.txt", "val_0.JPEG\n"), "TEXT");
    assert_eq!(code("val/val_annotations.txt", "val_0.JPEG\tn99999999\n"), "TEXT");
    assert_eq!(code("val/val_annotations.txt", "val_9.JPEG\tn01443537\n"), "LAYOUT");
    let twice = "val_0.JPEG\tn01443537\nval_0.JPEG\tn02124075\n";
    assert_eq!(code("val/val_annotations.txt", twice), "TEXT");
    assert_eq!(code("wnids.txt", "n01443537\n"), "TEXT");
    let directory = written();
    fs::create_dir_all(directory.path().join("tiny-imagenet-200/train/cat/images")).unwrap();
    write(&directory, "train/cat/images/1.JPEG", "x");
    assert_eq!(open(directory.path()).unwrap_err().code(), "LAYOUT");
    for name in ["wnids.txt", "words.txt", "val/val_annotations.txt"] {
        let directory = written();
        fs::remove_file(directory.path().join("tiny-imagenet-200").join(name)).unwrap();
        assert_eq!(open(directory.path()).unwrap_err().code(), "MISSING_FILE", "{name}");
    }
}
