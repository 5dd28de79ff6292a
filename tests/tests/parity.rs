//! What a browser has to match: numbers computed natively on the CPU, left in a folder for the
//! tests of the npm package.
//!
//! `CARGO_TARGET_TMPDIR/parity` holds `parity.json` and checkpoints as files, one of each other kind
//! of encoder among them, and files of other software's. All arrays are row-major; pictures are planar bytes `[count, 3, side, side]`.

use std::fs;
use std::path::Path;

use kith_core::Device;
use kith_core::archive::{Archive, Precision};
use kith_core::augment::policy::{Draw, Policy};
use kith_core::checkpoint::{Dataset, FORMAT, Meta, Stage};
use kith_core::encoder::EncoderSettings;
use kith_core::image::Images;
use kith_core::import::Told;
use kith_core::loader::MemoryDataset;
use kith_core::model::{Layer, Length, Model};
use kith_core::onnx;
use kith_core::probe::linear::{Fitted, LinearProbe, LinearSettings};
use kith_core::probe::{Features, Labelled};
use kith_core::recipe::Recipe;
use kith_core::resize::Filter;
use kith_core::rng::Purpose;
use kith_core::sampler::Visit;
use kith_core::square::{Interleaved, Preprocessing, square};
use kith_core::trainer::{Plan, SelfSupervised, Trainer};
use kith_tests::fixture::Fixture;
use kith_tests::methods::{METHODS, small, waves};
use pollster::block_on;
use serde_json::{Value, json};

const SIDE: usize = 32;
const PICTURES: usize = 16;
const CLASSES: usize = 3;
const STEPS: u64 = 5;
/// Small encoders of every kind but the first, by the names of their files.
const ENCODERS: [(&str, &str); 10] = [
    ("conv4_pool", r#"{"kind": "conv4_pool", "pixels": "signed"}"#),
    ("conv4_pool-grid", r#"{"kind": "conv4_pool", "grid": 2, "features": 12}"#),
    ("resnet", r#"{"kind": "resnet", "depth": 18, "width": 4}"#),
    ("resnet-imagenet", r#"{"kind": "resnet", "depth": 34, "stem": "imagenet", "width": 2}"#),
    ("mobilenet", r#"{"kind": "mobilenet", "width_multiplier": 0.1, "statistics": "keras"}"#),
    ("resnet-bottleneck", r#"{"kind": "resnet", "depth": 50, "width": 2}"#),
    ("vit", r#"{"kind": "vit", "patch": 8, "size": {"dim": 12, "depth": 2, "heads": 3}}"#),
    (
        "vit-registers",
        r#"{"kind": "vit", "patch": 8, "size": {"dim": 12, "depth": 2, "heads": 3}, "registers": 2,
            "layer_scale": true, "class_position": false, "pool": "cls_mean", "pixels": "imagenet"}"#,
    ),
    (
        "efficientnet_lite",
        r#"{"kind": "efficientnet_lite", "pixels": "imagenet", "size": {"stem": 4, "head": 12, "stages": [
            {"kernel": 3, "stride": 1, "expansion": 1, "outputs": 4, "repeats": 1},
            {"kernel": 5, "stride": 2, "expansion": 3, "outputs": 6, "repeats": 2}]}}"#,
    ),
    ("mobilenet_v3", r#"{"kind": "mobilenet_v3", "width_multiplier": 0.1}"#),
];

/// Files of other software's among the fixtures, and what is told of each.
const FOREIGN: [(&str, &str); 7] = [
    ("resnet18", r#"{"side": 32}"#),
    ("resnet50", r#"{"side": 32}"#),
    ("mobilenet_v3", r#"{"side": 32}"#),
    (
        "efficientnet_lite",
        r#"{"side": 32, "arch": {"kind": "efficientnet_lite", "pixels": "signed", "size": {"stem": 8, "head": 48, "stages": [
            {"kernel": 3, "stride": 1, "expansion": 1, "outputs": 8, "repeats": 1},
            {"kernel": 3, "stride": 2, "expansion": 6, "outputs": 12, "repeats": 2},
            {"kernel": 5, "stride": 2, "expansion": 6, "outputs": 16, "repeats": 2},
            {"kernel": 5, "stride": 1, "expansion": 6, "outputs": 20, "repeats": 1},
            {"kernel": 3, "stride": 2, "expansion": 6, "outputs": 24, "repeats": 1}]}}}"#,
    ),
    ("vit16", r#"{"pixels": "signed", "heads": 3}"#),
    (
        "dinov2_reg4",
        r#"{"heads": 3, "set": ["encoder.pool=cls_mean"], "licence": "Apache-2.0", "source": "timm"}"#,
    ),
    ("dinov2_hf", r#"{"config": {"num_attention_heads": 2}}"#),
];

fn pictures() -> Images {
    waves(PICTURES, SIDE)
}

fn labels() -> Vec<u16> {
    (0..PICTURES as u16).map(|picture| picture % CLASSES as u16).collect()
}

fn recipe() -> Recipe {
    let text = Recipe::built_in_text("quick").expect("built in");
    let changes = [
        "encoder.width=16",
        "objective.queue=32",
        "pretraining.unlabelled_batch=8",
        "pretraining.labelled_batch=4",
    ];
    Recipe::parse(text, &changes.map(String::from)).expect("a recipe that comes with kith")
}

type Pretrainer = Trainer<SelfSupervised>;

/// Five steps of pre-training: the trainer afterwards, and what each step measured.
fn pretrained(recipe: Recipe) -> (Pretrainer, Vec<Value>) {
    let plan = Plan { side: SIDE, classes: CLASSES, seed: 3, steps: STEPS, epochs: 2 };
    let mut trainer = Trainer::pretraining(recipe, plan, &Device::flex()).expect("a sound plan");
    let mut dataset = MemoryDataset::new(SIDE);
    dataset.add(&pictures()).expect("images of the plan's side");
    dataset.add_labelled(&pictures(), &labels()).expect("a label an image");
    let mut loader = trainer.loader(&dataset).expect("enough images");
    let steps = (0..STEPS).map(|step| {
        let Ok(batch) = loader.batch(step);
        let readings = block_on(trainer.checked_step(&batch)).expect("finite losses");
        Value::Object(readings.into_iter().map(|(name, x)| (name.to_owned(), json!(x))).collect())
    });
    let steps = steps.collect();
    (trainer, steps)
}

fn checkpoint(trainer: &Pretrainer) -> Archive {
    let dataset = Dataset {
        name: "waves".into(),
        labelled: PICTURES,
        validation: 0,
        unlabelled: PICTURES,
        test: 0,
    };
    let meta = Meta {
        format: FORMAT,
        software: env!("CARGO_PKG_VERSION").into(),
        stage: Stage::Pretrained,
        recipe: trainer.recipe().clone(),
        side: SIDE,
        normalization: trainer.recipe().encoder.pixels().into(),
        class_names: ["one", "two", "three"].map(String::from).to_vec(),
        dataset,
        seed: trainer.plan().seed,
        steps: trainer.steps(),
        last: Default::default(),
        preprocessing: None,
        origin: None,
        best: Default::default(),
    };
    let mut archive = Archive { note: meta.to_note(), ..Default::default() };
    block_on(trainer.store(&mut archive)).expect("the CPU reads");
    archive
}

/// Views of the first picture by every policy.
fn views() -> Vec<Value> {
    let picture = pictures().select(&[0]).to_device(&Device::flex());
    let of = |name: &&str| {
        let policy = Policy::named(name).expect("it is in the list");
        let views = (0..3).map(|number| {
            let visits = Visit::at(number, [4]);
            let draw = Draw { seed: 7, purpose: Purpose::FirstView, visits: &visits };
            let seen = policy.apply(picture.clone(), draw);
            block_on(Images::from_device(seen)).expect("the CPU reads").pixels().to_vec()
        });
        let pixels: Vec<u8> = views.flatten().collect();
        json!({ "policy": name, "seed": 7, "image": 4, "views": 3, "pixels": pixels })
    };
    Policy::NAMES.iter().map(of).collect()
}

/// A linear probe on embeddings: what each strength of the penalty gave, and the probe of one strength.
fn probe(features: &Features) -> Value {
    const STRENGTH: f64 = 0.1;
    let labels = labels();
    let images = Labelled { features, labels: &labels, classes: CLASSES };
    let fit = |strength| {
        let settings = LinearSettings { strength, ..Default::default() };
        block_on(LinearProbe::fit(images, settings, &Device::flex())).expect("three classes")
    };
    let Fitted { probe, held_out, .. } = fit(Some(STRENGTH));
    let [weight, bias] = block_on(probe.weights()).expect("the CPU reads");
    let tried = fit(None).tried.into_iter();
    let tried: Vec<_> = tried.map(|tried| [tried.strength, tried.loss, tried.accuracy]).collect();
    json!({
        "strength": STRENGTH, "classes": CLASSES, "labels": labels, "tried": tried,
        "weight": weight.values, "bias": bias.values, "heldOut": held_out,
    })
}

/// An encoder of another kind after the same five steps: its checkpoint, the same as ONNX, and what it
/// gives.
fn other_encoder(name: &str, settings: &str) -> ([Vec<u8>; 2], Value) {
    let encoder: EncoderSettings = serde_json::from_str(settings).expect("settings of an encoder");
    let (trainer, steps) = pretrained(Recipe { encoder, ..recipe() });
    let archive = checkpoint(&trainer);
    let bytes = archive.to_bytes(Precision::Single).expect("finite weights");
    let model = Model::open(&bytes, &Device::flex()).expect("it was just written");
    let how = onnx::Options {
        input: onnx::Input::Bytes,
        output: onnx::Output::Features,
        precision: Precision::Single,
    };
    let onnx = onnx::write(model.meta(), &archive, how).expect("any encoder");
    let pictures = pictures();
    let embedded = model.embed(&pictures, Layer::Backbone, Length::Own);
    let features = block_on(embedded).expect("pictures");
    let facts = json!({
        "name": name, "fingerprint": model.fingerprint(), "dim": features.dim,
        "parameters": model.parameters(), "features": features.values,
        "toml": trainer.recipe().to_toml(), "steps": steps,
    });
    ([bytes, onnx], facts)
}

/// An encoder of other software's: its file, and what it gives.
fn foreign((name, told): (&str, &str)) -> (Vec<u8>, Value) {
    const PICTURES: usize = 3;
    let bytes = Fixture::open(&format!("encoders/{name}")).into_bytes();
    let file = format!("{name}.safetensors");
    let told_value: Value = serde_json::from_str(told).expect("JSON");
    let told: Told = serde_json::from_str(told).expect("what can be told of a file");
    let model = Model::open_any(&bytes, &file, Some(&told), &Device::flex());
    let model = model.unwrap_or_else(|e| panic!("{name}: {e}"));
    let pictures = waves(PICTURES, model.meta().side);
    let embedded = model.embed(&pictures, Layer::Backbone, Length::Own);
    let features = block_on(embedded).expect("pictures");
    let facts = json!({
        "name": name, "told": told_value, "side": model.meta().side, "count": PICTURES,
        "pixels": pictures.pixels(), "fingerprint": model.fingerprint(), "dim": features.dim,
        "features": features.values, "origin": model.meta().origin, "imported": model.imported(),
    });
    (bytes, facts)
}

/// A method's recipe in small, and what five steps measured.
fn method(method: (&str, &[&str])) -> Value {
    let (trainer, steps) = pretrained(small(method));
    json!({ "name": method.0, "toml": trainer.recipe().to_toml(), "steps": steps })
}

/// The same checkpoint with pictures cut as others cut them: its bytes, and the features of a picture that
/// is no square.
fn framed(archive: &Archive) -> (Vec<u8>, Value) {
    const SIZE: [usize; 2] = [41, 57];
    let mut archive = archive.clone();
    let mut meta = Meta::read(&archive).expect("it was just written");
    meta.preprocessing = Some(Preprocessing { resize: 40, filter: Filter::Bicubic });
    archive.note = meta.to_note();
    let bytes = archive.to_bytes(Precision::Single).expect("finite weights");
    let model = Model::open(&bytes, &Device::flex()).expect("it was just written");
    let samples: Vec<u8> = (0..SIZE[0] * SIZE[1] * 3).map(|k| (k * k / 7 % 251) as u8).collect();
    let picture = Interleaved { samples: &samples, size: SIZE, channels: 3 };
    let planes = square(picture, meta.frame()).expect("it is a picture");
    let images = Images::new(planes, [1, SIDE, SIDE]).expect("a square");
    let features = block_on(model.embed(&images, Layer::Backbone, Length::Own)).expect("a picture");
    let [height, width] = SIZE;
    let facts = json!({
        "height": height, "width": width, "samples": samples, "features": features.values,
    });
    (bytes, facts)
}

#[test]
fn native_numbers_are_left_for_the_browser() {
    let (trainer, steps) = pretrained(recipe());
    let archive = checkpoint(&trainer);
    let bytes = archive.to_bytes(Precision::Single).expect("finite weights");
    let model = Model::open(&bytes, &Device::flex()).expect("it was just written");
    let embed = |layer| block_on(model.embed(&pictures(), layer, Length::Own)).expect("pictures");
    let (features, projections) = (embed(Layer::Backbone), embed(Layer::Projection));
    let (found, found_labels) =
        block_on(model.support_nearest(&projections, 3)).expect("it has a support set");
    let (files, encoders): (Vec<_>, Vec<_>) =
        ENCODERS.map(|(name, settings)| other_encoder(name, settings)).into_iter().unzip();
    let (foreign_files, foreign): (Vec<_>, Vec<_>) = FOREIGN.map(foreign).into_iter().unzip();
    let (framed_bytes, framed_facts) = framed(&archive);
    let parity = json!({
        "side": SIDE, "count": PICTURES, "pixels": pictures().pixels(),
        "fingerprint": model.fingerprint(), "dim": features.dim,
        "features": features.values, "projections": projections.values,
        "support": {
            "k": found.k, "indices": found.indices, "similarities": found.cosines,
            "labels": found_labels,
        },
        "views": views(), "probe": probe(&features),
        "pretraining": {
            "toml": trainer.recipe().to_toml(), "plan": trainer.plan(), "labels": labels(),
            "steps": steps,
        },
        "encoders": encoders,
        "foreign": foreign,
        "methods": METHODS.map(method),
        "framed": framed_facts,
    });
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("parity");
    fs::create_dir_all(&folder).expect("cargo's own folder can be written to");
    for (name, bytes) in [
        ("checkpoint.safetensors", bytes),
        ("half.safetensors", archive.to_bytes(Precision::Half).expect("small weights")),
        ("framed.safetensors", framed_bytes),
        ("parity.json", parity.to_string().into_bytes()),
    ] {
        fs::write(folder.join(name), bytes).expect("cargo's own folder can be written to");
    }
    let own = ENCODERS.iter().zip(files).flat_map(|((name, _), [bytes, onnx])| {
        [(format!("encoder-{name}.safetensors"), bytes), (format!("encoder-{name}.onnx"), onnx)]
    });
    let others = FOREIGN.iter().zip(foreign_files);
    let others = others.map(|((name, _), bytes)| (format!("foreign-{name}.safetensors"), bytes));
    for (name, bytes) in own.chain(others) {
        fs::write(folder.join(name), bytes).expect("cargo's own folder can be written to");
    }
    assert!(steps.len() == STEPS as usize && features.values.iter().any(|&x| x > 0.0));
}
