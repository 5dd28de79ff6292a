//! Residual networks under torchvision's names, or with numbered children.

use super::hints::Hints;
use super::reading::{Reading, last_layer, pieces, refused};
use super::view::View;
use crate::encoder::resnet::{Depth, Stem};
use crate::encoder::{EncoderSettings, Pixels};
use crate::error::Error;

/// Under which names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Names {
    Torchvision,
    /// As `Sequential(*list(resnet.children())[:-1])` has them, where children without weights count.
    Numbered,
}

/// Children of a residual network by their numbers.
const CHILDREN: [(&str, &str); 6] = [
    ("0", "conv1"),
    ("1", "bn1"),
    ("4", "layer1"),
    ("5", "layer2"),
    ("6", "layer3"),
    ("7", "layer4"),
];
const KNOWN: &str = "ResNet-18 (2, 2, 2, 2 basic blocks), ResNet-34 (3, 4, 6, 3 basic blocks) and \
                     ResNet-50 (3, 4, 6, 3 bottlenecks)";
const BASIC: &str = "basic blocks";
const BOTTLENECKS: &str = "bottlenecks";
/// Sides of the images, in pixels, that the two stems are for.
const SIDES: [usize; 2] = [32, 224];
const SMALL_KERNEL: usize = 3;

impl Names {
    /// The name in the file of one of torchvision's.
    fn of(self, name: &str) -> String {
        if self == Self::Torchvision {
            return name.to_owned();
        }
        let (child, rest) = name.split_once('.').unwrap_or((name, ""));
        let number = CHILDREN.iter().find(|(_, own)| *own == child).map(|(number, _)| *number);
        format!("{}.{rest}", number.unwrap_or(child))
    }

    /// torchvision's name of one in the file.
    fn back(self, name: &str) -> String {
        if self == Self::Torchvision {
            return name.to_owned();
        }
        let (number, rest) = name.split_once('.').unwrap_or((name, ""));
        let child = CHILDREN.iter().find(|(own, _)| *own == number).map(|(_, child)| *child);
        format!("{}.{rest}", child.unwrap_or(number))
    }
}

pub(super) fn read(view: &View<'_>, hints: &Hints, names: Names) -> Result<Reading, Error> {
    let shape = |name: &str| view.shape(&names.of(name)).unwrap_or_default();
    let &[width, 3, kernel, _] = shape("conv1.weight") else {
        return Err(refused("the first convolution of a residual network must see 3 channels"));
    };
    let blocks = [1, 2, 3, 4].map(|stage| view.count(&names.of(&format!("layer{stage}."))));
    let is_basic = shape("layer1.0.conv3.weight").is_empty();
    let kind = if is_basic { BASIC } else { BOTTLENECKS };
    let depth = match (blocks, is_basic) {
        ([2, 2, 2, 2], true) => Depth::Eighteen,
        ([3, 4, 6, 3], true) => Depth::ThirtyFour,
        ([3, 4, 6, 3], false) => Depth::Fifty,
        _ => return Err(other_depth(blocks, kind)),
    };
    let number = u8::from(depth).to_string();
    if let Some(name) = &hints.architecture
        && name.contains("resnet")
        && !name.contains(&format!("resnet{number}"))
    {
        return Err(Error::setting("arch", format!("nothing, or resnet{number}"), name));
    }
    let inner = shape("layer1.0.conv2.weight");
    if inner.first() != Some(&width) || inner.get(1) != Some(&width) {
        return Err(refused(format!(
            "`{}` has the shape {inner:?}: a ResNeXt or a wide network, whose blocks are not those of \
             {KNOWN}, [{width}, {width}, 3, 3]",
            view.whole(&names.of("layer1.0.conv2.weight"))
        )));
    }
    let stem = if kernel == SMALL_KERNEL { Stem::Cifar } else { Stem::Imagenet };
    let mut assumed = Vec::new();
    let pixels = hints.pixels.unwrap_or_else(|| {
        assumed.push("pixels are normalised by ImageNet's mean and deviation".to_owned());
        Pixels::Imagenet
    });
    if stem == Stem::Cifar {
        assumed.push(
            "the first convolution is padded by 1 (solo-learn's for CIFAR by 2, which shapes do not \
             tell)"
                .to_owned(),
        );
    }
    let own = EncoderSettings::Resnet { depth, stem, width, pixels };
    Ok(Reading {
        name: format!("ResNet-{}", u8::from(depth)),
        settings: hints.settings.clone().unwrap_or(own),
        side: hints.side.unwrap_or(SIDES[usize::from(stem == Stem::Imagenet)]),
        pieces: pieces(view, |name| Ok(names.back(name)))?,
        classifier: last_layer(view, "fc"),
        assumed,
    })
}

fn other_depth(blocks: [usize; 4], kind: &str) -> Error {
    let nearest = if kind == BOTTLENECKS || blocks[0] > 2 { [3, 4, 6, 3] } else { [2; 4] };
    let first = blocks.iter().zip(nearest).position(|(own, known)| *own > known);
    let differing = first.map_or(String::new(), |stage| {
        let name = format!("layer{}.{}.conv1.weight", stage + 1, nearest[stage]);
        format!("; the first tensor that the nearest of them does not have is {name}")
    });
    let counts = blocks.map(|count| count.to_string()).join(", ");
    refused(format!(
        "a residual network of {counts} {kind} is none that kith has: expected {KNOWN}{differing}"
    ))
}
