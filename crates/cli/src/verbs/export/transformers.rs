//! What transformers.js reads beside an ONNX file.

use kith_core::checkpoint::Meta;
use kith_core::encoder::EncoderSettings;
use kith_core::resize::Filter;
use kith_core::square::Preprocessing;
use serde_json::{Map, Value, json};

/// `config.json`: which of its classes loads the file, and the names of classes.
///
/// Its classes only hand images to the runtime and take the outputs by name, so that the nearest known
/// architecture does.
pub(super) fn config(meta: &Meta) -> Value {
    let kind = match meta.recipe.encoder {
        EncoderSettings::Conv4 { .. }
        | EncoderSettings::Conv4Pool { .. }
        | EncoderSettings::Resnet { .. } => "resnet",
        EncoderSettings::Vit { .. } => "vit",
        EncoderSettings::Mobilenet { .. } => "mobilenet_v1",
        EncoderSettings::EfficientnetLite { .. } => "efficientnet",
        EncoderSettings::MobilenetV3 { .. } => "mobilenet_v3",
        _ => "custom",
    };
    let classes = meta.class_names.iter().enumerate();
    let named: Map<String, Value> =
        classes.clone().map(|(class, name)| (class.to_string(), json!(name))).collect();
    let numbered: Map<String, Value> =
        classes.map(|(class, name)| (name.clone(), json!(class))).collect();
    json!({
        "model_type": kind,
        "hidden_size": meta.recipe.encoder.features(),
        "image_size": meta.side,
        "num_channels": 3,
        "id2label": named,
        "label2id": numbered,
    })
}

/// `preprocessor_config.json`: the middle of a picture, resized, in [0, 1]. The graph normalises.
pub(super) fn preprocessor(meta: &Meta) -> Value {
    let side = meta.side;
    let Preprocessing { resize, filter } =
        meta.preprocessing.unwrap_or(Preprocessing { resize: side, filter: Filter::default() });
    // Pillow's numbers.
    let resample = match filter {
        Filter::Bilinear => 2,
        Filter::Bicubic => 3,
    };
    json!({
        "image_processor_type": "ViTImageProcessor",
        "do_resize": true,
        "size": { "shortest_edge": resize },
        "resample": resample,
        "do_center_crop": true,
        "crop_size": { "height": side, "width": side },
        "do_rescale": true,
        "rescale_factor": 1.0 / 255.0,
        "do_normalize": false,
    })
}
