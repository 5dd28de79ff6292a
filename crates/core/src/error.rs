//! What can be wrong with the input, each with what was expected, what came and what to do.

mod of_device;

use std::borrow::Cow;

/// An error of kith's core. Its [`code`](Error::code) is stable; its text is for people.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The pixels do not fill the stated number of pictures.
    #[error(
        "{got} bytes of pixels cannot be {count} pictures of 3x{height}x{width}: expected {expected} bytes"
    )]
    PixelCount {
        /// Bytes that the stated shape needs.
        expected: usize,
        /// Bytes that came.
        got: usize,
        /// Stated number of pictures.
        count: usize,
        /// Stated height in pixels.
        height: usize,
        /// Stated width in pixels.
        width: usize,
    },
    /// The samples of a decoded picture do not fill its stated size.
    #[error(
        "{got} samples cannot be a picture of {height}x{width} with {channels} channels: expected height x width x channels, and 3 or 4 channels"
    )]
    Samples {
        /// Samples that came.
        got: usize,
        /// Stated height in pixels.
        height: usize,
        /// Stated width in pixels.
        width: usize,
        /// Stated channels.
        channels: usize,
    },
    /// A row of features has another length than expected.
    #[error("features have {got} numbers a picture, expected {expected}")]
    Dimension {
        /// Numbers a picture that would fit.
        expected: usize,
        /// Numbers that came.
        got: usize,
    },
    /// A picture has another size than the encoder was made for.
    #[error(
        "pictures are {got_height}x{got_width}, the encoder wants {side}x{side}: resize them first"
    )]
    PictureSize {
        /// Side the encoder wants, in pixels.
        side: usize,
        /// Height that came, in pixels.
        got_height: usize,
        /// Width that came, in pixels.
        got_width: usize,
    },
    /// A batch, bank or set is smaller than the computation needs.
    #[error("{what}: expected at least {expected}, got {got}")]
    TooFew {
        /// What there is too little of.
        what: &'static str,
        /// The least that works.
        expected: usize,
        /// What came.
        got: usize,
    },
    /// A setting is outside its range.
    #[error("{name} = {got} is out of range: expected {expected}")]
    Setting {
        /// The setting's name, as in the recipe.
        name: Cow<'static, str>,
        /// The allowed range in words.
        expected: Cow<'static, str>,
        /// The value that came.
        got: String,
    },
    /// A recipe that cannot be read.
    #[error("the recipe cannot be read: {reason}")]
    Recipe {
        /// What the parser says, with line and column.
        reason: String,
    },
    /// Bytes that are not a safetensors file.
    #[error(
        "not a readable safetensors file: {reason}; the file is truncated, corrupted or of another kind"
    )]
    NotSafetensors {
        /// What the reader says.
        reason: String,
    },
    /// A file of weights of another kind, of which kith's program makes a checkpoint.
    #[error(
        "the file is {kind}, and no safetensors file: `kith import FILE --out x.safetensors` makes one of it"
    )]
    OtherContainer {
        /// What it is, and who writes such files.
        kind: &'static str,
    },
    /// A safetensors file that kith did not write.
    #[error("the file has no metadata key `kith`: it is not a kith checkpoint")]
    NotKith,
    /// Metadata that cannot be read.
    #[error("the checkpoint's metadata cannot be read: {reason}")]
    Metadata {
        /// What the parser says.
        reason: String,
    },
    /// A record of a run that cannot be read.
    #[error("not the record of a run: {reason}")]
    Record {
        /// What is wrong in it.
        reason: String,
    },
    /// Other images than those of a recorded run.
    #[error("the run had other images: its split {split} had {then}, here it has {now}")]
    OtherImages {
        /// The split.
        split: String,
        /// What the record says.
        then: String,
        /// What is here.
        now: String,
    },
    /// A checkpoint of a version that this software does not know.
    #[error("checkpoint format {got}, this kith reads format {expected}: use a newer kith")]
    Version {
        /// The version this software writes.
        expected: u32,
        /// The version in the file.
        got: u32,
    },
    /// A checkpoint of an encoder that this software does not know.
    #[error("the encoder is a `{got}`, this kith knows {expected}: use a newer kith")]
    Architecture {
        /// The encoders this software knows.
        expected: String,
        /// The one in the file.
        got: String,
    },
    /// A file of weights holds no encoder that can be read.
    #[error("{reason}")]
    NoEncoder {
        /// What was seen, what would do.
        reason: String,
    },
    /// A file of weights does not tell something that its encoder needs.
    #[error("`{what}` must be given: {reason}")]
    Untold {
        /// The hint.
        what: &'static str,
        /// Why nothing tells it, what it usually is.
        reason: String,
    },
    /// A tensor that should be there is not.
    #[error("tensor `{name}` is missing from the checkpoint")]
    MissingTensor {
        /// The tensor's name.
        name: String,
    },
    /// A tensor has another shape than the recipe says.
    #[error("tensor `{name}` has shape {got:?}, the recipe wants {expected:?}")]
    TensorShape {
        /// The tensor's name.
        name: String,
        /// Shape the recipe implies.
        expected: Vec<usize>,
        /// Shape in the file.
        got: Vec<usize>,
    },
    /// A tensor has an element type that kith does not read.
    #[error("tensor `{name}` holds {got}, expected {expected}")]
    TensorType {
        /// The tensor's name.
        name: String,
        /// Element types that would do.
        expected: &'static str,
        /// Element type in the file.
        got: String,
    },
    /// A tensor holds NaN or infinity.
    #[error(
        "tensor `{name}` holds a value that is not finite: the run diverged or the file is damaged"
    )]
    NotFinite {
        /// The tensor's name.
        name: String,
    },
    /// A number is too large for two bytes.
    #[error(
        "tensor `{name}` holds {got}, two bytes (binary16) hold at most 65504: store it in four bytes"
    )]
    HalfOverflow {
        /// The tensor's name.
        name: String,
        /// The number.
        got: f32,
    },
    /// Training produced NaN or infinity.
    #[error("the loss is {got} at step {step}: lower the learning rate, or check the pictures")]
    Diverged {
        /// The step at which it was seen, counted from 0.
        step: u64,
        /// The loss.
        got: f32,
    },
    /// A step of training left what is no number behind, though its own loss was one.
    #[error(
        "{what} not finite after step {step}: lower the learning rate, or check the images; what was \
         last good is kept"
    )]
    DivergedAfter {
        /// Steps done.
        step: u64,
        /// What is not finite, with its verb, as in `tensor x is`.
        what: String,
    },
    /// The device of another process failed, or does not answer.
    #[error(
        "{device} failed: {reason}; a run goes on from what was saved last, on this device or another"
    )]
    Remote {
        /// Whose device it is.
        device: String,
        /// What it says, or what happened on the way.
        reason: String,
    },
    /// The device failed while computing or reading back.
    #[error("the device failed: {reason}")]
    Device {
        /// What the backend says.
        reason: String,
    },
    /// The device has no room for what is computed at a time.
    #[error(
        "the device has no memory for so much at a time ({reason}): take fewer or smaller images at a time, \
         or another device"
    )]
    DeviceMemory {
        /// What the backend says.
        reason: String,
    },
}

impl Error {
    /// A setting outside its range.
    pub fn setting(
        name: impl Into<Cow<'static, str>>,
        expected: impl Into<Cow<'static, str>>,
        got: impl ToString,
    ) -> Self {
        Self::Setting { name: name.into(), expected: expected.into(), got: got.to_string() }
    }

    /// The same error with its setting named below a table of the recipe; other errors stay.
    #[must_use]
    pub fn below(self, table: &str) -> Self {
        match self {
            Self::Setting { name, expected, got } => {
                Self::Setting { name: format!("{table}.{name}").into(), expected, got }
            }
            other => other,
        }
    }

    /// A stable name for scripts and for other languages.
    pub fn code(&self) -> &'static str {
        match self {
            Self::PixelCount { .. } => "PIXEL_COUNT",
            Self::Samples { .. } => "SAMPLES",
            Self::Dimension { .. } => "DIMENSION",
            Self::PictureSize { .. } => "PICTURE_SIZE",
            Self::TooFew { .. } => "TOO_FEW",
            Self::Setting { .. } => "SETTING",
            Self::Recipe { .. } => "RECIPE",
            Self::NotSafetensors { .. } | Self::OtherContainer { .. } => "NOT_SAFETENSORS",
            Self::NotKith => "NOT_KITH",
            Self::Metadata { .. } => "METADATA",
            Self::Record { .. } => "RECORD",
            Self::OtherImages { .. } => "OTHER_IMAGES",
            Self::Version { .. } => "VERSION",
            Self::Architecture { .. } => "ARCHITECTURE",
            Self::NoEncoder { .. } => "NO_ENCODER",
            Self::Untold { .. } => "UNTOLD",
            Self::MissingTensor { .. } => "MISSING_TENSOR",
            Self::TensorShape { .. } => "TENSOR_SHAPE",
            Self::TensorType { .. } => "TENSOR_TYPE",
            Self::NotFinite { .. } => "NOT_FINITE",
            Self::HalfOverflow { .. } => "HALF_OVERFLOW",
            Self::Diverged { .. } | Self::DivergedAfter { .. } => "DIVERGED",
            Self::Remote { .. } => "REMOTE_DEVICE",
            Self::Device { .. } => "DEVICE",
            Self::DeviceMemory { .. } => "OUT_OF_MEMORY",
        }
    }
}
