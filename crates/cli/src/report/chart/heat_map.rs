//! A heat map: a number for each pair of two settings' values.

use maud::{Markup, html};

use super::canvas::{LABEL, WIDTH, label, label_width, titled};
use super::palette::colour;
use super::ticks::{measured, span};

/// Height of a cell, in the page's units.
const ROW: f64 = 46.0;
/// Height of the words above the cells, and of those below.
const WORDS: f64 = 30.0;
/// Space between words and cells.
const GAP: f64 = 8.0;
/// Space between two cells.
const SEAM: f64 = 2.0;
/// How strong the colours of the lowest and of the highest number are: none is as strong as its words.
const STRENGTH: [f64; 2] = [0.08, 0.55];

/// A mean, and the standard deviation of its repetitions if there are some.
pub type Measured = (f64, Option<f64>);

/// A number for each pair of two settings' values.
#[derive(Clone, Debug, Default)]
pub struct HeatMap {
    /// What the numbers are.
    pub title: String,
    /// What the columns are, and the value of each.
    pub columns: (String, Vec<String>),
    /// What the rows are, and the value of each.
    pub rows: (String, Vec<String>),
    /// The cells of each row; none where nothing was measured.
    pub cells: Vec<Vec<Option<Measured>>>,
}

pub(super) fn svg(map: &HeatMap) -> Markup {
    let (columns, rows) = (&map.columns.1, &map.rows.1);
    let height = 2.0 * WORDS + rows.len() as f64 * ROW;
    let left = rows.iter().map(|row| label_width(row)).fold(0.0, f64::max) + GAP + 1.5 * LABEL;
    let width = (WIDTH - left) / columns.len().max(1) as f64;
    let middle = |place: usize| left + width * (place as f64 + 0.5);
    let title = &map.title;
    titled(
        title,
        height + 2.0 * LABEL,
        &html! {
            @for (place, column) in columns.iter().enumerate() {
                (label(column, [middle(place), WORDS / 2.0], "middle"))
            }
            @for (place, row) in rows.iter().enumerate() {
                (label(row, [left - GAP, WORDS + ROW * (place as f64 + 0.5)], "end"))
            }
            (cells(map, [left, width]))
            (label(&map.columns.0, [(left + WIDTH) / 2.0, height - WORDS / 2.0], "middle"))
            g transform=(format!("translate({} {}) rotate(-90)", LABEL / 2.0, height / 2.0)) {
                (label(&map.rows.0, [0.0, 0.0], "middle"))
            }
        },
    )
}

fn cells(map: &HeatMap, [left, width]: [f64; 2]) -> Markup {
    let means = map.cells.iter().flatten().flatten().map(|(mean, _)| *mean);
    let (low, high) = span(means);
    let strength = |mean: f64| {
        let [least, most] = STRENGTH;
        least + (mean - low) / (high - low) * (most - least)
    };
    let corner =
        |row: usize, column: usize| [left + width * column as f64, WORDS + ROW * row as f64];
    html! {
        @for (row, cells) in map.cells.iter().enumerate() {
            @for (column, cell) in cells.iter().enumerate() {
                @let [x, y] = corner(row, column);
                @if let Some((mean, _)) = cell {
                    rect x=(format!("{x:.2}")) y=(format!("{y:.2}")) fill=(colour(0))
                        width=(format!("{:.2}", width - SEAM)) height=(ROW - SEAM)
                        fill-opacity=(format!("{:.3}", strength(*mean))) {}
                }
                @let words = cell.map_or("-".to_owned(), |(mean, sd)| measured(mean, sd));
                (label(&words, [x + (width - SEAM) / 2.0, y + (ROW - SEAM) / 2.0], "middle"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_pair_has_its_number_and_the_highest_the_strongest_colour() {
        let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
        let map = HeatMap {
            title: "Accuracy <%>".into(),
            columns: ("temperature".into(), words(&["0.05", "0.1"])),
            rows: ("queue".into(), words(&["64", "128"])),
            cells: vec![
                vec![Some((50.0, Some(1.25))), Some((60.0, None))],
                vec![None, Some((55.0, None))],
            ],
        };
        let svg = svg(&map).into_string();
        for words in ["50 ± 1.25", "60", ">-<", "temperature", "queue", "0.05", "128"] {
            assert!(svg.contains(words), "{words} in {svg}");
        }
        assert_eq!(svg.matches("<rect").count(), 3, "what was not measured has no colour");
        assert_eq!(svg.matches("0.550").count(), 1, "{svg}");
        assert!(!svg.contains("<%>"), "{svg}");
        assert!(super::svg(&HeatMap::default()).into_string().contains("</svg>"));
    }
}
