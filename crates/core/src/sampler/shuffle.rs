//! The order of the images in one pass.

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::rng::{Purpose, Stream, stream};

/// How the images are shuffled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shuffle {
    /// Every order is equally likely.
    #[default]
    Full,
    /// A shuffle buffer of ten batches (see [`Buffer`](Self::Buffer)), as in the Keras `SimCLR`
    /// example.
    Window,
    /// A shuffle buffer of so many images, from which each next image is drawn, as `tf.data` does
    /// it; a buffer that holds them all shuffles fully. The images come to it in an order that is
    /// shuffled once and the same in every run, as TFDS stores them.
    Buffer(usize),
}

/// Batches that [`Shuffle::Window`] holds.
const WINDOW_BATCHES: usize = 10;

/// The seed of the order in which images come to a shuffle buffer: that of no run.
const STORED: u64 = 0;

impl Shuffle {
    /// Whether the setting is in its range.
    ///
    /// # Errors
    /// [`Error::Setting`] for a buffer that holds nothing.
    pub fn check(self) -> Result<(), Error> {
        match self == Self::Buffer(0) {
            true => Err(Error::setting("shuffle.buffer", "at least 1", 0)),
            false => Ok(()),
        }
    }

    /// The order of `count` images in one pass, in batches of `batch`.
    pub fn order(self, count: usize, batch: usize, mut stream: Stream) -> Vec<u32> {
        let mut order: Vec<u32> = (0..count as u32).collect();
        let buffer = match self {
            Self::Full => count,
            Self::Window => WINDOW_BATCHES * batch,
            Self::Buffer(size) => size,
        };
        if buffer >= count {
            stream.shuffle(&mut order);
        } else {
            stored_order(&mut order);
            draw_from_buffer(&mut order, buffer, &mut stream);
        }
        order
    }
}

/// The fixed order in which a data set of this size is stored.
pub(super) fn stored_order(order: &mut [u32]) {
    stream(STORED, Purpose::StoredOrder, 0, 0).shuffle(order);
}

/// Replaces `order` by what a shuffle buffer of `size` places gives out.
fn draw_from_buffer(order: &mut [u32], size: usize, stream: &mut Stream) {
    let mut buffer: Vec<u32> = order[..size.min(order.len())].to_vec();
    let mut next = buffer.len();
    for place in 0..order.len() {
        let drawn = stream.below(buffer.len());
        if next < order.len() {
            // `next` runs ahead of `place`, so this image has not been written over yet.
            let incoming = order[next];
            order[place] = core::mem::replace(&mut buffer[drawn], incoming);
            next += 1;
        } else {
            order[place] = buffer.swap_remove(drawn);
        }
    }
}
