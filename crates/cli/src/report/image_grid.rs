//! Image grids: many small images in one PNG, framed so that one sees what belongs together.
//!
//! The background is transparent, so that a grid sits well on a light and on a dark page.

use std::io::Cursor;

use image::{ImageFormat, Rgba, RgbaImage};
use kith_core::image::{CHANNELS, Images};
use kith_core::resize::resize;

/// Images smaller than this many pixels are enlarged by a whole factor until they are not.
const READABLE: usize = 64;
/// Space between two images, in pixels.
const GAP: usize = 10;
/// Width of a frame, in pixels; frames lie inside the gap and hide no image.
const FRAME: usize = 3;
/// Extra space between the first image of a row and what follows from it, in pixels.
const ASIDE: usize = 12;

/// Frame of the image that a row starts with: a grey seen on white and on black.
const GREY: Rgba<u8> = Rgba([128, 128, 128, 255]);
/// Frame of a neighbour with the same label (blue of Okabe and Ito's palette).
const BLUE: Rgba<u8> = Rgba([0, 114, 178, 255]);
/// Frame of a neighbour with another label (orange of the same palette).
const ORANGE: Rgba<u8> = Rgba([230, 159, 0, 255]);

/// Whether a neighbour's label is the query's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Agreement {
    /// The same label: a blue frame.
    Same,
    /// Another label: an orange frame.
    Other,
}

/// One row an original: the original, framed, then its views.
///
/// `views[v]` holds the v-th view of every original, as an augmenter gives them.
///
/// # Panics
/// When a stack of views is not as long as the originals: a bug of the caller.
pub fn augmentation_grid(originals: &Images, views: &[Images]) -> Vec<u8> {
    assert!(views.iter().all(|view| view.len() == originals.len()), "one view an original");
    let rows: Vec<Row> = (0..originals.len())
        .map(|index| Row {
            first: Tile::of(originals, index, Some(GREY)),
            others: views.iter().map(|view| Tile::of(view, index, None)).collect(),
            aside: ASIDE,
        })
        .collect();
    png(&rows)
}

/// One row a query: the query, framed grey, then its neighbours, the nearest first.
///
/// `neighbours[q]` holds the neighbours of query q; with `agreements`, of the same form, each
/// neighbour is framed blue where its label is the query's and orange where not.
///
/// # Panics
/// When the lengths do not fit each other: a bug of the caller.
pub fn neighbour_grid(
    queries: &Images,
    neighbours: &[Images],
    agreements: Option<&[Vec<Agreement>]>,
) -> Vec<u8> {
    assert_eq!(neighbours.len(), queries.len(), "one stack of neighbours a query");
    let frame = |query: usize, rank: usize| {
        agreements.map(|all| match all[query][rank] {
            Agreement::Same => BLUE,
            Agreement::Other => ORANGE,
        })
    };
    let rows: Vec<Row> = neighbours
        .iter()
        .enumerate()
        .map(|(query, found)| Row {
            first: Tile::of(queries, query, Some(GREY)),
            others: (0..found.len())
                .map(|rank| Tile::of(found, rank, frame(query, rank)))
                .collect(),
            aside: ASIDE,
        })
        .collect();
    png(&rows)
}

/// A column an original: the original on top, framed, and below it one view of each row.
///
/// `rows[r]` holds a view of every original.
///
/// # Panics
/// When a row is not as long as the originals: a bug of the caller.
pub fn recipe_grid(originals: &Images, rows: &[Images]) -> Vec<u8> {
    assert!(rows.iter().all(|row| row.len() == originals.len()), "one view an original");
    let row = |images| Row {
        first: Tile::of(images, 0, None),
        others: (1..originals.len()).map(|index| Tile::of(images, index, None)).collect(),
        aside: 0,
    };
    if originals.is_empty() {
        return png(&[]);
    }
    let mut all: Vec<Row> = [originals].into_iter().chain(rows).map(row).collect();
    let top = &mut all[0];
    [&mut top.first].into_iter().chain(&mut top.others).for_each(|tile| tile.frame = Some(GREY));
    png(&all)
}

/// Images without space between them, `columns` in a row, each `side` pixels high and wide.
pub fn tiles(images: &Images, [columns, side]: [usize; 2]) -> Vec<u8> {
    let rows = images.len().div_ceil(columns.max(1)).max(1);
    let mut grid = RgbaImage::new((columns.max(1) * side) as u32, (rows * side) as u32);
    let mut planes = vec![0; CHANNELS * side * side];
    for index in 0..images.len() {
        resize(images.picture(index), images.size(), &mut planes, side);
        let tile = Tile { samples: &planes, size: [side; 2], frame: None, factor: 1 };
        tile.draw(&mut grid, [index % columns * side, index / columns * side]);
    }
    encoded(&grid)
}

struct Row<'a> {
    first: Tile<'a>,
    others: Vec<Tile<'a>>,
    /// Extra space between the first and the others, in pixels.
    aside: usize,
}

/// One image on a grid: planar samples, their size, and the frame around them.
struct Tile<'a> {
    samples: &'a [u8],
    size: [usize; 2],
    frame: Option<Rgba<u8>>,
    /// Whole factor that the image is enlarged by.
    factor: usize,
}

impl<'a> Tile<'a> {
    fn of(images: &'a Images, index: usize, frame: Option<Rgba<u8>>) -> Self {
        let size = images.size();
        // Makes it readable.
        let factor = READABLE.div_ceil(size[0].min(size[1]).max(1));
        Self { samples: images.picture(index), size, frame, factor }
    }

    fn drawn_size(&self) -> [usize; 2] {
        self.size.map(|side| side * self.factor)
    }

    /// Draws frame and image, the image's upper left corner at `(left, top)`.
    fn draw(&self, grid: &mut RgbaImage, [left, top]: [usize; 2]) {
        let [height, width] = self.drawn_size();
        if let Some(colour) = self.frame {
            let corner = [left - FRAME, top - FRAME];
            fill(grid, corner, [height + 2 * FRAME, width + 2 * FRAME], colour);
        }
        let plane = self.size[0] * self.size[1];
        for y in 0..height {
            for x in 0..width {
                let pixel = y / self.factor * self.size[1] + x / self.factor;
                let [red, green, blue] = [0, 1, 2].map(|c| self.samples[c * plane + pixel]);
                let colour = Rgba([red, green, blue, u8::MAX]);
                grid.put_pixel((left + x) as u32, (top + y) as u32, colour);
            }
        }
    }
}

fn fill(
    grid: &mut RgbaImage,
    [left, top]: [usize; 2],
    [height, width]: [usize; 2],
    colour: Rgba<u8>,
) {
    for y in top..top + height {
        for x in left..left + width {
            grid.put_pixel(x as u32, y as u32, colour);
        }
    }
}

/// Lays the rows out on a grid of the largest image's size and encodes the grid.
fn png(rows: &[Row]) -> Vec<u8> {
    let sizes = rows.iter().flat_map(|row| row.others.iter().chain([&row.first]));
    let [height, width] = sizes
        .map(Tile::drawn_size)
        .fold([1, 1], |largest, size| [largest[0].max(size[0]), largest[1].max(size[1])]);
    let longest = rows.iter().map(|row| row.others.len()).max().unwrap_or(0);
    let aside = rows.iter().map(|row| row.aside).max().unwrap_or(0);
    let grid_width = GAP + (width + GAP) * (longest + 1) + aside * longest.min(1);
    let grid_height = GAP + (height + GAP) * rows.len();
    let mut grid = RgbaImage::new(grid_width as u32, grid_height as u32);
    for (index, row) in rows.iter().enumerate() {
        let top = GAP + (height + GAP) * index;
        row.first.draw(&mut grid, [GAP, top]);
        for (place, tile) in row.others.iter().enumerate() {
            tile.draw(&mut grid, [GAP + (width + GAP) * (place + 1) + row.aside, top]);
        }
    }
    encoded(&grid)
}

fn encoded(grid: &RgbaImage) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    grid.write_to(&mut bytes, ImageFormat::Png).expect("a PNG in memory cannot fail");
    bytes.into_inner()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flat(colours: &[[u8; 3]], side: usize) -> Images {
        let planes = colours.iter().flatten().flat_map(|&value| vec![value; side * side]);
        Images::new(planes.collect(), [colours.len(), side, side]).unwrap()
    }

    fn decode(png: &[u8]) -> RgbaImage {
        image::load_from_memory(png).unwrap().to_rgba8()
    }

    #[test]
    fn a_grid_shows_each_original_and_its_views_in_their_places() {
        let originals = flat(&[[200, 0, 0], [0, 200, 0]], 64);
        let views = [flat(&[[0, 0, 200], [1, 2, 3]], 64), flat(&[[9, 9, 9], [7, 7, 7]], 64)];
        let grid = decode(&augmentation_grid(&originals, &views));
        let step = 64 + GAP;
        let at = |row: usize, place: usize| {
            let x = GAP + step * place + ASIDE * place.min(1);
            grid.get_pixel(x as u32, (GAP + step * row) as u32).0
        };
        assert_eq!(at(0, 0), [200, 0, 0, 255]);
        assert_eq!(at(1, 0), [0, 200, 0, 255]);
        assert_eq!(at(0, 1), [0, 0, 200, 255]);
        assert_eq!(at(1, 2), [7, 7, 7, 255]);
        assert_eq!(grid.get_pixel(0, 0).0[3], 0, "the background is transparent");
        assert_eq!(*grid.get_pixel((GAP - 1) as u32, GAP as u32), GREY, "the original is framed");
    }

    #[test]
    fn a_grid_has_the_originals_on_top_and_their_views_below() {
        let originals = flat(&[[200, 0, 0], [0, 200, 0], [0, 0, 200]], 64);
        let rows = [flat(&[[1; 3], [2; 3], [3; 3]], 64), flat(&[[4; 3], [5; 3], [6; 3]], 64)];
        let grid = decode(&recipe_grid(&originals, &rows));
        let step = 64 + GAP;
        assert_eq!(grid.dimensions(), ((GAP + 3 * step) as u32, (GAP + 3 * step) as u32));
        let at = |row: usize, column: usize| {
            grid.get_pixel((GAP + step * column) as u32, (GAP + step * row) as u32).0
        };
        assert_eq!(at(0, 2), [0, 0, 200, 255]);
        assert_eq!([at(1, 0)[0], at(1, 2)[0], at(2, 0)[0], at(2, 1)[0]], [1, 3, 4, 5]);
        for column in 0..3 {
            let corner = (GAP + step * column - 1) as u32;
            assert_eq!(*grid.get_pixel(corner, GAP as u32), GREY, "originals are framed");
        }
        decode(&recipe_grid(&flat(&[], 32), &[]));
    }

    #[test]
    fn agreeing_neighbours_are_framed_blue_and_others_orange() {
        let queries = flat(&[[1, 1, 1]], 64);
        let found = [flat(&[[2, 2, 2], [3, 3, 3]], 64)];
        let agreements = [vec![Agreement::Same, Agreement::Other]];
        let grid = decode(&neighbour_grid(&queries, &found, Some(&agreements)));
        let left = |place: usize| (GAP + (64 + GAP) * place + ASIDE - 1) as u32;
        assert_eq!(*grid.get_pixel(left(1), GAP as u32), BLUE);
        assert_eq!(*grid.get_pixel(left(2), GAP as u32), ORANGE);
    }

    #[test]
    fn tiles_stand_side_by_side() {
        let grid = decode(&tiles(&flat(&[[1; 3], [2; 3], [3; 3]], 8), [2, 4]));
        assert_eq!(grid.dimensions(), (8, 8));
        let at = |x, y| grid.get_pixel(x, y).0;
        assert_eq!([at(0, 0)[0], at(4, 0)[0], at(3, 4)[0], at(4, 4)[3]], [1, 2, 3, 0]);
    }

    #[test]
    fn small_images_are_enlarged_by_a_whole_factor() {
        let grid = decode(&augmentation_grid(&flat(&[[5, 5, 5]], 28), &[]));
        assert_eq!(grid.dimensions(), ((84 + 2 * GAP) as u32, (84 + 2 * GAP) as u32));
    }

    #[test]
    fn rows_may_be_of_different_length_and_grids_empty() {
        let found = [flat(&[[2, 2, 2]], 64), flat(&[], 64)];
        decode(&neighbour_grid(&flat(&[[0; 3], [1; 3]], 64), &found, None));
        decode(&augmentation_grid(&flat(&[], 32), &[]));
    }
}
