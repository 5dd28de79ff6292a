//! Room for a cache: on the disk, and within what caches may take.

use std::fs;
use std::path::Path;

use super::{Cache, caches, path};
use kith_core::square::Frame;

/// Share of the free disk that a cache leaves, as a divisor.
const LEFT_FREE: u64 = 10;

/// A megabyte, for showing.
const MEGABYTE: u64 = 1_000_000;

/// Makes room for a cache of so many bytes: removes those that were unused for longest.
///
/// The error says for people why there is none.
pub(crate) fn make_room(
    cache: &Cache,
    directory: &Path,
    (frame, needed): (Frame, u64),
) -> Result<(), String> {
    if needed > cache.most_bytes {
        let most = cache.most_bytes / MEGABYTE;
        return Err(format!("a cache of {} MB is more than {most} MB", needed / MEGABYTE));
    }
    fs::create_dir_all(&cache.folder).map_err(|e| format!("{}: {e}", cache.folder.display()))?;
    let own = path(cache, directory, frame);
    let others: Vec<_> = caches(&cache.folder).into_iter().filter(|(p, _)| *p != own).collect();
    let mut taken: u64 = others.iter().map(|(_, bytes)| bytes).sum();
    for (path, bytes) in others {
        if taken.saturating_add(needed) > cache.most_bytes && fs::remove_file(path).is_ok() {
            taken -= bytes;
        }
    }
    match fs4::available_space(&cache.folder) {
        Ok(free) if needed > free - free / LEFT_FREE => Err(format!(
            "a cache takes {} MB, {} has {} MB free",
            needed / MEGABYTE,
            cache.folder.display(),
            free / MEGABYTE
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{File, FileTimes};
    use std::time::{Duration, SystemTime};

    use super::*;
    use crate::Cached;

    #[test]
    fn what_was_unused_for_longest_goes_first_and_no_more_than_need_be() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for (age, name) in ["new.kith-images", "old.kith-images", "mine.txt"].iter().enumerate() {
            fs::write(at(name), [0; 40]).unwrap();
            let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000 - age as u64);
            let file = File::options().write(true).open(at(name)).unwrap();
            file.set_times(FileTimes::new().set_modified(time)).unwrap();
        }
        let cache = Cache { folder: folder.path().into(), most_bytes: 100, of: Cached::All };
        make_room(&cache, folder.path(), (2.into(), 20)).unwrap();
        assert!(at("old.kith-images").exists(), "there is room for all");
        make_room(&cache, folder.path(), (2.into(), 60)).unwrap();
        let left = ["new.kith-images", "old.kith-images", "mine.txt"].map(|name| at(name).exists());
        assert_eq!(left, [true, false, true]);
        assert!(make_room(&cache, folder.path(), (2.into(), 101)).is_err());
        let endless = Cache { most_bytes: u64::MAX, ..cache };
        let reason = make_room(&endless, folder.path(), (2.into(), u64::MAX / 2)).unwrap_err();
        assert!(reason.contains("free"), "{reason}");
    }
}
