//! EfficientNet-Lite under timm's names, or those of the package `efficientnet_lite_pytorch`.

use super::hints::Hints;
use super::reading::{Reading, last_layer, pieces, refused};
use super::view::View;
use crate::encoder::efficientnet_lite::{Lite, Padding, Shape, Size, Stage};
use crate::encoder::{EncoderSettings, Normalization, Pixels, Statistics};
use crate::error::Error;

/// Under which names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Names {
    Timm,
    Package,
}

/// What a block's shapes tell: kernel, expansion, outputs. Strides are in no shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Block {
    kernel: usize,
    expansion: usize,
    outputs: usize,
}

/// Layers outside the blocks: timm's names, and the package's.
const OUTSIDE: [(&str, &str); 4] =
    [("conv_stem", "_conv_stem"), ("bn1", "_bn0"), ("conv_head", "_conv_head"), ("bn2", "_bn1")];
/// Layers of a block that does not make channels more.
const SEPARABLE: [(&str, &str); 4] = [
    ("conv_dw", "_depthwise_conv"),
    ("bn1", "_bn1"),
    ("conv_pw", "_project_conv"),
    ("bn2", "_bn2"),
];
/// Layers of a block that does.
const INVERTED: [(&str, &str); 6] = [
    ("conv_pw", "_expand_conv"),
    ("bn1", "_bn0"),
    ("conv_dw", "_depthwise_conv"),
    ("bn2", "_bn1"),
    ("conv_pwl", "_project_conv"),
    ("bn3", "_bn2"),
];
/// What the package subtracts from bytes, and divides them by.
const BYTES: [f64; 2] = [127.0, 128.0];
const WHITE: f64 = 255.0;

pub(super) fn read(view: &View<'_>, hints: &Hints, names: Names) -> Result<Reading, Error> {
    let squeezes = |name: &&str| name.contains("se.conv_reduce") || name.contains("_se_reduce");
    if let Some(name) = view.names().find(squeezes) {
        return Err(refused(format!(
            "an EfficientNet with squeeze-and-excitation (`{}`) is no EfficientNet-Lite, which kith has",
            view.whole(name)
        )));
    }
    let size = match &hints.settings {
        Some(EncoderSettings::EfficientnetLite { size, .. }) => size.clone(),
        _ => published(view, names)?,
    };
    let mut assumed = Vec::new();
    let source = Source::of(hints, names)?;
    let (padding, statistics, normal) = source.traits();
    let pixels = hints.pixels.unwrap_or_else(|| {
        assumed.push(source.words().to_owned());
        normal
    });
    let shape = size.shape();
    let side = match &size {
        Size::Named(lite) => lite.side(),
        Size::Numbers(_) => Lite::Zero.side(),
    };
    let name = match &size {
        Size::Named(lite) => format!("EfficientNet-{}", lite.name()),
        Size::Numbers(_) => "EfficientNet-Lite of other numbers".to_owned(),
    };
    let own = EncoderSettings::EfficientnetLite { size, padding, pixels, statistics };
    let head = if names == Names::Timm { "classifier" } else { "_fc" };
    Ok(Reading {
        name,
        settings: hints.settings.clone().unwrap_or(own),
        side: hints.side.unwrap_or(side),
        pieces: pieces(view, |name| match names {
            Names::Timm => Ok(name.to_owned()),
            Names::Package => timms(name, &shape),
        })?,
        classifier: last_layer(view, head),
        assumed,
    })
}

/// Whose weights: nothing in a file of timm's names tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    /// The package's, from TensorFlow's weights.
    Package,
    /// timm's `tf_efficientnet_lite…`, from TensorFlow's weights.
    Tensorflow,
    /// timm's own `efficientnet_lite…`.
    Timm,
    /// Whatever the hints say.
    Told,
}

impl Source {
    fn of(hints: &Hints, names: Names) -> Result<Self, Error> {
        let name = hints.architecture.as_deref();
        match name {
            _ if names == Names::Package => Ok(Self::Package),
            Some(name) if name.starts_with("tf_efficientnet_lite") => Ok(Self::Tensorflow),
            Some(name) if name.starts_with("efficientnet_lite") => Ok(Self::Timm),
            _ if hints.settings.is_some() => Ok(Self::Told),
            _ => Err(Error::Untold {
                what: "arch",
                reason:
                    "no tensor tells whether it is tf_efficientnet_lite0 (TensorFlow's weights) or \
                         efficientnet_lite0 (timm's own), which pad and normalise in other ways"
                        .into(),
            }),
        }
    }

    fn traits(self) -> (Padding, Statistics, Pixels) {
        match self {
            Self::Package => {
                let [mean, std] = BYTES.map(|byte| [byte / WHITE; 3]);
                let pixels = Normalization { mean, std }.into();
                (Padding::Same, Statistics::Keras, pixels)
            }
            Self::Tensorflow | Self::Told => (Padding::Same, Statistics::Keras, Pixels::Signed),
            Self::Timm => (Padding::Around, Statistics::Pytorch, Pixels::Imagenet),
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Package => "pixels become (byte - 127) / 128, padding is TensorFlow's",
            Self::Tensorflow | Self::Told => "pixels become -1 to 1, padding is TensorFlow's",
            Self::Timm => {
                "pixels are normalised by ImageNet's mean and deviation, padding is PyTorch's"
            }
        }
    }
}

/// The published size whose blocks these are.
fn published(view: &View<'_>, names: Names) -> Result<Size, Error> {
    let lites = [Lite::Zero, Lite::One, Lite::Two, Lite::Three, Lite::Four];
    let mut nearest: Option<(usize, Lite, String)> = None;
    for lite in lites {
        let shape = Size::Named(lite).shape();
        let Some(differing) = differing(view, &shape, names) else { return Ok(Size::Named(lite)) };
        if nearest.as_ref().is_none_or(|(most, ..)| differing.0 > *most) {
            nearest = Some((differing.0, lite, differing.1));
        }
    }
    let (_, lite, differing) = nearest.expect("there are lites");
    Err(refused(format!(
        "an EfficientNet whose blocks are those of no Lite: the nearest is {}, and {differing}. --arch takes \
         the table of another, as in '{{kind=\"efficientnet_lite\", size={{stem=32, stages=[…], head=1280}}}}'",
        lite.name()
    )))
}

/// The first block that is another than a size's: its number among all, and in words.
fn differing(view: &View<'_>, shape: &Shape, names: Names) -> Option<(usize, String)> {
    let mut number = 0;
    let stem = if names == Names::Timm { "conv_stem.weight" } else { "_conv_stem.weight" };
    let mut inputs = view.rows(stem);
    for (place, stage) in shape.stages.iter().enumerate() {
        for repeat in 0..stage.repeats {
            let name = match names {
                Names::Timm => format!("blocks.{place}.{repeat}"),
                Names::Package => format!("_blocks.{number}"),
            };
            let Stage { kernel, expansion, outputs, .. } = *stage;
            let expected = Block { kernel, expansion, outputs };
            let got = block(view, &name, inputs, names);
            let Some(block) = got.filter(|got| *got == expected) else {
                let got = got.map_or("missing".to_owned(), Block::words);
                return Some((number, format!("`{name}` is {got}, not {}", expected.words())));
            };
            (number, inputs) = (number + 1, block.outputs);
        }
    }
    let more = match names {
        Names::Timm => format!("blocks.{}.", shape.stages.len()),
        Names::Package => format!("_blocks.{number}."),
    };
    let has_more = view.names().any(|name| name.starts_with(&more));
    has_more.then(|| (number, format!("`{more}…` is more than it has")))
}

impl Block {
    fn words(self) -> String {
        let Self { kernel, expansion, outputs } = self;
        format!("a kernel of {kernel}, expansion {expansion} and {outputs} outputs")
    }
}

fn block(view: &View<'_>, name: &str, inputs: usize, names: Names) -> Option<Block> {
    let depthwise = if names == Names::Timm { "conv_dw" } else { "_depthwise_conv" };
    let &[wide, 1, kernel, _] = view.shape(&format!("{name}.{depthwise}.weight"))? else {
        return None;
    };
    let lasts: &[&str] = match names {
        Names::Timm => &["conv_pwl", "conv_pw"],
        Names::Package => &["_project_conv"],
    };
    let mut lasts = lasts.iter().map(|last| format!("{name}.{last}.weight"));
    let last = lasts.find(|last| view.has(last))?;
    let expansion = wide.checked_div(inputs).filter(|times| times * inputs == wide)?;
    Some(Block { kernel, expansion, outputs: view.rows(&last) })
}

/// timm's name of one of the package's, whose blocks are numbered through.
fn timms(name: &str, shape: &Shape) -> Result<String, Error> {
    let unknown = || refused(format!("`{name}` is none of the tensors of an EfficientNet-Lite"));
    let renamed = |names: &[(&'static str, &str)], layer: &str| {
        names.iter().find(|(_, own)| *own == layer).map(|(timm, _)| *timm).ok_or_else(unknown)
    };
    let Some(rest) = name.strip_prefix("_blocks.") else {
        let (layer, part) = name.split_once('.').ok_or_else(unknown)?;
        return Ok(format!("{}.{part}", renamed(&OUTSIDE, layer)?));
    };
    let (number, rest) = rest.split_once('.').ok_or_else(unknown)?;
    let (layer, part) = rest.split_once('.').ok_or_else(unknown)?;
    let mut before: usize = number.parse().map_err(|_not_a_number| unknown())?;
    for (place, stage) in shape.stages.iter().enumerate() {
        if before < stage.repeats {
            let names = if stage.expansion == 1 { &SEPARABLE[..] } else { &INVERTED };
            return Ok(format!("blocks.{place}.{before}.{}.{part}", renamed(names, layer)?));
        }
        before -= stage.repeats;
    }
    Err(unknown())
}
