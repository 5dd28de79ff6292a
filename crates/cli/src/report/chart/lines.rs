//! Lines over steps.

use maud::{Markup, html};

use super::axis::{Scale, Tick, horizontal, place, round_ticks};
use super::canvas::{LABEL, Pen, WIDTH, below_title, label, label_width, line, titled};
use super::palette::colour;
use super::ticks::span;
use super::{Chart, Look, Series, Stroke};

/// Height, in the page's units.
const HEIGHT: f64 = 380.0;
/// Longer series are averaged down to about this many points: a screen shows no more.
const MOST_POINTS: usize = 1000;
/// Space above and below the lines, as a share of their span.
const MARGIN: f64 = 0.05;
/// What lines with whiskers stand apart, as a share of the axis.
const DODGE: f64 = 0.005;
/// Height of one row of the legend.
const LEGEND_ROW: f64 = 22.0;
/// Length of the stroke that stands for a line in the legend.
const SAMPLE: f64 = 18.0;
/// Space beside the words of the legend.
const GAP: f64 = 6.0;
/// Space above the axes and on their right.
const AROUND: [f64; 2] = [8.0, 24.0];
/// Room for the words below the axes and on their left.
const WORDS: [f64; 2] = [48.0, 64.0];
/// Most numbers beside the vertical axis.
const NUMBERS: usize = 6;
/// Length of the stroke between a number and its axis.
const TICK: f64 = 4.0;
/// Half of a line that ends a whisker, and the radius of a lonely point.
const CAP: [f64; 2] = [3.0, 4.0];

pub(super) fn svg(chart: &Chart) -> Markup {
    // A legend of one line would only say what the title says.
    let names = if chart.series.len() > 1 { chart.series.as_slice() } else { &[] };
    let (legend, height) = legend(names);
    let plot = Plot::of(chart, [height, below_title(HEIGHT)]);
    titled(&chart.title, HEIGHT, &html! { (legend) (plot.axes(chart)) (plot.lines(chart)) })
}

/// A piece of a line, alone.
pub(super) fn sample(look: Look) -> Markup {
    let middle = GAP;
    let pen = Pen { width: 3.0, ..pen_of(look) };
    html! {
        svg aria-hidden="true" viewBox=(format!("0 0 {SAMPLE} {}", 2.0 * middle)) {
            (line(&[[0.0, middle], [SAMPLE, middle]], pen))
        }
    }
}

/// The names in rows, and the height that they take.
fn legend(series: &[Series]) -> (Markup, f64) {
    let (mut x, mut y) = (0.0, 0.0);
    let mut place = |name: &str| {
        let width = SAMPLE + GAP + label_width(name) + 3.0 * GAP;
        if x > 0.0 && x + width > WIDTH {
            (x, y) = (0.0, y + LEGEND_ROW);
        }
        x += width;
        [x - width, y + LEGEND_ROW / 3.0]
    };
    let drawn = html! {
        @for (index, series) in series.iter().enumerate() {
            @let [x, middle] = place(&series.name);
            (line(&[[x, middle], [x + SAMPLE, middle]], Pen { width: 3.0, ..pen(series, index) }))
            (label(&series.name, [x + SAMPLE + GAP, middle], "start"))
        }
    };
    (drawn, if series.is_empty() { 0.0 } else { y + LEGEND_ROW })
}

/// How far a line stands aside, as a share of the axis: whiskers would cover each other.
fn dodge(chart: &Chart, index: usize) -> f64 {
    if chart.series.iter().all(|series| series.deviations.is_empty()) {
        return 0.0;
    }
    DODGE * (index as f64 - (chart.series.len() - 1) as f64 / 2.0)
}

/// Axes to draw lines between.
struct Plot {
    across: Scale,
    up: Scale,
    /// The numbers below and on the left.
    ticks: [Vec<Tick>; 2],
}

impl Plot {
    /// Axes that hold all lines, in what lies between two heights.
    fn of(chart: &Chart, [top, bottom]: [f64; 2]) -> Self {
        let (low, high) = span(chart.series.iter().flat_map(heights));
        let margin = (high - low) * MARGIN;
        let up = [low - margin, high + margin];
        let (across, below) = horizontal(chart);
        let ([above, right], [words_below, words_left]) = (AROUND, WORDS);
        Self {
            across: Scale { places: across, ends: [words_left, WIDTH - right] },
            ticks: [below, round_ticks(up, NUMBERS)],
            up: Scale { places: up, ends: [bottom - words_below, top + above] },
        }
    }

    /// Axes, their numbers and what they measure.
    fn axes(&self, chart: &Chart) -> Markup {
        let ([left, right], [bottom, top]) = (self.across.ends, self.up.ends);
        let [below, beside] = &self.ticks;
        let ink = Pen { colour: "currentColor", width: 1.0, dashes: None };
        let middle = [(left + right) / 2.0, (bottom + top) / 2.0];
        html! {
            g opacity="0.15" {
                @for tick in beside {
                    @let y = self.up.at(tick.place);
                    (line(&[[left, y], [right, y]], ink))
                }
            }
            g opacity="0.4" {
                (line(&[[left, top], [left, bottom], [right, bottom]], ink))
                @for tick in beside {
                    @let y = self.up.at(tick.place);
                    (line(&[[left - TICK, y], [left, y]], ink))
                }
                @for tick in below {
                    @let x = self.across.at(tick.place);
                    (line(&[[x, bottom], [x, bottom + TICK]], ink))
                }
            }
            @for tick in beside {
                (label(&tick.words, [left - 2.0 * TICK, self.up.at(tick.place)], "end"))
            }
            @for tick in below {
                (label(&tick.words, [self.across.at(tick.place), bottom + 4.0 * TICK], "middle"))
            }
            (label(&chart.x_label, [middle[0], bottom + WORDS[0] - 2.0 * LABEL / 3.0], "middle"))
            g transform=(format!("translate({} {}) rotate(-90)", LABEL / 2.0, middle[1])) {
                (label(&chart.y_label, [0.0, 0.0], "middle"))
            }
        }
    }

    fn lines(&self, chart: &Chart) -> Markup {
        let [left, right] = self.across.ends;
        let place = |index: usize, (x, y): (f64, f64)| {
            let aside = dodge(chart, index) * (right - left);
            [self.across.at(place(chart.x_axis, x)) + aside, self.up.at(y)]
        };
        html! {
            @for (index, series) in chart.series.iter().enumerate() {
                @let points: Vec<_> =
                    thinned(&series.points).iter().map(|&point| place(index, point)).collect();
                @for run in runs(&points) { (stretch(run, pen(series, index))) }
                @for (&(x, y), deviation) in series.points.iter().zip(&series.deviations) {
                    @let ends = [y - deviation, y + deviation].map(|y| place(index, (x, y)));
                    (whisker(ends, pen(series, index)))
                }
            }
        }
    }
}

/// A line without a gap; a lonely point is a dot.
fn stretch(points: &[[f64; 2]], pen: Pen) -> Markup {
    match *points {
        [[x, y]] => html! {
            circle cx=(format!("{x:.2}")) cy=(format!("{y:.2}")) r=(CAP[1]) fill=(pen.colour) {}
        },
        _ => line(points, pen),
    }
}

fn whisker(ends: [[f64; 2]; 2], pen: Pen) -> Markup {
    let pen = Pen { width: 1.0, dashes: None, ..pen };
    let cap = |[x, y]: [f64; 2]| line(&[[x - CAP[0], y], [x + CAP[0], y]], pen);
    let [low, high] = ends.map(|[_, y]| y);
    html! {
        @if low > high { (line(&ends, pen)) (cap(ends[0])) (cap(ends[1])) }
    }
}

/// How high a line with its whiskers reaches.
fn heights(series: &Series) -> impl Iterator<Item = f64> {
    let deviations = series.deviations.iter().copied().chain(std::iter::repeat(0.0));
    let points = series.points.iter().zip(deviations).filter(|(point, _)| is_finite(point));
    points.flat_map(|(point, deviation)| [point.1 - deviation, point.1 + deviation])
}

fn pen(series: &Series, index: usize) -> Pen {
    pen_of(Look { colour: series.colour.unwrap_or(index), stroke: series.stroke })
}

fn pen_of(look: Look) -> Pen {
    let dashes = match look.stroke {
        Stroke::Solid => None,
        Stroke::Dashed => Some("7 4"),
        Stroke::Dotted => Some("2 3"),
    };
    Pen { colour: colour(look.colour), width: 2.0, dashes }
}

fn is_finite(point: &&(f64, f64)) -> bool {
    point.0.is_finite() && point.1.is_finite()
}

/// The stretches without a gap.
fn runs(points: &[[f64; 2]]) -> impl Iterator<Item = &[[f64; 2]]> {
    points.split(|[x, y]| !x.is_finite() || !y.is_finite()).filter(|run| !run.is_empty())
}

/// Means of neighbouring points where there are more than a screen shows.
fn thinned(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let size = points.len().div_ceil(MOST_POINTS).max(1);
    let mean = |some: &[(f64, f64)]| {
        let sum = some.iter().fold((0.0, 0.0), |sum, point| (sum.0 + point.0, sum.1 + point.1));
        (sum.0 / some.len() as f64, sum.1 / some.len() as f64)
    };
    points.chunks(size).map(mean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::chart::Axis;

    fn drawn(chart: &Chart) -> String {
        svg(chart).into_string()
    }

    fn chart(series: &[&[(f64, f64)]]) -> Chart {
        let series = series
            .iter()
            .map(|points| Series {
                name: "a < b".into(),
                points: points.to_vec(),
                ..Series::default()
            })
            .collect();
        let [title, x_label, y_label] = ["Loss & \"more\"", "step", "loss"].map(String::from);
        Chart { title, x_label, y_label, series, ..Chart::default() }
    }

    #[test]
    fn a_chart_takes_size_and_text_colour_from_its_page() {
        let svg = drawn(&chart(&[&[(0.0, 1.0), (1.0, 0.5)], &[(0.0, 0.2), (1.0, 0.3)]]));
        assert!(svg.starts_with("<svg role=\"img\""), "{svg}");
        let opening = svg.split('>').next().unwrap();
        assert!(opening.contains("viewBox") && !opening.contains(" width="), "{opening}");
        assert!(svg.contains("currentColor"), "{svg}");
        assert!(svg.contains("system-ui, sans-serif"), "{svg}");
    }

    #[test]
    fn words_are_escaped() {
        let svg = drawn(&chart(&[&[], &[]]));
        assert!(!svg.contains("a < b") && !svg.contains("\"more\""), "{svg}");
    }

    #[test]
    fn a_single_point_is_a_dot() {
        assert!(drawn(&chart(&[&[(3.0, 2.0)]])).contains("<circle"));
    }

    #[test]
    fn nothing_at_all_still_makes_axes() {
        for empty in [chart(&[]), chart(&[&[]]), chart(&[&[(f64::NAN, f64::INFINITY)]])] {
            assert!(drawn(&empty).contains("</svg>"));
        }
    }

    #[test]
    fn a_number_that_is_none_leaves_a_gap() {
        let points = [(0.0, 1.0), (1.0, 2.0), (2.0, f64::NAN), (3.0, 1.0), (4.0, 2.0)];
        let lengths: Vec<usize> = runs(&points.map(|(x, y)| [x, y])).map(<[_]>::len).collect();
        assert_eq!(lengths, [2, 2]);
        assert!(!drawn(&chart(&[&points])).contains("NaN"));
    }

    #[test]
    fn repetitions_have_whiskers_and_colours_may_be_shared() {
        let line = |stroke| Series {
            points: vec![(1.0, 20.0), (10.0, 30.0), (100.0, 40.0)],
            deviations: vec![2.0, 0.5, 0.0],
            colour: Some(1),
            stroke,
            ..Series::default()
        };
        let series = vec![line(Stroke::Solid), line(Stroke::Dashed)];
        let plain = series.iter().map(|line| Series { deviations: vec![], ..line.clone() });
        let chart = |series| Chart { x_axis: Axis::Logarithmic, series, ..Chart::default() };
        let thin = |svg: &str| svg.matches("stroke-width=\"1\"").count();
        let axes = thin(&drawn(&chart(plain.collect())));
        let svg = drawn(&chart(series));
        assert!(svg.contains("#e69f00") && !svg.contains("#0072b2"), "{svg}");
        for number in ["1", "10", "100"] {
            assert!(
                svg.contains(&format!(">{number}</text>")),
                "{number} stands below the axis: {svg}"
            );
        }
        assert!(svg.contains("stroke-dasharray"), "one line is dashed: {svg}");
        let caps = thin(&svg) - axes;
        assert_eq!(caps, 2 * 2 * 3, "two deviations a line have a stroke and two caps: {svg}");
    }

    #[test]
    fn long_series_become_means() {
        let points: Vec<_> = (0..100_000).map(|i| (f64::from(i), 2.0)).collect();
        let thin = thinned(&points);
        assert_eq!(thin.len(), MOST_POINTS);
        assert!(thin.iter().all(|point| (point.1 - 2.0).abs() < 1e-12));
        assert_eq!(thinned(&points[..7]), points[..7]);
    }
}
