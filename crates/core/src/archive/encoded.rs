//! A tensor as it lies in a file: decoded when somebody asks for it, and not before.

use safetensors::tensor::{Dtype, TensorView};

use super::{Precision, Stored};
use crate::error::Error;

/// A tensor's bytes, with the type and the shape that the file notes.
#[derive(Clone, Debug, PartialEq)]
pub struct Encoded {
    kind: Dtype,
    pub(super) shape: Vec<usize>,
    bytes: Vec<u8>,
}

impl Encoded {
    /// A tensor of numbers of some type, whose bytes are in little-endian order; none where they do not
    /// fill its shape.
    pub fn new(kind: Dtype, shape: Vec<usize>, bytes: Vec<u8>) -> Option<Self> {
        TensorView::new(kind, shape.clone(), &bytes).ok()?;
        Some(Self { kind, shape, bytes })
    }

    pub(super) fn of(view: &TensorView<'_>) -> Self {
        let (kind, shape) = (view.dtype(), view.shape().to_vec());
        Self { kind, shape, bytes: view.data().to_vec() }
    }

    pub(super) fn kind(&self) -> Dtype {
        self.kind
    }

    pub(super) fn view(&self) -> TensorView<'_> {
        let view = TensorView::new(self.kind, self.shape.clone(), &self.bytes);
        view.expect("they were checked when it was made")
    }

    pub(super) fn into_parts(self) -> (Vec<usize>, Vec<u8>) {
        (self.shape, self.bytes)
    }

    /// The numbers.
    ///
    /// # Errors
    /// [`Error::TensorType`] for whole numbers and types that no weights have, [`Error::NotFinite`].
    pub(super) fn decode(&self, name: &str) -> Result<Stored, Error> {
        let bytes = &self.bytes;
        let values: Vec<f32> = match self.kind {
            Dtype::F32 => bytes.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect(),
            Dtype::F16 => {
                bytes.as_chunks().0.iter().map(|b| half::f16::from_le_bytes(*b).to_f32()).collect()
            }
            Dtype::BF16 => {
                bytes.as_chunks().0.iter().map(|b| half::bf16::from_le_bytes(*b).to_f32()).collect()
            }
            Dtype::F64 => {
                bytes.as_chunks().0.iter().map(|b| f64::from_le_bytes(*b) as f32).collect()
            }
            other => {
                let (name, got) = (name.to_owned(), format!("{other:?}"));
                return Err(Error::TensorType { name, expected: "F32, F16, BF16 or F64", got });
            }
        };
        if !values.iter().all(|v| v.is_finite()) {
            return Err(Error::NotFinite { name: name.to_owned() });
        }
        Ok(Stored { shape: self.shape.clone(), values })
    }
}

impl Precision {
    pub(super) fn dtype(self) -> Dtype {
        match self {
            Self::Single => Dtype::F32,
            Self::Half => Dtype::F16,
        }
    }

    /// The numbers as bytes that [`Encoded::decode`] reads again.
    ///
    /// # Errors
    /// [`Error::NotFinite`], [`Error::HalfOverflow`] for a number that two bytes cannot hold.
    pub(crate) fn encode(self, name: &str, values: &[f32]) -> Result<Vec<u8>, Error> {
        if !values.iter().all(|value| value.is_finite()) {
            return Err(Error::NotFinite { name: name.to_owned() });
        }
        match self {
            Self::Single => Ok(values.iter().flat_map(|value| value.to_le_bytes()).collect()),
            Self::Half => halves(name, values),
        }
    }
}

fn halves(name: &str, values: &[f32]) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::with_capacity(2 * values.len());
    for &value in values {
        let half = half::f16::from_f32(value);
        if !half.is_finite() {
            return Err(Error::HalfOverflow { name: name.to_owned(), got: value });
        }
        bytes.extend(half.to_le_bytes());
    }
    Ok(bytes)
}
