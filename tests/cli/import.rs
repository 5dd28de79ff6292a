//! Other libraries' weights as checkpoints: what is read, what is asked for, what is refused.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::common::{done, refused};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/encoders").join(name)
}

fn imported(folder: &Path, name: &str, more: &[&str]) -> Value {
    let file = fixture(name);
    let words = ["import", file.to_str().expect("text"), "--out", "out.safetensors"];
    done(folder, &[&words[..], more].concat())
}

const LITE: &str = "{kind=\"efficientnet_lite\", pixels=\"signed\", size={stem=8, head=48, stages=[\
    {kernel=3,stride=1,expansion=1,outputs=8,repeats=1},{kernel=3,stride=2,expansion=6,outputs=12,repeats=2},\
    {kernel=5,stride=2,expansion=6,outputs=16,repeats=2},{kernel=5,stride=1,expansion=6,outputs=20,repeats=1},\
    {kernel=3,stride=2,expansion=6,outputs=24,repeats=1}]}}";

/// The same network in a safetensors file and in a zip archive: the same checkpoint.
#[test]
fn a_network_is_the_same_out_of_any_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let bytes = |name: &str, more: &[&str]| {
        let more = [more, &["--source", "x", "--side", "56"]].concat();
        let written = imported(folder.path(), name, &more);
        assert!(written["taken"].as_u64().is_some_and(|taken| taken > 20), "{written}");
        fs::read(folder.path().join("out.safetensors")).expect("a checkpoint")
    };
    let reg4 = ["--heads", "3"];
    for (one, other, more) in [
        ("resnet18.safetensors", "resnet18.pth", &[][..]),
        ("resnet50.safetensors", "resnet50.pth", &[]),
        ("efficientnet_lite.safetensors", "efficientnet_lite.pth", &["--arch", LITE]),
        ("dinov2_reg4.safetensors", "dinov2_reg4.pth", &reg4),
    ] {
        assert!(bytes(one, more) == bytes(other, more), "{one} and {other}");
    }
}

#[test]
fn encoders_are_found_within_checkpoints_of_methods() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut found = Vec::new();
    for (name, prefix) in [
        ("wrapped_moco.pth", "state_dict.module.encoder_q."),
        ("wrapped_dino.pth", "teacher.backbone."),
        ("wrapped_lightly.ckpt", "state_dict.backbone."),
        ("wrapped_solo.ckpt", "state_dict.backbone."),
        ("wrapped_vissl.torch", "classy_state_dict.base_model.model.trunk._feature_blocks."),
    ] {
        let written = imported(folder.path(), name, &["--source", "x"]);
        assert_eq!(written["prefix"], prefix, "{name}");
        assert_eq!(written["network"], "ResNet-18");
        assert_eq!((&written["classes"], &written["taken"]), (&0.into(), &100.into()), "{name}");
        let others = written["other_prefixes"].as_array().expect("a list").len();
        assert_eq!(others, usize::from(name != "wrapped_vissl.torch"), "{name} has a decoy");
        found.push(fs::read(folder.path().join("out.safetensors")).expect("a checkpoint"));
    }
    assert!(found.iter().all(|one| *one == found[0]), "all hold the same encoder");
    let decoy = ["--prefix", "state_dict.module.encoder_k", "--source", "x"];
    imported(folder.path(), "wrapped_moco.pth", &decoy);
    let decoy = fs::read(folder.path().join("out.safetensors")).expect("a checkpoint");
    assert!(decoy != found[0], "the other one was asked for");
}

#[test]
fn a_checkpoint_that_was_imported_is_one_like_any_other() {
    let folder = tempfile::tempdir().expect("a folder");
    let how = ["--resize", "40", "--filter", "bicubic", "--side", "32", "--licence", "MIT"];
    let written = imported(folder.path(), "resnet18.safetensors", &how);
    assert_eq!(written["preprocessing"]["resize"], 40);
    assert_eq!((&written["licence"], &written["classes"]), (&"MIT".into(), &5.into()));
    let few = ["--data", "gallery", "--labelled", "90", "--unlabelled", "20"];
    let told = done(folder.path(), &["info", "out.safetensors"]);
    assert_eq!(told["meta"]["origin"]["licence"], "MIT", "{told}");
    let embed = ["embed", "--checkpoint", "out.safetensors", "--out", "features.npy"];
    done(folder.path(), &[&embed[..], &few].concat());
    assert!(folder.path().join("features.npy").exists());
    let evaluated = done(folder.path(), &[&["evaluate", "out.safetensors"][..], &few].concat());
    assert!(evaluated.to_string().contains("linear"), "{evaluated}");
    let tuned = ["finetune", "--from", "out.safetensors", "--run", "tuned", "--recipe", "quick"];
    let short = ["--set", "finetuning.epochs=1", "--set", "finetuning.steps=2"];
    // More layers than the recipe's own encoder has, and as many as the checkpoint's.
    let frozen = ["--set", "finetuning.freeze=9"];
    done(folder.path(), &[&tuned[..], &few, &short, &frozen].concat());
    let scratch = ["finetune", "--from", "scratch", "--run", "scratch", "--recipe", "quick"];
    let (_, code, told) = refused(folder.path(), &[&scratch[..], &few, &short, &frozen].concat());
    assert!(code == "SETTING" && told.contains("fresh weights"), "{told}");
    let tuned = done(folder.path(), &["info", "tuned"]);
    assert_eq!(tuned["meta"]["origin"]["licence"], "MIT", "what it began with stays known");
    assert_eq!(tuned["meta"]["preprocessing"]["filter"], "bicubic");
}

#[test]
fn any_method_goes_on_with_it() {
    let folder = tempfile::tempdir().expect("a folder");
    imported(folder.path(), "vit16.safetensors", &["--pixels", "signed", "--heads", "3"]);
    let short = [
        "--labelled",
        "90",
        "--unlabelled",
        "60",
        "--set",
        "pretraining.epochs=1",
        "--set",
        "pretraining.steps=2",
        "--set",
        "pretraining.unlabelled_batch=6",
        "--set",
        "pretraining.labelled_batch=3",
    ];
    let going_on = ["pretrain", "--from", "out.safetensors", "--recipe", "byol", "--run", "run"];
    // Positions of 64 pixels are resampled for 32.
    let all = [&going_on[..], &short, &["--side", "32"]].concat();
    let trained = done(folder.path(), &all);
    let [random, start] = ["random", "start"].map(|name| &trained["frozen"][name]["rankme"]);
    assert!(start.is_f64() && random != start, "{trained}");
    let told = done(folder.path(), &["info", "run"]);
    assert_eq!(told["meta"]["origin"]["source"], "vit16.safetensors");
    assert_eq!(told["meta"]["recipe"]["encoder"]["grid"], 4);
    // Other weights are another run.
    imported(folder.path(), "vit16.safetensors", &["--pixels", "imagenet", "--heads", "3"]);
    let (_, code, text) = refused(folder.path(), &[&all[..], &["--resume"]].concat());
    assert_eq!(code, "OTHER_RUN", "{text}");
}

#[test]
fn what_is_no_encoder_is_refused_by_its_name_and_nothing_is_run() {
    let folder = tempfile::tempdir().expect("a folder");
    let words = |file: &Path| -> Vec<String> {
        ["import", file.to_str().expect("text"), "--out", "out.safetensors"]
            .map(String::from)
            .into()
    };
    for (name, code, said) in [
        ("hostile_call.pth", "NO_ENCODER", "`conv1.weight`"),
        ("hostile_call_legacy.pth", "NO_ENCODER", "no tensors"),
        ("hostile_expand.pth", "WEIGHTS", "4398046511104"),
        ("nothing.pth", "NO_ENCODER", "no tensors"),
        ("twenty_one_characters.pth", "NO_ENCODER", "1 tensor, `conv1.weight`"),
        ("vit16.safetensors", "UNTOLD", "`pixels` must be given"),
        ("dinov2_hub.pth", "UNTOLD", "`heads` must be given"),
        ("../README.md", "NOT_SAFETENSORS", "README.md"),
    ] {
        let words = words(&fixture(name));
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let (status, got, text) = refused(folder.path(), &words);
        assert_eq!((status, got.as_str()), (3, code), "{name}: {text}");
        assert!(text.contains(said), "{name}: {text}");
    }
    imported(folder.path(), "resnet18.safetensors", &[]);
    let again = ["import", "out.safetensors", "--out", "again.safetensors"];
    let (_, code, text) = refused(folder.path(), &again);
    assert!(code == "WEIGHTS" && text.contains("already"), "{text}");
    let small = words(&fixture("resnet18.safetensors"));
    let small: Vec<&str> = small.iter().map(String::as_str).chain(["--resize", "100"]).collect();
    let (_, code, text) = refused(folder.path(), &small);
    assert!(code == "SETTING" && text.contains("preprocessing.resize"), "{text}");

    // Every cut of a file of PyTorch's is an error, and none ends the program otherwise.
    for name in ["resnet50.pth", "dinov2_hub.pth"] {
        let whole = fs::read(fixture(name)).expect("a fixture");
        for cut in [0, 1, 100, whole.len() / 2, whole.len() - 1] {
            let path = folder.path().join("cut.pth");
            fs::write(&path, &whole[..cut]).expect("written");
            let words = words(&path);
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let (status, _, text) = refused(folder.path(), &words);
            assert_eq!(status, 3, "{name} of {cut} bytes: {text}");
        }
    }
}
