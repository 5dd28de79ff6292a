//! Passes through images: each once, in an order of its own.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use super::{LastBatch, Sampling};
use crate::rng::stream;

/// An image that waits for its place in a batch: its place in the split, and the pass.
pub(super) type Waiting = (u32, u64);

/// One pass after the other, each through every image of a domain once.
#[derive(Clone, Debug)]
pub(super) struct Passes {
    pub(super) sampling: Sampling,
    /// Names the streams of the orders, with the purpose: the seed, and the domain.
    seed: (u64, u64),
    /// The places of its images in the split; all are there without it.
    members: Option<Arc<[u32]>>,
    /// Passes that were begun.
    begun: u64,
    pub(super) waiting: VecDeque<Waiting>,
}

impl Passes {
    /// Through all images of a split.
    pub(super) fn new(sampling: Sampling, seed: u64) -> Self {
        Self { sampling, seed: (seed, 0), members: None, begun: 0, waiting: VecDeque::new() }
    }

    /// Through the images of a domain.
    pub(super) fn of(members: Vec<u32>, sampling: Sampling, seed: (u64, u64)) -> Self {
        let sampling = Sampling { count: members.len(), ..sampling };
        let members = Some(members.into());
        Self { sampling, seed, members, begun: 0, waiting: VecDeque::new() }
    }

    /// The place in the split of an image.
    fn place(&self, member: u32) -> u32 {
        self.members.as_ref().map_or(member, |members| members[member as usize])
    }

    /// Adds a pass. An image that waits already is not added again, so that no more wait than there
    /// are.
    fn begin_pass(&mut self) {
        let Sampling { count, batch, shuffle, purpose, .. } = self.sampling;
        let pass = self.begun;
        let (seed, domain) = self.seed;
        let order = shuffle.order(count, batch, stream(seed, purpose, pass, domain));
        let there: HashSet<u32> = self.waiting.iter().map(|&(place, _)| place).collect();
        let new = order.into_iter().filter(|place| !there.contains(place));
        self.waiting.extend(new.map(|place| (place, pass)));
        self.begun += 1;
    }

    /// The next batch. An image that the batch holds already, or that `taken` names, waits for a
    /// later one, unless there are too few others.
    pub(super) fn next(&mut self, taken: impl Fn(u32) -> bool) -> Vec<Waiting> {
        let Sampling { count, batch, last_batch, .. } = self.sampling;
        if batch == 0 || count == 0 {
            return Vec::new();
        }
        let taken = |member: u32, passes: &Self| taken(passes.place(member));
        let free = (0..count as u32).filter(|&it| !taken(it, self)).take(batch).count();
        let (mut drawn, mut held) = (Vec::with_capacity(batch), HashSet::new());
        let mut at = 0;
        while drawn.len() < batch {
            // With fewer images than places some have to come twice, through other views.
            let spare = free == batch || drawn.len() < free;
            at = if spare { at } else { 0 };
            let over = at == self.waiting.len();
            if over && last_batch == LastBatch::Short && !drawn.is_empty() {
                break;
            }
            if over {
                self.begin_pass();
            }
            let (place, _) = self.waiting[at];
            if spare && (held.contains(&place) || taken(place, self)) {
                at += 1;
                continue;
            }
            held.insert(place);
            drawn.extend(self.waiting.remove(at));
        }
        drawn.into_iter().map(|(member, pass)| (self.place(member), pass)).collect()
    }
}
