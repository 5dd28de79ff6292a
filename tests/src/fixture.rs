//! Values computed elsewhere, from the folder `fixtures` or the one that `KITH_FIXTURES` names.

use std::path::PathBuf;

use half::{bf16, f16};
use kith_core::archive::Stored;
use kith_core::{Device, Tensor};
use safetensors::tensor::{Dtype, SafeTensors};

/// One file of named tensors.
#[derive(Debug)]
pub struct Fixture {
    name: String,
    bytes: Vec<u8>,
}

impl Fixture {
    /// Reads a file.
    ///
    /// # Panics
    /// When the file is not there or is no fixture.
    pub fn open(name: &str) -> Self {
        let folder = std::env::var_os("KITH_FIXTURES").map_or_else(
            || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures"),
            PathBuf::from,
        );
        let path = folder.join(format!("{name}.safetensors"));
        let bytes = std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        Self { name: name.to_owned(), bytes }
    }

    /// The bytes of the file.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Whether there is a tensor of that name.
    pub fn has(&self, name: &str) -> bool {
        self.file().names().contains(&name)
    }

    /// What comes after `prefix` in the names that start so, in order.
    pub fn names(&self, prefix: &str) -> Vec<String> {
        let file = self.file();
        let mut names: Vec<String> = file
            .names()
            .into_iter()
            .filter_map(|name| name.strip_prefix(prefix).map(str::to_owned))
            .collect();
        names.sort();
        names
    }

    /// A tensor as numbers; whole numbers become numbers too.
    ///
    /// # Panics
    /// When there is none of that name.
    pub fn stored(&self, name: &str) -> Stored {
        let file = self.file();
        let view = file.tensor(name).unwrap_or_else(|e| panic!("{}: {name}: {e}", self.name));
        let bytes = view.data();
        let values = match view.dtype() {
            Dtype::F32 => numbers(bytes, f32::from_le_bytes),
            Dtype::F16 => numbers(bytes, |bytes| f16::from_le_bytes(bytes).to_f32()),
            Dtype::BF16 => numbers(bytes, |bytes| bf16::from_le_bytes(bytes).to_f32()),
            Dtype::I64 => numbers(bytes, |bytes| i64::from_le_bytes(bytes) as f32),
            Dtype::I32 => numbers(bytes, |bytes| i32::from_le_bytes(bytes) as f32),
            Dtype::U8 => numbers(bytes, |[byte]| f32::from(byte)),
            other => panic!("{}: {name} holds {other:?}", self.name),
        };
        Stored { shape: view.shape().to_vec(), values }
    }

    /// The numbers of a tensor.
    pub fn values(&self, name: &str) -> Vec<f32> {
        self.stored(name).values
    }

    /// The only number of a tensor.
    pub fn number(&self, name: &str) -> f64 {
        f64::from(self.values(name)[0])
    }

    /// Whole numbers.
    pub fn integers(&self, name: &str) -> Vec<i32> {
        self.values(name).into_iter().map(|x| x as i32).collect()
    }

    /// A tensor on a device.
    ///
    /// # Panics
    /// When it has another rank.
    pub fn tensor<const D: usize>(&self, name: &str, device: &Device) -> Tensor<D> {
        let stored = self.stored(name);
        let shape = stored.shape.clone().try_into().expect("the rank is as asked");
        stored.to_device(name, shape, device).expect("the shape is its own")
    }

    fn file(&self) -> SafeTensors<'_> {
        SafeTensors::deserialize(&self.bytes).unwrap_or_else(|e| panic!("{}: {e}", self.name))
    }
}

/// Numbers of N bytes each.
fn numbers<const N: usize>(bytes: &[u8], of: impl Fn([u8; N]) -> f32) -> Vec<f32> {
    bytes.as_chunks::<N>().0.iter().map(|bytes| of(*bytes)).collect()
}
