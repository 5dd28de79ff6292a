//! Checkpoints in forms that other programs read.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use kith_core::archive::{Archive, Stored};
use serde_json::Value;

use crate::common::{done, refused};

const FEW: [&str; 6] = ["--data", "gallery", "--labelled", "9", "--unlabelled", "9"];
const LITE: &str = "{kind=\"efficientnet_lite\", pixels=\"signed\", size={stem=8, head=48, stages=[\
    {kernel=3,stride=1,expansion=1,outputs=8,repeats=1},{kernel=3,stride=2,expansion=6,outputs=12,repeats=2},\
    {kernel=5,stride=2,expansion=6,outputs=16,repeats=2},{kernel=5,stride=1,expansion=6,outputs=20,repeats=1},\
    {kernel=3,stride=2,expansion=6,outputs=24,repeats=1}]}}";
/// Files of weights, and what they do not tell.
const IMPORTED: [(&str, &[&str]); 9] = [
    ("resnet18.safetensors", &["--side", "56"]),
    ("resnet50.safetensors", &["--side", "33"]),
    ("vit16.safetensors", &["--heads", "3", "--pixels", "signed"]),
    ("dinov2_reg4.pth", &["--heads", "3", "--side", "70"]),
    ("dinov2_hub.pth", &["--heads", "3", "--side", "84", "--set", "encoder.pool=cls_mean"]),
    ("dinov2_hf.safetensors", &["--heads", "3", "--side", "42", "--set", "encoder.pool=mean"]),
    ("efficientnet_lite.safetensors", &["--side", "57", "--arch", LITE]),
    (
        "efficientnet_lite.safetensors",
        &["--side", "56", "--arch", LITE, "--set", "encoder.padding=around"],
    ),
    ("mobilenet_v3.safetensors", &["--side", "57"]),
];
/// Encoders that are trained here.
const TRAINED: [&str; 6] = [
    "{kind=\"conv4\", width=8}",
    "{kind=\"conv4_pool\", pixels=\"signed\"}",
    "{kind=\"conv4_pool\", grid=2, features=12}",
    "{kind=\"mobilenet\", width_multiplier=0.1}",
    "{kind=\"mobilenet\", width_multiplier=0.1, form=\"keras\", statistics=\"keras3\"}",
    "{kind=\"resnet\", depth=34, width=3}",
];

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/encoders").join(name)
}

/// A checkpoint of two steps, and its file's name.
fn trained(folder: &Path, name: &str, changes: &[&str]) -> String {
    let run = ["pretrain", "--recipe", "quick", "--side", "33", "--run", name];
    let short = ["pretraining.epochs=1", "pretraining.steps=2", "pretraining.unlabelled_batch=8"];
    let batch = ["pretraining.labelled_batch=4", "objective.queue=32"];
    let all = short.iter().chain(&batch).chain(changes).flat_map(|change| ["--set", change]);
    let words: Vec<&str> = run.into_iter().chain(FEW).chain(all).collect();
    done(folder, &words);
    format!("{name}/checkpoint.safetensors")
}

/// Checkpoints of all kinds of encoders.
fn checkpoints(folder: &Path) -> Vec<String> {
    let imported = IMPORTED.iter().enumerate().map(|(place, (name, more))| {
        let (file, out) = (fixture(name), format!("imported-{place}.safetensors"));
        let words = ["import", file.to_str().expect("text"), "--out", &out];
        done(folder, &[&words[..], more].concat());
        out
    });
    let trained = TRAINED.iter().enumerate().map(|(place, encoder)| {
        trained(folder, &format!("trained-{place}"), &[&format!("encoder={encoder}")])
    });
    imported.chain(trained).collect()
}

/// What onnxruntime makes of files: each with its images and what is expected of one output.
fn in_runtime(folder: &Path, files: &[[String; 3]]) -> Vec<Value> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/python/onnx_features.py");
    let python = std::env::var("KITH_PYTHON").unwrap_or_else(|_| "python3".into());
    let output = Command::new(&python)
        .current_dir(folder)
        .arg(&script)
        .args(files.iter().flatten())
        .output()
        .expect("python starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

#[test]
fn every_encoder_gives_the_same_features_in_onnxruntime() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let (mut files, mut most) = (Vec::new(), Vec::new());
    for (place, checkpoint) in checkpoints(folder).iter().enumerate() {
        let (embed, out) = (["embed", "--split", "unlabelled", "--pixels"], place.to_string());
        done(folder, &[&embed[..], &["--checkpoint", checkpoint, "--out", &out], &FEW].concat());
        for (form, more, far) in [
            ("float", &[][..], 1e-5),
            ("bytes", &["--input", "bytes"], 1e-5),
            ("half", &["--half"], 3e-3),
        ] {
            let file = format!("{place}-{form}.onnx");
            let words = ["export", checkpoint, "--onnx", "--out", &file];
            done(folder, &[&words[..], more].concat());
            let expected = format!("pooler_output={place}.npy");
            files.push([file, format!("{place}.pixels.npy"), expected]);
            most.push(far);
        }
    }
    let found = in_runtime(folder, &files);
    assert_eq!(found.len(), 3 * (IMPORTED.len() + TRAINED.len()));
    for (found, most) in found.iter().zip(most) {
        let far = found["far"].as_f64().expect("a number");
        assert!(far < most, "{} is off by {far}", found["file"]);
        let is_half = found["file"].as_str().is_some_and(|file| file.contains("half"));
        let types = found["types"].to_string();
        assert_eq!(types.contains("FLOAT16"), is_half, "{types}");
        assert_eq!(found["note"]["format"], 1, "the checkpoint's note goes along");
    }
}

#[test]
fn logits_and_projections_are_the_same_in_onnxruntime() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let head = ["projection.norm=batch", "projection.last_norm=batch_without_scale"];
    let head = [&head[..], &["projection.activation=gelu", "encoder={kind=\"conv4_pool\"}"]];
    let checkpoint = trained(folder, "run", &head.concat());
    let embed = ["embed", "--split", "unlabelled", "--pixels", "--checkpoint", &checkpoint];
    done(folder, &[&embed[..], &["--out", "features"], &FEW].concat());
    let mut files = Vec::new();
    for (output, file) in [("logits", "logits.onnx"), ("projection", "projection.onnx")] {
        let words = ["export", &checkpoint, "--onnx", "--output", output, "--out", file];
        let written = done(folder, &words);
        assert_eq!(written["outputs"][1][0], output, "{written}");
        expected(folder, &checkpoint, output);
        let images = "features.pixels.npy".to_owned();
        files.push([file.to_owned(), images, format!("{output}={output}.npy")]);
    }
    for found in in_runtime(folder, &files) {
        let far = found["far"].as_f64().expect("a number");
        assert!(far < 1e-5, "{} is off by {far}", found["file"]);
    }
}

/// Computes logits or projections by the core, from the same images.
fn expected(folder: &Path, checkpoint: &str, output: &str) {
    use kith_core::model::{Layer, Length, Model};
    use npyz::WriterBuilder;

    let bytes = fs::read(folder.join(checkpoint)).expect("a checkpoint");
    let device = kith_core::Device::flex();
    let model = Model::open(&bytes, &device).expect("a model");
    let pixels = fs::read(folder.join("features.pixels.npy")).expect("images");
    let pixels = npyz::NpyFile::new(&pixels[..]).expect("npy");
    let count = pixels.shape()[0];
    let pixels: Vec<u8> = pixels.into_vec().expect("bytes");
    let side = model.meta().side;
    let size = [count as usize, side, side];
    let images = kith_core::image::Images::new(pixels, size).expect("images");
    let (values, width) = match output {
        "projection" => {
            let found = model.embed(&images, Layer::Projection, Length::Own);
            let found = pollster::block_on(found).expect("projections");
            (found.values, found.dim)
        }
        _ => {
            let logits = model.logits(images.to_device(&device)).expect("a classifier");
            let width = logits.dims()[1];
            (pollster::block_on(kith_core::read::read(logits)).expect("numbers"), width)
        }
    };
    let file = fs::File::create(folder.join(format!("{output}.npy"))).expect("a file");
    let shape = [count, width as u64];
    let options = npyz::WriteOptions::new().default_dtype().shape(&shape);
    let mut writer = options.writer(file).begin_nd().expect("a file");
    writer.extend(values).expect("numbers");
    writer.finish().expect("a file");
}

#[test]
fn a_folder_says_how_images_are_prepared() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let file = fixture("resnet18.safetensors");
    let how = ["--resize", "40", "--filter", "bicubic", "--side", "32"];
    let import = ["import", file.to_str().expect("text"), "--out", "a.safetensors"];
    done(folder, &[&import[..], &how].concat());
    let export = ["export", "a.safetensors", "--onnx", "--out", "network", "--output", "logits"];
    let written = done(folder, &export);
    assert_eq!(written["files"].as_array().map(Vec::len), Some(3), "{written}");
    let read = |name: &str| -> Value {
        let text = fs::read_to_string(folder.join("network").join(name)).expect("a file");
        serde_json::from_str(&text).expect("JSON")
    };
    assert_eq!(read("config.json")["id2label"]["4"], "4");
    let images = read("preprocessor_config.json");
    assert_eq!(images["size"]["shortest_edge"], 40);
    assert_eq!((&images["resample"], &images["crop_size"]["width"]), (&3.into(), &32.into()));
    assert_eq!(images["do_normalize"], false, "the graph does it");
    assert!(folder.join("network/onnx/model.onnx").exists());
}

/// Import, export under the library's names, import again: the same tensors to the bit.
#[test]
fn weights_go_back_under_the_names_that_they_had() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    for (name, more) in [
        ("resnet18.safetensors", &["--side", "56"][..]),
        ("resnet50.safetensors", &["--side", "56"]),
        ("vit16.safetensors", &["--heads", "3", "--pixels", "signed"]),
        ("dinov2_reg4.safetensors", &["--heads", "3"]),
        ("efficientnet_lite.safetensors", &["--arch", LITE]),
        ("mobilenet_v3.safetensors", &[]),
    ] {
        let original = fixture(name);
        let words = ["import", original.to_str().expect("text"), "--out", "a.safetensors"];
        done(folder, &[&words[..], more].concat());
        let words = ["export", "a.safetensors", "--torch", "--out", "b.safetensors"];
        let written = done(folder, &words);
        let read = |path: &Path| -> BTreeMap<String, Stored> {
            let bytes = fs::read(path).expect("a file");
            let archive = Archive::from_foreign(&bytes).expect("safetensors");
            let weights = archive.names().filter(|name| !name.ends_with("num_batches_tracked"));
            let read = |name: &str| archive.get(name).expect("numbers").into_owned();
            weights.map(|name| (name.to_owned(), read(name))).collect()
        };
        let mut before = read(&original);
        assert_eq!(written["leaves_classifier"], false, "{written}");
        // Its classifier of two layers was not imported.
        let is_left = |own: &str| name.starts_with("mobilenet") && own.starts_with("classifier");
        before.retain(|name, _| !is_left(name));
        assert!(before == read(&folder.join("b.safetensors")), "{name} came back changed");
    }
    let words = ["import", "b.safetensors", "--out", "c.safetensors", "--side", "32"];
    assert_eq!(done(folder, &words)["network"], "MobileNetV3-small");
    let tuned = ["finetune", "--from", "c.safetensors", "--run", "tuned", "--recipe", "quick"];
    let short = ["finetuning.epochs=1", "finetuning.steps=1", "finetuning.batch=4"];
    let short = short.map(|change| ["--set", change]).concat();
    done(folder, &[&tuned[..], &FEW, &short].concat());
    let tuned = ["export", "tuned", "--torch", "--out", "d.safetensors"];
    assert_eq!(done(folder, &tuned)["leaves_classifier"], true, "torchvision's has two layers");
}

#[test]
fn what_cannot_be_written_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let relational = ["encoder={kind=\"conv4_pool\"}"];
    let run = ["pretrain", "--recipe", "relational", "--side", "33", "--run", "relational"];
    let short = ["pretraining.epochs=1", "pretraining.steps=1", "pretraining.unlabelled_batch=8"];
    let relational = [&relational[..], &["pretraining.labelled_batch=4"]].concat();
    let all = short.iter().chain(&relational).flat_map(|change| ["--set", change]);
    done(folder, &run.into_iter().chain(FEW).chain(all).collect::<Vec<_>>());
    let relational = "relational/checkpoint.safetensors";
    let file = fixture("mobilenet_v3.safetensors");
    done(folder, &["import", file.to_str().expect("text"), "--out", "a.safetensors"]);
    for (words, told) in [
        ([relational, "--onnx", "--output", "projection"], "relational has no head"),
        (["a.safetensors", "--onnx", "--output", "projection"], "holds no projection"),
        (["a.safetensors", "--onnx", "--output", "logits"], "no classifier"),
        (["a.safetensors", "--onnx", "--input", "bytes"], "ends in .onnx"),
        ([relational, "--torch", "--half", "--quiet"], "torchvision and timm have no other"),
    ] {
        let (exit, code, message) =
            refused(folder, &[&["export"], &words[..], &["--out", "x"]].concat());
        assert_eq!((exit, code.as_str()), (3, "SETTING"), "{message}");
        assert!(message.contains(told), "{message}");
        assert!(!folder.join("x").exists(), "nothing was written");
    }
}
