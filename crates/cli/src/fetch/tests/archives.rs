//! Archives, sound and otherwise.

use std::io::{self, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use tar::{Builder, EntryType, Header};

use ::zip::write::SimpleFileOptions;
use ::zip::{CompressionMethod, ZipWriter};

use super::*;

fn archive_of(bytes: &[u8]) -> Dataset {
    Dataset {
        folder: "set".into(),
        files: vec![Remote { name: "set.tar.gz".into(), md5: vec![sum(bytes)] }],
        form: Form::TarGz,
        contents: vec![Content { path: "x.bin".into(), bytes: Some(3) }],
        ..files_of(bytes)
    }
}

/// A `.tar.gz` of entries `(path, type, content)`, paths written as they are.
fn tar_gz(entries: &[(&str, EntryType, &[u8])]) -> Vec<u8> {
    let mut tar = Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (path, kind, content) in entries {
        let mut header = Header::new_gnu();
        header.as_mut_bytes()[..path.len()].copy_from_slice(path.as_bytes());
        header.set_entry_type(*kind);
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        tar.append(&header, *content).unwrap();
    }
    tar.into_inner().unwrap().finish().unwrap()
}

const FILE: EntryType = EntryType::Regular;

#[test]
fn an_archive_becomes_a_folder_and_is_removed() {
    let bytes = tar_gz(&[("set/", EntryType::Directory, b""), ("./set/x.bin", FILE, b"abc")]);
    let first = trial(&archive_of(&bytes), vec![whole(&bytes)]);
    assert_eq!(first.code(), "OK");
    assert_eq!(first.names(), ["set"]);
    assert_eq!(fs::read(first.folder.path().join("set/x.bin")).unwrap(), b"abc");
    assert!(first.watched.contains(&(Stage::Unpack, 3, Some(3))), "{:?}", first.watched);
    let again = try_in(first.folder, &archive_of(&bytes), vec![]);
    assert!(matches!(again.result, Ok(Outcome::AlreadyThere(_))), "{:?}", again.result);
}

/// As a kill between any two of the last steps leaves it.
#[test]
fn an_archive_that_was_downloaded_is_removed_by_a_later_process_and_that_of_the_user_stays() {
    let bytes = tar_gz(&[("set/x.bin", FILE, b"abc")]);
    for (has_mark, has_folder) in [(true, true), (true, false), (false, true), (false, false)] {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("set.tar.gz"), &bytes).unwrap();
        if has_mark {
            fs::write(folder.path().join(".set.tar.gz.kith-fetched"), b"").unwrap();
        }
        if has_folder {
            fs::create_dir(folder.path().join("set")).unwrap();
            fs::write(folder.path().join("set/x.bin"), b"abc").unwrap();
        }
        let trial = try_in(folder, &archive_of(&bytes), vec![]);
        assert_eq!(trial.code(), "OK");
        let names = if has_mark { vec!["set"] } else { vec!["set", "set.tar.gz"] };
        assert_eq!(trial.names(), names, "mark {has_mark}, folder {has_folder}");
    }
}

#[test]
fn a_corrupted_archive_leaves_no_folder() {
    let mut bytes = tar_gz(&[("set/x.bin", FILE, b"abc")]);
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0xff;
    let truncated = bytes[..middle].to_vec();
    for broken in [bytes, truncated, b"no archive".to_vec()] {
        let trial = trial(&archive_of(&broken), vec![whole(&broken)]);
        assert_eq!(trial.code(), "BAD_ARCHIVE");
        assert_eq!(trial.names(), [".set.tar.gz.kith-fetched", "set.tar.gz"]);
    }
}

#[test]
fn an_archive_without_its_files_is_told() {
    let bytes = tar_gz(&[("set/x.bin", FILE, b"abcd")]);
    let trial = trial(&archive_of(&bytes), vec![whole(&bytes)]);
    let error = trial.result.unwrap_err().to_string();
    assert!(error.contains("x.bin has 4 bytes, expected 3"), "{error}");
}

#[test]
fn entries_that_leave_the_folder_are_refused() {
    let evil: [(&str, EntryType); 6] = [
        ("../evil", FILE),
        ("set/../../evil", FILE),
        ("/tmp/evil", FILE),
        ("elsewhere/evil", FILE),
        ("set/evil", EntryType::Symlink),
        ("set/evil", EntryType::Link),
    ];
    for (path, kind) in evil {
        let bytes = tar_gz(&[("set/x.bin", FILE, b"abc"), (path, kind, b"")]);
        let trial = trial(&archive_of(&bytes), vec![whole(&bytes)]);
        assert_eq!(trial.code(), "UNSAFE_ARCHIVE", "{path}");
        assert_eq!(trial.names(), [".set.tar.gz.kith-fetched", "set.tar.gz"], "{path}");
        let outside = trial.folder.path().parent().unwrap().join("evil");
        assert!(!outside.exists(), "{path}");
    }
}

#[test]
fn a_folder_in_the_way_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("set")).unwrap();
    fs::write(folder.path().join("set/mine"), b"mine").unwrap();
    let trial = try_in(folder, &archive_of(b""), vec![]);
    assert_eq!(trial.code(), "IN_THE_WAY");
    assert_eq!(fs::read(trial.folder.path().join("set/mine")).unwrap(), b"mine");
}

fn zip_of(bytes: &[u8]) -> Dataset {
    Dataset {
        files: vec![Remote { name: "set.zip".into(), md5: vec![sum(bytes)] }],
        form: Form::Zip,
        contents: ["x.bin", "deep"].map(|path| Content { path: path.into(), bytes: None }).into(),
        ..archive_of(bytes)
    }
}

/// A compressed `.zip` of entries `(path, content)`; a path that ends in a slash is a folder.
fn zip(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(io::Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    for (path, content) in entries {
        zip.start_file(*path, options).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[test]
fn a_zip_becomes_a_folder_and_is_removed() {
    let long = b"abc".repeat(1000);
    let bytes = zip(&[("set/", b""), ("set/x.bin", &long), ("set/deep/y.bin", b"d")]);
    let first = trial(&zip_of(&bytes), vec![whole(&bytes)]);
    assert_eq!(first.code(), "OK", "{:?}", first.result);
    assert_eq!(first.names(), ["set"]);
    assert_eq!(fs::read(first.folder.path().join("set/x.bin")).unwrap(), long);
    assert_eq!(fs::read(first.folder.path().join("set/deep/y.bin")).unwrap(), b"d");
    assert!(first.watched.contains(&(Stage::Unpack, 3001, None)), "{:?}", first.watched);
    let again = try_in(first.folder, &zip_of(&bytes), vec![]);
    assert!(matches!(again.result, Ok(Outcome::AlreadyThere(_))), "{:?}", again.result);
}

#[test]
fn a_damaged_zip_leaves_no_folder() {
    let sound = zip(&[("set/x.bin", &b"abcdefgh".repeat(99)), ("set/deep/y.bin", b"d")]);
    let mut damaged = sound.clone();
    damaged[45] ^= 0xff;
    let truncated = sound[..sound.len() / 2].to_vec();
    let lacking = zip(&[("set/x.bin", b"abc")]);
    for broken in [damaged, truncated, lacking, b"no archive".to_vec()] {
        let trial = trial(&zip_of(&broken), vec![whole(&broken)]);
        assert_eq!(trial.code(), "BAD_ARCHIVE");
        assert_eq!(trial.names(), [".set.zip.kith-fetched", "set.zip"]);
    }
}

#[test]
fn entries_of_a_zip_that_leave_the_folder_are_refused() {
    for path in ["../evil", "set/../../evil", "/tmp/evil", "elsewhere/evil"] {
        let bytes = zip(&[("set/x.bin", b"abc"), (path, b"")]);
        let trial = trial(&zip_of(&bytes), vec![whole(&bytes)]);
        assert_eq!(trial.code(), "UNSAFE_ARCHIVE", "{path}");
        assert_eq!(trial.names(), [".set.zip.kith-fetched", "set.zip"], "{path}");
    }
}
