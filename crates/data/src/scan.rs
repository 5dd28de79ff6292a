//! Every image of a folder decoded once: which can be read, and where their pixels are kept.
//!
//! Pixels that fit into memory stay there. Those of larger folders go into a cache on the disk, or
//! are decoded anew whenever they are asked for; the numbers are the same all three ways.

use std::path::Path;

use rayon::prelude::*;

use crate::cache::{Cache, Cached, Records, Writer, make_room, record_bytes};
use crate::decode::square_from_file;
use crate::storage::{Decoded, Storage};
use crate::walk::Found;
use crate::{Error, Skipped};
use kith_core::square::Frame;

/// The most bytes of pixels that stay in memory.
const MOST_IN_MEMORY: usize = 256 << 20;

/// Bytes of pixels that are decoded before they are put away together.
const BATCH_BYTES: usize = 32 << 20;

/// The most images of such a batch.
const LARGEST_BATCH: usize = 512;

/// A cache larger than so many times the images' own files is not worth its room.
const WORTH: u64 = 16;

/// Share of unreadable images that is accepted, in percent.
const SKIPPED_PERCENT: usize = 5;

/// Where images lie, how large they are wanted and where they may be kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    pub(crate) directory: &'a Path,
    pub(crate) frame: Frame,
    pub(crate) cache: Option<&'a Cache>,
}

/// What was found out.
#[derive(Debug)]
pub(crate) struct Scanned {
    /// The pixels of readable images, in the order of the files.
    pub(crate) storage: Storage,
    /// Whether each of the files can be read.
    pub(crate) readable: Vec<bool>,
    /// Those that cannot, with reasons.
    pub(crate) skipped: Vec<Skipped>,
    /// Why there is no cache where there should be one.
    pub(crate) notes: Vec<String>,
}

/// Tells how many images of how many were looked at.
pub(crate) type Watch<'a> = &'a mut dyn FnMut(usize, usize);

/// Decodes all files once, or takes them from the cache of an earlier time.
///
/// # Errors
/// [`Error::TooManySkipped`] when too many cannot be read.
pub(crate) fn scan(place: Place<'_>, files: &[Found], watch: Watch<'_>) -> Result<Scanned, Error> {
    let earlier = place.cache.and_then(|cache| Records::open(cache, place.directory, place.frame));
    let known = |records: &Records| files.iter().all(|file| records.outcome(file).is_some());
    let scanned = match earlier {
        Some(records) if known(&records) => from_cache(place, files, records, Vec::new()),
        earlier => decode_all(place, files, (earlier, watch)),
    };
    check_skipped(&scanned.skipped, files.len())?;
    Ok(scanned)
}

/// Where decoded images go.
enum Sink {
    Memory(Vec<u8>),
    Cache(Writer),
    Nowhere,
}

fn decode_all(
    place: Place<'_>,
    files: &[Found],
    (earlier, watch): (Option<Records>, Watch<'_>),
) -> Scanned {
    let bytes = record_bytes(place.frame.side);
    let (mut sink, mut notes) = sink(place, files);
    let (mut readable, mut skipped) = (Vec::with_capacity(files.len()), Vec::new());
    let batch = (BATCH_BYTES / bytes).clamp(1, LARGEST_BATCH);
    for batch in files.chunks(batch) {
        let squares: Vec<_> =
            batch.par_iter().map(|file| square(place, file, earlier.as_ref())).collect();
        for (file, square) in batch.iter().zip(squares) {
            if let Err(reason) = put(&mut sink, file, &square) {
                notes.push(no_cache(&reason.to_string()));
                sink = Sink::Nowhere;
            }
            readable.push(square.is_ok());
            if let Err(reason) = square {
                skipped.push(Skipped { path: place.directory.join(&file.path), reason });
            }
        }
        watch(readable.len(), files.len());
    }
    let sink = match sink {
        Sink::Cache(writer) => match writer.finish() {
            Ok(records) => return from_cache(place, files, records, notes),
            Err(error) => {
                notes.push(no_cache(&error.to_string()));
                Sink::Nowhere
            }
        },
        other => other,
    };
    let storage = match sink {
        Sink::Memory(pixels) => Storage::of_squares(pixels, place.frame.side),
        _ => Storage::Decoded(Decoded::new(place.directory, kept(files, &readable), place.frame)),
    };
    Scanned { storage, readable, skipped, notes }
}

/// Where the images of a folder shall go, with a note if they can go nowhere.
fn sink(place: Place<'_>, files: &[Found]) -> (Sink, Vec<String>) {
    let needed = files.len() as u64 * record_bytes(place.frame.side) as u64;
    let fits = needed <= MOST_IN_MEMORY as u64;
    let small: u64 = files.iter().map(|file| file.bytes).sum();
    let cache = place.cache.filter(|cache| cache.of == Cached::All || !fits);
    match cache {
        None if fits => (Sink::Memory(Vec::with_capacity(needed as usize)), Vec::new()),
        None => (Sink::Nowhere, Vec::new()),
        Some(cache) if cache.of == Cached::Large && needed > small.saturating_mul(WORTH) => {
            (Sink::Nowhere, vec![no_cache("it would be far larger than the images' own files")])
        }
        Some(cache) => {
            let writer = make_room(cache, place.directory, (place.frame, needed)).and_then(|()| {
                Writer::start(cache, place.directory, place.frame)
                    .map_err(|error| format!("{}: {error}", cache.folder.display()))
            });
            match writer {
                Ok(writer) => (Sink::Cache(writer), Vec::new()),
                Err(reason) if fits => {
                    let sink = Sink::Memory(Vec::with_capacity(needed as usize));
                    (sink, vec![format!("no cache of resized images: {reason}")])
                }
                Err(reason) => (Sink::Nowhere, vec![no_cache(&reason)]),
            }
        }
    }
}

fn no_cache(reason: &str) -> String {
    format!("no cache of resized images, each is decoded whenever it is needed: {reason}")
}

/// An image from an earlier cache, or decoded.
fn square(place: Place<'_>, file: &Found, earlier: Option<&Records>) -> Result<Vec<u8>, String> {
    if let Some(records) = earlier {
        let mut target = vec![0; record_bytes(place.frame.side)];
        match records.outcome(file) {
            Some(Err(reason)) => return Err(reason.clone()),
            Some(Ok(at)) if records.read(*at, &mut target).is_some() => return Ok(target),
            _ => {}
        }
    }
    square_from_file(&place.directory.join(&file.path), place.frame)
}

fn put(sink: &mut Sink, file: &Found, square: &Result<Vec<u8>, String>) -> std::io::Result<()> {
    match sink {
        Sink::Cache(writer) => writer.add(file, square.as_deref().map_err(String::as_str)),
        Sink::Memory(pixels) => {
            pixels.extend(square.iter().flatten());
            Ok(())
        }
        Sink::Nowhere => Ok(()),
    }
}

/// What a cache that knows all files says of them.
fn from_cache(place: Place<'_>, files: &[Found], records: Records, notes: Vec<String>) -> Scanned {
    let (mut readable, mut skipped) = (Vec::with_capacity(files.len()), Vec::new());
    let mut places = Vec::with_capacity(files.len());
    for file in files {
        match records.outcome(file) {
            Some(Ok(place)) => places.push(*place),
            other => {
                let reason = other.and_then(|outcome| outcome.as_ref().err()).cloned();
                let path = place.directory.join(&file.path);
                skipped.push(Skipped { path, reason: reason.unwrap_or_default() });
            }
        }
        readable.push(matches!(records.outcome(file), Some(Ok(_))));
    }
    let decoded = Decoded::new(place.directory, kept(files, &readable), place.frame);
    let storage = Storage::Cached { records, places, decoded };
    Scanned { storage, readable, skipped, notes }
}

/// The paths of readable files.
fn kept(files: &[Found], readable: &[bool]) -> Vec<std::path::PathBuf> {
    let both = files.iter().zip(readable);
    both.filter(|(_, readable)| **readable).map(|(file, _)| file.path.clone()).collect()
}

/// Refuses a folder of which too much cannot be read.
fn check_skipped(skipped: &[Skipped], total: usize) -> Result<(), Error> {
    match skipped.first() {
        Some(first) if skipped.len() * 100 > total * SKIPPED_PERCENT => {
            Err(Error::TooManySkipped {
                skipped: skipped.len(),
                total,
                limit_percent: SKIPPED_PERCENT,
                first: first.path.clone(),
                reason: first.reason.clone(),
            })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use image::{Rgb, RgbImage};
    use kith_core::image::CHANNELS;
    use tempfile::TempDir;

    use super::*;
    use crate::walk::walk;

    const SIDE: usize = 8;

    /// A folder of noise, with one file in thirty that is none.
    fn written() -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        for image in 0..29u32 {
            let noise = |x, y| Rgb([x * 31 + image, y * 57, x * y + image].map(|n: u32| n as u8));
            let path = folder.path().join(format!("{image:02}.png"));
            RgbImage::from_fn(16, 12, noise).save(path).unwrap();
        }
        fs::write(folder.path().join("29.png"), "no image").unwrap();
        folder
    }

    fn files(folder: &Path) -> Vec<Found> {
        let mut files = walk(folder).unwrap().files;
        files.sort_by(|a, b| a.path.cmp(&b.path));
        files
    }

    /// All pixels, and how many images were decoded for it.
    fn scanned(folder: &Path, cache: Option<&Cache>) -> (Scanned, usize) {
        let mut seen = 0;
        let place = Place { directory: folder, frame: SIDE.into(), cache };
        let scanned = scan(place, &files(folder), &mut |done, _| seen = done).unwrap();
        (scanned, seen)
    }

    fn pixels(storage: &Storage, count: u32) -> Vec<u8> {
        let mut all = vec![0; count as usize * CHANNELS * SIDE * SIDE];
        for (image, target) in all.chunks_exact_mut(CHANNELS * SIDE * SIDE).enumerate() {
            storage.take(image as u32, target, SIDE.into()).unwrap();
        }
        all
    }

    fn cache(folder: &Path, most_bytes: u64) -> Cache {
        Cache { folder: folder.to_owned(), most_bytes, of: Cached::All }
    }

    #[test]
    fn memory_cache_and_decoding_anew_give_the_same_pixels() {
        let (folder, kept) = (written(), tempfile::tempdir().unwrap());
        let cache = cache(kept.path(), u64::MAX);
        let (in_memory, _) = scanned(folder.path(), None);
        let (cold, decoded) = scanned(folder.path(), Some(&cache));
        let (warm, again) = scanned(folder.path(), Some(&cache));
        assert!(matches!(in_memory.storage, Storage::Memory { .. }));
        assert!(matches!(warm.storage, Storage::Cached { .. }));
        assert_eq!((decoded, again), (30, 0), "the second time nothing is decoded");
        let paths = files(folder.path())[..29].iter().map(|file| file.path.clone()).collect();
        let anew = Storage::Decoded(Decoded::new(folder.path(), paths, SIDE.into()));
        let expected = pixels(&in_memory.storage, 29);
        for storage in [&cold.storage, &warm.storage, &anew] {
            assert!(pixels(storage, 29) == expected, "{storage:?}");
        }
        for scanned in [&in_memory, &cold, &warm] {
            assert_eq!(scanned.readable.iter().filter(|readable| **readable).count(), 29);
            assert!(scanned.skipped[0].path.ends_with("29.png") && scanned.notes.is_empty());
            assert_eq!(scanned.skipped[0].reason, in_memory.skipped[0].reason);
        }
    }

    #[test]
    fn a_changed_image_is_decoded_anew_and_the_others_are_not_lost() {
        let (folder, kept) = (written(), tempfile::tempdir().unwrap());
        let cache = cache(kept.path(), u64::MAX);
        let (first, _) = scanned(folder.path(), Some(&cache));
        let path = folder.path().join("03.png");
        RgbImage::from_pixel(9, 9, Rgb([7; 3])).save(&path).unwrap();
        let (second, _) = scanned(folder.path(), Some(&cache));
        let (old, new) = (pixels(&first.storage, 29), pixels(&second.storage, 29));
        let bytes = CHANNELS * SIDE * SIDE;
        assert_eq!(new[3 * bytes..4 * bytes], [7; CHANNELS * SIDE * SIDE]);
        assert!(new[..3 * bytes] == old[..3 * bytes] && new[4 * bytes..] == old[4 * bytes..]);
    }

    #[test]
    fn a_damaged_record_is_decoded_anew() {
        let (folder, kept) = (written(), tempfile::tempdir().unwrap());
        let cache = cache(kept.path(), u64::MAX);
        let expected = pixels(&scanned(folder.path(), Some(&cache)).0.storage, 29);
        let file = fs::read_dir(kept.path()).unwrap().next().unwrap().unwrap().path();
        let mut content = fs::read(&file).unwrap();
        content[100..400].fill(0);
        fs::write(&file, content).unwrap();
        let (warm, decoded) = scanned(folder.path(), Some(&cache));
        assert_eq!(decoded, 0, "the index is whole");
        assert!(pixels(&warm.storage, 29) == expected);
    }

    #[test]
    fn where_no_cache_can_be_it_is_said_and_goes_on() {
        let folder = written();
        let file = tempfile::NamedTempFile::new().unwrap();
        for cache in [cache(&file.path().join("below"), u64::MAX), cache(folder.path(), 10)] {
            let (scanned, _) = scanned(folder.path(), Some(&cache));
            assert_eq!(scanned.notes.len(), 1, "{:?}", scanned.notes);
            assert!(scanned.notes[0].contains("no cache"), "{}", scanned.notes[0]);
            assert!(pixels(&scanned.storage, 29).iter().any(|&p| p > 0));
        }
    }

    #[test]
    fn an_image_that_is_gone_when_it_is_asked_for_is_an_error() {
        let folder = written();
        let storage =
            Storage::Decoded(Decoded::new(folder.path(), vec!["00.png".into()], SIDE.into()));
        fs::remove_file(folder.path().join("00.png")).unwrap();
        let error = storage.take(0, &mut [0; CHANNELS * SIDE * SIDE], SIDE.into()).unwrap_err();
        assert_eq!(error.code(), "CHANGED");
    }
}
