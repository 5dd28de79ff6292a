//! Which lines of a convolution's kernels and maps a line of its pictures meets: a row, or a column.

use std::collections::BTreeMap;

/// A convolution along an axis.
#[derive(Clone, Copy, Debug)]
pub(super) struct Axis {
    /// Lines of a kernel, and from a place of it to the next.
    pub(super) kernel: usize,
    pub(super) stride: usize,
    /// Lines of a picture, and of zeros before them.
    pub(super) side: usize,
    pub(super) before: usize,
    /// Lines of a picture's maps.
    pub(super) maps: usize,
}

/// The lines of a kernel that a line of pictures meets: among those that strides lead to from `remainder` on, the
/// last of the kernel's first, so many from one on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Met {
    pub(super) remainder: usize,
    pub(super) first: usize,
    pub(super) count: usize,
}

/// A line of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) at: usize,
    /// The first line of maps that it meets; each line of the kernel meets the one after it.
    pub(super) map: usize,
}

impl Axis {
    /// How many lines of a kernel strides lead to from one on.
    pub(super) fn reached(self, remainder: usize) -> usize {
        self.kernel.saturating_sub(remainder).div_ceil(self.stride)
    }

    /// All lines of a picture, together with those that meet the same.
    pub(super) fn lines(self) -> BTreeMap<Met, Vec<Line>> {
        let mut lines = BTreeMap::<Met, Vec<Line>>::new();
        for at in 0..self.side {
            let place = at + self.before;
            // The first line of the kernel meets this one of the maps, each further one the line before it.
            let (last, remainder) = (place / self.stride, place % self.stride);
            let reached = self.reached(remainder);
            let first = reached.saturating_sub(last + 1);
            let end = reached.min((self.maps + reached).saturating_sub(last + 1));
            let met = Met { remainder, first, count: end.saturating_sub(first) };
            let map = last + 1 + first - reached;
            lines.entry(met).or_default().push(Line { at, map });
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines of kernel and maps that each line of a picture meets.
    fn pairs(axis: Axis) -> Vec<Vec<[usize; 2]>> {
        let mut pairs = vec![Vec::new(); axis.side];
        for (met, lines) in axis.lines() {
            let reached = axis.reached(met.remainder);
            let pair = |line: Line, number: usize| {
                let tap = met.remainder + axis.stride * (reached - 1 - met.first - number);
                [tap, line.map + number]
            };
            lines.into_iter().for_each(|line| {
                pairs[line.at].extend((0..met.count).map(|number| pair(line, number)));
            });
        }
        pairs.iter_mut().for_each(|pairs| pairs.sort_unstable());
        pairs
    }

    #[test]
    fn each_line_meets_all_of_the_kernel_that_maps_have() {
        for (kernel, stride, side, [before, after]) in [
            (3, 2, 32, [0, 0]),
            (3, 2, 15, [0, 0]),
            (3, 1, 5, [1, 1]),
            (3, 2, 8, [1, 1]),
            (5, 2, 9, [2, 2]),
            (5, 1, 5, [0, 0]),
            (2, 3, 11, [1, 0]),
            (1, 2, 7, [0, 0]),
            (7, 3, 4, [3, 3]),
        ] {
            let maps = (before + side + after - kernel) / stride + 1;
            let axis = Axis { kernel, stride, side, before, maps };
            for (at, found) in pairs(axis).into_iter().enumerate() {
                let all = (0..kernel).flat_map(|tap| (0..maps).map(move |map| [tap, map]));
                let expected = all.filter(|[tap, map]| map * stride + tap == at + before);
                assert_eq!(found, expected.collect::<Vec<_>>(), "{axis:?}, line {at}");
            }
        }
    }
}
