//! One part of some images.

use core::fmt::{self, Display, Formatter};
use core::ops::Range;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

/// A part of so many parts, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Shard {
    pub(crate) part: usize,
    pub(crate) parts: usize,
}

impl Shard {
    /// Its images, of so many: parts differ by one image at most.
    pub(crate) fn of(self, count: usize) -> Range<usize> {
        let start = |part: usize| (count as u128 * part as u128 / self.parts as u128) as usize;
        start(self.part - 1)..start(self.part)
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers = text.split_once('/').map(|(part, parts)| (part.parse(), parts.parse()));
        match numbers {
            Some((Ok(part), Ok(parts))) if (1..=parts).contains(&part) => Ok(Self { part, parts }),
            _ => Err("expected a part and the number of parts, counted from 1, like 2/4".into()),
        }
    }
}

/// As file names have it.
impl Display for Shard {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}-of-{}", self.part, self.parts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_follow_each_other_and_leave_nothing_out() {
        for (count, parts) in [(10, 3), (2, 5), (0, 2), (7, 1), (1000, 7)] {
            let all: Vec<_> = (1..=parts).map(|part| Shard { part, parts }.of(count)).collect();
            assert!(all.windows(2).all(|pair| pair[0].end == pair[1].start), "{all:?}");
            assert_eq!((all[0].start, all[parts - 1].end), (0, count));
            let sizes = all.iter().map(Range::len);
            assert!(sizes.clone().max().unwrap() - sizes.min().unwrap() <= 1, "{all:?}");
        }
    }

    #[test]
    fn parts_are_read_and_strays_refused() {
        assert_eq!("2/4".parse(), Ok(Shard { part: 2, parts: 4 }));
        for text in ["0/4", "5/4", "2", "2/", "a/b", "1/0", "-1/2", "1/2/3"] {
            assert!(text.parse::<Shard>().is_err(), "{text}");
        }
    }
}
