//! Named tensors with a JSON note in one safetensors file: bytes in, bytes out.

use std::collections::{BTreeMap, HashMap};

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Device, Tensor, TensorData};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use crate::error::Error;
use crate::path::Path;
use crate::read::read;

/// The metadata key under which the note lies.
const NOTE: &str = "kith";

/// Fowler, Noll and Vo's start and factor for 64 bits.
const FNV_BASIS: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0100_0000_01b3;

/// A tensor at rest.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    /// Its shape.
    pub shape: Vec<usize>,
    /// Its numbers, row-major.
    pub values: Vec<f32>,
}

/// Element type of numbers in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// Four bytes: exact.
    Single,
    /// Two bytes (IEEE binary16): half the file, three decimal digits.
    Half,
}

/// Named tensors and a note.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Archive {
    /// JSON that says what the tensors are.
    pub note: String,
    /// The tensors by name.
    pub tensors: BTreeMap<String, Stored>,
}

impl Stored {
    /// Waits for a tensor.
    ///
    /// # Errors
    /// [`Error::Device`] when reading fails.
    pub async fn read<const D: usize>(tensor: Tensor<D>) -> Result<Self, Error> {
        let shape = tensor.dims().to_vec();
        Ok(Self { shape, values: read(tensor).await? })
    }

    /// The tensor on a device.
    ///
    /// # Errors
    /// [`Error::TensorShape`] when it has another shape than `expected`.
    pub fn to_device<const D: usize>(
        &self,
        name: &str,
        expected: [usize; D],
        device: &Device,
    ) -> Result<Tensor<D>, Error> {
        if self.shape != expected {
            let (expected, got) = (expected.to_vec(), self.shape.clone());
            return Err(Error::TensorShape { name: name.to_owned(), expected, got });
        }
        Ok(Tensor::from_data(TensorData::new(self.values.clone(), expected), device))
    }
}

impl Archive {
    /// The bytes of a safetensors file.
    pub fn to_bytes(&self, precision: Precision) -> Vec<u8> {
        let encoded: Vec<(&str, &Stored, Vec<u8>)> = self
            .tensors
            .iter()
            .map(|(name, stored)| (name.as_str(), stored, precision.encode(&stored.values)))
            .collect();
        let views = encoded.iter().map(|(name, stored, bytes)| {
            let view = TensorView::new(precision.dtype(), stored.shape.clone(), bytes);
            (*name, view.expect("the bytes were made from this shape"))
        });
        let note = HashMap::from([(NOTE.to_owned(), self.note.clone())]);
        safetensors::serialize(views, Some(note)).expect("views of valid tensors serialize")
    }

    /// Reads a safetensors file that kith wrote.
    ///
    /// # Errors
    /// [`Error::NotSafetensors`] for a truncated, corrupted or foreign file, [`Error::NotKith`]
    /// without kith's note, [`Error::TensorType`] and [`Error::NotFinite`] for a tensor that
    /// cannot be weights.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        Self::from_bytes_with_precision(bytes).map(|(archive, _)| archive)
    }

    /// [`Self::from_bytes`], and the element type in which most numbers were stored.
    ///
    /// # Errors
    /// Those of [`Self::from_bytes`].
    pub fn from_bytes_with_precision(bytes: &[u8]) -> Result<(Self, Precision), Error> {
        let unreadable =
            |e: safetensors::SafeTensorError| Error::NotSafetensors { reason: e.to_string() };
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(unreadable)?;
        let note = header.metadata().as_ref().and_then(|m| m.get(NOTE)).ok_or(Error::NotKith)?;
        let file = SafeTensors::deserialize(bytes).map_err(unreadable)?;
        let tensors = file
            .iter()
            .map(|(name, view)| Ok((name.to_owned(), decode(name, &view)?)))
            .collect::<Result<_, Error>>()?;
        let half = file.iter().filter(|(_, view)| view.dtype() == Dtype::F16).count();
        let precision = if 2 * half > file.len() { Precision::Half } else { Precision::Single };
        Ok((Self { note: note.clone(), tensors }, precision))
    }

    /// A short name for the weights under `prefix`: equal for equal weights and, but for chance,
    /// for no others. 16 hexadecimal digits (FNV-1a over names, shapes and numbers).
    pub fn fingerprint(&self, prefix: &str) -> String {
        let mut hash = FNV_BASIS;
        let mut eat = |bytes: &[u8]| {
            for &byte in bytes {
                hash = (hash ^ u64::from(byte)).wrapping_mul(FNV_PRIME);
            }
        };
        for (name, stored) in self.tensors.range(prefix.to_owned()..) {
            if !name.starts_with(prefix) {
                break;
            }
            eat(name.as_bytes());
            stored.shape.iter().for_each(|&size| eat(&(size as u64).to_le_bytes()));
            stored.values.iter().for_each(|value| eat(&value.to_le_bytes()));
        }
        format!("{hash:016x}")
    }

    /// Numbers under `prefix` that are learnt: all but running statistics.
    pub fn parameters(&self, prefix: &str) -> usize {
        let learnt = |name: &str| name.starts_with(prefix) && !name.contains(".running_");
        let learnt = self.tensors.iter().filter(|(name, _)| learnt(name));
        learnt.map(|(_, stored)| stored.values.len()).sum()
    }

    /// The tensor of that name.
    ///
    /// # Errors
    /// [`Error::MissingTensor`] when there is none.
    pub fn get(&self, name: &str) -> Result<&Stored, Error> {
        self.tensors.get(name).ok_or_else(|| Error::MissingTensor { name: name.to_owned() })
    }

    /// Adds every parameter of a module under `prefix`.
    ///
    /// # Errors
    /// [`Error::Device`] when reading fails.
    pub async fn add<M: Module>(&mut self, prefix: &str, module: &M) -> Result<(), Error> {
        let mut gather = Gather { path: Path::below(prefix), reads: Vec::new() };
        module.visit(&mut gather);
        for (name, reading) in gather.reads {
            self.tensors.insert(name, reading.await?);
        }
        Ok(())
    }

    /// The module with its parameters replaced by those under `prefix`.
    ///
    /// # Errors
    /// [`Error::MissingTensor`], [`Error::TensorShape`] for the first that does not fit.
    pub fn restore<M: Module>(&self, prefix: &str, module: M) -> Result<M, Error> {
        let mut scatter = Scatter { archive: self, path: Path::below(prefix), failed: None };
        let module = module.map(&mut scatter);
        scatter.failed.map_or(Ok(module), Err)
    }
}

impl Precision {
    fn dtype(self) -> Dtype {
        match self {
            Self::Single => Dtype::F32,
            Self::Half => Dtype::F16,
        }
    }

    fn encode(self, values: &[f32]) -> Vec<u8> {
        match self {
            Self::Single => values.iter().flat_map(|v| v.to_le_bytes()).collect(),
            Self::Half => {
                values.iter().flat_map(|v| half::f16::from_f32(*v).to_le_bytes()).collect()
            }
        }
    }
}

/// The numbers of a tensor in a file.
fn decode(name: &str, view: &TensorView<'_>) -> Result<Stored, Error> {
    let data = view.data();
    let values: Vec<f32> = match view.dtype() {
        Dtype::F32 => data.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect(),
        Dtype::F16 => {
            data.as_chunks().0.iter().map(|b| half::f16::from_le_bytes(*b).to_f32()).collect()
        }
        other => {
            let got = format!("{other:?}");
            return Err(Error::TensorType { name: name.to_owned(), expected: "F32 or F16", got });
        }
    };
    if !values.iter().all(|v| v.is_finite()) {
        return Err(Error::NotFinite { name: name.to_owned() });
    }
    Ok(Stored { shape: view.shape().to_vec(), values })
}

type Reading = core::pin::Pin<Box<dyn Future<Output = Result<Stored, Error>>>>;

/// Starts reading every parameter.
struct Gather {
    path: Path,
    reads: Vec<(String, Reading)>,
}

impl ModuleVisitor for Gather {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.enter(name, container);
    }

    fn exit_module(&mut self, _name: &str, container: &str) {
        self.path.exit(container);
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.reads.push((self.path.name(), Box::pin(Stored::read(param.val()))));
    }
}

/// Replaces every parameter, up to the first that does not fit.
struct Scatter<'a> {
    archive: &'a Archive,
    path: Path,
    failed: Option<Error>,
}

impl ModuleMapper for Scatter<'_> {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.enter(name, container);
    }

    fn exit_module(&mut self, _name: &str, container: &str) {
        self.path.exit(container);
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if self.failed.is_some() {
            return param;
        }
        let name = self.path.name();
        let old = param.val();
        let device = old.device().inner();
        let loaded =
            self.archive.get(&name).and_then(|stored| stored.to_device(&name, old.dims(), &device));
        match loaded {
            Ok(new) if old.is_autodiff() => param.map(|_| new.autodiff().require_grad()),
            Ok(new) => param.map(|_| new),
            Err(error) => {
                self.failed = Some(error);
                param
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linear::Linear;
    use crate::rng::{Purpose, stream};

    fn linear(seed: u64, inputs: usize) -> Linear {
        Linear::new(inputs, 3, &mut stream(seed, Purpose::Test, 0, 0), &Device::flex())
    }

    fn archive() -> Archive {
        let mut archive = Archive { note: "{}".into(), ..Default::default() };
        pollster::block_on(archive.add("head", &linear(1, 4))).unwrap();
        archive
    }

    #[test]
    fn weights_survive_bytes_exactly() {
        let bytes = archive().to_bytes(Precision::Single);
        let read = Archive::from_bytes(&bytes).unwrap();
        assert_eq!(read, archive());
        assert_eq!(read.get("head.weight").unwrap().shape, [3, 4]);
        let mut again = Archive { note: "{}".into(), ..Default::default() };
        let restored = read.restore("head", linear(2, 4)).unwrap();
        pollster::block_on(again.add("head", &restored)).unwrap();
        assert_eq!(again, archive());
    }

    #[test]
    fn a_fingerprint_is_of_the_weights_below_its_prefix_alone() {
        let mut other = archive();
        other.note = "another".into();
        other.tensors.insert("probe.bias".into(), other.tensors["head.bias"].clone());
        assert_eq!(other.fingerprint("head."), archive().fingerprint("head."));
        assert_ne!(other.fingerprint(""), archive().fingerprint(""));
        other.tensors.get_mut("head.bias").unwrap().values[0] += 1.0;
        assert_ne!(other.fingerprint("head."), archive().fingerprint("head."));
    }

    #[test]
    fn half_precision_is_near() {
        let read = Archive::from_bytes(&archive().to_bytes(Precision::Half)).unwrap();
        let (a, b) = (archive().tensors["head.weight"].clone(), &read.tensors["head.weight"]);
        assert!(a.values.iter().zip(&b.values).all(|(a, b)| (a - b).abs() < 1e-3));
    }

    #[test]
    fn every_truncation_is_an_error() {
        let bytes = archive().to_bytes(Precision::Single);
        for length in 0..bytes.len() {
            assert!(Archive::from_bytes(&bytes[..length]).is_err(), "{length} bytes were accepted");
        }
    }

    #[test]
    fn a_hostile_header_length_is_refused() {
        let mut bytes = archive().to_bytes(Precision::Single);
        bytes[..8].copy_from_slice(&u64::MAX.to_le_bytes());
        let error = Archive::from_bytes(&bytes).expect_err("the header cannot be that long");
        assert_eq!(error.code(), "NOT_SAFETENSORS");
    }

    #[test]
    fn not_a_number_is_named() {
        let mut broken = archive();
        broken.tensors.get_mut("head.bias").unwrap().values[1] = f32::NAN;
        let error = Archive::from_bytes(&broken.to_bytes(Precision::Single)).expect_err("NaN");
        assert!(matches!(error, Error::NotFinite { name } if name == "head.bias"));
    }

    #[test]
    fn a_module_of_another_shape_is_refused() {
        let error = archive().restore("head", linear(1, 5)).expect_err("4 inputs are not 5");
        assert!(
            matches!(&error, Error::TensorShape { name, expected, got }
                if name == "head.weight" && expected == &[3, 5] && got == &[3, 4]),
            "{error}"
        );
        let error = archive().restore("other", linear(1, 4)).expect_err("no such prefix");
        assert_eq!(error.code(), "MISSING_TENSOR");
    }
}
