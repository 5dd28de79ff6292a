//! Few labels: the same number of labelled pictures of every class.

use crate::error::Error;
use crate::rng::{Purpose, stream};

/// Draws `count` pictures of every class; their places, in rising order.
///
/// A larger draw with the same seed holds every smaller one, so that a curve over counts shows what
/// more labels add and not which pictures came.
///
/// # Errors
/// [`Error::TooFew`] when a class has fewer pictures.
pub fn draw(labels: &[u16], classes: usize, count: usize, seed: u64) -> Result<Vec<u32>, Error> {
    let mut members = vec![Vec::new(); classes];
    for (place, &label) in (0..).zip(labels) {
        members[usize::from(label)].push(place);
    }
    let smallest = members.iter().map(Vec::len).min().unwrap_or(0);
    if smallest < count {
        let what = "labelled pictures in the smallest class, which every class is to give";
        return Err(Error::TooFew { what, expected: count, got: smallest });
    }
    let mut drawn = Vec::with_capacity(classes * count);
    for (class, mut places) in (0..).zip(members) {
        stream(seed, Purpose::FewLabels, 0, class).shuffle(&mut places);
        drawn.extend(&places[..count]);
    }
    drawn.sort_unstable();
    Ok(drawn)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels() -> Vec<u16> {
        (0..90).map(|place| place % 3).collect()
    }

    #[test]
    fn every_class_gives_the_same_number() {
        let drawn = draw(&labels(), 3, 7, 1).unwrap();
        let of = |class| drawn.iter().filter(|&&p| labels()[p as usize] == class).count();
        assert_eq!([of(0), of(1), of(2)], [7; 3]);
        assert!(drawn.is_sorted());
    }

    #[test]
    fn more_labels_are_the_fewer_ones_and_others() {
        let [few, many] = [5, 20].map(|count| draw(&labels(), 3, count, 4).unwrap());
        assert!(few.iter().all(|place| many.contains(place)));
        assert_ne!(few, draw(&labels(), 3, 5, 5).unwrap(), "another seed draws others");
    }

    #[test]
    fn the_smallest_class_bounds_the_count() {
        let mut labels = labels();
        labels.push(3);
        assert!(draw(&labels, 4, 1, 1).is_ok());
        let error = draw(&labels, 4, 2, 1).expect_err("one picture of the last class");
        assert!(matches!(error, Error::TooFew { expected: 2, got: 1, .. }), "{error}");
    }
}
