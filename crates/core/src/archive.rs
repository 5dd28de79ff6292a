//! Named tensors with a JSON note in one safetensors file: bytes in, bytes out.

mod container;
mod encoded;
mod fingerprint;
mod parameters;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};
use safetensors::tensor::SafeTensors;

use crate::error::Error;
use crate::path::Path;
use crate::read::read;
pub use container::Container;
pub use encoded::Encoded;
use parameters::{Gather, Scatter};
pub use safetensors::tensor::Dtype;

/// The metadata key under which the note lies.
const NOTE: &str = "kith";
/// Element types that weights have.
const WEIGHTS: [Dtype; 4] = [Dtype::F64, Dtype::BF16, Dtype::F16, Dtype::F32];

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
///
/// Tensors of a file are decoded by [`Archive::get`] alone: what nobody asks for may be of any type.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Archive {
    /// JSON that says what the tensors are.
    pub note: String,
    /// Tensors that were put in, by name.
    pub tensors: BTreeMap<String, Stored>,
    /// Tensors of the file that it was read from, not decoded yet, by name.
    pub file: BTreeMap<String, Encoded>,
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
    /// The bytes of a safetensors file that [`Self::from_bytes`] and [`Self::get`] read again.
    ///
    /// # Errors
    /// [`Error::NotFinite`] for NaN and infinity, [`Error::HalfOverflow`] for a number that
    /// [`Precision::Half`] cannot hold, those of [`Self::get`].
    pub fn to_bytes(&self, precision: Precision) -> Result<Vec<u8>, Error> {
        self.serialized(precision, (NOTE, &self.note))
    }

    /// The bytes of a safetensors file without kith's note, as `PyTorch`'s libraries write them:
    /// [`Self::from_foreign`] reads it again.
    ///
    /// # Errors
    /// Those of [`Self::to_bytes`].
    pub fn to_foreign(&self, precision: Precision) -> Result<Vec<u8>, Error> {
        self.serialized(precision, ("format", "pt"))
    }

    /// All tensors, and one entry of metadata.
    fn serialized(
        &self,
        precision: Precision,
        (key, entry): (&str, &str),
    ) -> Result<Vec<u8>, Error> {
        let mut encoded = Vec::new();
        for name in self.names() {
            if let Some(bytes) = self.file.get(name).filter(|tensor| tensor.kind() == Dtype::U8) {
                encoded.push((name, Cow::Borrowed(bytes)));
                continue;
            }
            let stored = self.get(name)?;
            let bytes = precision.encode(name, &stored.values)?;
            let tensor = Encoded::new(precision.dtype(), stored.shape.clone(), bytes);
            let tensor = tensor.expect("the bytes were made from this shape");
            encoded.push((name, Cow::Owned(tensor)));
        }
        let views = encoded.iter().map(|(name, tensor)| (*name, tensor.view()));
        let metadata = HashMap::from([(key.to_owned(), entry.to_owned())]);
        Ok(safetensors::serialize(views, Some(metadata)).expect("views of valid tensors serialize"))
    }

    /// Reads a safetensors file that kith wrote.
    ///
    /// # Errors
    /// [`Error::NotSafetensors`] for a truncated, corrupted or foreign file, [`Error::NotKith`]
    /// without kith's note.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let archive = Self::from_foreign(bytes)?;
        if archive.note.is_empty() { Err(Error::NotKith) } else { Ok(archive) }
    }

    /// Reads a safetensors file of anybody's; without a note of kith's, its note is empty.
    ///
    /// # Errors
    /// [`Error::NotSafetensors`] for a truncated, corrupted or foreign file.
    pub fn from_foreign(bytes: &[u8]) -> Result<Self, Error> {
        let unreadable =
            |e: safetensors::SafeTensorError| Error::NotSafetensors { reason: e.to_string() };
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(unreadable)?;
        let note = header.metadata().as_ref().and_then(|m| m.get(NOTE)).cloned();
        let opened = SafeTensors::deserialize(bytes).map_err(unreadable)?;
        let file =
            opened.iter().map(|(name, view)| (name.to_owned(), Encoded::of(&view))).collect();
        Ok(Self { note: note.unwrap_or_default(), tensors: BTreeMap::new(), file })
    }

    /// The element type in which most tensors of weights were stored; none where there are none.
    pub fn dtype(&self) -> Option<Dtype> {
        let of = |kind: Dtype| self.file.values().filter(|encoded| encoded.kind() == kind).count();
        let found =
            WEIGHTS.map(|kind| (of(kind), kind)).into_iter().max_by_key(|(count, _)| *count);
        found.filter(|(count, _)| *count > 0).map(|(_, kind)| kind)
    }

    /// Names of all tensors, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let names: BTreeSet<&str> =
            self.tensors.keys().chain(self.file.keys()).map(String::as_str).collect();
        names.into_iter()
    }

    /// Names that begin so, in order.
    pub fn names_below(&self, prefix: &str) -> impl Iterator<Item = &str> {
        self.names().filter(move |name| name.starts_with(prefix))
    }

    /// The shape of a tensor, which is known without decoding it.
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        let file = || self.file.get(name).map(|encoded| &encoded.shape);
        let shape = self.tensors.get(name).map(|stored| &stored.shape).or_else(file);
        shape.map(Vec::as_slice)
    }

    /// Forgets all tensors but those whose names are wanted.
    pub fn keep(&mut self, wanted: impl Fn(&str) -> bool) {
        self.tensors.retain(|name, _| wanted(name));
        self.file.retain(|name, _| wanted(name));
    }

    /// Numbers under `prefix` that are learnt: all but running statistics.
    pub fn parameters(&self, prefix: &str) -> usize {
        let learnt = self.names_below(prefix).filter(|name| !is_statistic(name));
        learnt
            .filter_map(|name| self.shape(name))
            .map(|shape| shape.iter().product::<usize>())
            .sum()
    }

    /// The tensor of that name.
    ///
    /// # Errors
    /// [`Error::MissingTensor`] when there is none, [`Error::TensorType`] and [`Error::NotFinite`] for
    /// one that cannot be weights.
    pub fn get(&self, name: &str) -> Result<Cow<'_, Stored>, Error> {
        if let Some(stored) = self.tensors.get(name) {
            return Ok(Cow::Borrowed(stored));
        }
        match self.file.get(name) {
            Some(encoded) => encoded.decode(name).map(Cow::Owned),
            None => Err(Error::MissingTensor { name: name.to_owned() }),
        }
    }

    /// Takes a tensor of bytes out, with its shape; none where there is none of that name and type.
    pub(crate) fn take_bytes(&mut self, name: &str) -> Option<(Vec<usize>, Vec<u8>)> {
        self.file.get(name).filter(|tensor| tensor.kind() == Dtype::U8)?;
        self.file.remove(name).map(Encoded::into_parts)
    }

    /// Puts a tensor of bytes in, which is written as it is.
    ///
    /// # Panics
    /// When the bytes do not fill the shape.
    pub(crate) fn put_bytes(&mut self, name: &str, shape: Vec<usize>, bytes: Vec<u8>) {
        let tensor = Encoded::new(Dtype::U8, shape, bytes).expect("as many bytes as the shape has");
        self.file.insert(name.to_owned(), tensor);
    }

    /// Adds every parameter of a module under `prefix`.
    ///
    /// # Errors
    /// [`Error::Device`] when reading fails.
    pub async fn add<M: Module>(&mut self, prefix: &str, module: &M) -> Result<(), Error> {
        self.add_wanted(prefix, module, |_| true).await
    }

    /// Adds the running statistics of a module's normalisations under `prefix`.
    ///
    /// # Errors
    /// [`Error::Device`] when reading fails.
    pub(crate) async fn add_statistics<M: Module>(
        &mut self,
        prefix: &str,
        module: &M,
    ) -> Result<(), Error> {
        self.add_wanted(prefix, module, is_statistic).await
    }

    async fn add_wanted<M: Module>(
        &mut self,
        prefix: &str,
        module: &M,
        wanted: impl Fn(&str) -> bool,
    ) -> Result<(), Error> {
        let mut gather = Gather { path: Path::below(prefix), reads: Vec::new() };
        module.visit(&mut gather);
        for (name, reading) in gather.reads.into_iter().filter(|(name, _)| wanted(name)) {
            self.tensors.insert(name, reading.await?);
        }
        Ok(())
    }

    /// The module with its parameters replaced by those under `prefix`.
    ///
    /// # Errors
    /// [`Error::MissingTensor`], [`Error::TensorShape`] for the first that does not fit.
    pub fn restore<M: Module>(&self, prefix: &str, module: M) -> Result<M, Error> {
        self.restore_wanted(prefix, module, |_| true)
    }

    /// Replaces the running statistics of a module's normalisations by those under `prefix`, in all of its
    /// clones: clones share them.
    ///
    /// # Errors
    /// As [`Self::restore`].
    pub(crate) fn restore_statistics<M: Module>(
        &self,
        prefix: &str,
        module: &M,
    ) -> Result<(), Error> {
        self.restore_wanted(prefix, module.clone(), is_statistic).map(drop)
    }

    fn restore_wanted<M: Module>(
        &self,
        prefix: &str,
        module: M,
        wanted: fn(&str) -> bool,
    ) -> Result<M, Error> {
        let path = Path::below(prefix);
        let mut scatter = Scatter { archive: self, wanted, path, failed: None };
        let module = module.map(&mut scatter);
        scatter.failed.map_or(Ok(module), Err)
    }
}

/// Whether a tensor of such a name is no parameter, but a running statistic.
fn is_statistic(name: &str) -> bool {
    name.contains(".running_")
}

#[cfg(test)]
mod tests {
    use safetensors::tensor::TensorView;

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
        let bytes = archive().to_bytes(Precision::Single).unwrap();
        let read = Archive::from_bytes(&bytes).unwrap();
        assert_eq!(read.names().collect::<Vec<_>>(), ["head.bias", "head.weight"]);
        assert_eq!(read.shape("head.weight"), Some(&[3, 4][..]));
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
        let read = Archive::from_bytes(&archive().to_bytes(Precision::Half).unwrap()).unwrap();
        let (a, b) = (archive().tensors["head.weight"].clone(), read.get("head.weight").unwrap());
        assert!(a.values.iter().zip(&b.values).all(|(a, b)| (a - b).abs() < 1e-3));
    }

    #[test]
    fn every_truncation_is_an_error() {
        let bytes = archive().to_bytes(Precision::Single).unwrap();
        for length in 0..bytes.len() {
            assert!(Archive::from_bytes(&bytes[..length]).is_err(), "{length} bytes were accepted");
        }
    }

    #[test]
    fn a_hostile_header_length_is_refused() {
        let mut bytes = archive().to_bytes(Precision::Single).unwrap();
        bytes[..8].copy_from_slice(&u64::MAX.to_le_bytes());
        let error = Archive::from_bytes(&bytes).expect_err("the header cannot be that long");
        assert_eq!(error.code(), "NOT_SAFETENSORS");
    }

    #[test]
    fn not_a_number_is_named_and_never_written() {
        let mut broken = archive();
        broken.tensors.get_mut("head.bias").unwrap().values[1] = f32::NAN;
        for precision in [Precision::Single, Precision::Half] {
            let error = broken.to_bytes(precision).expect_err("NaN");
            assert!(matches!(error, Error::NotFinite { name } if name == "head.bias"));
        }
        let mut bytes = archive().to_bytes(Precision::Single).unwrap();
        let end = bytes.len();
        bytes[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
        let read = Archive::from_bytes(&bytes).expect("nobody asked for it yet");
        let error = read.restore("head", linear(2, 4)).expect_err("NaN");
        assert!(matches!(error, Error::NotFinite { name } if name == "head.weight"));
    }

    #[test]
    fn two_bytes_hold_no_number_above_65504() {
        let of = |value: f32| {
            let mut archive = archive();
            archive.tensors.get_mut("head.bias").unwrap().values[1] = value;
            archive
        };
        for value in [65_504.0, 65_519.0, -65_504.0, 1e-30, f32::MIN_POSITIVE] {
            let bytes = of(value).to_bytes(Precision::Half).expect("it fits or vanishes");
            Archive::from_bytes(&bytes).unwrap().get("head.bias").expect("it is read again");
        }
        for value in [65_520.0, 70_000.0, -1e30] {
            let error = of(value).to_bytes(Precision::Half).expect_err("it overflows");
            assert_eq!(error.code(), "HALF_OVERFLOW");
            let text = error.to_string();
            assert!(text.contains("head.bias") && text.contains(&value.to_string()), "{text}");
            of(value).to_bytes(Precision::Single).expect("four bytes hold it");
        }
    }

    #[test]
    fn numbers_of_every_type_that_weights_have_are_read() {
        let quarters = [-1.25_f32, 0.75];
        let doubles: Vec<u8> = quarters.iter().flat_map(|x| f64::from(*x).to_le_bytes()).collect();
        let brains: Vec<u8> =
            quarters.iter().flat_map(|x| half::bf16::from_f32(*x).to_le_bytes()).collect();
        let huge = 1e300_f64.to_le_bytes().to_vec();
        let encoded = |kind, count, bytes| Encoded::new(kind, vec![count], bytes).unwrap();
        let file = [
            ("doubles".to_owned(), encoded(Dtype::F64, 2, doubles)),
            ("brains".to_owned(), encoded(Dtype::BF16, 2, brains)),
            ("huge".to_owned(), encoded(Dtype::F64, 1, huge)),
        ];
        let archive = Archive { file: file.into(), ..Archive::default() };
        for name in ["doubles", "brains"] {
            assert_eq!(archive.get(name).unwrap().values, quarters, "{name}");
        }
        assert_eq!(archive.get("huge").expect_err("no f32").code(), "NOT_FINITE");
        assert!(Encoded::new(Dtype::F32, vec![2], vec![0; 4]).is_none(), "half of it is missing");
    }

    #[test]
    fn what_nobody_asks_for_is_never_decoded() {
        let written = archive();
        let bytes = |stored: &Stored| Precision::Single.encode("", &stored.values).unwrap();
        let own: Vec<_> = written.tensors.iter().map(|(name, s)| (name, s, bytes(s))).collect();
        let nan = f32::NAN.to_le_bytes();
        let kinds = [Dtype::I64, Dtype::BOOL, Dtype::F8_E4M3, Dtype::U16, Dtype::U8];
        let foreign = kinds.map(|kind| (format!("x.{kind:?}"), kind, vec![0; kind.bitsize() / 8]));
        let views = own
            .iter()
            .map(|(name, s, b)| (name.as_str(), TensorView::new(Dtype::F32, s.shape.clone(), b)))
            .chain(foreign.iter().map(|(name, k, b)| (&name[..], TensorView::new(*k, vec![1], b))))
            .chain([("y", TensorView::new(Dtype::F32, vec![1], &nan))])
            .map(|(name, view)| (name, view.unwrap()));
        let note = HashMap::from([(NOTE.to_owned(), "{}".to_owned())]);
        let read = Archive::from_bytes(&safetensors::serialize(views, Some(note)).unwrap());
        let read = read.expect("foreign tensors do no harm");
        read.restore("head", linear(2, 4)).expect("kith's own are whole");
        assert_eq!(read.fingerprint("head."), written.fingerprint("head."));
        for kind in kinds {
            let error = read.get(&format!("x.{kind:?}")).expect_err("kith has no such numbers");
            assert!(error.to_string().contains(&format!("{kind:?}")), "{error}");
        }
        assert_eq!(read.get("y").expect_err("NaN").code(), "NOT_FINITE");
        assert_eq!(read.shape("x.I64"), Some(&[1][..]), "its shape is known all the same");
        let mut kept = read.clone();
        kept.keep(|name| name.starts_with("head."));
        assert_eq!(
            kept.to_bytes(Precision::Single).unwrap(),
            written.to_bytes(Precision::Single).unwrap()
        );
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
