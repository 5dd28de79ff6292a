//! Patches of maps, gathered where they are read: what the operands of both products are made of.

use cubecl::prelude::*;
use cubecl::std::FastDivmod;

use crate::activation::Activation;
use crate::activation::gpu::passed;

/// Four numbers that are read and written at once.
pub(super) type Quad = Vector<f32, Const<4>>;

/// Four numbers that are multiplied at once: of four bytes or two.
pub(super) type Factors<N> = Vector<N, Const<4>>;

/// Threads of a workgroup, in a square of 16 by 16.
pub(super) const UNITS: usize = 256;

/// Side of the square of threads.
pub(super) const SIDE: usize = 16;

/// Columns of a tile.
pub(super) const COLUMNS: usize = SIDE * 4;

/// Numbers of each row that are multiplied between two barriers: tiles of both operands then take
/// 12 KiB, less than the 16 KiB that every adapter offers.
pub(super) const SLAB: usize = 16;

/// A place that no tap reaches a map from.
const NOWHERE: i32 = -1_000_000;

/// Which pixels of a source are the patch of a row.
#[derive(CubeLaunch, CubeType)]
pub(super) struct Walk {
    /// Rows: the pixels of all grids.
    pub(super) rows: u32,
    /// Rows of pixels of a grid, of which there is one an image.
    pub(super) grid_height: FastDivmod<u32>,
    /// Columns of pixels of a grid.
    pub(super) grid_width: FastDivmod<u32>,
    /// Rows of pixels of an image of the source.
    pub(super) height: u32,
    /// Columns of pixels of an image of the source.
    pub(super) width: u32,
    /// Channels of the source, in quads.
    pub(super) channels: FastDivmod<u32>,
    /// The same as a number.
    pub(super) channel_count: u32,
    /// Pixels of the source from one pixel of the grid to the next.
    pub(super) step: u32,
    /// Row of the source that the first tap sees from the grid's first row.
    pub(super) first_row: i32,
    /// Column of the source that the first tap sees from the grid's first column.
    pub(super) first_column: i32,
    /// Taps of a row of a kernel.
    pub(super) taps: FastDivmod<u32>,
    /// Quads of a patch: taps times channels.
    pub(super) depth: u32,
}

/// Where the rows of a result go: to some of the pixels of its images.
#[derive(CubeLaunch, CubeType)]
pub(super) struct Target {
    /// Rows of pixels of an image.
    pub(super) height: u32,
    /// Columns of pixels of an image.
    pub(super) width: u32,
    /// Pixels from one pixel of the grid to the next.
    pub(super) step: u32,
    /// Row of pixels of the grid's first row.
    pub(super) row: u32,
    /// Column of pixels of the grid's first column.
    pub(super) column: u32,
    /// Channels, in quads.
    pub(super) channels: u32,
}

/// What every row of a product sees of a source.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patches {
    pub(super) images: usize,
    /// Rows and columns of pixels that an image has patches of.
    pub(super) grid: [usize; 2],
    /// Rows, columns and channels of an image of the source.
    pub(super) source: [usize; 3],
    /// Pixels of the source from one patch to the next.
    pub(super) step: usize,
    /// Row and column where the first patch begins.
    pub(super) first: [i32; 2],
    /// Rows and columns of taps.
    pub(super) taps: [usize; 2],
}

impl Patches {
    pub(super) fn rows(&self) -> usize {
        self.images * self.grid[0] * self.grid[1]
    }

    /// Numbers of a patch.
    pub(super) fn depth(&self) -> usize {
        self.taps[0] * self.taps[1] * self.source[2]
    }

    pub(super) fn walk(&self) -> WalkLaunch {
        let [height, width, channels] = self.source.map(|size| size as u32);
        WalkLaunch::new(
            self.rows() as u32,
            self.grid[0] as u32,
            self.grid[1] as u32,
            height,
            width,
            channels / 4,
            channels / 4,
            self.step as u32,
            self.first[0],
            self.first[1],
            self.taps[1].max(1) as u32,
            (self.depth() / 4) as u32,
        )
    }
}

/// Which pixels of an image the rows of a product are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pixels {
    pub(super) stride: usize,
    pub(super) first: [usize; 2],
    pub(super) size: [usize; 2],
}

impl Pixels {
    pub(super) fn target(self, channels: usize) -> TargetLaunch {
        let [[height, width], [row, column]] = [self.size, self.first].map(|x| x.map(|x| x as u32));
        TargetLaunch::new(height, width, self.stride as u32, row, column, (channels / 4) as u32)
    }
}

/// Where the patch of a row lies.
#[derive(CubeType, Clone, Copy)]
#[expand(derive(Clone, Copy))]
pub(super) struct Place {
    /// Rows of pixels of the source before its image.
    before: u32,
    row: i32,
    column: i32,
}

/// Which number of a patch is meant.
#[derive(CubeType, Clone, Copy)]
#[expand(derive(Clone, Copy))]
pub(super) struct Tap {
    row: i32,
    column: i32,
    channel: u32,
}

#[cube]
pub(super) fn zero() -> Quad {
    Quad::new(0.0f32)
}

/// The place of a row; one from `end` on sees nothing.
#[cube]
pub(super) fn place(walk: &Walk, row: u32, end: u32) -> Place {
    let (rest, x) = walk.grid_width.div_mod(row);
    let (image, y) = walk.grid_height.div_mod(rest);
    let down = i32::cast_from(y * walk.step) + walk.first_row;
    Place {
        before: image * walk.height,
        row: select(row < end, down, NOWHERE),
        column: i32::cast_from(x * walk.step) + walk.first_column,
    }
}

/// The tap of a quad of a patch; one beyond the last sees nothing.
#[cube]
pub(super) fn tap(walk: &Walk, quad: u32) -> Tap {
    let (tap, channel) = walk.channels.div_mod(quad);
    let (down, right) = walk.taps.div_mod(tap);
    let row = select(quad < walk.depth, i32::cast_from(down), NOWHERE);
    Tap { row, column: i32::cast_from(right), channel }
}

/// What a tap sees from a place: 0 outside the image, and where the mask is not above 0.
#[cube]
pub(super) fn seen(
    source: &[Quad],
    mask: &ComptimeOption<&[Quad]>,
    walk: &Walk,
    from: (Place, Tap),
    #[comptime] direction: i32,
    #[comptime] activation: Activation,
) -> Quad {
    let (place, tap) = from;
    // As numbers without a sign, so that what is below 0 is beyond the last.
    let row = u32::cast_from(place.row + tap.row * direction);
    let column = u32::cast_from(place.column + tap.column * direction);
    let row = select(column < walk.width, row, walk.height);
    let mut found = zero();
    if row < walk.height {
        let pixel = (place.before + row) * walk.width + column;
        let at = (pixel * walk.channel_count + tap.channel) as usize;
        found = kept(source[at], mask, at, activation);
    }
    found
}

/// Gradients where the activation's results, if there is a mask of them, follow the sums; 0 elsewhere.
#[cube]
fn kept(
    gradients: Quad,
    mask: &ComptimeOption<&[Quad]>,
    at: usize,
    #[comptime] activation: Activation,
) -> Quad {
    let mut kept = gradients;
    #[comptime]
    match mask {
        ComptimeOption::Some(mask) => {
            let results = mask[at];
            #[unroll]
            for k in 0..4usize {
                kept.insert(k, passed(gradients.extract(k), results.extract(k), activation));
            }
        }
        ComptimeOption::None => {}
    }
    kept
}

/// A quad of a matrix, 0 outside it.
#[cube]
pub(super) fn entry(
    matrix: &[Quad],
    mask: &ComptimeOption<&[Quad]>,
    at: (u32, u32),
    size: (u32, u32),
    #[comptime] activation: Activation,
) -> Quad {
    let (row, column) = at;
    let (rows, columns) = size;
    let row = select(column < columns, row, rows);
    let mut found = zero();
    if row < rows {
        let at = (row * columns + column) as usize;
        found = kept(matrix[at], mask, at, activation);
    }
    found
}

/// Column and row of a thread in the square. The 32 that run together are 8 by 4, so that together
/// they read few different quads of either operand.
#[cube]
pub(super) fn seat(unit: u32) -> (usize, usize) {
    let (lane, group) = (unit % 32, unit / 32);
    let x = lane % 8 + 8 * (group % 2);
    let y = lane / 8 + 4 * (group / 2);
    (x as usize, y as usize)
}
