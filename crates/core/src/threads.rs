//! Work that is divided among threads, where there are any.

/// Does something with each part of some numbers, `size` of them at a time, with the part's place among
/// the parts.
#[cfg(feature = "cpu")]
pub(crate) fn each_part<T: Send>(
    numbers: &mut [T],
    size: usize,
    of: impl Fn(usize, &mut [T]) + Send + Sync,
) {
    #[cfg(feature = "threads")]
    {
        use rayon::iter::{IndexedParallelIterator, ParallelIterator};
        use rayon::slice::ParallelSliceMut;
        if numbers.len() > size {
            numbers.par_chunks_mut(size).enumerate().for_each(|(place, part)| of(place, part));
            return;
        }
    }
    numbers.chunks_mut(size).enumerate().for_each(|(place, part)| of(place, part));
}

/// What becomes of each thing, in their order. A single one stays on the caller's thread, to which a GPU's
/// queue belongs.
pub(crate) fn each<T: Send, R: Send>(things: Vec<T>, of: impl Fn(T) -> R + Send + Sync) -> Vec<R> {
    #[cfg(feature = "threads")]
    {
        use rayon::iter::{IntoParallelIterator, ParallelIterator};
        if things.len() > 1 {
            return things.into_par_iter().map(of).collect();
        }
    }
    things.into_iter().map(of).collect()
}

/// Room for numbers, as zeros: all threads write them, since the others would wait for one.
#[cfg(feature = "cpu")]
pub(crate) fn zeros(count: usize) -> Vec<f32> {
    #[cfg(feature = "threads")]
    {
        use rayon::iter::{IndexedParallelIterator, ParallelIterator, repeat_n};
        /// Numbers that are written at once, and at least so often by a thread.
        const BLOCK: usize = 1 << 10;
        const BLOCKS: usize = 1 << 6;
        if count > BLOCK * BLOCKS {
            let blocks = repeat_n([0.0; BLOCK], count.div_ceil(BLOCK)).with_min_len(BLOCKS);
            let mut zeros = blocks.collect::<Vec<[f32; BLOCK]>>().into_flattened();
            zeros.truncate(count);
            return zeros;
        }
    }
    vec![0.0; count]
}

/// The most numbers that [`mapped`] makes of others at a time.
#[cfg(feature = "cpu")]
pub(crate) const PIECE: usize = 1 << 8;

/// Numbers of which each is made of another, without a pass that writes zeros first.
///
/// `of` makes some from a place on.
#[cfg(feature = "cpu")]
pub(crate) fn mapped(
    numbers: &[f32],
    of: impl Fn(usize, &[f32], &mut [f32]) + Send + Sync,
) -> Vec<f32> {
    let (pieces, rest) = numbers.as_chunks::<PIECE>();
    let piece = |(number, from): (usize, &[f32; PIECE])| {
        let mut made = [0.0; PIECE];
        of(number * PIECE, from, &mut made);
        made
    };
    let mut all: Vec<[f32; PIECE]> = Vec::with_capacity(pieces.len() + 1);
    #[cfg(feature = "threads")]
    {
        use rayon::iter::{IndexedParallelIterator, IntoParallelRefIterator, ParallelIterator};
        /// Pieces that a thread makes, at least.
        const PIECES: usize = 1 << 6;
        pieces.par_iter().enumerate().with_min_len(PIECES).map(piece).collect_into_vec(&mut all);
    }
    #[cfg(not(feature = "threads"))]
    all.extend(pieces.iter().enumerate().map(piece));
    let mut all = all.into_flattened();
    let first = all.len();
    all.resize(numbers.len(), 0.0);
    of(first, rest, &mut all[first..]);
    all
}

/// Numbers that are made so many at a time, each with a note, without a pass that writes zeros first.
///
/// `of` makes those from a place on, of which the last may be fewer.
#[cfg(feature = "cpu")]
pub(crate) fn pieces<const SIZE: usize>(
    count: usize,
    of: impl Fn(usize, &mut [f32], &mut [bool]) + Send + Sync,
) -> (Vec<f32>, Vec<bool>) {
    let piece = |number: usize| {
        let (mut made, mut notes) = ([0.0; SIZE], [false; SIZE]);
        let size = SIZE.min(count - number * SIZE);
        of(number * SIZE, &mut made[..size], &mut notes[..size]);
        (made, notes)
    };
    let numbers = 0..count.div_ceil(SIZE);
    let mut made = Vec::with_capacity(numbers.len());
    let mut notes = Vec::with_capacity(numbers.len());
    #[cfg(feature = "threads")]
    {
        use rayon::iter::{IndexedParallelIterator, IntoParallelIterator, ParallelIterator};
        numbers.into_par_iter().map(piece).unzip_into_vecs(&mut made, &mut notes);
    }
    #[cfg(not(feature = "threads"))]
    numbers.map(piece).for_each(|(one, note)| {
        made.push(one);
        notes.push(note);
    });
    let (mut made, mut notes) = (made.into_flattened(), notes.into_flattened());
    made.truncate(count);
    notes.truncate(count);
    (made, notes)
}

/// How many of some things a thread takes at a time, so that all threads have as many: a multiple of `unit`, and no
/// more than the first that is not below `most`.
#[cfg(feature = "cpu")]
pub(crate) fn share(things: usize, [unit, most]: [usize; 2]) -> usize {
    let parts = things.div_ceil(most).next_multiple_of(count());
    things.div_ceil(parts.max(1)).next_multiple_of(unit)
}

/// How many threads share work.
#[cfg(feature = "cpu")]
pub(crate) fn count() -> usize {
    #[cfg(feature = "threads")]
    return rayon::current_num_threads();
    #[cfg(not(feature = "threads"))]
    1
}

#[cfg(all(test, feature = "cpu"))]
mod tests {
    use super::*;

    #[test]
    fn each_number_is_made_of_its_own() {
        for count in [0, 1, PIECE - 1, PIECE, 3 * PIECE + 7, 300 * PIECE + 1] {
            let numbers: Vec<f32> = (0..count).map(|k| k as f32).collect();
            let made = mapped(&numbers, |first, from, to| {
                let places = (first..).map(|place| place as f32);
                let pairs = to.iter_mut().zip(from).zip(places);
                pairs.for_each(|((to, from), place)| *to = from * 2.0 + place);
            });
            assert_eq!(made, numbers.iter().map(|x| 3.0 * x).collect::<Vec<f32>>(), "{count}");
        }
    }

    #[test]
    fn pieces_are_made_where_they_belong() {
        let of = |first: usize, made: &mut [f32], notes: &mut [bool]| {
            made.iter_mut().zip(first..).for_each(|(number, at)| *number = at as f32);
            notes.iter_mut().zip(first..).for_each(|(note, at)| *note = at.is_multiple_of(3));
        };
        for count in [0, 1, 7, 8, 9, 2403] {
            let (made, notes) = pieces::<8>(count, of);
            assert_eq!(made, (0..count).map(|at| at as f32).collect::<Vec<f32>>());
            assert_eq!(notes, (0..count).map(|at| at.is_multiple_of(3)).collect::<Vec<bool>>());
        }
    }

    #[test]
    fn all_threads_have_as_many() {
        for (things, most) in [(0, 9), (1, 512), (576, 512), (2304, 512), (100_000, 512), (7, 1)] {
            let size = share(things, [1, most]);
            assert!(size <= most, "{things} {most}: {size}");
            let rounds = things.div_ceil(size.max(1)).div_ceil(count());
            let fair = things as f64 / count() as f64;
            assert!((rounds * size) as f64 <= fair + rounds as f64, "{things} {most}: {size}");
        }
        for things in [1, 13, 700] {
            let size = share(things, [12, 256]);
            assert!(size.is_multiple_of(12) && (12..=264).contains(&size), "{things}: {size}");
        }
    }
}
