//! Checkpoints that say what is not so, or hold what nobody asked for.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::common::{done, refused, trained};

/// A safetensors file, taken apart.
struct File {
    header: Value,
    data: Vec<u8>,
}

impl File {
    fn open(path: &Path) -> Self {
        let bytes = fs::read(path).expect("a checkpoint");
        let (length, rest) = bytes.split_at(8);
        let length = u64::from_le_bytes(length.try_into().expect("8 bytes")) as usize;
        let header = serde_json::from_slice(&rest[..length]).expect("a header");
        Self { header, data: rest[length..].to_vec() }
    }

    fn note(&self) -> Value {
        let note = self.header["__metadata__"]["kith"].as_str().expect("a note");
        serde_json::from_str(note).expect("a note is JSON")
    }

    /// With another note.
    fn noted(&self, change: impl FnOnce(&mut Value)) -> Self {
        let (mut header, mut note) = (self.header.clone(), self.note());
        change(&mut note);
        header["__metadata__"]["kith"] = json!(note.to_string());
        Self { header, data: self.data.clone() }
    }

    /// With another first number of a tensor.
    fn with(&self, tensor: &str, value: f32) -> Self {
        let begin = self.header[tensor]["data_offsets"][0].as_u64().expect("an offset") as usize;
        let mut data = self.data.clone();
        data[begin..begin + 4].copy_from_slice(&value.to_le_bytes());
        Self { header: self.header.clone(), data }
    }

    /// With a tensor more.
    fn and(&self, name: &str, kind: &str, bytes: &[u8]) -> Self {
        let (mut header, mut data) = (self.header.clone(), self.data.clone());
        let offsets = [data.len(), data.len() + bytes.len()];
        header[name] = json!({ "dtype": kind, "shape": [1], "data_offsets": offsets });
        data.extend(bytes);
        Self { header, data }
    }

    fn write(&self, path: &Path) {
        let mut header = self.header.to_string();
        while !header.len().is_multiple_of(8) {
            header.push(' ');
        }
        let bytes = [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &self.data];
        fs::write(path, bytes.concat()).expect("a checkpoint can be written");
    }
}

/// A trained network in `run`, taken apart.
fn taken_apart(folder: &Path) -> File {
    trained(folder);
    File::open(&folder.join("run/checkpoint.safetensors"))
}

#[test]
fn sizes_that_are_not_so_are_refused_in_a_moment() {
    let folder = tempfile::tempdir().expect("a folder");
    let good = taken_apart(folder.path());
    let encoder = |width: u64| good.noted(|n| n["recipe"]["encoder"]["width"] = json!(width));
    let side = |side: u64| good.noted(|note| note["side"] = json!(side));
    let head = json!({ "hidden": [4], "output": 1_000_000_000_000_u64 });
    for (name, file, expected) in [
        ("wide", encoder(200_000), "TENSOR_SHAPE"),
        ("wider", encoder(1 << 62), "TENSOR_SHAPE"),
        ("head", good.noted(|note| note["recipe"]["projection"] = head), "TENSOR_SHAPE"),
        ("classes", good.noted(|note| note["class_names"] = json!(["a"])), "TENSOR_SHAPE"),
        ("side", side(1_000_000_000), "SETTING"),
        ("none", side(0), "SETTING"),
        ("other", side(96), "TENSOR_SHAPE"),
    ] {
        file.write(&folder.path().join(name));
        let began = Instant::now();
        for verb in [&["embed", "--checkpoint", name][..], &["info", name], &["evaluate", name]] {
            let (status, code, text) = refused(folder.path(), verb);
            assert_eq!((status, code.as_str()), (3, expected), "{verb:?}: {text}");
        }
        assert!(began.elapsed() < Duration::from_secs(20), "{name} took {:?}", began.elapsed());
    }
}

#[test]
fn an_encoder_and_numbers_that_nobody_knows_are_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let good = taken_apart(folder.path());
    let encoder = good.noted(|note| note["recipe"]["encoder"]["kind"] = json!("nonesuch"));
    let mut numbers = good;
    numbers.header["encoder.dense.bias"]["dtype"] = json!("I32");
    for (name, file, expected, said) in [
        ("encoder", encoder, "ARCHITECTURE", "nonesuch"),
        ("numbers", numbers, "TENSOR_TYPE", "encoder.dense.bias"),
    ] {
        file.write(&folder.path().join(name));
        for verb in [&["embed", "--checkpoint", name][..], &["evaluate", name]] {
            let (status, code, text) = refused(folder.path(), verb);
            assert_eq!((status, code.as_str()), (3, expected), "{verb:?}: {text}");
            assert!(text.contains(said) && text.contains(name), "{verb:?}: {text}");
        }
    }
}

#[test]
fn tensors_that_nobody_asks_for_do_no_harm() {
    let folder = tempfile::tempdir().expect("a folder");
    let good = taken_apart(folder.path());
    let foreign = good
        .and("optimizer.count", "I64", &[0; 8])
        .and("mask", "BOOL", &[1])
        .and("ema", "BF16", &[0xc0, 0x7f])
        .and("scratch", "F32", &f32::NAN.to_le_bytes());
    foreign.write(&folder.path().join("foreign"));
    let shapes = done(folder.path(), &["info", "foreign"]);
    assert_eq!(shapes["tensors"]["mask"], json!([1]));
    let embed = |checkpoint: &str, out: &str| {
        done(folder.path(), &["embed", "--checkpoint", checkpoint, "--out", out]);
        fs::read(folder.path().join(format!("{out}.npy"))).expect("features")
    };
    assert!(embed("foreign", "a") == embed("run/checkpoint.safetensors", "b"), "features differ");
    done(folder.path(), &["export", "foreign", "--out", "small"]);
    assert_eq!(done(folder.path(), &["info", "small"])["tensors"].get("mask"), None);
}

#[test]
fn what_two_bytes_cannot_hold_is_not_exported() {
    let folder = tempfile::tempdir().expect("a folder");
    let good = taken_apart(folder.path());
    good.with("encoder.convs.0.bias", 70_000.0).write(&folder.path().join("big"));
    done(folder.path(), &["export", "big", "--out", "whole"]);
    let words = ["export", "big", "--half", "--out", "half"];
    let (status, code, text) = refused(folder.path(), &words);
    assert_eq!((status, code.as_str()), (3, "HALF_OVERFLOW"), "{text}");
    assert!(text.contains("encoder.convs.0.bias") && text.contains("70000"), "{text}");
    assert!(!folder.path().join("half").exists(), "nothing half-written");
    good.with("encoder.convs.0.bias", 65_504.0).write(&folder.path().join("edge"));
    done(folder.path(), &["export", "edge", "--half", "--out", "half"]);
    done(folder.path(), &["info", "half"]);
}

#[test]
fn features_that_are_no_numbers_are_no_result() {
    let folder = tempfile::tempdir().expect("a folder");
    let good = taken_apart(folder.path());
    // Finite weights whose products are not.
    let huge = ["convs.0.bias", "convs.1.weight", "convs.2.weight", "convs.3.weight"]
        .iter()
        .fold(good, |file, name| file.with(&format!("encoder.{name}"), 3e38));
    huge.write(&folder.path().join("huge"));
    for verb in [&["embed", "--checkpoint", "huge"][..], &["evaluate", "huge"]] {
        let (status, code, text) = refused(folder.path(), verb);
        assert_eq!((status, code.as_str()), (3, "NOT_FINITE"), "{verb:?}: {text}");
    }
}
