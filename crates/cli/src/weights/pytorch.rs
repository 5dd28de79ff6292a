//! `PyTorch`'s files: zip archives, streams of pickles, tar archives. Nothing in them is run.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

use kith_core::archive::{Archive, Dtype, Encoded};
use pytorch_reader::{DType, PytorchError, PytorchReader};
use tempfile::NamedTempFile;
use zip::read::{ArchiveOffset, Config};
use zip::{ZipArchive, ZipWriter};

use super::refused;
use crate::failure::Failure;
use crate::files::FileError;

/// Tensors may share what is stored, but weights are never many times what the file holds.
const MOST_TIMES: u64 = 4;
/// What the error says in its place.
const SHARED: &str = "four times the file";

/// Every tensor of a file, by its way through the file's dictionaries.
pub(super) fn read(path: &Path) -> Result<Archive, Failure> {
    let reader = match PytorchReader::new(path) {
        // The library guesses where some archives start, and some of its guesses are wrong: those whose
        // files were saved under a name of 21 characters, among others.
        Err(PytorchError::Zip(_)) => {
            let anew = repacked(path)?;
            PytorchReader::new(anew.path()).map_err(|e| refused(path, words(&e)))
        }
        reader => reader.map_err(|e| refused(path, words(&e))),
    }?;
    let length = std::fs::metadata(path).map_err(|e| FileError::new(path, e))?.len();
    let tensors: BTreeMap<_, _> = reader.into_tensors().into_iter().collect();
    let claimed: u64 = tensors.values().map(|tensor| tensor.byte_len() as u64).sum();
    if claimed > length.saturating_mul(MOST_TIMES) {
        let reason = format!(
            "its tensors claim {claimed} bytes, the file has {length}: expected at most {SHARED}"
        );
        return Err(refused(path, reason));
    }
    let mut archive = Archive::default();
    for (name, tensor) in tensors {
        let bytes = tensor.read().map_err(|e| refused(path, e.to_string()))?;
        let encoded = Encoded::new(
            kind(tensor.dtype()),
            tensor.shape().to_vec(),
            little(tensor.dtype(), bytes),
        );
        let encoded =
            encoded.ok_or_else(|| refused(path, format!("`{name}` does not fill its shape")))?;
        archive.file.insert(name, encoded);
    }
    Ok(archive)
}

fn words(error: &PytorchError) -> String {
    format!("it cannot be read as PyTorch's: {error}")
}

/// The same archive in a file whose start needs no guess.
fn repacked(path: &Path) -> Result<NamedTempFile, Failure> {
    let file = File::open(path).map_err(|e| FileError::new(path, e))?;
    let unreadable =
        |e: zip::result::ZipError| refused(path, format!("its zip archive is damaged: {e}"));
    let config = Config { archive_offset: ArchiveOffset::Known(0) };
    let mut archive = ZipArchive::with_config(config, file).map_err(unreadable)?;
    let mut anew = NamedTempFile::new().map_err(|e| FileError::new(path, e))?;
    let mut writer = ZipWriter::new(&mut anew);
    for place in 0..archive.len() {
        let entry = archive.by_index_raw(place).map_err(unreadable)?;
        let name = entry.name().map_err(unreadable)?;
        let name = format!("archive/{}", name.split_once('/').map_or(&*name, |(_, rest)| rest));
        writer.raw_copy_file_rename(entry, name).map_err(unreadable)?;
    }
    writer.finish().map_err(unreadable)?;
    let flushed = anew.flush().and_then(|()| anew.seek(SeekFrom::Start(0)));
    flushed.map_err(|e| FileError::new(anew.path(), e))?;
    Ok(anew)
}

fn kind(kind: DType) -> Dtype {
    match kind {
        DType::F64 => Dtype::F64,
        DType::F32 => Dtype::F32,
        DType::F16 => Dtype::F16,
        DType::BF16 => Dtype::BF16,
        DType::I64 => Dtype::I64,
        DType::I32 => Dtype::I32,
        DType::I16 => Dtype::I16,
        DType::I8 => Dtype::I8,
        DType::U64 => Dtype::U64,
        DType::U32 => Dtype::U32,
        DType::U16 => Dtype::U16,
        DType::U8 => Dtype::U8,
        DType::Bool => Dtype::BOOL,
    }
}

/// Numbers in this machine's order as the archive has them.
fn little(kind: DType, mut bytes: Vec<u8>) -> Vec<u8> {
    if cfg!(target_endian = "big") {
        bytes.chunks_exact_mut(kind.size()).for_each(<[u8]>::reverse);
    }
    bytes
}
