//! Files of weights that other software wrote.

mod pytorch;
mod config;

use std::fs::File;
use std::io::Read;
use std::path::Path;

use kith_core::Error;
use kith_core::archive::Archive;

use crate::failure::Failure;
use crate::files::FileError;

pub(crate) use config::Beside;

/// How a zip archive begins, and a pickle.
const ZIP: &[u8] = b"PK";
const PICKLE: u8 = 0x80;
/// Where a tar archive says that it is one, and how.
const TAR: (usize, &[u8]) = (257, b"ustar");
/// How an HDF5 file begins, and what it is.
const HDF5: &[u8] = b"\x89HDF";

/// Reads a safetensors file or one of `PyTorch`'s, of which nothing is run.
///
/// # Errors
/// [`Failure::Weights`] for a file that is neither, is damaged or claims more than it holds.
pub(crate) fn read(path: &Path) -> Result<Archive, Failure> {
    let mut head = Vec::new();
    let file = File::open(path).map_err(|e| FileError::new(path, e))?;
    let (at, tar) = TAR;
    file.take((at + tar.len()) as u64)
        .read_to_end(&mut head)
        .map_err(|e| FileError::new(path, e))?;
    let is_pytorchs =
        head.starts_with(ZIP) || head.first() == Some(&PICKLE) || head.get(at..) == Some(tar);
    if is_pytorchs {
        return pytorch::read(path);
    }
    if head.starts_with(HDF5) {
        return Err(refused(
            path,
            "it is an HDF5 file, as Keras writes them: expected safetensors or .pth",
        ));
    }
    let bytes = std::fs::read(path).map_err(|e| FileError::new(path, e))?;
    match Archive::from_bytes(&bytes) {
        Ok(_kiths) => Err(refused(path, "it is a checkpoint of kith's already: use it as it is")),
        Err(Error::NotKith) => Archive::from_foreign(&bytes).map_err(Failure::of(path)),
        Err(error) => Err(Failure::of(path)(error)),
    }
}

fn refused(path: &Path, reason: impl Into<String>) -> Failure {
    Failure::Weights { path: path.to_owned(), reason: reason.into() }
}
