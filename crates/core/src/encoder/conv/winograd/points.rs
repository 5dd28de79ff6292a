//! Points of maps.

use core::ops::Range;

use pulp::{Simd, WithSimd};

use super::Plan;
use super::band::{Band, Row};
use super::sums::{Placed, Sums};
use crate::vectors::processor;

/// Maps whose points are wanted.
#[derive(Clone)]
pub(super) struct Seen<'a> {
    plan: &'a Plan,
    band: &'a Band,
    /// `[n, height, width, channels]`.
    maps: &'a [f32],
    /// Height and width.
    sides: [usize; 2],
    channels: usize,
    /// Those that are wanted, from this one on.
    first: usize,
    wanted: usize,
    /// Points as sums of rows and of columns.
    sums: [&'a Sums; 2],
    /// Wanted channels that lie together.
    pieces: Vec<Range<usize>>,
}

impl<'a> Seen<'a> {
    /// Pictures `[n, h, w, in]` with their padding.
    pub(super) fn pictures(plan: &'a Plan, band: &'a Band, maps: &'a [f32]) -> Self {
        let ([channels, _], sums) =
            (plan.channels, [&plan.rows.of_pixels, &plan.columns.of_pixels]);
        Self::all(plan, band, (maps, plan.sides, channels), sums)
    }

    /// The gradient `[n, rows, columns, out]` of what comes of them.
    pub(super) fn gradient(plan: &'a Plan, band: &'a Band, maps: &'a [f32]) -> Self {
        let sums = [&plan.rows.of_outputs, &plan.columns.of_outputs];
        Self::all(plan, band, (maps, plan.grid(), plan.channels[1]), sums)
    }

    fn all(
        plan: &'a Plan,
        band: &'a Band,
        (maps, sides, channels): (&'a [f32], [usize; 2], usize),
        sums: [&'a Sums; 2],
    ) -> Self {
        let pieces = vec![0..channels];
        Self { plan, band, maps, sides, channels, first: 0, wanted: channels, sums, pieces }
    }

    /// Some channels.
    pub(super) fn of(self, channels: Range<usize>) -> Self {
        Self { first: channels.start, wanted: channels.len(), ..self }
    }

    /// With wanted channels that lie together in pieces, for each product and piece `[points, width]`.
    pub(super) fn in_pieces(self, pieces: Vec<Range<usize>>) -> Self {
        Self { pieces, ..self }
    }

    /// For each product `[points, channels]` unless these lie in pieces, with room for a row of maps.
    pub(super) fn points(self, points: &mut Vec<f32>, room: &mut Vec<f32>) {
        let (places, end) = self.band.places(self.wanted);
        points.resize(end, 0.0);
        room.resize(self.sides[1] * self.wanted, 0.0);
        let placed = |step: usize| {
            let sums = self.sums[1].0.iter();
            sums.map(|terms| Placed::of(terms, |column| column * step)).collect()
        };
        let columns = [self.wanted, self.channels].map(placed);
        processor().dispatch(Points { of: self, columns, places: &places, points, room });
    }
}

/// Makes points as sums of rows, and then of columns.
struct Points<'a> {
    of: Seen<'a>,
    /// Sums of the columns of a row that has the wanted channels, and of one that has all.
    columns: [Vec<Placed>; 2],
    /// Where the points of each product begin.
    places: &'a [usize],
    points: &'a mut [f32],
    /// Room for a row.
    room: &'a mut [f32],
}

impl WithSimd for Points<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let Seen { band, maps, sides: [height, width], channels, .. } = self.of;
        let picture = height * width * channels;
        for strip in &band.strips {
            let picture = &maps[strip.picture * picture..][..picture];
            for row in &strip.points {
                self.row(simd, *row, picture);
            }
        }
    }
}

impl Points<'_> {
    /// All points along the columns.
    #[inline(always)]
    fn row<S: Simd>(&mut self, simd: S, row: Row, picture: &[f32]) {
        let Seen { plan, sides: [_, width], channels, first, wanted, sums: [sums, _], .. } =
            self.of;
        let line = width * channels;
        let sum = Placed::of(&sums.0[row.point], |row| row * line + first);
        let [of_room, of_picture] = &self.columns;
        let (from, columns) = match sum.only() {
            Some(place) => (&picture[place..], of_picture),
            None => {
                // Numbers that lie side by side, and from there to the next.
                let [run, step] = if wanted == channels { [line; 2] } else { [wanted, channels] };
                let runs = self.room.chunks_exact_mut(run).enumerate();
                runs.for_each(|(number, to)| sum.write(simd, to, &picture[number * step..]));
                (&*self.room, of_room)
            }
        };
        let counts = &plan.columns.counts;
        for (column, point) in columns.iter().zip(&plan.columns.points) {
            let product = row.kind * counts.len() + point.kind;
            let (count, at) =
                (self.of.band.counts[product], row.at * counts[point.kind] + point.at);
            for piece in &self.of.pieces {
                let place = self.places[product] + piece.start * count + at * piece.len();
                let to = &mut self.points[place..][..piece.len()];
                column.write(simd, to, &from[piece.start..]);
            }
        }
    }
}
