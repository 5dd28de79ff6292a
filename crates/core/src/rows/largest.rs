//! The largest of many numbers.

/// Numbers that are looked at together: most are smaller than all that were kept.
const TOGETHER: usize = 32;

/// So many are few, however few they come from.
const FEW: usize = 32;

/// Up to one in so many is few.
const ONE_IN: usize = 64;

/// Whether so many are best kept in order while all pass by.
pub(super) fn are_few(k: usize, count: usize) -> bool {
    k <= FEW.max(count / ONE_IN)
}

/// Places of the `k` largest numbers, largest first, the first on ties.
///
/// On the host: burn's `topk_with_indices` gives wrong places for large `k` on wgpu.
pub(crate) fn largest(numbers: &[f32], k: usize) -> Vec<usize> {
    if !are_few(k, numbers.len()) {
        return parted(numbers, k);
    }
    let mut largest = Largest::new(k);
    largest.offer(0, numbers);
    largest.into_pairs().map(|(place, _)| place).collect()
}

/// By parting them from the rest, and then sorting.
fn parted(numbers: &[f32], k: usize) -> Vec<usize> {
    let mut places: Vec<usize> = (0..numbers.len()).collect();
    let falling = |&a: &usize, &b: &usize| numbers[b].total_cmp(&numbers[a]).then(a.cmp(&b));
    if k < places.len() {
        places.select_nth_unstable_by(k, falling);
        places.truncate(k);
    }
    places.sort_unstable_by(falling);
    places
}

/// The largest numbers so far with their places, in order.
#[derive(Clone, Debug)]
pub(super) struct Largest {
    k: usize,
    /// Largest first, the first place on ties.
    kept: Vec<(usize, f32)>,
}

impl Largest {
    /// Of none yet; `k` is not 0.
    pub(super) fn new(k: usize) -> Self {
        Self { k, kept: Vec::with_capacity(k + 1) }
    }

    /// Looks at numbers, of which the first has this place; places may come in any order.
    pub(super) fn offer(&mut self, first: usize, numbers: &[f32]) {
        let (groups, rest) = numbers.as_chunks::<TOGETHER>();
        for (group, numbers) in groups.iter().enumerate() {
            let least = self.least();
            if !numbers.iter().fold(true, |all, number| all & (*number < least)) {
                self.offer_each(first + group * TOGETHER, numbers);
            }
        }
        self.offer_each(first + groups.len() * TOGETHER, rest);
    }

    /// What a number must not be smaller than; none is, where there is still room.
    pub(super) fn least(&self) -> f32 {
        let full = self.kept.len() == self.k;
        self.kept.last().filter(|_| full).map_or(f32::NAN, |(_, least)| *least)
    }

    fn offer_each(&mut self, first: usize, numbers: &[f32]) {
        for (place, number) in numbers.iter().enumerate() {
            self.offer_one(first + place, *number);
        }
    }

    pub(super) fn offer_one(&mut self, place: usize, number: f32) {
        if number < self.least() {
            return;
        }
        let before =
            |(own, other): &(usize, f32)| other.total_cmp(&number).then(place.cmp(own)).is_gt();
        self.kept.insert(self.kept.partition_point(before), (place, number));
        self.kept.truncate(self.k);
    }

    /// These and others.
    #[cfg(any(test, feature = "cpu"))]
    pub(super) fn join(mut self, others: Self) -> Self {
        others.kept.into_iter().for_each(|(place, number)| self.offer_one(place, number));
        self
    }

    /// Places and numbers, largest first, the first place on ties.
    pub(super) fn into_pairs(self) -> impl Iterator<Item = (usize, f32)> {
        self.kept.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_come_in_order_and_ties_by_place() {
        assert_eq!(largest(&[0.5, 0.9, 0.1, 0.9, 0.7], 3), [1, 3, 4]);
        assert_eq!(largest(&[0.5, 0.9], 2), [1, 0]);
    }

    #[test]
    fn few_and_many_are_found_alike() {
        let numbers: Vec<f32> = (0..500_u32).map(|i| ((i * 7919) % 101) as f32).collect();
        for k in [1, 2, 7, 32, 33, 499, 500] {
            let expected = parted(&numbers, k);
            assert_eq!(largest(&numbers, k), expected, "k = {k}");
            for cut in [1, 31, 250, 499] {
                let [mut first, mut second] = [(); 2].map(|()| Largest::new(k));
                first.offer(0, &numbers[..cut]);
                second.offer(cut, &numbers[cut..]);
                let mut backwards = second.clone();
                backwards.offer(0, &numbers[..cut]);
                let joined = [first.clone().join(second.clone()), second.join(first), backwards];
                let found = joined.map(|joined| joined.into_pairs().map(|(place, _)| place));
                let found = found.map(Iterator::collect::<Vec<_>>);
                assert!(found.iter().all(|found| *found == expected), "k = {k}, cut at {cut}");
            }
        }
    }
}
