//! Writing a cache: beside its place, then into it.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::index::Index;
use super::{Cache, Records, path};
use crate::walk::Found;
use kith_core::square::Frame;

/// End of the names of caches that are still being written.
const UNFINISHED: &str = ".kith-unfinished";

/// A cache that is being written. Dropped before it is finished, it leaves nothing.
#[derive(Debug)]
pub(crate) struct Writer {
    file: BufWriter<NamedTempFile>,
    index: Index,
    place: PathBuf,
    side: usize,
}

impl Writer {
    /// Begins the cache of a folder and a side.
    pub(crate) fn start(cache: &Cache, directory: &Path, frame: Frame) -> io::Result<Self> {
        fs::create_dir_all(&cache.folder)?;
        sweep(&cache.folder);
        let file = tempfile::Builder::new().prefix(".images.").suffix(UNFINISHED).make_in(
            &cache.folder,
            |path| {
                // With the mode that the user's umask asks for: others may share the folder.
                File::options().read(true).write(true).create_new(true).open(path)
            },
        )?;
        // Held while the process lives: who sweeps tells by it what nobody writes any more.
        let _unsupported = file.as_file().try_lock();
        let place = path(cache, directory, frame);
        Ok(Self { file: BufWriter::new(file), index: Index::default(), place, side: frame.side })
    }

    /// Adds an image, or why it cannot be read.
    pub(crate) fn add(&mut self, of: &Found, square: Result<&[u8], &str>) -> io::Result<()> {
        if let Ok(square) = square {
            self.file.write_all(square)?;
        }
        self.index.add(of, square.map(crc32fast::hash));
        Ok(())
    }

    /// Puts the cache in its place.
    pub(crate) fn finish(mut self) -> io::Result<Records> {
        self.file.write_all(&self.index.to_bytes(self.side))?;
        let file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.as_file().sync_all()?;
        let file = file.persist(&self.place).map_err(|error| error.error)?;
        let _unsupported = file.unlock();
        Ok(Records { file: file.into(), index: self.index.into(), side: self.side })
    }
}

/// Removes what killed processes left unfinished.
fn sweep(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let unfinished = path.to_string_lossy().ends_with(UNFINISHED);
        if unfinished && File::open(&path).is_ok_and(|file| file.try_lock().is_ok()) {
            // What cannot be removed does no harm but to room.
            let _ = fs::remove_file(&path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Cached;

    #[test]
    fn what_a_killed_process_left_is_removed_and_what_lives_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache { folder: folder.path().into(), most_bytes: u64::MAX, of: Cached::All };
        let left = folder.path().join(format!(".images.x{UNFINISHED}"));
        fs::write(&left, "half").unwrap();
        let living = Writer::start(&cache, folder.path(), 2.into()).unwrap();
        assert!(!left.exists(), "nobody writes it");
        let other = Writer::start(&cache, folder.path(), 2.into()).unwrap();
        assert!(
            living.finish().is_ok() && other.finish().is_ok(),
            "both are whole, the last stays"
        );
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
