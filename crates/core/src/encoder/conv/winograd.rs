//! 3×3 convolutions by fewer products.
//!
//! Outputs that lie side by side see the same pixels, and so need fewer products of sums of pixels by sums of the
//! kernel's numbers than there are pairs of an output and a number (Winograd's minimal filtering; Lavin and Gray
//! 2016, section 4.1). Along a line, two outputs of stride 1 need four products in place of six. With a stride of
//! 2, the first and last number of a kernel meet pixels at even places, and the one between them pixels at odd
//! ones: three outputs need four products and three, in place of nine. Along both sides of a map that is 16
//! products in place of 36, and 49 in place of 81. Outputs that are left over are fewer at a time. More outputs
//! at a time would save more and round worse.
//!
//! All is made of three tables (`tiling.rs`): points as sums of pixels, outputs as sums of products, and the sums of
//! kernels. What a gradient needs is their transposes. Points that meet the same sum of the kernels are a product of
//! matrices.

mod sums;
mod tiling;
mod kernels;
mod band;
mod points;
mod lines;
mod room;

pub(super) use kernels::Transformed;

use core::ops::Range;

use super::KERNEL;
use crate::activation::Activation;
use crate::gemm::{InPieces, Panels};
use crate::threads;
use crate::window::Window;
use band::Band;
use lines::{Target, Wanted};
use points::Seen;
use room::Room;
use tiling::Tiling;

/// Numbers of points that go through the products together, about, with what comes of them: so much stays in a
/// thread's caches.
const NUMBERS: usize = 200_000;
/// Tiles whose part of the gradient of kernels is added up before it goes to memory.
const TILES: usize = 128;
/// Parts of the points whose gradients of kernels are added up at the end, at most, and the numbers of all of them. They
/// do not depend on the number of threads, nor do sums.
const PARTS: usize = 4;
/// Tiles of a part, at least.
const TILES_OF_PART: usize = 512;
const SUMS: usize = 1 << 24;

/// Channels with which it pays: with fewer, making points takes longer than it saves; with more, kernels of one
/// picture (which become 16/9 times as large) no longer stay in a cache.
const CHANNELS: core::ops::RangeInclusive<usize> = 32..=256;
/// They fill whole vectors of every processor.
const LANES: usize = 16;
/// Outputs with which there are enough points: making the sums of kernels, of a layer that learns, or reading them must
/// be worth it.
const OUTPUTS: usize = 256;

/// Whether a layer may be computed so for inference.
pub(super) fn suits(sides: [usize; 2], channels: [usize; 2]) -> bool {
    suits_learning(sides, channels) && channels.iter().all(|count| CHANNELS.contains(count))
}

/// The same for learning. With the many pictures of a batch, kernels that do not stay in a cache are no loss.
fn suits_learning([kernel, stride]: [usize; 2], channels: [usize; 2]) -> bool {
    let filled = |count: &usize| CHANNELS.start() <= count && count.is_multiple_of(LANES);
    kernel == KERNEL && tiling::has(stride) && channels.iter().all(filled)
}

/// Those of a layer's packed kernels by which maps with so many outputs are computed: with a stride of 2, of which
/// there are both kinds, one product or fewer. It does not depend on how many pictures there are.
pub(super) fn chosen(packed: &[Panels], stride: usize, outputs: usize) -> &[Panels] {
    match packed {
        [one, _, ..] if stride > 1 && outputs < OUTPUTS => core::slice::from_ref(one),
        [_, fewer @ ..] if stride > 1 && !fewer.is_empty() => fewer,
        all => all,
    }
}

/// How a layer is computed on maps of such sides.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    stride: usize,
    rows: Tiling,
    columns: Tiling,
    /// Height and width of pictures with their padding.
    sides: [usize; 2],
    /// Inputs and outputs.
    channels: [usize; 2],
}

impl Plan {
    /// Of pictures that have their padding.
    pub(super) fn new(window: Window, sides: [usize; 2], channels: [usize; 2]) -> Self {
        let unpadded = Window { rows: [0; 2], columns: [0; 2], ..window };
        let [rows, columns] = unpadded.grid(sides).map(|side| Tiling::new(side, window.stride));
        Self { stride: window.stride, rows, columns, sides, channels }
    }

    /// That of a layer that learns, if it has fewer products so.
    pub(super) fn learning(
        window: Window,
        [count, height, width]: [usize; 3],
        channels: [usize; 2],
    ) -> Option<Self> {
        let suits = suits_learning([window.kernel, window.stride], channels);
        if !suits || height.min(width) < KERNEL {
            return None;
        }
        let plan = Self::new(window, [height, width], channels);
        let outputs = plan.rows.outputs() * plan.columns.outputs();
        // A fifth less, at least.
        let fewer = plan.points() * 5 <= outputs * KERNEL * KERNEL * 4;
        (fewer && count * outputs >= OUTPUTS).then_some(plan)
    }

    /// Points of a picture.
    fn points(&self) -> usize {
        self.rows.points.len() * self.columns.points.len()
    }

    /// Rows and columns of maps.
    pub(super) fn grid(&self) -> [usize; 2] {
        [self.rows.outputs(), self.columns.outputs()]
    }

    /// Rows of tiles in so many pictures.
    fn strips(&self, pictures: usize) -> usize {
        pictures * self.rows.tiles.len()
    }

    /// Where the maps of such rows of tiles begin and end, of all pictures'.
    fn place(&self, strips: &Range<usize>) -> Range<usize> {
        let [rows, columns] = self.grid();
        let (tiles, line) = (&self.rows.tiles, columns * self.channels[1]);
        let place = |strip: usize| {
            let row = tiles[strip % tiles.len()].outputs.start;
            (strip / tiles.len() * rows + row) * line
        };
        place(strips.start)..place(strips.end)
    }

    /// Points that go through the products together.
    fn together(&self) -> usize {
        NUMBERS / self.channels.iter().sum::<usize>()
    }

    /// # Shapes
    /// - pictures: `[n, h, w, in]`, with their padding; kernels: see [`Transformed::forward`]
    /// - end: a bias `[out]`, and an activation
    /// - followed: room to note which numbers follow their sums, or none
    /// - result: `[n, rows, columns, out]`
    pub(super) fn maps(
        &self,
        pictures: &[f32],
        kernels: &[Panels],
        end: (&[f32], Activation),
        mut followed: &mut [bool],
    ) -> Vec<f32> {
        let count = pictures.len() / (self.sides[0] * self.sides[1] * self.channels[0]);
        let strips = self.strips(count);
        let mut maps = threads::zeros(self.place(&(0..strips)).len());
        let share = strips.div_ceil(threads::count());
        let mut rest = maps.as_mut_slice();
        let shares = band::parts(0..strips, share).map(|strips| {
            let size = self.place(&strips).len();
            let maps = rest.split_off_mut(..size).unwrap_or_default();
            (strips, maps, followed.split_off_mut(..size).unwrap_or_default())
        });
        threads::each(shares.collect(), |(strips, maps, followed)| {
            let first = self.place(&strips).start;
            let mut room = Room::default();
            for band in Band::all(self, strips, self.together()) {
                room.make(Seen::pictures(self, &band, pictures));
                room.multiply(&band, self.channels, kernels);
                let sides = self.grid();
                let target = Target { numbers: &mut *maps, first, sides, before: [0; 2] };
                room.write(Wanted::maps(self, &band, end), target);
                let place = self.place(&band.place);
                let here = place.start - first..place.end - first;
                let noted = followed.get_mut(here.clone()).unwrap_or_default();
                end.1.note(noted, &maps[here]);
            }
        });
        maps
    }

    /// The gradient of pictures, written over something of no more use.
    ///
    /// # Shapes
    /// - gradient: `[n, rows, columns, out]`, kernels: see [`Transformed::backward`]
    /// - over: numbers of the result, which is `[n, h, w, in]` without the window's padding
    pub(super) fn gradient_of_pictures(
        &self,
        gradient: &[f32],
        kernels: &[Panels],
        window: Window,
        over: &mut [f32],
    ) {
        let [inputs, outputs] = self.channels;
        let before = [window.rows[0], window.columns[0]];
        let [height, width] = window.inside(self.sides);
        let picture = height * width * inputs;
        let reached = (self.rows.pixels().saturating_sub(before[0])).min(height);
        let share = (over.len() / picture).div_ceil(threads::count()).max(1);
        threads::each_part(over, share * picture, |number, pictures| {
            let count = pictures.len() / picture;
            let strips = self.strips(number * share)..self.strips(number * share + count);
            let first = number * share * picture;
            let mut room = Room::default();
            for band in Band::all(self, strips, self.together()) {
                room.make(Seen::gradient(self, &band, gradient));
                room.multiply(&band, [outputs, inputs], kernels);
                let sides = [height, width];
                let target = Target { numbers: &mut *pictures, first, sides, before };
                room.write(Wanted::pictures(self, &band), target);
            }
            for picture in pictures.chunks_exact_mut(picture) {
                picture[reached * width * inputs..].fill(0.0);
            }
        });
    }

    /// # Shapes
    /// - pictures: `[n, h, w, in]`, with their padding
    /// - gradient: `[n, rows, columns, out]`
    /// - result: `[out, 3, 3, in]`
    pub(super) fn gradient_of_kernels(&self, pictures: &[f32], gradient: &[f32]) -> Vec<f32> {
        let [inputs, outputs] = self.channels;
        let strips = self.strips(pictures.len() / (self.sides[0] * self.sides[1] * inputs));
        let products = self.rows.counts.len() * self.columns.counts.len();
        let most = (SUMS / (products * inputs * outputs)).min(PARTS);
        let parts = (strips * self.columns.tiles.len() / TILES_OF_PART).min(most).max(1);
        // More threads share the inputs.
        let blocks = threads::count().div_ceil(parts);
        let block = inputs.div_ceil(blocks).next_multiple_of(LANES);
        let size = strips.div_ceil(parts);
        let works = band::parts(0..inputs, block).flat_map(|inputs| {
            band::parts(0..strips, size).map(move |strips| (inputs.clone(), strips))
        });
        let sums = threads::each(works.collect(), |(inputs, strips)| {
            self.part_of_kernels(strips, (pictures, inputs), gradient)
        });
        kernels::back(&sums, block, self.channels, self.stride)
    }

    /// The gradient of the sums of kernels that some rows of tiles add, for some inputs, `[kinds · kinds, out, in]`.
    fn part_of_kernels(
        &self,
        strips: Range<usize>,
        (pictures, inputs): (&[f32], Range<usize>),
        gradient: &[f32],
    ) -> Vec<f32> {
        let ([_, outputs], width) = (self.channels, inputs.len());
        let products = self.rows.counts.len() * self.columns.counts.len();
        let mut sums = vec![0.0; products * outputs * width];
        let [mut seen, mut slopes] = [Room::default(), Room::default()];
        let (of_right, of_left) = (InPieces::of_right(width), InPieces::of_left(outputs));
        for band in Band::by_kind(self, strips, TILES) {
            let pictures = Seen::pictures(self, &band, pictures).of(inputs.clone());
            seen.make(pictures.in_pieces(of_right.clone()));
            slopes.make(Seen::gradient(self, &band, gradient).in_pieces(of_left.clone()));
            let places = band.places(width).0.into_iter().zip(band.places(outputs).0);
            let all = sums.chunks_exact_mut(outputs * width).zip(places).zip(&band.counts);
            for ((sums, (of_seen, of_slopes)), &count) in all.filter(|product| *product.1 > 0) {
                let product = InPieces {
                    left: &slopes.points[of_slopes..][..count * outputs],
                    columns: outputs,
                    right: &seen.points[of_seen..],
                    depth: width,
                };
                product.onto(sums);
            }
        }
        sums
    }
}

#[cfg(test)]
mod tests {
    use itertools::iproduct;

    use super::super::patches::padded;
    use super::*;
    use crate::array::array;
    use crate::rng::{Purpose, stream};

    /// Between -1 and 1.
    fn numbers(count: usize, seed: u64) -> Vec<f32> {
        let mut stream = stream(seed, Purpose::Test, 0, 0);
        (0..count).map(|_| stream.uniform(-1.0, 1.0) as f32).collect()
    }

    /// A layer's sides.
    #[derive(Clone, Copy, Debug)]
    struct Case {
        count: usize,
        sides: [usize; 2],
        channels: [usize; 2],
        window: Window,
    }

    /// Of odd and even sides, with and without padding, of one band and of several, with tiles of all sizes.
    fn cases() -> impl Iterator<Item = Case> {
        let (none, around) = ([[0, 0], [0, 0]], [[1, 1], [1, 1]]);
        let all = [
            (1, [8, 8], [32, 48], 1, around),
            (2, [7, 9], [48, 32], 1, around),
            (3, [31, 40], [32, 80], 1, none),
            (1, [3, 3], [32, 32], 1, none),
            (1, [5, 200], [32, 32], 1, [[0, 1], [2, 0]]),
            (150, [4, 3], [32, 32], 1, around),
            (3, [15, 15], [32, 48], 2, none),
            (2, [47, 12], [48, 32], 2, around),
            (2, [16, 9], [32, 32], 2, [[0, 1], [0, 1]]),
            (2, [6, 10], [32, 32], 2, [[0, 0], [2, 0]]),
            (70, [8, 6], [32, 32], 2, around),
        ];
        all.into_iter().map(|(count, sides, channels, stride, [rows, columns])| {
            let window = Window { kernel: KERNEL, stride, rows, columns };
            Case { count, sides, channels, window }
        })
    }

    /// Result, gradient of pictures and of kernels of a layer, each output by itself.
    fn expected(case: Case, [pictures, kernels, slopes]: [&[f32]; 3]) -> [Vec<f64>; 3] {
        let Case { count, sides: [height, width], channels: [inputs, outputs], window } = case;
        let [rows, columns] = window.grid([height, width]);
        let mut found = [slopes, pictures, kernels].map(|numbers| vec![0.0; numbers.len()]);
        let [maps, of_pictures, of_kernels] = &mut found;
        let places = iproduct!(0..count, 0..rows, 0..columns, 0..KERNEL, 0..KERNEL);
        for (picture, row, column, y, x) in places {
            let (tall, wide) = (row * window.stride + y, column * window.stride + x);
            let inside = |at: usize, before: usize, side: usize| {
                at.checked_sub(before).filter(|at| *at < side)
            };
            let tall = inside(tall, window.rows[0], height);
            let wide = inside(wide, window.columns[0], width);
            let Some((tall, wide)) = tall.zip(wide) else { continue };
            let from = ((picture * height + tall) * width + wide) * inputs;
            let to = ((picture * rows + row) * columns + column) * outputs;
            for (output, input) in iproduct!(0..outputs, 0..inputs) {
                let kernel = ((output * KERNEL + y) * KERNEL + x) * inputs + input;
                let number = f64::from(pictures[from + input]);
                let slope = f64::from(slopes[to + output]);
                maps[to + output] += number * f64::from(kernels[kernel]);
                of_pictures[from + input] += slope * f64::from(kernels[kernel]);
                of_kernels[kernel] += slope * number;
            }
        }
        found
    }

    /// How far numbers are from others, beside the largest of these.
    fn far(found: &[f32], expected: &[f64]) -> f64 {
        assert_eq!(found.len(), expected.len());
        let size = expected.iter().fold(0.0, |size: f64, x| size.max(x.abs()));
        let far = found.iter().zip(expected).map(|(a, b)| (f64::from(*a) - b).abs());
        far.fold(0.0, f64::max) / size
    }

    #[test]
    fn fewer_products_give_the_same() {
        for case in cases() {
            let Case { count, sides, channels: [inputs, outputs], window } = case;
            let pictures = numbers(count * sides[0] * sides[1] * inputs, 1);
            let kernels = numbers(outputs * KERNEL * KERNEL * inputs, 2);
            let [rows, columns] = window.grid(sides);
            let slopes = numbers(count * rows * columns * outputs, 3);
            let expected = expected(case, [&pictures, &kernels, &slopes]);

            let shape = [count, sides[0], sides[1], inputs];
            let around = padded(array(pictures.clone(), shape), window);
            let [_, height, width, _] = around.layout().shape().dims();
            let plan = Plan::new(window, [height, width], case.channels);
            let transformed = Transformed::new(&kernels, case.channels, window.stride);
            let bias = vec![0.0; outputs];
            let end = (bias.as_slice(), Activation::Linear);
            let maps = plan.maps(around.storage(), &transformed.forward(), end, &mut []);
            let mut of_pictures = vec![f32::NAN; pictures.len()];
            let backward = transformed.backward();
            plan.gradient_of_pictures(&slopes, &backward, window, &mut of_pictures);
            let of_kernels = plan.gradient_of_kernels(around.storage(), &slopes);
            let found = [maps, of_pictures, of_kernels];
            for (which, (found, expected)) in found.iter().zip(&expected).enumerate() {
                let far = far(found, expected);
                assert!(far < 5e-6, "number {which} of {case:?}: off by {far}");
            }
        }
    }

    /// Threads share pictures, bands, and inputs where there are few bands.
    #[cfg(feature = "threads")]
    #[test]
    fn results_are_the_same_to_the_bit_for_any_number_of_threads() {
        for (stride, channels) in [(1, [48, 32]), (2, [128, 48])] {
            let (sides, window) = ([11, 15], Window::valid(KERNEL, stride));
            let plan = Plan::new(window, sides, channels);
            let [rows, columns] = plan.grid();
            let pictures = numbers(40 * sides[0] * sides[1] * channels[0], 1);
            let kernels = numbers(channels[1] * KERNEL * KERNEL * channels[0], 2);
            let slopes = numbers(40 * rows * columns * channels[1], 3);
            let bias = numbers(channels[1], 4);
            let all = || {
                let transformed = Transformed::new(&kernels, channels, stride);
                let (forward, backward) = (transformed.forward(), transformed.backward());
                let maps = plan.maps(&pictures, &forward, (&bias, Activation::Relu), &mut []);
                let mut of_pictures = vec![f32::NAN; pictures.len()];
                plan.gradient_of_pictures(&slopes, &backward, window, &mut of_pictures);
                let of_kernels = plan.gradient_of_kernels(&pictures, &slopes);
                [maps, of_pictures, of_kernels]
                    .map(|found| found.into_iter().map(f32::to_bits).collect())
            };
            let by = |threads| -> [Vec<u32>; 3] {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                pool.install(all)
            };
            let one = by(1);
            assert!(
                [2, 3, 8].into_iter().all(|threads| by(threads) == one),
                "{stride} {channels:?}"
            );
        }
    }

    #[test]
    fn bias_and_activation_come_last_and_are_noted() {
        let (sides, channels) = ([9, 14], [32, 48]);
        let window = Window::valid(KERNEL, 2);
        let plan = Plan::new(window, sides, channels);
        let pictures = numbers(5 * sides[0] * sides[1] * channels[0], 1);
        let kernels = numbers(channels[1] * KERNEL * KERNEL * channels[0], 2);
        let kernels = Transformed::new(&kernels, channels, window.stride).forward();
        let bias = numbers(channels[1], 4);
        let none = vec![0.0; channels[1]];
        let sums = plan.maps(&pictures, &kernels, (&none, Activation::Linear), &mut []);
        let mut followed = vec![false; sums.len()];
        let maps = plan.maps(&pictures, &kernels, (&bias, Activation::Relu), &mut followed);
        for (at, sum) in sums.iter().enumerate() {
            let sum = sum + bias[at % channels[1]];
            assert_eq!((maps[at], followed[at]), (sum.max(0.0), sum > 0.0), "{at}");
        }
        assert!(followed.contains(&true) && followed.contains(&false));
    }

    #[test]
    fn layers_that_gain_little_go_another_way() {
        assert!(suits([3, 1], [64, 256]) && suits([3, 2], [64, 256]));
        for (kernel, channels) in [
            ([3, 3], [64, 64]),
            ([1, 1], [64, 64]),
            ([3, 1], [3, 64]),
            ([3, 1], [64, 512]),
            ([3, 1], [40, 64]),
        ] {
            assert!(!suits(kernel, channels), "{kernel:?} {channels:?}");
        }
        let packed = |count| -> Vec<Panels> {
            (0..count).map(|_| Panels::new([1, 1], |_| |_| 0.0)).collect()
        };
        for (count, stride, outputs, expected) in
            [(1, 1, 900, 1), (16, 1, 1, 16), (1, 2, 900, 1), (26, 2, 255, 1), (26, 2, 256, 25)]
        {
            assert_eq!(chosen(&packed(count), stride, outputs).len(), expected, "{count} {stride}");
        }
        let learns = |kernel, stride, maps, channels| {
            Plan::learning(Window::valid(kernel, stride), maps, channels).is_some()
        };
        assert!(learns(3, 1, [8, 8, 8], [64, 512]) && learns(3, 2, [8, 15, 15], [64, 64]));
        for (kernel, stride, maps, channels) in [
            (5, 1, [8, 8, 8], [64, 64]),
            (3, 3, [8, 15, 15], [64, 64]),
            (3, 1, [8, 8, 8], [16, 64]),
            (3, 1, [8, 8, 8], [64, 72]),
            // One output a picture, no output, and few of them.
            (3, 2, [900, 3, 3], [64, 64]),
            (3, 1, [900, 2, 9], [64, 64]),
            (3, 1, [7, 8, 8], [64, 64]),
        ] {
            assert!(
                !learns(kernel, stride, maps, channels),
                "{kernel} {stride} {maps:?} {channels:?}"
            );
        }
    }
}
