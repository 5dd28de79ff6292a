//! Resized images of a folder in one file, so that none is decoded twice.
//!
//! A file holds records of `[3, side, side]` bytes, then what they are of: path, size and time of
//! change of every image, with a checksum of its record, or why it cannot be read. It is written
//! under another name and put in its place when it is whole, and never changed afterwards, so
//! that any number of processes may use it. A changed image, another side or another way of
//! resizing never meets an old record.

mod index;
mod room;
mod write;

use std::fs::{self, File, FileTimes};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use kith_core::image::CHANNELS;
use kith_core::square::Frame;

use crate::read_at::read_exact_at;
use crate::walk::Found;
use index::Index;

pub(crate) use index::Outcome;
pub(crate) use room::make_room;
pub(crate) use write::Writer;

/// End of the names of caches.
const ENDING: &str = "kith-images";

/// Where resized images are kept, and how much of the disk they may take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cache {
    /// The folder; it is made if need be.
    pub folder: PathBuf,
    /// The most bytes that all caches in the folder take; those unused for longest are removed.
    pub most_bytes: u64,
    /// Which folders of images are worth it.
    pub of: Cached,
}

/// Which folders of images get a cache.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cached {
    /// Those whose images do not fit into the memory that a dataset may take.
    #[default]
    Large,
    /// All.
    All,
}

/// Bytes of an image of a side.
pub(crate) fn record_bytes(side: usize) -> usize {
    CHANNELS * side * side
}

/// A whole cache.
#[derive(Clone, Debug)]
pub(crate) struct Records {
    file: Arc<File>,
    index: Arc<Index>,
    side: usize,
}

impl Records {
    /// The cache of a folder and a side, if there is one that is whole.
    pub(crate) fn open(cache: &Cache, directory: &Path, frame: Frame) -> Option<Self> {
        let side = frame.side;
        let file = File::open(path(cache, directory, frame)).ok()?;
        let index = Index::read(&file, side)?;
        // What was used last is removed last; a disk that may only be read cannot tell.
        let _ = file.set_times(FileTimes::new().set_modified(SystemTime::now()));
        Some(Self { file: file.into(), index: index.into(), side })
    }

    /// What is known of an image; nothing if it has changed since.
    pub(crate) fn outcome(&self, of: &Found) -> Option<&Outcome> {
        self.index.get(of)
    }

    /// The record of an image; nothing if it is damaged.
    pub(crate) fn read(&self, place: Place, target: &mut [u8]) -> Option<()> {
        let offset = place.record * record_bytes(self.side) as u64;
        read_exact_at(&self.file, target, offset).ok()?;
        (crc32fast::hash(target) == place.sum).then_some(())
    }
}

/// Where a record lies and what its bytes sum to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// Counted from 0.
    pub(crate) record: u64,
    /// CRC-32 of its bytes.
    pub(crate) sum: u32,
}

/// Where the cache of a folder in a frame lies.
fn path(cache: &Cache, directory: &Path, frame: Frame) -> PathBuf {
    let real = directory.canonicalize().unwrap_or_else(|_gone| directory.to_owned());
    let name = real.file_name().unwrap_or_default().to_string_lossy();
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    let name: String = name.chars().take(40).map(plain).collect();
    let hash = hash(real.as_os_str().as_encoded_bytes());
    let how = frame
        .preprocessing
        .map_or(String::new(), |one| format!("-{}-{:?}", one.resize, one.filter));
    cache.folder.join(format!("{name}-{hash:016x}-{}{how}.{ENDING}", frame.side))
}

/// FNV-1a, which is the same in every version of the program.
fn hash(bytes: &[u8]) -> u64 {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0100_0000_01b3;
    bytes.iter().fold(OFFSET, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME))
}

/// Caches in a folder, with their sizes; those used last come last.
fn caches(folder: &Path) -> Vec<(PathBuf, u64)> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let cache = |entry: fs::DirEntry| {
        let known = entry.metadata().ok().filter(fs::Metadata::is_file)?;
        let path = entry.path();
        let is_ours = path.extension().is_some_and(|ending| ending == ENDING);
        is_ours.then(|| (known.modified().ok(), path, known.len()))
    };
    let mut found: Vec<_> = entries.filter_map(cache).collect();
    found.sort();
    found.into_iter().map(|(_, path, bytes)| (path, bytes)).collect()
}

#[cfg(test)]
mod tests {
    use kith_core::resize::Filter;
    use kith_core::square::Preprocessing;

    use super::*;

    const SIDE: usize = 2;

    fn found(name: &str) -> Found {
        Found { path: name.into(), bytes: 10, modified: 77 }
    }

    fn cache(folder: &Path) -> Cache {
        Cache { folder: folder.join("c"), most_bytes: u64::MAX, of: Cached::All }
    }

    /// A cache of two images and one that cannot be read.
    fn written(folder: &Path) -> Records {
        let mut writer = Writer::start(&cache(folder), folder, SIDE.into()).unwrap();
        writer.add(&found("a"), Ok(&[1; 12])).unwrap();
        writer.add(&found("bad"), Err("broken")).unwrap();
        writer.add(&found("b"), Ok(&[2; 12])).unwrap();
        writer.finish().unwrap()
    }

    fn first_byte(records: &Records, name: &str) -> Option<u8> {
        let Some(Ok(place)) = records.outcome(&found(name)) else { return None };
        let mut target = [0; 12];
        records.read(*place, &mut target).map(|()| target[0])
    }

    #[test]
    fn what_is_written_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let fresh = written(folder.path());
        let again = Records::open(&cache(folder.path()), folder.path(), SIDE.into()).unwrap();
        for records in [fresh, again] {
            assert_eq!([first_byte(&records, "a"), first_byte(&records, "b")], [Some(1), Some(2)]);
            assert_eq!(records.outcome(&found("bad")), Some(&Err("broken".to_owned())));
            assert_eq!(records.outcome(&found("c")), None);
        }
        assert_eq!(fs::read_dir(folder.path().join("c")).unwrap().count(), 1, "one file is left");
    }

    #[test]
    fn a_changed_image_and_another_side_are_not_known() {
        let folder = tempfile::tempdir().unwrap();
        let records = written(folder.path());
        assert_eq!(records.outcome(&Found { bytes: 11, ..found("a") }), None);
        assert_eq!(records.outcome(&Found { modified: 78, ..found("a") }), None);
        assert!(Records::open(&cache(folder.path()), folder.path(), (SIDE + 1).into()).is_none());
        let preprocessing = Some(Preprocessing { resize: SIDE, filter: Filter::Bicubic });
        let cut = Frame { side: SIDE, preprocessing };
        assert!(Records::open(&cache(folder.path()), folder.path(), cut).is_none());
        let other = folder.path().join("c");
        assert!(Records::open(&cache(folder.path()), &other, SIDE.into()).is_none());
    }

    #[test]
    fn a_damaged_cache_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let _whole = written(folder.path());
        let path = path(&cache(folder.path()), folder.path(), SIDE.into());
        let whole = fs::read(&path).unwrap();
        let opened = |content: &[u8]| {
            fs::write(&path, content).unwrap();
            Records::open(&cache(folder.path()), folder.path(), SIDE.into())
        };
        for length in 0..whole.len() {
            assert!(opened(&whole[..length]).is_none(), "{length} of {} bytes", whole.len());
        }
        let records = 2 * record_bytes(SIDE);
        for place in records..whole.len() {
            let mut damaged = whole.clone();
            damaged[place] ^= 1;
            assert!(opened(&damaged).is_none(), "byte {place} of the index");
        }
        let mut damaged = whole.clone();
        damaged[0] ^= 1;
        let records = opened(&damaged).expect("the index is whole");
        assert_eq!([first_byte(&records, "a"), first_byte(&records, "b")], [None, Some(2)]);
    }
}
