//! Work that is divided among threads, where there are any.

/// Does something with each part of some numbers, `size` of them at a time, with the part's place among
/// the parts.
#[cfg(feature = "cpu")]
pub(crate) fn each_part(
    numbers: &mut [f32],
    size: usize,
    of: impl Fn(usize, &mut [f32]) + Send + Sync,
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
        const PIECE: usize = 1 << 10;
        const PIECES: usize = 1 << 6;
        if count > PIECE * PIECES {
            let pieces = repeat_n([0.0; PIECE], count.div_ceil(PIECE)).with_min_len(PIECES);
            let mut zeros = pieces.collect::<Vec<[f32; PIECE]>>().into_flattened();
            zeros.truncate(count);
            return zeros;
        }
    }
    vec![0.0; count]
}

/// How many threads share work.
#[cfg(feature = "cpu")]
pub(crate) fn count() -> usize {
    #[cfg(feature = "threads")]
    return rayon::current_num_threads();
    #[cfg(not(feature = "threads"))]
    1
}
