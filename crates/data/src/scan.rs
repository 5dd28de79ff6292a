//! Every image of a source decoded once: which can be read, and where their pixels are kept.
//!
//! Pixels that fit into memory stay there. Those of larger sources go into a cache on the disk, or
//! are decoded anew whenever they are asked for; the numbers are the same all three ways.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use crate::cache::{Cache, Cached, Records, Writer, make_room, record_bytes};
use crate::encoded::Encoded;
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

/// What to scan, how large, and where pixels may be kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan<'a> {
    /// What a cache is named after: the folder or file that the images come from.
    pub(crate) origin: &'a Path,
    /// The images.
    pub(crate) images: &'a Arc<dyn Encoded>,
    /// What is known of each: where it lies, how large it is and when it was changed.
    pub(crate) files: &'a [Found],
    pub(crate) frame: Frame,
    pub(crate) cache: Option<&'a Cache>,
}

/// What was found out.
#[derive(Debug)]
pub(crate) struct Scanned {
    /// The pixels of readable images, in their order.
    pub(crate) storage: Storage,
    /// Whether each of the images can be read.
    pub(crate) readable: Vec<bool>,
    /// Those that cannot, with reasons.
    pub(crate) skipped: Vec<Skipped>,
    /// Why there is no cache where there should be one.
    pub(crate) notes: Vec<String>,
}

/// Tells how many images of how many were looked at.
pub(crate) type Watch<'a> = &'a mut dyn FnMut(usize, usize);

/// Decodes all images once, or takes them from the cache of an earlier time.
///
/// # Errors
/// [`Error::TooManySkipped`] when too many cannot be read.
pub(crate) fn scan(plan: Plan<'_>, watch: Watch<'_>) -> Result<Scanned, Error> {
    let earlier = plan.cache.and_then(|cache| Records::open(cache, plan.origin, plan.frame));
    let known = |records: &Records| plan.files.iter().all(|file| records.outcome(file).is_some());
    let scanned = match earlier {
        Some(records) if known(&records) => from_cache(plan, records, Vec::new()),
        earlier => decode_all(plan, (earlier, watch)),
    };
    check_skipped(&scanned.skipped, plan.files.len())?;
    Ok(scanned)
}

/// Where decoded images go.
enum Sink {
    Memory(Vec<u8>),
    Cache(Writer),
    Nowhere,
}

fn decode_all(plan: Plan<'_>, (earlier, watch): (Option<Records>, Watch<'_>)) -> Scanned {
    let bytes = record_bytes(plan.frame.side);
    let (mut sink, mut notes) = sink(plan);
    let count = plan.files.len();
    let (mut readable, mut skipped) = (Vec::with_capacity(count), Vec::new());
    let batch = (BATCH_BYTES / bytes).clamp(1, LARGEST_BATCH);
    for start in (0..count).step_by(batch) {
        let images = start..count.min(start + batch);
        for (image, square) in images.clone().zip(squares(plan, images, earlier.as_ref())) {
            if let Err(reason) = put(&mut sink, &plan.files[image], &square) {
                notes.push(no_cache(&reason.to_string()));
                sink = Sink::Nowhere;
            }
            readable.push(square.is_ok());
            if let Err(reason) = square {
                skipped.push(Skipped { path: plan.images.place(image), reason });
            }
        }
        watch(readable.len(), count);
    }
    let sink = match sink {
        Sink::Cache(writer) => match writer.finish() {
            Ok(records) => return from_cache(plan, records, notes),
            Err(error) => {
                notes.push(no_cache(&error.to_string()));
                Sink::Nowhere
            }
        },
        other => other,
    };
    let storage = match sink {
        Sink::Memory(pixels) => Storage::of_squares(pixels, plan.frame.side),
        _ => Storage::Decoded(decoded(plan, &readable)),
    };
    Scanned { storage, readable, skipped, notes }
}

/// Where the images shall go, with a note if they can go nowhere.
fn sink(plan: Plan<'_>) -> (Sink, Vec<String>) {
    let needed = plan.files.len() as u64 * record_bytes(plan.frame.side) as u64;
    let fits = needed <= MOST_IN_MEMORY as u64;
    let small: u64 = plan.files.iter().map(|file| file.bytes).sum();
    let cache = plan.cache.filter(|cache| cache.of == Cached::All || !fits);
    match cache {
        None if fits => (Sink::Memory(Vec::with_capacity(needed as usize)), Vec::new()),
        None => (Sink::Nowhere, Vec::new()),
        Some(cache) if cache.of == Cached::Large && needed > small.saturating_mul(WORTH) => {
            (Sink::Nowhere, vec![no_cache("it would be far larger than the images' own files")])
        }
        Some(cache) => {
            let writer = make_room(cache, plan.origin, (plan.frame, needed)).and_then(|()| {
                Writer::start(cache, plan.origin, plan.frame)
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

/// Images from an earlier cache, or decoded.
fn squares(
    plan: Plan<'_>,
    images: Range<usize>,
    earlier: Option<&Records>,
) -> Vec<Result<Vec<u8>, String>> {
    let kept = |image: usize| kept(plan, &plan.files[image], earlier?);
    let mut squares: Vec<_> = images.clone().map(kept).collect();
    let missing: Vec<usize> =
        images.clone().zip(&squares).filter(|(_, kept)| kept.is_none()).map(|(i, _)| i).collect();
    for (&image, square) in missing.iter().zip(plan.images.squares(&missing, plan.frame)) {
        squares[image - images.start] = Some(square);
    }
    squares.into_iter().map(|square| square.expect("what was missing was decoded")).collect()
}

/// An image of an earlier cache; nothing where it is not known or damaged.
fn kept(plan: Plan<'_>, file: &Found, earlier: &Records) -> Option<Result<Vec<u8>, String>> {
    match earlier.outcome(file)? {
        Err(reason) => Some(Err(reason.clone())),
        Ok(place) => {
            let mut target = vec![0; record_bytes(plan.frame.side)];
            earlier.read(*place, &mut target).map(|()| Ok(target))
        }
    }
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

/// What a cache that knows all images says of them.
fn from_cache(plan: Plan<'_>, records: Records, notes: Vec<String>) -> Scanned {
    let count = plan.files.len();
    let (mut readable, mut skipped) = (Vec::with_capacity(count), Vec::new());
    let mut places = Vec::with_capacity(count);
    for (image, file) in plan.files.iter().enumerate() {
        match records.outcome(file) {
            Some(Ok(place)) => places.push(*place),
            other => {
                let reason = other.and_then(|outcome| outcome.as_ref().err()).cloned();
                let path = plan.images.place(image);
                skipped.push(Skipped { path, reason: reason.unwrap_or_default() });
            }
        }
        readable.push(matches!(records.outcome(file), Some(Ok(_))));
    }
    let storage = Storage::Cached { records, places, decoded: decoded(plan, &readable) };
    Scanned { storage, readable, skipped, notes }
}

/// The images that can be read.
fn decoded(plan: Plan<'_>, readable: &[bool]) -> Decoded {
    let numbers = (0..).zip(readable).filter(|(_, readable)| **readable).map(|(image, _)| image);
    Decoded::new(Arc::clone(plan.images), numbers.collect(), plan.frame)
}

/// Refuses a source of which too much cannot be read.
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
    use crate::encoded::Files;
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
        let files = files(folder);
        let paths = files.iter().map(|file| file.path.clone()).collect();
        let images: Arc<dyn Encoded> = Arc::new(Files::new(folder, paths));
        let (origin, frame) = (folder, SIDE.into());
        let plan = Plan { origin, images: &images, files: &files, frame, cache };
        let scanned = scan(plan, &mut |done, _| seen = done).unwrap();
        (scanned, seen)
    }

    /// The first images, decoded whenever they are asked for.
    fn anew(folder: &Path, count: u32) -> Storage {
        let paths = files(folder).into_iter().map(|file| file.path).collect();
        let images = Arc::new(Files::new(folder, paths));
        Storage::Decoded(Decoded::new(images, (0..count).collect(), SIDE.into()))
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
        let anew = anew(folder.path(), 29);
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
        let storage = anew(folder.path(), 1);
        fs::remove_file(folder.path().join("00.png")).unwrap();
        let error = storage.take(0, &mut [0; CHANNELS * SIDE * SIDE], SIDE.into()).unwrap_err();
        assert_eq!(error.code(), "CHANGED");
    }
}
