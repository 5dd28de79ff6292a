//! Milliseconds an image of an encoder's features, to be timed side by side with other runtimes'.
//!
//! `infer ENCODER SIDE BATCH ROUNDS [OUT]`: ENCODER as in a recipe, `{kind="resnet",depth=18}`, with fresh
//! weights; the same network is written to OUT.safetensors and OUT.onnx. Prints the median; the first round
//! only warms up.
#![expect(clippy::print_stdout, reason = "it exists to print")]

use std::time::Instant;

use burn::tensor::Distribution;
use kith_core::archive::{Archive, Precision};
use kith_core::checkpoint::{Dataset, FORMAT, Meta, Stage};
use kith_core::encoder::{Encoder, EncoderSettings};
use kith_core::onnx::{Input, Options, Output, write};
use kith_core::recipe::Recipe;
use kith_core::{Device, Tensor};

#[derive(serde::Deserialize)]
struct Given {
    encoder: EncoderSettings,
}

#[expect(clippy::disallowed_methods, reason = "an example runs natively and may read the clock")]
fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let numbers: Vec<usize> = arguments.iter().skip(1).flat_map(|text| text.parse()).collect();
    let [side, batch, rounds] = numbers[..] else {
        panic!("expected ENCODER SIDE BATCH ROUNDS [OUT], got {arguments:?}");
    };
    let given: Given = toml::from_str(&format!("encoder = {}", arguments[0])).expect("an encoder");
    let device = Device::flex();
    let encoder = given.encoder.init(side, 0, &device).expect("the side suits it");
    if let Some(out) = arguments.get(4) {
        type Bytes = fn(&Meta, &Archive) -> Vec<u8>;
        let files: [(&str, Bytes); 2] = [("safetensors", checkpoint), ("onnx", onnx)];
        let (meta, archive) = stored(&given.encoder, &encoder, side);
        for (ending, bytes) in files {
            let path = format!("{out}.{ending}");
            std::fs::write(path, bytes(&meta, &archive)).expect("the folder is there");
        }
    }
    let encoder = encoder.folded();
    let uniform = Distribution::Uniform(0.0, 1.0);
    let images: Tensor<4> = Tensor::random([batch, 3, side, side], uniform, &device);
    let mut times: Vec<f64> = (0..=rounds)
        .map(|_| {
            let start = Instant::now();
            let features = encoder.forward(images.clone());
            pollster::block_on(features.into_data_async()).expect("the CPU reads back");
            start.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    times.remove(0);
    times.sort_by(f64::total_cmp);
    println!("median {:.2} ms", times[rounds / 2] / batch as f64);
}

fn stored(settings: &EncoderSettings, encoder: &Encoder, side: usize) -> (Meta, Archive) {
    let mut recipe = Recipe::built_in("quick").expect("it is built in");
    recipe.encoder = settings.clone();
    let name = "none".into();
    let meta = Meta {
        format: FORMAT,
        software: env!("CARGO_PKG_VERSION").into(),
        stage: Stage::Pretrained,
        normalization: settings.pixels().into(),
        recipe,
        side,
        class_names: Vec::new(),
        dataset: Dataset { name, labelled: 0, validation: 0, unlabelled: 0, test: 0 },
        seed: 0,
        steps: 0,
        last: Default::default(),
        best: Default::default(),
        preprocessing: None,
        origin: None,
    };
    let mut archive = Archive { note: meta.to_note(), ..Default::default() };
    pollster::block_on(archive.add("encoder", encoder)).expect("the CPU reads back");
    (meta, archive)
}

fn checkpoint(_: &Meta, archive: &Archive) -> Vec<u8> {
    archive.to_bytes(Precision::Single).expect("every encoder can be stored")
}

fn onnx(meta: &Meta, archive: &Archive) -> Vec<u8> {
    let (input, output, precision) = (Input::Float, Output::Features, Precision::Single);
    write(meta, archive, Options { input, output, precision })
        .expect("every encoder can be written")
}
