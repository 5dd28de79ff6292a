//! Bars: one mean a line, with the spread of its repetitions.

use plotters::prelude::*;

use super::canvas::{self, Area, IN_MEMORY, INK, colour, label, label_width, units};
use super::ticks::{measured, span};

/// Height of a bar's row, in the page's units.
const ROW: i32 = 34;
/// Thickness of a bar.
const THICKNESS: i32 = 18;
/// Height of the title above the bars.
const HEAD: i32 = 34;

/// A chart of bars that start at zero.
#[derive(Clone, Debug, Default)]
pub struct Bars {
    /// What the chart shows.
    pub title: String,
    /// What the bars measure.
    pub value_label: String,
    /// The bars from top to bottom.
    pub bars: Vec<Bar>,
}

/// One bar.
#[derive(Clone, Debug, Default)]
pub struct Bar {
    /// What was measured.
    pub name: String,
    /// Its mean; one that is not finite draws no bar.
    pub mean: f64,
    /// Standard deviation of its repetitions, drawn as a whisker to both sides.
    pub deviation: Option<f64>,
}

impl Bar {
    fn reach(&self) -> [f64; 2] {
        let deviation = self.deviation.unwrap_or(0.0);
        [self.mean - deviation, self.mean + deviation]
    }

    fn words(&self) -> String {
        if self.mean.is_finite() { measured(self.mean, self.deviation) } else { "none".into() }
    }
}

pub(super) fn svg(bars: &Bars) -> String {
    let rows = i32::try_from(bars.bars.len()).unwrap_or(i32::MAX / ROW).max(1);
    let title = if bars.value_label.is_empty() {
        bars.title.clone()
    } else {
        format!("{} ({})", bars.title, bars.value_label)
    };
    canvas::drawn(&title, HEAD + rows * ROW, |area| draw(area, &bars.bars))
}

fn draw(area: &Area, bars: &[Bar]) {
    let widest = |words: fn(&Bar) -> i32| bars.iter().map(words).max().unwrap_or(0) + units(16);
    let left = widest(|bar| label_width(&bar.name));
    let right = area.dim_in_pixel().0.cast_signed() - widest(|bar| label_width(&bar.words()));
    let (low, high) = span(bars.iter().flat_map(Bar::reach).chain([0.0]));
    let place = |value: f64| left + ((value - low) / (high - low) * f64::from(right - left)) as i32;
    for (index, bar) in bars.iter().enumerate() {
        let middle = units(ROW) * index as i32 + units(ROW) / 2;
        let line = middle - units(9);
        write(area, &bar.name, (0, line));
        write(area, &bar.words(), (right + units(12), line));
        if bar.mean.is_finite() {
            let half = units(THICKNESS) / 2;
            let [start, end] = [bar.mean.min(0.0), bar.mean.max(0.0)].map(place);
            let corners = [(start, middle - half), (end, middle + half)];
            area.draw(&Rectangle::new(corners, colour(0).filled())).expect(IN_MEMORY);
            draw_whisker(area, bar.reach().map(place), middle);
        }
    }
    let axis = [(place(0.0), 0), (place(0.0), units(ROW) * bars.len() as i32)];
    stroke(area, axis);
}

fn draw_whisker(area: &Area, [low, high]: [i32; 2], middle: i32) {
    if low == high {
        return;
    }
    let half = units(5);
    stroke(area, [(low, middle), (high, middle)]);
    stroke(area, [(low, middle - half), (low, middle + half)]);
    stroke(area, [(high, middle - half), (high, middle + half)]);
}

fn stroke(area: &Area, ends: [(i32, i32); 2]) {
    let style = INK.stroke_width(units(1).unsigned_abs() + 2);
    area.draw(&PathElement::new(ends.to_vec(), style)).expect(IN_MEMORY);
}

fn write(area: &Area, words: &str, place: (i32, i32)) {
    area.draw(&Text::new(words, place, label())).expect(IN_MEMORY);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(name: &str, mean: f64, deviation: Option<f64>) -> Bar {
        Bar { name: name.into(), mean, deviation }
    }

    fn drawn(bars: Vec<Bar>) -> String {
        svg(&Bars { title: "Accuracy".into(), value_label: "%".into(), bars })
    }

    #[test]
    fn each_bar_has_its_name_its_mean_and_its_spread() {
        let svg = drawn(vec![bar("nnclr", 71.25, Some(0.5)), bar("simclr", 69.0, None)]);
        for words in ["Accuracy (%)", "nnclr", "71.25 ± 0.5", "simclr", "69"] {
            assert!(svg.contains(words), "{words} in {svg}");
        }
        assert_eq!(svg.matches("<rect").count(), 2);
    }

    #[test]
    fn a_mean_that_is_none_draws_no_bar() {
        let svg = drawn(vec![bar("diverged", f64::NAN, None)]);
        assert!(svg.contains("none") && !svg.contains("<rect") && !svg.contains("NaN"), "{svg}");
    }

    #[test]
    fn no_bars_and_negative_bars_are_drawn() {
        assert!(drawn(vec![]).contains("</svg>"));
        assert_eq!(drawn(vec![bar("a", -1.0, Some(0.2))]).matches("<rect").count(), 1);
    }
}
