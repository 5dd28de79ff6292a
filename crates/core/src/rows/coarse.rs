//! Rows in bytes, in which most of them are seen to be too far away.
//!
//! A number is a byte times its row's scale, and what that leaves out is known by its length: so is how far a
//! product in bytes can be from the true one (by Cauchy and Schwarz). Only rows that may be among the nearest
//! are then read in full, so that what is found is exact.

use std::ops::Range;

use burn::tensor::Tensor;

use super::cpu::{product, shared};
use super::largest::Largest;
use super::whole::{Bytes, Steps, TOGETHER, products};
use crate::array::plain;

/// The largest byte of a row.
const MOST: f32 = i8::MAX as f32;

/// Rows whose products are looked at together.
const GROUP: usize = 32;

/// Rows that stay in the fastest memory while all queries pass by.
const BLOCK: usize = 4 * GROUP;

/// Longer rows would leave a query's numbers too few steps: see [`Query::new`].
const LONGEST: usize = 1 << 15;

/// Rows in bytes.
#[derive(Debug)]
pub(super) struct Coarse {
    /// `[m, pieces]`
    bytes: Vec<Bytes>,
    pieces: usize,
    /// What a row's bytes are to be multiplied by, `[m]`.
    scales: Vec<f32>,
    /// The length of what a row's bytes leave out, `[m]`; no number for rows that have some that are none.
    left_out: Vec<f32>,
    /// The length of the longest row, in full or in bytes.
    length: f64,
}

/// A query in steps, and what its products may be off by.
struct Query {
    steps: Vec<Steps>,
    scale: f32,
    /// By how much for each unit that a row's bytes leave out, and by how much beside.
    of_left_out: f32,
    beside: f32,
}

impl Coarse {
    /// None for rows that are too long.
    ///
    /// # Shapes
    /// - rows: `[m, dim]`
    pub(super) fn new(rows: &[f32], dim: usize) -> Option<Self> {
        if !(1..=LONGEST).contains(&dim) {
            return None;
        }
        let (count, pieces) = (rows.len() / dim, dim.div_ceil(TOGETHER));
        let mut coarse = Self {
            bytes: Vec::with_capacity(count * pieces),
            pieces,
            scales: Vec::with_capacity(count),
            left_out: Vec::with_capacity(count),
            length: 0.0,
        };
        for row in rows.chunks_exact(dim) {
            let (scale, steps) = scaled(row, MOST);
            coarse.bytes.extend(whole(row, steps, MOST, |number| number as i8));
            let own = coarse.bytes[coarse.bytes.len() - pieces..].as_flattened();
            let [left_out, length] = lengths(row, own.iter().map(|byte| f64::from(*byte)), scale);
            coarse.scales.push(scale);
            coarse.left_out.push(up(left_out));
            coarse.length = coarse.length.max(length);
        }
        Some(coarse)
    }

    /// Of the rows, the `k` with the largest products, for each of the few: those of [`super::cpu::nearest`].
    ///
    /// # Shapes
    /// - few: `[n, dim]`, many: `[m, dim]`, which record no gradients; many are those that these are of
    pub(super) fn nearest(&self, few: Tensor<2>, many: Tensor<2>, k: usize) -> Vec<Largest> {
        let ([_, dim], [m, _]) = (few.dims(), many.dims());
        let (few, many) = (plain(few).to_contiguous(), plain(many).to_contiguous());
        let (few, many) = (few.storage::<f32>(), many.storage::<f32>());
        let few: Vec<_> =
            few.chunks_exact(dim).map(|row| (row, Query::new(row, self.length))).collect();
        let offer = |found: &mut Largest, rows, (row, query): &(&[f32], Query)| {
            let product = |place| product(row, &many[place * dim..(place + 1) * dim]);
            self.offer(found, rows, query, product);
        };
        shared(m, |rows| {
            let mut found = vec![Largest::new(k); few.len()];
            for start in rows.clone().step_by(BLOCK) {
                let block = start..rows.end.min(start + BLOCK);
                let all = found.iter_mut().zip(&few);
                all.for_each(|(found, query)| offer(found, block.clone(), query));
            }
            found
        })
    }

    /// Offers the products of those rows that may be among the largest.
    fn offer(
        &self,
        found: &mut Largest,
        rows: Range<usize>,
        query: &Query,
        product: impl Fn(usize) -> f32,
    ) {
        for start in rows.clone().step_by(GROUP) {
            self.offer_group(found, start..rows.end.min(start + GROUP), query, &product);
        }
    }

    fn offer_group(
        &self,
        found: &mut Largest,
        group: Range<usize>,
        query: &Query,
        product: &impl Fn(usize) -> f32,
    ) {
        let most = self.most(group.clone(), query);
        if query.are_below(&most, found) {
            return;
        }
        for (place, most) in group.zip(most) {
            if !query.are_below(&[most], found) {
                found.offer_one(place, product(place));
            }
        }
    }

    /// What the products with some rows are at most, but for what all may be off by; more than there are rows
    /// are below all.
    fn most(&self, rows: Range<usize>, query: &Query) -> [f32; GROUP] {
        let mut whole = [0; GROUP];
        let bytes = &self.bytes[rows.start * self.pieces..rows.end * self.pieces];
        products(&query.steps, bytes, &mut whole[..rows.len()]);
        let mut most = [f32::NEG_INFINITY; GROUP];
        let known = self.scales[rows.clone()].iter().zip(&self.left_out[rows]);
        for ((most, product), (scale, left_out)) in most.iter_mut().zip(whole).zip(known) {
            *most = product as f32 * scale * query.scale + left_out * query.of_left_out;
        }
        most
    }
}

impl Query {
    /// Its numbers have as many steps as a sum of products with bytes has room for.
    ///
    /// A product x·y of a row x = b + e (bytes, what these leave out) with a query y = s + f is off by
    /// b·f + e·s + e·f in steps and bytes, at most |b||f| + |e|(|s| + |f|); and by what sums of 32 bits round.
    fn new(row: &[f32], length: f64) -> Self {
        let room = i32::MAX as f32 / (MOST * row.len() as f32);
        let most = room.min(f32::from(i16::MAX)).floor();
        let (scale, steps) = scaled(row, most);
        let all: Vec<Steps> = whole(row, steps, most, |number| number as i16).collect();
        let numbers = all.as_flattened().iter().map(|step| f64::from(*step));
        let [left_out, own] = lengths(row, numbers, scale);
        let rounded = 2.0 * (row.len() + TOGETHER) as f64 * f64::from(f32::EPSILON);
        Self {
            steps: all,
            scale,
            of_left_out: up(own + left_out),
            beside: up(length * (left_out + rounded * own)),
        }
    }

    /// Whether products that are so much at most are all below those that are kept. No number is below.
    #[inline(always)]
    fn are_below(&self, most: &[f32], found: &Largest) -> bool {
        let least = found.least() - self.beside;
        most.iter().fold(true, |all, most| all & (*most < least))
    }
}

/// The scale of a row that has so many steps up to its largest number, and the steps of one.
fn scaled(row: &[f32], steps: f32) -> (f32, f32) {
    let largest = row.iter().fold(0.0_f32, |largest, x| largest.max(x.abs()));
    if largest == 0.0 { (0.0, 0.0) } else { (largest / steps, steps / largest) }
}

/// The nearest whole numbers of steps, at most so far from 0; 0 for what is no number. They end in zeros.
fn whole<T: Copy + Default>(
    row: &[f32],
    steps: f32,
    most: f32,
    of: impl Fn(f32) -> T,
) -> impl Iterator<Item = [T; TOGETHER]> {
    row.chunks(TOGETHER).map(move |piece| {
        let mut numbers = [T::default(); TOGETHER];
        let all = numbers.iter_mut().zip(piece);
        all.for_each(|(number, x)| *number = of((x * steps).round_ties_even().clamp(-most, most)));
        numbers
    })
}

/// The length of what scaled whole numbers leave out of a row, and that of the longer of both.
fn lengths(row: &[f32], whole: impl Iterator<Item = f64>, scale: f32) -> [f64; 2] {
    let mut squares = [0.0; 3];
    for (x, whole) in row.iter().zip(whole) {
        let (x, scaled) = (f64::from(*x), whole * f64::from(scale));
        squares[0] += (x - scaled) * (x - scaled);
        squares[1] += x * x;
        squares[2] += scaled * scaled;
    }
    let [left_out, full, scaled] = squares.map(f64::sqrt);
    [left_out, full.max(scaled)]
}

/// A number that is not below one of 64 bits, nor below what its own sums have rounded.
fn up(x: f64) -> f32 {
    (x * (1.0 + 1e-6)) as f32 + f32::MIN_POSITIVE
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Tensor, TensorData};

    use super::super::cpu;
    use super::*;
    use crate::rng::{Purpose, stream};

    fn normal(count: usize, seed: u64) -> Vec<f32> {
        let mut random = stream(seed, Purpose::Test, 0, 0);
        (0..count).map(|_| random.normal() as f32).collect()
    }

    /// The nearest by both ways, with their bits.
    fn both(few: &[f32], many: &[f32], dim: usize, k: usize) -> [Vec<Vec<(usize, u32)>>; 2] {
        let tensor = |rows: &[f32]| {
            let data = TensorData::new(rows.to_vec(), [rows.len() / dim, dim]);
            Tensor::<2>::from_data(data, &Device::flex())
        };
        let coarse = Coarse::new(many, dim).unwrap().nearest(tensor(few), tensor(many), k);
        let bits = |found: Vec<Largest>| {
            let pairs = |of: Largest| of.into_pairs().map(|(at, x)| (at, x.to_bits())).collect();
            found.into_iter().map(pairs).collect()
        };
        [coarse, cpu::nearest(tensor(few), tensor(many), k)].map(bits)
    }

    #[test]
    fn the_same_rows_are_found_as_in_full() {
        for (n, m, dim) in [(1, 1, 1), (2, 31, 3), (3, 1000, 16), (1, 4097, 75), (2, 700, 512)] {
            for k in [1, 5, 30] {
                let [coarse, full] = both(&normal(n * dim, 1), &normal(m * dim, 2), dim, k);
                assert_eq!(coarse, full, "{k} of {m} with {dim} numbers");
            }
        }
    }

    #[test]
    fn rows_that_are_nearly_the_same_are_told_apart() {
        let (dim, base) = (64, normal(64, 3));
        let noise = normal(2000 * dim, 4);
        let row = |row: &[f32]| base.iter().zip(row).map(|(x, e)| x + 1e-6 * e).collect::<Vec<_>>();
        let many: Vec<f32> = noise.chunks(dim).flat_map(row).collect();
        let [coarse, full] = both(&base, &many, dim, 10);
        assert_eq!(coarse, full);
        // Equal rows come in their order.
        let [coarse, full] = both(&base, &base.repeat(100), dim, 10);
        assert_eq!(coarse, full);
        assert!(coarse[0].iter().map(|(place, _)| *place).eq(0..10));
    }

    #[test]
    fn numbers_of_all_sizes_are_found() {
        let dim = 20;
        for scale in [1e-38, 1e-20, 1.0, 1e18] {
            let many: Vec<f32> = normal(500 * dim, 5).iter().map(|x| x * scale).collect();
            let few: Vec<f32> = normal(dim, 6).iter().map(|x| x * scale).collect();
            let [coarse, full] = both(&few, &many, dim, 7);
            assert_eq!(coarse, full, "{scale}");
        }
        for odd in [0.0, f32::MIN_POSITIVE, f32::INFINITY, f32::NEG_INFINITY, f32::NAN] {
            let mut many = normal(500 * dim, 7);
            many.iter_mut().step_by(7 * dim + 3).for_each(|x| *x = odd);
            let [coarse, full] = both(&normal(dim, 8), &many, dim, 7);
            assert_eq!(coarse, full, "{odd}");
            let [coarse, full] = both(&[odd; 20], &normal(500 * dim, 7), dim, 7);
            assert_eq!(coarse, full, "a query of {odd}");
        }
    }

    #[test]
    fn few_rows_are_read_in_full() {
        let (dim, m, k) = (128, 20_000, 10);
        let (few, many) = (normal(dim, 9), normal(m * dim, 10));
        let coarse = Coarse::new(&many, dim).unwrap();
        let (query, mut found) = (Query::new(&few, coarse.length), Largest::new(k));
        let read = core::cell::Cell::new(0);
        coarse.offer(&mut found, 0..m, &query, |place| {
            read.set(read.get() + 1);
            product(&few, &many[place * dim..(place + 1) * dim])
        });
        assert!((k..m / 100).contains(&read.get()), "{} of {m}", read.get());
    }

    #[test]
    fn sums_of_whole_numbers_have_room() {
        let largest = vec![1.0; LONGEST];
        let query = Query::new(&largest, 1.0);
        let bytes = [[i8::MAX; TOGETHER]].repeat(LONGEST / TOGETHER);
        let step = i64::from(query.steps[0][0]);
        let mut product = [0];
        products(&query.steps, &bytes, &mut product);
        assert_eq!(i64::from(product[0]), step * 127 * LONGEST as i64);
        assert!(step > 500, "{step} steps");
        assert!(Coarse::new(&[1.0], LONGEST + 1).is_none());
    }
}
