//! Images dealt into parts, so that each can be judged by a classifier that has not seen it.

use std::collections::BTreeMap;

use crate::rng::{Purpose, stream};

/// The part of every image, below `count`: of each class about as many in each part.
///
/// Images of one group (near-duplicates of each other) are of one part, so that no image is judged by a
/// classifier that has seen its copy. A group is dealt with the class of its first image. The seed
/// decides the rest.
pub fn folds(labels: &[u16], groups: &[usize], count: usize, seed: u64) -> Vec<usize> {
    let mut units: BTreeMap<u16, BTreeMap<usize, Vec<usize>>> = BTreeMap::new();
    let mut class_of: BTreeMap<usize, u16> = BTreeMap::new();
    for (image, (&label, &group)) in labels.iter().zip(groups).enumerate() {
        let class = *class_of.entry(group).or_insert(label);
        units.entry(class).or_default().entry(group).or_default().push(image);
    }
    let mut folds = vec![0; labels.len()];
    let mut next = 0;
    for (class, units) in units {
        let mut units: Vec<Vec<usize>> = units.into_values().collect();
        stream(seed, Purpose::Folds, 0, u64::from(class)).shuffle(&mut units);
        for unit in units {
            unit.into_iter().for_each(|image| folds[image] = next % count.max(1));
            next += 1;
        }
    }
    folds
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_alike_and_copies_stay_together() {
        let labels: Vec<u16> = (0..100).map(|i| u16::from(i >= 70)).collect();
        let groups: Vec<usize> = (0..100).map(|i| if i < 4 { 0 } else { i }).collect();
        let folds = folds(&labels, &groups, 5, 1);
        for part in 0..5 {
            let of = |class: u16| {
                let (folds, labels) = (&folds, &labels);
                (0..100).filter(move |&i: &usize| folds[i] == part && labels[i] == class)
            };
            assert!((12..=17).contains(&of(0).count()), "{}", of(0).count());
            assert_eq!(of(1).count(), 6);
        }
        assert!(folds[..4].iter().all(|&fold| fold == folds[0]));
        let other = super::folds(&labels, &groups, 5, 2);
        assert_eq!(super::folds(&labels, &groups, 5, 1), folds);
        assert_ne!(other, folds, "another seed deals otherwise");
    }
}
