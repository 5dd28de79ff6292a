//! Where in a file an encoder may lie.

use burn::tensor::Device;

use super::hints::Hints;
use super::reading::{Reading, refused};
use super::view::View;
use super::{lite, mobilenet_v3, nearest, resnet, transformers, vit};
use crate::archive::Archive;
use crate::error::Error;

/// Under whose names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    /// torchvision's and timm's residual networks.
    ResNet,
    /// The same, whose children are numbered.
    NumberedResNet,
    /// timm's and Meta's vision transformers.
    Vit,
    /// transformers' `Dinov2` and `ViT`.
    Transformers,
    /// timm's `EfficientNet`s.
    TimmLite,
    /// Those of the package `efficientnet_lite_pytorch`.
    PackageLite,
    /// torchvision's.
    MobileNetV3,
}

/// An encoder and the prefix of its names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) prefix: String,
    pub(super) family: Family,
}

/// Names that all must be there.
const ANCHORS: [(Family, &[&str]); 8] = [
    (Family::ResNet, &["conv1.weight", "bn1.running_var", "layer1.0.conv1.weight"]),
    (Family::NumberedResNet, &["0.weight", "1.running_var", "4.0.conv1.weight"]),
    (Family::Vit, &["patch_embed.proj.weight", "pos_embed"]),
    (
        Family::Transformers,
        &["embeddings.patch_embeddings.projection.weight", "encoder.layer.0.norm1.weight"],
    ),
    (
        Family::Transformers,
        &[
            "embeddings.patch_embeddings.projection.weight",
            "encoder.layer.0.layernorm_before.weight",
        ],
    ),
    (Family::TimmLite, &["conv_stem.weight", "blocks.0.0.conv_dw.weight"]),
    (Family::PackageLite, &["_conv_stem.weight", "_blocks.0._depthwise_conv.weight"]),
    (Family::MobileNetV3, &["features.0.0.weight", "features.1.block.0.0.weight"]),
];

/// Words of prefixes, worse and worse: what was trained for the others' sake comes last.
const WORSE: [&[&str]; 3] =
    [&["_backbone", "backbone_"], &["student"], &["momentum", "encoder_k", "key", "target"]];

impl Family {
    pub(super) fn read(self, view: &View<'_>, hints: &Hints) -> Result<Reading, Error> {
        match self {
            Self::ResNet => resnet::read(view, hints, resnet::Names::Torchvision),
            Self::NumberedResNet => resnet::read(view, hints, resnet::Names::Numbered),
            Self::Vit => vit::read(view, hints),
            Self::Transformers => transformers::read(view, hints),
            Self::TimmLite => lite::read(view, hints, lite::Names::Timm),
            Self::PackageLite => lite::read(view, hints, lite::Names::Package),
            Self::MobileNetV3 => mobilenet_v3::read(view, hints),
        }
    }
}

/// All, the likeliest first.
pub(super) fn of(file: &Archive) -> Vec<Candidate> {
    let mut found = Vec::new();
    for (family, anchors) in ANCHORS {
        let prefixes = file.names().filter_map(|name| {
            let prefix = name.strip_suffix(anchors[0])?;
            (prefix.is_empty() || prefix.ends_with('.')).then_some(prefix)
        });
        let holds = |prefix: &&str| {
            let view = View::new(file, prefix);
            anchors.iter().all(|anchor| view.has(anchor))
        };
        found.extend(
            prefixes.filter(holds).map(|prefix| Candidate { prefix: prefix.to_owned(), family }),
        );
    }
    found.sort_by_key(|candidate| (rank(&candidate.prefix), candidate.prefix.clone()));
    found
}

/// How unlikely it is that the encoder wanted lies below a prefix.
fn rank(prefix: &str) -> (usize, usize) {
    let says = |words: &[&str]| words.iter().any(|word| prefix.contains(word));
    let worst = WORSE.iter().rposition(|words| says(words)).map_or(0, |place| place + 1);
    (worst, prefix.len())
}

/// The candidate that is asked for, else the likeliest.
pub(super) fn chosen(
    (file, device): (&Archive, &Device),
    candidates: &[Candidate],
    prefix: Option<&str>,
) -> Result<Candidate, Error> {
    let Some(first) = candidates.first() else { return Err(nearest::unknown(file, device)) };
    let Some(prefix) = prefix else { return Ok(first.clone()) };
    let same =
        |other: &&Candidate| other.prefix.trim_end_matches('.') == prefix.trim_end_matches('.');
    candidates.iter().find(same).cloned().ok_or_else(|| {
        let known: Vec<String> =
            candidates.iter().map(|other| format!("`{}`", other.prefix)).collect();
        let known = known.join(", ");
        refused(format!("no encoder lies below the prefix `{prefix}`: expected one of {known}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn teachers_come_before_students_and_what_trains_before_what_follows() {
        for (first, then) in [
            ("", "module."),
            ("teacher.backbone.", "student.module.backbone."),
            ("state_dict.module.encoder_q.", "state_dict.module.encoder_k."),
            ("state_dict.module.base_encoder.", "state_dict.module.momentum_encoder."),
            ("state_dict.backbone.", "state_dict.student_backbone."),
            ("state_dict.backbone.", "state_dict.backbone_momentum."),
            ("online_network_state_dict.encoder.", "target_network_state_dict.encoder."),
        ] {
            assert!(rank(first) < rank(then), "{first} before {then}");
        }
    }
}
