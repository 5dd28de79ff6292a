//! Which views are put side by side.

/// Two views put side by side: each picture with itself, then each with another picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pairing {
    /// The first view.
    pub left: usize,
    /// The second view, a later one.
    pub right: usize,
    /// How far the second view's pictures are moved on for pairs of different ones: picture i
    /// meets picture i − shift, counted around.
    pub shift: usize,
}

/// All pairings of `views` views of `batch` pictures, in the order of the paper's script. The shift
/// grows from pairing to pairing and starts over before it would bring every picture back to itself.
pub fn pairings(views: usize, batch: usize) -> Vec<Pairing> {
    let mut shift = 1;
    let mut pairings = Vec::with_capacity(views * views / 2);
    for left in 0..views {
        for right in left + 1..views {
            pairings.push(Pairing { left, right, shift });
            shift = if shift + 1 >= batch { 1 } else { shift + 1 };
        }
    }
    pairings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shift_grows_and_never_comes_round() {
        let shifts = |views, batch| -> Vec<usize> {
            pairings(views, batch).iter().map(|pairing| pairing.shift).collect()
        };
        assert_eq!(shifts(3, 4), [1, 2, 3]);
        assert_eq!(shifts(4, 4), [1, 2, 3, 1, 2, 3]);
        assert_eq!(shifts(4, 2), [1; 6]);
        assert_eq!(shifts(4, 100), [1, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn every_two_views_meet_once() {
        let met: Vec<_> = pairings(4, 9).iter().map(|p| (p.left, p.right)).collect();
        assert_eq!(met, [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)]);
    }
}
