//! An encoder as ONNX.

use std::ffi::OsStr;
use std::fmt::{self, Display, Formatter};
use std::path::{Path, PathBuf};

use kith_core::Error;
use kith_core::archive::Precision;
use kith_core::checkpoint::Meta;
use kith_core::onnx::{FEATURES, Input, Options, Output, write};
use serde::Serialize;

use super::transformers;
use crate::args::{ExportFlags, InputChoice, OutputChoice};
use crate::checkpoint::Checkpoint;
use crate::failure::Failure;
use crate::files::{self, FileError};
use crate::output::lossy;

/// What was written.
#[derive(Debug, Serialize)]
pub(super) struct Exported {
    /// The ONNX file first.
    files: Vec<String>,
    /// By name, with the shape of one image; the batch is free.
    input: (&'static str, String),
    outputs: Vec<(&'static str, usize)>,
    /// Whether the checkpoint has a classifier, of which nothing was written.
    leaves_classifier: bool,
    bytes: usize,
}

impl Display for Exported {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { files, input: (name, shape), outputs, bytes, .. } = self;
        writeln!(f, "takes {name} [batch, {shape}]")?;
        for (name, width) in outputs {
            writeln!(f, "gives {name} [batch, {width}]")?;
        }
        if self.leaves_classifier {
            writeln!(f, "left: the classifier; --output logits writes it")?;
        }
        write!(f, "{}: {bytes} bytes", files.join(", "))
    }
}

pub(super) fn run(
    checkpoint: &Checkpoint,
    flags: &ExportFlags,
    precision: Precision,
) -> Result<Exported, Failure> {
    let Checkpoint { path, meta, archive } = checkpoint;
    let options = Options { input: flags.input.into(), output: flags.output.into(), precision };
    let bytes = write(meta, archive, options).map_err(Failure::of(path))?;
    let is_file = flags.out.extension().and_then(OsStr::to_str) == Some("onnx");
    let files = match is_file {
        true => {
            files::write(&flags.out, &bytes)?;
            vec![flags.out.clone()]
        }
        false => folder(meta, flags, &bytes, options)?,
    };
    let side = meta.side;
    let shape = match options.input {
        Input::Float => format!("3, {side}, {side}"),
        Input::Bytes => format!("{side}, {side}, 3 or 4"),
    };
    let has_classifier = archive.names_below("probe.").next().is_some();
    Ok(Exported {
        files: files.iter().map(|file| lossy(file)).collect(),
        input: (options.input.name(), shape),
        outputs: outputs(meta, options.output),
        leaves_classifier: has_classifier && options.output != Output::Logits,
        bytes: bytes.len(),
    })
}

/// The folder that transformers.js loads.
fn folder(
    meta: &Meta,
    flags: &ExportFlags,
    bytes: &[u8],
    options: Options,
) -> Result<Vec<PathBuf>, Failure> {
    let out = &flags.out;
    if options.input == Input::Bytes {
        let expected = "float for the folder of transformers.js, or an --out that ends in .onnx";
        return Err(Error::setting("--input", expected, "bytes").into());
    }
    let name = match options.precision {
        Precision::Single => "onnx/model.onnx",
        Precision::Half => "onnx/model_fp16.onnx",
    };
    let write = |name: &str, bytes: &[u8]| -> Result<PathBuf, FileError> {
        let path = out.join(name);
        let folder = path.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder).map_err(|e| FileError::new(folder, e))?;
        files::write(&path, bytes)?;
        Ok(path)
    };
    let json = |value: &serde_json::Value| format!("{value:#}\n").into_bytes();
    Ok(vec![
        write(name, bytes)?,
        write("config.json", &json(&transformers::config(meta)))?,
        write("preprocessor_config.json", &json(&transformers::preprocessor(meta)))?,
    ])
}

fn outputs(meta: &Meta, output: Output) -> Vec<(&'static str, usize)> {
    let features = (FEATURES, meta.recipe.encoder.features());
    let projected = meta.recipe.projection.as_ref().map_or(0, |head| head.output);
    match output {
        Output::Features => vec![features],
        Output::Logits => vec![features, ("logits", meta.class_names.len())],
        Output::Projection => vec![features, ("projection", projected)],
    }
}

impl From<InputChoice> for Input {
    fn from(choice: InputChoice) -> Self {
        match choice {
            InputChoice::Float => Self::Float,
            InputChoice::Bytes => Self::Bytes,
        }
    }
}

impl From<OutputChoice> for Output {
    fn from(choice: OutputChoice) -> Self {
        match choice {
            OutputChoice::Features => Self::Features,
            OutputChoice::Logits => Self::Logits,
            OutputChoice::Projection => Self::Projection,
        }
    }
}
