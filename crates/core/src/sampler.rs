//! The order in which an epoch visits its pictures.

use serde::{Deserialize, Serialize};

use crate::rng::{Purpose, Stream, stream};

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

/// Which pictures each step of a run takes: an order an epoch, in batches.
#[derive(Clone, Debug)]
pub struct Course {
    /// Pictures there are.
    pub count: usize,
    /// Pictures a step.
    pub batch: usize,
    /// Steps an epoch.
    pub steps: u64,
    /// How an epoch is shuffled.
    pub shuffle: Shuffle,
    /// Names the streams of the orders.
    pub seed: u64,
    /// Names them too.
    pub purpose: Purpose,
    /// The epoch that was asked for last, and its order.
    drawn: Option<(u64, Vec<u32>)>,
}

impl Course {
    /// A course through `count` pictures.
    pub fn new(
        [count, batch]: [usize; 2],
        steps: u64,
        shuffle: Shuffle,
        (seed, purpose): (u64, Purpose),
    ) -> Self {
        Self { count, batch, steps, shuffle, seed, purpose, drawn: None }
    }

    /// Places of the pictures that a step takes; none where a batch holds none.
    pub fn places(&mut self, step: u64) -> Vec<u32> {
        if self.batch == 0 {
            return Vec::new();
        }
        let (epoch, within) = (step / self.steps, (step % self.steps) as usize);
        if self.drawn.as_ref().is_none_or(|(drawn, _)| *drawn != epoch) {
            self.drawn = Some((epoch, self.order(epoch)));
        }
        let (_, order) = self.drawn.as_ref().expect("it was just drawn");
        order[within * self.batch..(within + 1) * self.batch].to_vec()
    }

    /// As many passes over the pictures as the epoch's steps ask for.
    fn order(&self, epoch: u64) -> Vec<u32> {
        let needed = self.steps as usize * self.batch;
        let pass = |pass| {
            let stream = stream(self.seed, self.purpose, epoch, pass);
            epoch_order(self.count, self.shuffle, self.batch, stream)
        };
        (0..).flat_map(pass).take(needed).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn a_course_goes_through_every_picture_again_and_again() {
        let mut course = Course::new([10, 4], 5, Shuffle::Full, (1, Purpose::Test));
        let mut epoch: Vec<u32> = (5..10).flat_map(|step| course.places(step)).collect();
        assert_eq!(
            course.places(7),
            epoch[8..12],
            "a step takes the same pictures when asked again"
        );
        epoch.sort_unstable();
        assert_eq!(epoch, (0..10).flat_map(|picture| [picture; 2]).collect::<Vec<_>>());
    }
}
