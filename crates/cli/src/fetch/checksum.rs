//! MD5 sums of files: the kind of sum that the data sets' authors publish.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use md5::{Digest, Md5};

use super::error::FetchError;
use super::pour::{Fault, pour};
use super::{Progress, Stage};
use crate::files::FileError;

/// The file's MD5 sum in lower-case hexadecimal.
pub(super) fn md5(path: &Path, watch: &mut dyn FnMut(Progress)) -> Result<String, FetchError> {
    let fail = |source| FileError::new(path, source);
    let mut file = File::open(path).map_err(fail)?;
    let total = Some(file.metadata().map_err(fail)?.len());
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let mut hasher = Hasher(Md5::new());
    pour(&mut file, &mut hasher, |done| {
        watch(Progress { stage: Stage::Check, file: &name, done, total });
    })
    .map_err(|(Fault::Read(source) | Fault::Write(source))| fail(source))?;
    Ok(hasher.0.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The sum as something to pour bytes into.
struct Hasher(Md5);

impl Write for Hasher {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
