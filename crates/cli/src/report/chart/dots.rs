//! Dots: a row a name with one or more means, each with the spread of its repetitions.

use maud::{Markup, html};

use super::axis::{Scale, round_ticks};
use super::canvas::{LABEL, Pen, WIDTH, label, label_width, line, titled};
use super::palette::colour;
use super::ticks::span;

/// Height of a row, in the page's units.
const ROW: f64 = 26.0;
/// Height of the title, and of a row of the legend.
const HEAD: f64 = 34.0;
const LEGEND: f64 = 26.0;
/// Room for the numbers below the axis.
const FOOT: f64 = 34.0;
/// Space beside words.
const GAP: f64 = 12.0;
/// Space on the right, for half of the last number.
const RIGHT: f64 = 24.0;
/// Space at both ends of the axis, as a share of what it spans.
const MARGIN: f64 = 0.04;
/// Most numbers below the axis.
const NUMBERS: usize = 7;
/// Radius of a dot, and how far the dots of a row stand apart.
const RADIUS: f64 = 5.0;
const APART: f64 = 6.0;
/// How lines of the grid are drawn.
const GRID: Pen = Pen { colour: "currentColor", width: 0.3, dashes: None };

/// A chart of dots, whose axis need not begin at zero.
#[derive(Clone, Debug, Default)]
pub struct Dots {
    /// What the chart shows.
    pub title: String,
    /// What the dots measure.
    pub value_label: String,
    /// What each row's dots are, in their order.
    pub names: Vec<String>,
    /// The rows from top to bottom.
    pub rows: Vec<Row>,
}

/// One row.
#[derive(Clone, Debug, Default)]
pub struct Row {
    /// What was measured.
    pub name: String,
    /// A mean and the standard deviation of its repetitions for each of the names; none draws nothing.
    pub marks: Vec<Option<(f64, Option<f64>)>>,
}

pub(super) fn svg(dots: &Dots) -> Markup {
    let title = if dots.value_label.is_empty() {
        dots.title.clone()
    } else {
        format!("{} ({})", dots.title, dots.value_label)
    };
    let below = ROW * dots.rows.len() as f64;
    titled(&title, HEAD + LEGEND + below + FOOT, &html! { (legend(&dots.names)) (drawn(dots)) })
}

fn legend(names: &[String]) -> Markup {
    let widths = names.iter().scan(0.0, |x, name| {
        let here = *x;
        *x += 2.0 * GAP + label_width(name) + GAP;
        Some(here)
    });
    html! {
        @for ((place, name), x) in names.iter().enumerate().zip(widths) {
            (dot([x + RADIUS, LEGEND / 3.0], colour(place)))
            (label(name, [x + 2.0 * GAP - RADIUS, LEGEND / 3.0], "start"))
        }
    }
}

fn drawn(dots: &Dots) -> Markup {
    let left = dots.rows.iter().map(|row| label_width(&row.name)).fold(0.0, f64::max) + GAP;
    let marks = dots.rows.iter().flat_map(|row| row.marks.iter().flatten());
    let ends = marks.flat_map(|&(mean, deviation)| reach(mean, deviation));
    let (low, high) = span(ends);
    let margin = MARGIN * (high - low);
    let scale = Scale { places: [low - margin, high + margin], ends: [left, WIDTH - RIGHT] };
    let bottom = LEGEND + ROW * dots.rows.len() as f64;
    html! {
        @for tick in round_ticks(scale.places, NUMBERS) {
            @let x = scale.at(tick.place);
            (line(&[[x, LEGEND], [x, bottom]], GRID))
            (label(&tick.words, [x, bottom + LABEL], "middle"))
        }
        @for (index, row) in dots.rows.iter().enumerate() {
            @let middle = LEGEND + ROW * (index as f64 + 0.5);
            (label(&row.name, [0.0, middle], "start"))
            (marked(row, middle, scale))
        }
    }
}

/// The dots of a row, each a little lower than the one before, so that whiskers do not cover each other.
fn marked(row: &Row, middle: f64, scale: Scale) -> Markup {
    let top = middle - APART * (row.marks.len().saturating_sub(1)) as f64 / 2.0;
    html! {
        @for (place, mark) in row.marks.iter().enumerate() {
            @if let Some((mean, deviation)) = mark.filter(|(mean, _)| mean.is_finite()) {
                @let y = top + APART * place as f64;
                @let [low, high] = reach(mean, deviation).map(|value| scale.at(value));
                @if low < high {
                    (line(&[[low, y], [high, y]], Pen { colour: colour(place), width: 2.0, dashes: None }))
                }
                (dot([scale.at(mean), y], colour(place)))
            }
        }
    }
}

fn reach(mean: f64, deviation: Option<f64>) -> [f64; 2] {
    let deviation = deviation.unwrap_or(0.0);
    [mean - deviation, mean + deviation]
}

fn dot([x, y]: [f64; 2], colour: &str) -> Markup {
    html! { circle cx=(format!("{x:.2}")) cy=(format!("{y:.2}")) r=(RADIUS) fill=(colour) {} }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(rows: Vec<Row>) -> String {
        let names = vec!["linear".into(), "kNN".into()];
        svg(&Dots { title: "Accuracy".into(), value_label: "%".into(), names, rows }).into_string()
    }

    fn row(marks: [Option<(f64, Option<f64>)>; 2]) -> Row {
        Row { name: "byol".into(), marks: marks.to_vec() }
    }

    #[test]
    fn each_mean_is_a_dot_with_its_spread() {
        let svg = drawn(vec![row([Some((55.0, Some(1.5))), Some((51.0, None))])]);
        for words in ["Accuracy (%)", "byol", "linear", "kNN"] {
            assert!(svg.contains(words), "{words} in {svg}");
        }
        let legend = 2;
        assert_eq!(svg.matches("<circle").count(), legend + 2);
        assert_eq!(svg.matches("stroke-width=\"2\"").count(), 1, "one mean has a spread: {svg}");
    }

    #[test]
    fn what_was_not_measured_is_not_drawn() {
        let svg = drawn(vec![row([None, Some((f64::NAN, None))])]);
        assert_eq!(svg.matches("<circle").count(), 2, "the legend alone: {svg}");
        assert!(!svg.contains("NaN") && drawn(vec![]).contains("</svg>"));
    }

    #[test]
    fn a_larger_mean_stands_further_right() {
        let svg = drawn(vec![row([Some((40.0, None)), Some((60.0, None))])]);
        let places: Vec<f64> = svg
            .split("<circle cx=\"")
            .skip(3)
            .map(|rest| rest.split('"').next().expect("a number").parse().expect("a number"))
            .collect();
        assert!(places.len() == 2 && places[0] < places[1], "{places:?}");
    }
}
