//! Files of weights that other software wrote.

mod pytorch;

use std::fs::File;
use std::io::Read;
use std::path::Path;

use kith_core::archive::{Archive, Container};
use kith_core::import::Told;
use serde_json::{Map, Value};

use crate::failure::Failure;
use crate::files::FileError;

/// Files that timm and transformers write beside weights.
const CONFIG: &str = "config.json";
const PREPROCESSOR: &str = "preprocessor_config.json";

/// Reads a safetensors file or one of `PyTorch`'s, of which nothing is run.
///
/// # Errors
/// [`Failure::Weights`] for a file that is neither, is damaged or claims more than it holds.
pub fn read(path: &Path) -> Result<Archive, Failure> {
    let mut head = Vec::new();
    let file = File::open(path).map_err(|e| FileError::new(path, e))?;
    file.take(Container::HEAD as u64)
        .read_to_end(&mut head)
        .map_err(|e| FileError::new(path, e))?;
    match Container::of(&head) {
        Container::Zip | Container::Pickle | Container::Tar => return pytorch::read(path),
        Container::Hdf5 => {
            return Err(refused(
                path,
                "it is an HDF5 file, as Keras writes them: expected safetensors or .pth",
            ));
        }
        Container::Safetensors | Container::Unknown => {}
    }
    let bytes = std::fs::read(path).map_err(|e| FileError::new(path, e))?;
    let archive = Archive::from_foreign(&bytes).map_err(Failure::of(path))?;
    match archive.note.is_empty() {
        true => Ok(archive),
        false => Err(refused(path, "it is a checkpoint of kith's already: use it as it is")),
    }
}

/// What the files beside weights hold, put into `told`; names of those that are there.
///
/// # Errors
/// [`Failure::Weights`] for a file of such a name that is no JSON.
pub(crate) fn read_beside(weights: &Path, told: &mut Told) -> Result<Vec<&'static str>, Failure> {
    let folder = weights.parent().unwrap_or_else(|| Path::new(""));
    let read = |name: &str| -> Result<Option<Map<String, Value>>, Failure> {
        let path = folder.join(name);
        let Ok(text) = std::fs::read_to_string(&path) else { return Ok(None) };
        serde_json::from_str(&text).map(Some).map_err(|e| refused(&path, e.to_string()))
    };
    told.config = read(CONFIG)?;
    told.preprocessor_config = read(PREPROCESSOR)?;
    let found = [(CONFIG, &told.config), (PREPROCESSOR, &told.preprocessor_config)];
    Ok(found.into_iter().filter(|(_, file)| file.is_some()).map(|(name, _)| name).collect())
}

fn refused(path: &Path, reason: impl Into<String>) -> Failure {
    Failure::Weights { path: path.to_owned(), reason: reason.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_beside_weights_are_found() {
        let folder = tempfile::tempdir().unwrap();
        let weights = folder.path().join("model.safetensors");
        let mut told = Told::default();
        assert!(read_beside(&weights, &mut told).unwrap().is_empty());
        assert_eq!(told, Told::default());
        std::fs::write(folder.path().join(PREPROCESSOR), r#"{"resample": 3}"#).unwrap();
        assert_eq!(read_beside(&weights, &mut told).unwrap(), [PREPROCESSOR]);
        assert_eq!(told.preprocessor_config.as_ref().unwrap()["resample"], 3);
        std::fs::write(folder.path().join(CONFIG), "{").unwrap();
        let error = read_beside(&weights, &mut told).expect_err("no JSON");
        assert_eq!(error.code(), "WEIGHTS");
    }
}
