//! What a file without a known encoder is nearest to.

use burn::tensor::Device;

use super::expected::tensors;
use super::reading::refused;
use crate::archive::Archive;
use crate::encoder::EncoderSettings;
use crate::error::Error;

/// Names that an error lists.
const LISTED: usize = 3;
const KNOWN: &str = "ResNet-18, -34 and -50 (torchvision's, timm's or lightly's names), vision transformers \
                     (timm's, Meta's, transformers' Dinov2), EfficientNet-Lite0 to -Lite4, MobileNetV3-small";

/// Narrow networks of every kind, whose names are those of the wide ones.
fn networks() -> [(&'static str, EncoderSettings); 4] {
    let settings = |text: &str| serde_json::from_str(text).expect("settings of a narrow network");
    [
        (
            "a ResNet-18",
            settings(r#"{"kind": "resnet", "depth": 18, "width": 1, "stem": "imagenet"}"#),
        ),
        (
            "a vision transformer",
            settings(r#"{"kind": "vit", "patch": 8, "size": {"dim": 2, "depth": 12, "heads": 1}}"#),
        ),
        ("an EfficientNet-Lite0", settings(r#"{"kind": "efficientnet_lite", "size": "lite0"}"#)),
        ("a MobileNetV3-small", settings(r#"{"kind": "mobilenet_v3", "width_multiplier": 0.1}"#)),
    ]
}

/// The refusal of such a file.
pub(super) fn unknown(file: &Archive, device: &Device) -> Error {
    let names: Vec<&str> = file.names().collect();
    if names.is_empty() {
        return refused(format!("the file holds no tensors: expected the weights of {KNOWN}"));
    }
    let listed = names.iter().take(LISTED).map(|name| format!("`{name}`")).collect::<Vec<_>>();
    let (count, listed) = (names.len(), listed.join(", "));
    let seen = match names.len() {
        1 => format!("1 tensor, {listed}"),
        _ => format!("{count} tensors, such as {listed}"),
    };
    let nearest = nearest(&names, device).map_or(String::new(), |(network, missing)| {
        format!("; the nearest is {network}, whose `{missing}` it does not have")
    });
    refused(format!("no encoder is recognised among {seen}{nearest}: expected {KNOWN}"))
}

/// The network that shares most names with the file, and its first tensor that the file lacks.
fn nearest(names: &[&str], device: &Device) -> Option<(&'static str, String)> {
    /// Names in common by chance.
    const FEW: usize = 4;
    let ends_so = |own: &str| {
        names.iter().any(|name| {
            name.strip_suffix(own).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        })
    };
    let mut best: Option<(usize, &'static str, String)> = None;
    for (network, settings) in networks() {
        const SIDE: usize = 32;
        let Ok(module) = settings.blank(SIDE, device) else { continue };
        let tensors = tensors(&module);
        let shared = tensors.iter().filter(|(own, _)| ends_so(own)).count();
        let missing = tensors.iter().map(|(own, _)| own).find(|own| !ends_so(own));
        let Some(missing) = missing.filter(|_| shared > FEW) else { continue };
        if best.as_ref().is_none_or(|(most, ..)| shared > *most) {
            best = Some((shared, network, missing.clone()));
        }
    }
    best.map(|(_, network, missing)| (network, missing))
}
