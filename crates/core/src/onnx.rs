//! Encoders as ONNX files (opset 17), which other runtimes compute.
//!
//! A file has one graph from images to features, with a free batch axis and the preparation of pixels
//! inside. It is written node by node from what the layers are, not traced.

mod wire;
mod graph;
mod maps;
mod input;
mod plain;
mod resnet;
mod inverted;
mod vit;
mod head;

use crate::archive::{Archive, Precision};
use crate::checkpoint::Meta;
use crate::encoder::EncoderSettings;
use crate::error::Error;
use graph::{Axis, Graph, Type, Value, described};
pub use input::Input;
use maps::Maps;
use vit::Transformer;
use wire::Message;

/// What a file gives besides features.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Output {
    /// Nothing: `pooler_output`, `[batch, features]`.
    #[default]
    Features,
    /// `logits` of the checkpoint's classifier too, `[batch, classes]`.
    Logits,
    /// `projection` too, what the objective compares, `[batch, dimensions]`.
    Projection,
}

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// What it takes.
    pub input: Input,
    /// What it gives.
    pub output: Output,
    /// How weights are stored. Those in two bytes are computed with in four.
    pub precision: Precision,
}

/// The name of features, by which transformers' programs know them.
pub const FEATURES: &str = "pooler_output";
/// The most bytes that a protocol buffer may have.
const MOST: usize = i32::MAX as usize;
/// The intermediate representation that goes with the opset.
const IR_VERSION: i64 = 8;
const OPSET: i64 = 17;

/// The bytes of an ONNX file with a checkpoint's encoder, for images of its side. Its metadata has the
/// checkpoint's note under `kith`.
///
/// # Errors
/// [`Error::Setting`] where the checkpoint lacks what the output needs, or for a file of two gigabytes or
/// more, [`Error::HalfOverflow`], those of [`Archive::get`].
pub fn write(meta: &Meta, archive: &Archive, options: Options) -> Result<Vec<u8>, Error> {
    let Options { input, output, precision } = options;
    check(meta, archive, output)?;
    let graph = &mut Graph::new(archive, precision);
    let image = graph.image(input, meta.side, meta.normalization)?;
    let features = encoder(graph, image, &meta.recipe.encoder)?;
    let mut outputs = vec![(FEATURES, features.clone(), meta.recipe.encoder.features())];
    match output {
        Output::Features => {}
        Output::Logits => {
            let logits = graph.linear(&features, "probe")?;
            outputs.push(("logits", logits, meta.class_names.len()));
        }
        Output::Projection => {
            if let Some(head) = &meta.recipe.projection {
                outputs.push(("projection", graph.projection(&features, head)?, head.output));
            }
        }
    }
    let outputs: Vec<Message> = outputs.into_iter().map(|of| named(graph, of)).collect();
    let finished = core::mem::replace(graph, Graph::new(archive, precision));
    let name = meta.recipe.name.as_str();
    let bytes = model(meta, finished.finished(name, &input.described(meta.side), &outputs));
    match bytes.len() {
        0..=MOST => Ok(bytes),
        length => {
            Err(Error::setting("onnx", "less than 2 GB in one file: two-byte weights", length))
        }
    }
}

/// Refuses an output that the checkpoint has nothing for.
fn check(meta: &Meta, archive: &Archive, output: Output) -> Result<(), Error> {
    let has = |prefix| archive.names_below(prefix).next().is_some();
    let refused =
        |why: String, got| Err(Error::setting("output", format!("features, since {why}"), got));
    match output {
        Output::Logits if !has("probe.") => {
            refused("the checkpoint has no classifier".into(), "logits")
        }
        Output::Projection if meta.recipe.projection.is_none() => {
            let method = serde_json::json!(meta.recipe.objective);
            let kind = method["kind"].as_str().unwrap_or("the method");
            refused(format!("{kind} has no head that an image alone passes through"), "projection")
        }
        Output::Projection if !has("projection.") => {
            refused("the checkpoint holds no projection".into(), "projection")
        }
        _ => Ok(()),
    }
}

/// From an image to features.
fn encoder(graph: &mut Graph<'_>, image: Maps, settings: &EncoderSettings) -> Result<Value, Error> {
    match *settings {
        EncoderSettings::Conv4 { .. } => graph.conv4(image),
        EncoderSettings::Conv4Pool { grid, .. } => graph.conv4_pool(image, grid),
        EncoderSettings::Resnet { depth, stem, .. } => graph.resnet(&image, (depth, stem)),
        EncoderSettings::Mobilenet { form, statistics, .. } => {
            graph.mobilenet(&image, (form, statistics))
        }
        EncoderSettings::EfficientnetLite { ref size, padding, statistics, .. } => {
            graph.efficientnet_lite(&image, &size.shape(), (padding, statistics))
        }
        EncoderSettings::MobilenetV3 { .. } => graph.mobilenet_v3(&image),
        EncoderSettings::Vit {
            size, patch, registers, class_position, positions, pool, ..
        } => {
            let shape = size.shape();
            let of = Transformer {
                dim: shape.dim,
                depth: shape.depth,
                heads: shape.heads,
                patch,
                registers,
                class_position,
                positions,
                pool,
            };
            graph.vit(&image, of)
        }
    }
}

/// Gives an output its name, and describes it.
fn named(graph: &mut Graph<'_>, (name, value, width): (&str, Value, usize)) -> Message {
    graph.node("Identity", name, &[&value], &[]);
    described(name, Type::Float, &[Axis::Free("batch"), Axis::Of(width)], "")
}

fn model(meta: &Meta, graph: Message) -> Vec<u8> {
    let entry = |key: &str, value: &str| Message::default().text(1, key).text(2, value);
    let opset = Message::default().text(1, "").integer(2, OPSET);
    let model = Message::default()
        .integer(1, IR_VERSION)
        .text(2, "kith")
        .text(3, &meta.software)
        .message(7, &graph)
        .message(8, &opset)
        .message(14, &entry("kith", &meta.to_note()));
    model.into_bytes()
}
