//! Flags of verbs that bring weights in and take them out.

use std::path::PathBuf;

use clap::{Args as Flags, ValueEnum};

use super::flags::side;

/// How pictures are resized.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FilterChoice {
    /// A triangle.
    Bilinear,
    /// The cubic of Keys.
    Bicubic,
}

/// Somebody else's weights, and what is known of them.
#[derive(Clone, Debug, Flags)]
pub(crate) struct ImportFlags {
    /// A .safetensors or .pth file (.pt, .ckpt, .torch, .bin); nothing in it is run
    pub(crate) file: PathBuf,
    /// The checkpoint to write
    #[arg(long)]
    pub(crate) out: PathBuf,
    #[arg(
        help = "timm's name of the network, as in tf_efficientnet_lite0, or a table as a recipe's \
                  encoder has it [default: by names and shapes, and a config.json beside the file]"
    )]
    #[arg(long, value_name = "NAME or TABLE")]
    pub(crate) arch: Option<String>,
    /// What comes before the encoder's names, where several encoders are in the file
    #[arg(long)]
    pub(crate) prefix: Option<String>,
    /// Heads of a transformer's attention [default: one for 64 numbers of a token]
    #[arg(long)]
    pub(crate) heads: Option<usize>,
    /// How pixels are normalised: unit, signed, imagenet or {mean=[…], std=[…]}
    #[arg(long, value_name = "NAME or TABLE")]
    pub(crate) pixels: Option<String>,
    /// Side of the images in pixels, 1 to 4096 [default: that of the network, 224 for most]
    #[arg(long, value_parser = side)]
    pub(crate) side: Option<usize>,
    /// Pixels that the shorter side of a picture becomes before its middle is cut out, as 256 for
    /// images of 224 [default: that of the files beside the weights, else the side]
    #[arg(long)]
    pub(crate) resize: Option<usize>,
    /// How pixels are weighed when pictures are resized [default: that of the files beside the
    /// weights, else bilinear]
    #[arg(long)]
    pub(crate) filter: Option<FilterChoice>,
    #[arg(help = "Change a setting of the encoder, as in encoder.pool=cls_mean (repeatable)")]
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(crate) changes: Vec<String>,
    /// Names of the classes, a line each [default: those of a config.json beside the file]
    #[arg(long, value_name = "FILE")]
    pub(crate) classes: Option<PathBuf>,
    /// What may be done with the weights, as their authors say
    #[arg(long)]
    pub(crate) licence: Option<String>,
    /// Where the weights are from [default: the file's name]
    #[arg(long)]
    pub(crate) source: Option<String>,
    /// Two bytes a number: half the file, three decimal digits
    #[arg(long)]
    pub(crate) half: bool,
}

/// What is written of a checkpoint, and in which form.
#[derive(Clone, Debug, Flags)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own on the command line")]
pub(crate) struct ExportFlags {
    /// A checkpoint, or a run's folder
    pub(crate) checkpoint: PathBuf,
    /// The file to write, or the folder
    #[arg(long)]
    pub(crate) out: PathBuf,
    /// Store numbers in two bytes
    #[arg(long)]
    pub(crate) half: bool,
    /// Keep the support set, which pages look neighbours up in
    #[arg(long, conflicts_with_all = ["onnx", "torch"])]
    pub(crate) support: bool,
    /// Write ONNX: one file where --out ends in .onnx, else a folder that transformers.js loads
    #[arg(long)]
    pub(crate) onnx: bool,
    #[arg(
        help = "What the ONNX file takes: float is pixel_values [batch, 3, side, side] in [0, 1], \
                  bytes is pixels [batch, side, side, 3 or 4]"
    )]
    #[arg(long, requires = "onnx", default_value = "float")]
    pub(crate) input: InputChoice,
    #[arg(
        help = "What the ONNX file gives besides features (pooler_output): logits of the classifier, \
                  or what the objective compares"
    )]
    #[arg(long, requires = "onnx", default_value = "features")]
    pub(crate) output: OutputChoice,
    /// Write safetensors under the names of torchvision or timm
    #[arg(long, conflicts_with = "onnx")]
    pub(crate) torch: bool,
}

/// What an ONNX file takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum InputChoice {
    /// Numbers in [0, 1], channels first.
    Float,
    /// Bytes, channels last.
    Bytes,
}

/// What an ONNX file gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutputChoice {
    /// Features alone.
    Features,
    /// Logits of the classifier too.
    Logits,
    /// Projections too.
    Projection,
}
