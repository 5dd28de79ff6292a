//! Lines over steps.

use plotters::prelude::*;

use super::canvas::{self, Area, IN_MEMORY, INK, colour, label, label_width, units};
use super::ticks::{span, tick};
use super::{Chart, Series};

/// Height, in the page's units.
const HEIGHT: i32 = 380;
/// Longer series are averaged down to about this many points: a screen shows no more.
const MOST_POINTS: usize = 1000;
/// Space above and below the lines, as a share of their span.
const MARGIN: f64 = 0.05;
/// What is below this share of the axis is zero.
const ROUNDING: f64 = 1e-9;
/// Height of one row of the legend.
const LEGEND_ROW: i32 = 22;
/// Length of the stroke that stands for a line in the legend.
const SAMPLE: i32 = 18;

pub(super) fn svg(chart: &Chart) -> String {
    canvas::drawn(&chart.title, HEIGHT, |area| {
        // A legend of one line would only say what the title says.
        let names = if chart.series.len() > 1 { chart.series.as_slice() } else { &[] };
        let legend_height = draw_legend(area, names);
        draw_plot(&area.margin(legend_height, 0, 0, 0), chart);
    })
}

/// Draws the names in rows and returns the height taken.
fn draw_legend(area: &Area, series: &[Series]) -> i32 {
    let width = area.dim_in_pixel().0.cast_signed();
    let [row, sample, gap] = [LEGEND_ROW, SAMPLE, 6].map(units);
    let (mut x, mut y) = (0, 0);
    for (index, series) in series.iter().enumerate() {
        let entry = sample + gap + label_width(&series.name) + 3 * gap;
        if x > 0 && x + entry > width {
            (x, y) = (0, y + row);
        }
        let middle = y + row / 3;
        let stroke = colour(index).stroke_width(units(3).unsigned_abs());
        let line = PathElement::new(vec![(x, middle), (x + sample, middle)], stroke);
        area.draw(&line).expect(IN_MEMORY);
        let text = Text::new(series.name.as_str(), (x + sample + gap, y), label());
        area.draw(&text).expect(IN_MEMORY);
        x += entry;
    }
    if series.is_empty() { 0 } else { y + row }
}

fn draw_plot(area: &Area, chart: &Chart) {
    let points = || chart.series.iter().flat_map(|series| &series.points).filter(is_finite);
    let (left, right) = span(points().map(|point| point.0));
    let (low, high) = span(points().map(|point| point.1));
    let margin = (high - low) * MARGIN;
    let [small, labels_below, labels_left] = [8, 48, 64].map(units);
    let mut plot = ChartBuilder::on(area)
        .margin_top(small)
        .margin_right(3 * small)
        .x_label_area_size(labels_below)
        .y_label_area_size(labels_left)
        .build_cartesian_2d(left..right, low - margin..high + margin)
        .expect(IN_MEMORY);
    plot.configure_mesh()
        .disable_x_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(INK.mix(0.15).stroke_width(units(1).unsigned_abs()))
        .axis_style(INK.mix(0.4).stroke_width(units(1).unsigned_abs()))
        .set_all_tick_mark_size(units(4))
        .label_style(label())
        .axis_desc_style(label())
        .x_labels(8)
        .y_labels(6)
        .x_label_formatter(&|value| tick(snapped(*value, right - left)))
        .y_label_formatter(&|value| tick(snapped(*value, high - low)))
        .x_desc(chart.x_label.as_str())
        .y_desc(chart.y_label.as_str())
        .draw()
        .expect(IN_MEMORY);
    for (index, series) in chart.series.iter().enumerate() {
        let stroke = colour(index).stroke_width(units(2).unsigned_abs());
        let dot = units(4);
        for run in runs(&thinned(&series.points)) {
            if let [alone] = run {
                let dot = Circle::new(*alone, dot, colour(index).filled());
                plot.draw_series([dot]).expect(IN_MEMORY);
            } else {
                let line = PathElement::new(run, stroke);
                plot.draw_series([line]).expect(IN_MEMORY);
            }
        }
    }
}

/// Zero for what differs from it only by rounding.
fn snapped(value: f64, span: f64) -> f64 {
    if value.abs() < span * ROUNDING { 0.0 } else { value }
}

fn is_finite(point: &&(f64, f64)) -> bool {
    point.0.is_finite() && point.1.is_finite()
}

/// The stretches without a gap.
fn runs(points: &[(f64, f64)]) -> impl Iterator<Item = &[(f64, f64)]> {
    points.split(|point| !is_finite(&point)).filter(|run| !run.is_empty())
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

    fn chart(series: &[&[(f64, f64)]]) -> Chart {
        let series = series
            .iter()
            .map(|points| Series { name: "a < b".into(), points: points.to_vec() })
            .collect();
        let [title, x_label, y_label] = ["Loss & \"more\"", "step", "loss"].map(String::from);
        Chart { title, x_label, y_label, series }
    }

    #[test]
    fn a_chart_takes_size_and_text_colour_from_its_page() {
        let svg = svg(&chart(&[&[(0.0, 1.0), (1.0, 0.5)], &[(0.0, 0.2), (1.0, 0.3)]]));
        assert!(svg.starts_with("<svg role=\"img\""), "{svg}");
        let opening = svg.split('>').next().unwrap();
        assert!(opening.contains("viewBox") && !opening.contains(" width="), "{opening}");
        assert!(svg.contains("currentColor") && !svg.contains("#010203"), "{svg}");
        assert!(svg.contains("system-ui, sans-serif"), "{svg}");
    }

    #[test]
    fn words_are_escaped() {
        let svg = svg(&chart(&[&[], &[]]));
        assert!(!svg.contains("a < b") && !svg.contains("\"more\""), "{svg}");
    }

    #[test]
    fn a_single_point_is_a_dot() {
        assert!(svg(&chart(&[&[(3.0, 2.0)]])).contains("<circle"));
    }

    #[test]
    fn nothing_at_all_still_makes_axes() {
        for empty in [chart(&[]), chart(&[&[]]), chart(&[&[(f64::NAN, f64::INFINITY)]])] {
            assert!(svg(&empty).contains("</svg>"));
        }
    }

    #[test]
    fn a_number_that_is_none_leaves_a_gap() {
        let points = [(0.0, 1.0), (1.0, 2.0), (2.0, f64::NAN), (3.0, 1.0), (4.0, 2.0)];
        let lengths: Vec<usize> = runs(&points).map(<[_]>::len).collect();
        assert_eq!(lengths, [2, 2]);
        assert!(!svg(&chart(&[&points])).contains("NaN"));
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
