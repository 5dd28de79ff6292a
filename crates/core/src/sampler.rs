//! The order in which an epoch visits its pictures.

use serde::{Deserialize, Serialize};

use crate::rng::Stream;

/// How an epoch is shuffled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shuffle {
    /// Every order is equally likely.
    #[default]
    Full,
    /// A buffer of ten batches from which each next picture is drawn, as `tf.data` does it; the
    /// seeds shuffle so. Pictures stay near their place in the file.
    Window,
}

/// Batches that the window holds.
const WINDOW_BATCHES: usize = 10;

/// The order of `count` pictures in one epoch, in batches of `batch`.
pub fn epoch_order(count: usize, shuffle: Shuffle, batch: usize, mut stream: Stream) -> Vec<u32> {
    let mut order: Vec<u32> = (0..count as u32).collect();
    match shuffle {
        Shuffle::Full => stream.shuffle(&mut order),
        Shuffle::Window => draw_from_window(&mut order, WINDOW_BATCHES * batch, &mut stream),
    }
    order
}

/// Replaces `order` by what a shuffle buffer of `window` places gives out.
fn draw_from_window(order: &mut [u32], window: usize, stream: &mut Stream) {
    let mut buffer: Vec<u32> = order[..window.min(order.len())].to_vec();
    let mut next = buffer.len();
    for place in 0..order.len() {
        let drawn = stream.below(buffer.len());
        if next < order.len() {
            // `next` runs ahead of `place`, so this picture has not been written over yet.
            let incoming = order[next];
            order[place] = core::mem::replace(&mut buffer[drawn], incoming);
            next += 1;
        } else {
            order[place] = buffer.swap_remove(drawn);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Purpose, stream};

    fn order(shuffle: Shuffle) -> Vec<u32> {
        epoch_order(1_000, shuffle, 5, stream(3, Purpose::Test, 0, 0))
    }

    #[test]
    fn every_picture_comes_once() {
        for shuffle in [Shuffle::Full, Shuffle::Window] {
            let mut seen = order(shuffle);
            assert_ne!(seen, (0..1_000).collect::<Vec<_>>());
            seen.sort_unstable();
            assert_eq!(seen, (0..1_000).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_window_never_reaches_ahead_of_itself() {
        for (place, picture) in order(Shuffle::Window).into_iter().enumerate() {
            assert!((picture as usize) < place + WINDOW_BATCHES * 5);
        }
    }
}
