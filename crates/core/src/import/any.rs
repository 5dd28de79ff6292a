//! A file of weights, whoever wrote it.

use burn::tensor::Device;

use super::{Imported, Told, checkpoint};
use crate::archive::{Archive, Container, Dtype};
use crate::checkpoint::Meta;
use crate::error::Error;

/// A checkpoint of kith's, or what was found in a file of other software's.
#[derive(Clone, Debug)]
pub enum AnyCheckpoint {
    /// kith's own.
    Kith(Archive, Box<Meta>),
    /// Somebody else's encoder, and the element type of its weights in the file.
    Imported(Box<Imported>, Box<Meta>, Dtype),
}

impl AnyCheckpoint {
    /// Reads a safetensors file that is called `name`, of which `told` says what it does not say itself.
    ///
    /// # Errors
    /// Those of [`Archive::from_foreign`], [`Meta::read`] and [`checkpoint()`]; [`Error::OtherContainer`]
    /// for a file of `PyTorch`'s, [`Error::Setting`] where something is told of a checkpoint of kith's.
    pub fn open(
        bytes: &[u8],
        name: &str,
        told: Option<&Told>,
        device: &Device,
    ) -> Result<Self, Error> {
        Container::of(bytes).check_safetensors()?;
        let file = Archive::from_foreign(bytes)?;
        if !file.note.is_empty() {
            let meta = Meta::read(&file)?;
            if told.is_some() {
                let expected = "nothing: the file is a checkpoint of kith's, which says all itself";
                return Err(Error::setting("import", expected, "what is told of a file"));
            }
            return Ok(Self::Kith(file, meta.into()));
        }
        let dtype = file.dtype().unwrap_or(Dtype::F32);
        let mut told = told.cloned().unwrap_or_default();
        told.source.get_or_insert_with(|| name.to_owned());
        let (imported, meta) = checkpoint(&file, &told, device)?;
        Ok(Self::Imported(imported.into(), meta.into(), dtype))
    }

    /// What it says of itself.
    pub fn meta(&self) -> &Meta {
        match self {
            Self::Kith(_, meta) | Self::Imported(_, meta, _) => meta,
        }
    }

    /// Its tensors, under kith's names.
    pub fn archive(&self) -> &Archive {
        match self {
            Self::Kith(archive, _) => archive,
            Self::Imported(imported, ..) => &imported.archive,
        }
    }
}
