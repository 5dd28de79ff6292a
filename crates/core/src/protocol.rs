//! What a study keeps to: which images are kept aside, which epoch is best, and when training is over.

use crate::rng::{Purpose, Stream, stream};

/// What images are parted for; the discriminants name streams, never renumber them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Parting {
    /// Images to test on, where a source has no test set.
    HeldOut = 0,
    /// Labelled images: those that keep their labels, and those that validate.
    Labelled = 1,
    /// Unlabelled images.
    Unlabelled = 2,
}

impl Parting {
    /// Where it draws from, for one class where it goes class by class.
    pub fn stream(self, seed: u64, class: usize) -> Stream {
        stream(seed, Purpose::Split, self as u64, class as u64)
    }

    /// Parts some of every class from the rest: `(rest, parted)`, either in rising order.
    ///
    /// `members[class]` are the items of a class; `count` says how many of so many are parted.
    pub fn by_class(
        self,
        members: &[Vec<u32>],
        seed: u64,
        count: impl Fn(usize) -> usize,
    ) -> (Vec<u32>, Vec<u32>) {
        let (mut rest, mut parted) = (Vec::new(), Vec::new());
        for (class, items) in members.iter().enumerate() {
            let mut items = items.clone();
            self.stream(seed, class).shuffle(&mut items);
            let count = count(items.len()).min(items.len());
            parted.extend(&items[..count]);
            rest.extend(&items[count..]);
        }
        rest.sort_unstable();
        parted.sort_unstable();
        (rest, parted)
    }
}

/// Places of labelled images to learn from, and places kept aside to validate: the same share of every
/// class, rounded. Every class keeps one to learn from.
pub fn keep_aside(labels: &[u16], share: f64, seed: u64) -> (Vec<u32>, Vec<u32>) {
    let classes = labels.iter().max().map_or(0, |&most| usize::from(most) + 1);
    let mut members = vec![Vec::new(); classes];
    for (place, &label) in (0..).zip(labels) {
        members[usize::from(label)].push(place);
    }
    let count = |there: usize| ((share * there as f64).round() as usize).min(there.max(1) - 1);
    Parting::Labelled.by_class(&members, seed, count)
}

/// The place of the best epoch by a score of each, more being better: the first on ties, the last where
/// nothing tells them apart.
pub fn best_epoch(scores: &[Option<f64>]) -> Option<usize> {
    let better = |best: usize, place: usize| {
        let (now, before) = (scores[place], scores[best]);
        if now.is_none() || now > before { place } else { best }
    };
    (0..scores.len()).reduce(better)
}

/// Whether the lowest loss is at least `patience` epochs old.
pub fn is_plateau(losses: &[f64], patience: u64) -> bool {
    let lowest = (0..losses.len()).reduce(|a, b| if losses[b] < losses[a] { b } else { a });
    lowest.is_some_and(|place| (losses.len() - 1 - place) as u64 >= patience)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_gives_its_share_and_keeps_one() {
        // 10 of class 0, 5 of class 1, 1 of class 2, none of class 3, 2 of class 4.
        let labels = [vec![0; 10], vec![1; 5], vec![2], vec![4; 2]].concat();
        let (learn, aside) = keep_aside(&labels, 0.2, 7);
        let count = |places: &[u32], class: u16| {
            places.iter().filter(|&&place| labels[place as usize] == class).count()
        };
        assert_eq!([0, 1, 2, 3, 4].map(|class| count(&aside, class)), [2, 1, 0, 0, 0]);
        assert_eq!([0, 1, 2, 3, 4].map(|class| count(&learn, class)), [8, 4, 1, 0, 2]);
        let mut all = [learn.clone(), aside.clone()].concat();
        all.sort_unstable();
        assert_eq!(all, (0..18).collect::<Vec<_>>());
        assert_eq!(keep_aside(&labels, 0.2, 7), (learn, aside), "the seed decides");
        assert_ne!(keep_aside(&labels, 0.2, 7), keep_aside(&labels, 0.2, 8));
        let (_, half) = keep_aside(&labels, 0.9, 7);
        assert_eq!([0, 1, 2, 3, 4].map(|class| count(&half, class)), [9, 4, 0, 0, 1]);
        assert_eq!(keep_aside(&[], 0.5, 1), (vec![], vec![]));
    }

    /// The places that runs had before this function stood here.
    #[test]
    fn a_share_is_kept_aside_as_it_always_was() {
        let labels: Vec<u16> = (0..40).map(|place| place % 3).collect();
        let (learn, aside) = keep_aside(&labels, 0.2, 7);
        assert_eq!(aside, [0, 3, 5, 10, 16, 29, 31, 32, 36]);
        assert_eq!(learn.len() + aside.len(), 40);
    }

    #[test]
    fn the_best_epoch_is_the_first_of_the_highest() {
        assert_eq!(best_epoch(&[Some(0.2), Some(0.5), Some(0.5)]), Some(1));
        assert_eq!(best_epoch(&[None, None]), Some(1));
        assert_eq!(best_epoch(&[]), None);
    }

    #[test]
    fn a_plateau_is_so_many_epochs_without_a_lower_loss() {
        assert!(!is_plateau(&[], 1));
        assert!(!is_plateau(&[1.0, 0.5, 0.6], 2));
        assert!(is_plateau(&[1.0, 0.5, 0.6, 0.5], 2));
    }
}
