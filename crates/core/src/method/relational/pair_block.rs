//! A block of pairs: one view's pictures with those of some later views.

use burn::tensor::{Device, Int, Tensor, TensorData};

use super::pairs::{Pairing, pairings};

/// Numbers in the hidden rows of a block, about: what a core's cache holds.
const SIZE: usize = 1 << 18;

/// Pairs whose left half is of one view.
pub(super) struct PairBlock {
    /// Pictures.
    batch: usize,
    /// The first row of the left view, and the first of the right views.
    left: usize,
    right: usize,
    /// Rows of the right views.
    rights: usize,
    /// The row, counted from `right`, of the right half of each pair.
    take: Tensor<1, Int>,
    /// The other way: the two pairs of each row, first those of the same picture.
    give: Tensor<1, Int>,
}

/// All pairs in the order of [`pairings`], a view at a time.
pub(super) fn pair_blocks([views, batch, hidden]: [usize; 3], device: &Device) -> Vec<PairBlock> {
    let at_a_time = (SIZE / (2 * batch * hidden)).max(1);
    pairings(views, batch)
        .chunk_by(|one, next| one.left == next.left)
        .flat_map(|pair_block| pair_block.chunks(at_a_time))
        .map(|pair_block| PairBlock::new(pair_block, batch, device))
        .collect()
}

impl PairBlock {
    fn new(pairings: &[Pairing], batch: usize, device: &Device) -> Self {
        let places = |of: &dyn Fn(usize, usize, usize) -> [usize; 2]| {
            let mut places: Vec<i32> = Vec::with_capacity(2 * batch * pairings.len());
            for (view, pairing) in pairings.iter().enumerate() {
                let pairs: Vec<_> = (0..batch).map(|i| of(view, i, pairing.shift)).collect();
                places.extend(pairs.iter().map(|[same, _]| *same as i32));
                places.extend(pairs.iter().map(|[_, other]| *other as i32));
            }
            let count = places.len();
            Tensor::from_data(TensorData::new(places, [count]), device)
        };
        Self {
            batch,
            left: pairings[0].left * batch,
            right: pairings[0].right * batch,
            rights: pairings.len() * batch,
            take: places(&|view, i, shift| {
                [i, (i + batch - shift) % batch].map(|row| view * batch + row)
            }),
            give: places(&|view, i, shift| {
                [2 * view * batch + i, (2 * view + 1) * batch + (i + shift) % batch]
            }),
        }
    }

    /// The rows of its pairs: their left halves plus their right halves.
    ///
    /// # Shapes
    /// - left, right: `[K·n, hidden]`
    /// - result: `[2·right views, n, hidden]`
    pub(super) fn rows(&self, left: &Tensor<2>, right: &Tensor<2>) -> Tensor<3> {
        let [_, hidden] = left.dims();
        let own = left.clone().narrow(0, self.left, self.batch);
        let theirs = right.clone().narrow(0, self.right, self.rights);
        let theirs = theirs.select(0, self.take.clone());
        let blocks = 2 * self.rights / self.batch;
        theirs.reshape([blocks, self.batch, hidden]) + own.unsqueeze()
    }
}

/// Sums of something over the pairs that a row of a view is in, as their left half and as their
/// right, `[K·n, hidden]` each.
pub(super) struct Sums {
    pub(super) left: Tensor<2>,
    pub(super) right: Tensor<2>,
}

impl Sums {
    pub(super) fn new(like: &Tensor<2>) -> Self {
        let zero = like.zeros_like();
        Self { left: zero.clone(), right: zero }
    }

    /// Adds the rows of a block, shaped as [`PairBlock::rows`].
    pub(super) fn add(&mut self, pair_block: &PairBlock, rows: Tensor<3>) {
        let [blocks, batch, hidden] = rows.dims();
        let own = rows.clone().sum_dim(0).reshape([batch, hidden]);
        let theirs = rows.reshape([blocks * batch, hidden]).select(0, pair_block.give.clone());
        let theirs = theirs.reshape([blocks / 2, 2, batch, hidden]).sum_dim(1);
        let theirs = theirs.reshape([pair_block.rights, hidden]);
        let add = |to: &mut Tensor<2>, first: usize, rows: Tensor<2>| {
            let place = [first..first + rows.dims()[0], 0..hidden];
            *to = to.clone().slice_assign(place.clone(), to.clone().slice(place) + rows);
        };
        add(&mut self.left, pair_block.left, own);
        add(&mut self.right, pair_block.right, theirs);
    }

    /// Sum over all pairs, `[1, hidden]`.
    pub(super) fn total(&self) -> Tensor<2> {
        self.left.clone().sum_dim(0)
    }

    /// Sum over all pairs of what was summed times the pair's own row, `[1, hidden]`.
    pub(super) fn inner(&self, left: &Tensor<2>, right: &Tensor<2>) -> Tensor<2> {
        let along = |sums: &Tensor<2>, rows: &Tensor<2>| (sums.clone() * rows.clone()).sum_dim(0);
        along(&self.left, left) + along(&self.right, right)
    }
}
