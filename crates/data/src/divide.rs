//! Seeded divisions of pictures into splits.

use kith_core::protocol::Parting;
use kith_core::recipe::LabelDraw;

use crate::{Error, Options};

/// Share of the pictures held out for testing where a source has no test set, as a divisor.
const HELD_OUT_DIVISOR: usize = 5;

/// Holds a fifth of every class out: `(kept, held out)`, either in rising order.
///
/// A class of two or more always has an item on either side.
pub(crate) fn hold_out(members: &[Vec<u32>], seed: u64) -> (Vec<u32>, Vec<u32>) {
    let fifth = |count: usize| (count + HELD_OUT_DIVISOR / 2) / HELD_OUT_DIVISOR;
    let held_out = |count: usize| fifth(count).max(usize::from(count > 1));
    Parting::HeldOut.by_class(members, seed, held_out)
}

/// Draws `count` pictures, the same number of every class while they last, in rising order.
///
/// # Errors
/// [`Error::TooFew`] when there are fewer.
fn balanced(members: &[Vec<u32>], count: usize, seed: u64) -> Result<Vec<u32>, Error> {
    let there: usize = members.iter().map(Vec::len).sum();
    if count > there {
        return Err(Error::TooFew { what: "labelled pictures", asked: count, got: there });
    }
    let mut classes = members.to_vec();
    for (class, items) in classes.iter_mut().enumerate() {
        Parting::Labelled.stream(seed, class).shuffle(items);
    }
    let longest = classes.iter().map(Vec::len).max().unwrap_or(0);
    let rounds = (0..longest).flat_map(|round| classes.iter().filter_map(move |c| c.get(round)));
    let mut drawn: Vec<u32> = rounds.copied().take(count).collect();
    drawn.sort_unstable();
    Ok(drawn)
}

/// Draws `count` labelled pictures as the options say, in rising order.
///
/// # Errors
/// [`Error::TooFew`] when there are fewer.
pub(crate) fn drawn(
    members: &[Vec<u32>],
    count: usize,
    options: &Options,
) -> Result<Vec<u32>, Error> {
    match options.labels {
        LabelDraw::Stratified => balanced(members, count, options.seed),
        LabelDraw::Uniform => {
            let mut all = members.concat();
            all.sort_unstable();
            balanced(&[all], count, options.seed)
        }
    }
}

/// Draws `count` of the unlabelled pictures, or takes them all; in rising order.
///
/// # Errors
/// [`Error::TooFew`] when there are fewer.
pub(crate) fn unlabelled(
    mut pool: Vec<u32>,
    count: Option<usize>,
    seed: u64,
) -> Result<Vec<u32>, Error> {
    let Some(asked) = count else { return Ok(pool) };
    if asked > pool.len() {
        return Err(Error::TooFew { what: "unlabelled pictures", asked, got: pool.len() });
    }
    Parting::Unlabelled.stream(seed, 0).shuffle(&mut pool);
    pool.truncate(asked);
    pool.sort_unstable();
    Ok(pool)
}

/// What is in `pool` and not in `taken`; both in rising order.
pub(crate) fn rest(pool: &[u32], taken: &[u32]) -> Vec<u32> {
    pool.iter().copied().filter(|picture| taken.binary_search(picture).is_err()).collect()
}

/// The pictures of every class: `members[class]`, each in the order of `pool`.
pub(crate) fn by_class(pool: &[u32], label: impl Fn(u32) -> u16, classes: usize) -> Vec<Vec<u32>> {
    let mut members = vec![Vec::new(); classes];
    for &picture in pool {
        members[usize::from(label(picture))].push(picture);
    }
    members
}

#[cfg(test)]
mod tests {
    use super::*;

    fn three_classes() -> Vec<Vec<u32>> {
        let label = |p: u32| if p < 50 { 0 } else { 1 + u16::from(p.is_multiple_of(10)) };
        by_class(&(0..150).collect::<Vec<_>>(), label, 3)
    }

    fn counts(pictures: &[u32]) -> Vec<usize> {
        let members = three_classes();
        members.iter().map(|m| m.iter().filter(|p| pictures.contains(p)).count()).collect()
    }

    #[test]
    fn labels_are_balanced_while_they_last() {
        let members = three_classes();
        assert_eq!(counts(&balanced(&members, 30, 1).unwrap()), [10, 10, 10]);
        assert_eq!(counts(&balanced(&members, 70, 1).unwrap()), [30, 30, 10]);
        assert_eq!(balanced(&members, 151, 1).unwrap_err().code(), "TOO_FEW");
    }

    #[test]
    fn labels_may_be_drawn_without_regard_to_classes() {
        let options =
            Options { labels: LabelDraw::Uniform, labelled: Some(30), ..Options::default() };
        let drawn = drawn(&three_classes(), 30, &options).unwrap();
        let found = counts(&drawn);
        assert_eq!((drawn.len(), found.iter().sum::<usize>()), (30, 30));
        // Half, two fifths and a tenth of the pictures are of these classes.
        assert!(found != [10, 10, 10] && found[2] < 8, "{found:?}");
        assert!(drawn.is_sorted());
    }

    #[test]
    fn a_fifth_of_every_class_is_held_out() {
        let (kept, held_out) = hold_out(&three_classes(), 1);
        assert_eq!(counts(&held_out), [10, 18, 2]);
        assert_eq!(rest(&(0..150).collect::<Vec<_>>(), &held_out), kept);
    }

    #[test]
    fn two_of_a_kind_are_parted_and_one_is_kept() {
        let (kept, held_out) = hold_out(&[vec![0, 1], vec![2]], 1);
        assert_eq!((kept.len(), held_out.len()), (2, 1));
        assert!(kept.contains(&2));
    }

    #[test]
    fn the_seed_alone_decides() {
        let draw = |seed| balanced(&three_classes(), 30, seed).unwrap();
        let pool: Vec<u32> = (0..150).collect();
        let free = |seed| unlabelled(pool.clone(), Some(20), seed).unwrap();
        assert_eq!((draw(1), free(1)), (draw(1), free(1)));
        assert!(draw(1) != draw(2) && free(1) != free(2));
        assert_eq!(unlabelled(pool.clone(), Some(151), 1).unwrap_err().code(), "TOO_FEW");
    }
}
