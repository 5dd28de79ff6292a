//! Folders of images as people have them.

use std::fs;
use std::path::Path;

use image::{Rgb, RgbImage};

use crate::common::{SMALL, done, kith, metrics, refused, trained};

/// Images of one colour each at paths in a folder.
fn write(folder: &Path, paths: &[String]) {
    for (place, path) in paths.iter().enumerate() {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().expect("a file is in a folder")).expect("a folder");
        let shade = |x, y| Rgb([place as u8 * 3, (x * 9) as u8, (y * 7) as u8]);
        RgbImage::from_fn(20, 16, shade).save(path).expect("an image can be written");
    }
}

fn named(folder: &str, count: usize) -> Vec<String> {
    (0..count).map(|i| format!("{folder}/{i:02}.png")).collect()
}

/// Two classes in each of some splits.
fn pets(folder: &Path, splits: &[&str], count: usize) {
    let classes = |split: &&str| [format!("pets/{split}/cat"), format!("pets/{split}/dog")];
    let paths: Vec<_> =
        splits.iter().flat_map(classes).flat_map(|folder| named(&folder, count)).collect();
    write(folder, &paths);
}

/// A checkpoint of the gallery.
fn checkpoint(folder: &Path) -> &'static str {
    trained(folder);
    "run/checkpoint.safetensors"
}

/// What it says on the way.
fn said(folder: &Path, words: &[&str]) -> String {
    let output = kith(folder, words).output().expect("the program starts");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "kith {}: {text}", words.join(" "));
    text + &String::from_utf8_lossy(&output.stdout)
}

#[test]
fn an_empty_split_is_an_error_that_names_the_others() {
    let folder = tempfile::tempdir().expect("a folder");
    let checkpoint = checkpoint(folder.path());
    let embed = |data, split, out| {
        vec!["embed", "--checkpoint", checkpoint, "--data", data, "--split", split, "--out", out]
    };
    write(folder.path(), &named("one", 1));
    let (status, code, text) = refused(folder.path(), &embed("folder:one", "test", "e"));
    assert_eq!((status, code.as_str()), (3, "EMPTY_SPLIT"), "{text}");
    assert!(text.contains("test split of one") && text.contains("unlabelled 1"), "{text}");
    assert!(!folder.path().join("e.npy").exists());
    assert_eq!(done(folder.path(), &embed("folder:one", "all", "e"))["shape"][0], 1);

    write(folder.path(), &named("four", 4));
    let text = said(folder.path(), &embed("folder:four", "test", "f"));
    assert!(text.contains("1 of 4 pictures") && text.contains("--split all"), "{text}");
    let (_, code, text) = refused(folder.path(), &embed("folder:four", "labelled", "g"));
    assert!(code == "EMPTY_SPLIT" && text.contains("no image has a label"), "{code}: {text}");
    let words = [embed("folder:four", "all", "h"), vec!["--pixels"]].concat();
    assert_eq!(done(folder.path(), &words)["shape"][0], 4);
    let table = fs::read_to_string(folder.path().join("h.csv")).expect("a table");
    assert_eq!(table.lines().next(), Some("row,picture,name,label,class,split"));
    assert_eq!(table.lines().filter(|line| line.ends_with(",unlabelled")).count(), 3);
    let pixels = fs::metadata(folder.path().join("h.pixels.npy")).expect("the images").len();
    assert!(pixels > 4 * 3 * 32 * 32, "{pixels} bytes");
    done(folder.path(), &["neighbours", "--checkpoint", checkpoint, "--data", "folder:one"]);
}

#[test]
fn what_was_found_and_passed_over_is_said_in_a_line() {
    let folder = tempfile::tempdir().expect("a folder");
    pets(folder.path(), &[""], 10);
    let at = |name: &str| folder.path().join("pets").join(name);
    for name in ["cat/a.txt", "cat/b.avif", "dog/.hidden.png", "dog/@eaDir/c.png"] {
        fs::create_dir_all(at(name).parent().expect("a folder")).expect("a folder");
        fs::write(at(name), "no image").expect("a file");
    }
    fs::copy(at("cat/00.png"), at("cat/other.JPE")).expect("a file called otherwise");
    fs::write(at("dog/broken.jpg"), b"\xff\xd8\xff\xe0 and no more").expect("a file");
    let text = said(folder.path(), &["augment", "--data", "folder:pets", "--views", "1"]);
    for part in [
        "pets/dog/broken.jpg: the file is truncated",
        "pets: 21 images, 1 skipped",
        "1 .avif (no decoder)",
        "1 .txt",
        "1 hidden",
        "1 in @eaDir",
        "2 classes",
        "17 labelled, 17 unlabelled, 4 test (a fifth",
    ] {
        assert!(text.contains(part), "`{part}` is not in: {text}");
    }
}

#[test]
fn folders_of_splits_train_choose_and_test() {
    let folder = tempfile::tempdir().expect("a folder");
    pets(folder.path(), &["train", "val", "test"], 16);
    let words = [&["pretrain", "--run", "r", "--data", "folder:pets"][..], &SMALL].concat();
    let trained = done(folder.path(), &words);
    assert!(!trained["last_epoch"]["validation"].is_null(), "{}", trained["last_epoch"]);
    let found = done(folder.path(), &["info", "r/checkpoint.safetensors"]);
    let sizes = |name: &str| found["meta"]["dataset"][name].as_u64();
    assert_eq!(["labelled", "validation", "test"].map(sizes), [Some(32); 3]);
}

#[test]
fn a_cache_changes_no_number_and_a_path_may_be_spelled_anew() {
    let folder = tempfile::tempdir().expect("a folder");
    pets(folder.path(), &[""], 20);
    let run = |name, data, more: &[&str]| {
        let words = ["pretrain", "--run", name, "--data", data];
        done(folder.path(), &[&words[..], &SMALL, more].concat());
        metrics(&folder.path().join(name))
    };
    let plain = run("plain", "folder:pets", &[]);
    assert_eq!(plain, run("cold", "folder:pets", &["--cache", "kept"]));
    let files = || fs::read_dir(folder.path().join("kept")).expect("a cache").count();
    assert_eq!(files(), 1);
    assert_eq!(plain, run("warm", "folder:./pets/", &["--cache", "kept"]));
    assert_eq!(files(), 1, "another spelling is the same folder");
    let data = format!("folder:{}", folder.path().join("./pets").display());
    let again = ["pretrain", "--run", "plain", "--resume", "--data", data.as_str()];
    done(folder.path(), &[&again[..], &SMALL].concat());
    assert_eq!(plain, metrics(&folder.path().join("plain")));
}

#[cfg(unix)]
#[test]
fn files_are_written_under_names_that_are_no_text() {
    use std::os::unix::ffi::OsStrExt;
    let folder = tempfile::tempdir().expect("a folder");
    let checkpoint = checkpoint(folder.path());
    let mut command = kith(folder.path(), &["embed", "--checkpoint", checkpoint]);
    let output = command
        .arg("--out")
        .arg(std::ffi::OsStr::from_bytes(b"o\xe9"))
        .output()
        .expect("it starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for name in [&b"o\xe9.npy"[..], b"o\xe9.csv"] {
        let path = folder.path().join(std::ffi::OsStr::from_bytes(name));
        assert!(path.exists(), "{}", path.display());
    }
}

#[test]
fn images_that_cannot_be_read_and_classes_that_cannot_be_told_apart() {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), &named("one/cat", 3));
    fs::create_dir(folder.path().join("bad")).expect("a folder can be made");
    fs::write(folder.path().join("bad/a.png"), "no image").expect("a file can be written");
    for (words, expected) in [
        (vec!["augment", "--data", "folder:bad"], "TOO_MANY_SKIPPED"),
        (vec!["augment", "--data", "folder:one", "--labelled", "1"], "ONE_CLASS"),
    ] {
        let (status, code, text) = refused(folder.path(), &words);
        assert_eq!((status, code.as_str()), (3, expected), "{words:?}: {text}");
    }
}

#[test]
fn more_classes_than_two_bytes_can_number_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let many = folder.path().join("many");
    // No file system takes as many links to one file.
    write(&many, &["0.png".into(), "1.png".into()]);
    let mut table = String::from("file,label\n");
    for class in 0..=usize::from(u16::MAX) {
        let name = format!("{class:05}.png");
        let original = many.join(format!("{}.png", class % 2));
        fs::hard_link(original, many.join(&name)).expect("a link can be made");
        table += &format!("{name},{class}\n");
    }
    fs::write(many.join("labels.csv"), table).expect("a table can be written");
    let (status, code, text) = refused(folder.path(), &["augment", "--data", "folder:many"]);
    assert_eq!((status, code.as_str()), (3, "TOO_MANY"), "{text}");
}

/// Batches of one domain are others than mixed ones, and need a table that says domains.
#[test]
fn batches_are_of_one_domain_where_a_table_says_domains() {
    fn run<'a>(name: &'a str, more: &[&'a str]) -> Vec<&'a str> {
        [&["pretrain", "--run", name, "--data", "folder:pets"][..], &SMALL, more].concat()
    }

    let folder = tempfile::tempdir().expect("a folder");
    pets(folder.path(), &[""], 48);
    let one = ["--set", "pretraining.batches=one_domain"];
    let (status, code, text) = refused(folder.path(), &run("none", &one));
    assert_eq!((status, code.as_str()), (3, "SETTING"), "{text}");
    assert!(text.contains("pretraining.batches") && text.contains("labels.csv"), "{text}");

    let line = |(class, i): (&str, usize)| format!("{class}/{i:02}.png,{class},{}\n", i % 2);
    let images = ["cat", "dog"].into_iter().flat_map(|class| (0..48).map(move |i| (class, i)));
    let table = format!("file,label,domain\n{}", images.map(line).collect::<String>());
    fs::write(folder.path().join("pets/labels.csv"), table).expect("a table");
    let told = said(folder.path(), &run("one", &one));
    assert!(told.contains("domains: 2"), "{told}");
    done(folder.path(), &run("mixed", &[]));
    done(folder.path(), &run("again", &one));
    let measured = |run: &str| metrics(&folder.path().join(run));
    assert_ne!(measured("one"), measured("mixed"));
    assert_eq!(measured("one"), measured("again"), "the same seed, the same run");
}
