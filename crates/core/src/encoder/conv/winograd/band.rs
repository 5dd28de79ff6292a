//! Parts of a layer that are computed at a time.

use core::ops::Range;

use super::Plan;

/// Numbers between the points of two products, so that not all of them fall on the same lines of a cache.
const GAP: usize = 16;

/// A row of tiles of a picture.
#[derive(Clone, Debug)]
pub(super) struct Strip {
    pub(super) picture: usize,
    /// The tile of the rows.
    pub(super) tile: usize,
    pub(super) points: Vec<Row>,
}

/// A point along the rows of a strip, with all those along the columns.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    /// Which it is of a picture's.
    pub(super) point: usize,
    pub(super) kind: usize,
    /// Which it is of the band's of this kind.
    pub(super) at: usize,
}

/// Rows of tiles that go through the products together.
#[derive(Clone, Debug)]
pub(super) struct Band {
    /// Which, from the first picture's first on.
    pub(super) place: Range<usize>,
    pub(super) strips: Vec<Strip>,
    /// How many points each product has.
    pub(super) counts: Vec<usize>,
}

impl Band {
    /// All points, or those of one kind along the rows.
    fn of(plan: &Plan, place: Range<usize>, kind: Option<usize>) -> Self {
        let (rows, columns) = (&plan.rows, &plan.columns);
        let mut tall = vec![0; rows.counts.len()];
        let strips = place.clone().map(|strip| {
            let (picture, tile) = (strip / rows.tiles.len(), strip % rows.tiles.len());
            let points = rows.tiles[tile].points.clone();
            let points = points.map(|point| (point, rows.points[point].kind));
            let points = points.filter(|(_, of)| kind.is_none_or(|kind| *of == kind));
            let points = points.map(|(point, kind)| {
                tall[kind] += 1;
                Row { point, kind, at: tall[kind] - 1 }
            });
            Strip { picture, tile, points: points.collect() }
        });
        let strips = strips.collect();
        let products = |tall: usize| columns.counts.iter().map(move |wide| tall * wide);
        let counts = tall.iter().flat_map(|&tall| products(tall)).collect();
        Self { place, strips, counts }
    }

    /// Some rows of tiles in bands of about so many points.
    pub(super) fn all(plan: &Plan, strips: Range<usize>, points: usize) -> Vec<Self> {
        let of_strip = plan.points().div_ceil(plan.rows.tiles.len());
        let bands = parts(strips, points / of_strip);
        bands.map(|strips| Self::of(plan, strips, None)).collect()
    }

    /// The same kind by kind along the rows, each in bands of about so many tiles for each point: some rows of tiles, and
    /// then the next ones.
    pub(super) fn by_kind(plan: &Plan, strips: Range<usize>, tiles: usize) -> Vec<Self> {
        let (rows, size) = (&plan.rows, tiles / plan.columns.tiles.len());
        let bands = parts(strips, size).flat_map(|strips| {
            rows.counts.iter().enumerate().flat_map(move |(kind, &count)| {
                let points = count.div_ceil(rows.tiles.len()).max(1);
                parts(strips.clone(), size / points)
                    .map(move |strips| Self::of(plan, strips, Some(kind)))
            })
        });
        bands.filter(|band| band.most() > 0).collect()
    }

    /// Where the points of each product begin, and where all end, with so many channels.
    pub(super) fn places(&self, channels: usize) -> (Vec<usize>, usize) {
        let mut end = 0;
        let places = self.counts.iter().map(|count| {
            let place = end;
            end += count * channels + GAP;
            place
        });
        (places.collect(), end)
    }

    /// Points of the product that has most of them.
    pub(super) fn most(&self) -> usize {
        self.counts.iter().max().copied().unwrap_or_default()
    }
}

/// Some places in parts of a size, which is at least 1.
pub(super) fn parts(places: Range<usize>, size: usize) -> impl Iterator<Item = Range<usize>> {
    let (end, size) = (places.end, size.max(1));
    places.step_by(size).map(move |first| first..end.min(first + size))
}
