//! Lines over steps.

use plotters::coord::types::RangedCoordf64;
use plotters::element::DashedPathElement;
use plotters::prelude::*;

use super::axis::{Horizontal, place, snapped};
use super::canvas::{self, Area, IN_MEMORY, INK, colour, label, label_width, units};
use super::ticks::{span, tick};
use super::{Chart, Series, Stroke};

/// Height, in the page's units.
const HEIGHT: i32 = 380;
/// Longer series are averaged down to about this many points: a screen shows no more.
const MOST_POINTS: usize = 1000;
/// Space above and below the lines, as a share of their span.
const MARGIN: f64 = 0.05;
/// What lines with whiskers stand apart, as a share of the axis.
const DODGE: f64 = 0.005;
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
        let stroke = shade(series, index).stroke_width(units(3).unsigned_abs());
        let ends = vec![(x, middle), (x + sample, middle)];
        match dash(series.stroke) {
            None => area.draw(&PathElement::new(ends, stroke)),
            Some((dash, gap)) => area.draw(&DashedPathElement::new(ends, dash, gap, stroke)),
        }
        .expect(IN_MEMORY);
        let text = Text::new(series.name.as_str(), (x + sample + gap, y), label());
        area.draw(&text).expect(IN_MEMORY);
        x += entry;
    }
    if series.is_empty() { 0 } else { y + row }
}

/// How far a line stands aside, as a share of the axis: whiskers would cover each other.
fn dodge(chart: &Chart, index: usize) -> f64 {
    if chart.series.iter().all(|series| series.deviations.is_empty()) {
        return 0.0;
    }
    DODGE * (index as f64 - (chart.series.len() - 1) as f64 / 2.0)
}

/// Axes to draw lines between.
type Plot<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<Horizontal, RangedCoordf64>>;

fn draw_plot(area: &Area, chart: &Chart) {
    let (low, high) = span(chart.series.iter().flat_map(heights));
    let margin = (high - low) * MARGIN;
    let [small, labels_below, labels_left] = [8, 48, 64].map(units);
    let horizontal = Horizontal::of(chart);
    let width = horizontal.width();
    let mut plot = ChartBuilder::on(area)
        .margin_top(small)
        .margin_right(3 * small)
        .x_label_area_size(labels_below)
        .y_label_area_size(labels_left)
        .build_cartesian_2d(horizontal, low - margin..high + margin)
        .expect(IN_MEMORY);
    plot.configure_mesh()
        .disable_x_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(INK.mix(0.15).stroke_width(units(1).unsigned_abs()))
        .axis_style(INK.mix(0.4).stroke_width(units(1).unsigned_abs()))
        .set_all_tick_mark_size(units(4))
        .label_style(label())
        .axis_desc_style(label())
        .y_labels(6)
        .y_label_formatter(&|value| tick(snapped(*value, high - low)))
        .x_desc(chart.x_label.as_str())
        .y_desc(chart.y_label.as_str())
        .draw()
        .expect(IN_MEMORY);
    for (index, series) in chart.series.iter().enumerate() {
        let aside = dodge(chart, index) * width;
        let placed = |&(x, y): &(f64, f64)| (place(chart.x_axis, x) + aside, y);
        let points: Vec<_> = thinned(&series.points).iter().map(placed).collect();
        draw_line(&mut plot, &points, series.stroke, shade(series, index));
        for (point, deviation) in series.points.iter().map(placed).zip(&series.deviations) {
            draw_whisker(&mut plot, point, *deviation, shade(series, index));
        }
    }
}

fn draw_line(plot: &mut Plot, points: &[(f64, f64)], stroke: Stroke, colour: RGBColor) {
    let style = colour.stroke_width(units(2).unsigned_abs());
    for run in runs(points) {
        let drawn = match (run, dash(stroke)) {
            (&[alone], _) => {
                plot.draw_series([Circle::new(alone, units(4), colour.filled())]).map(drop)
            }
            (_, None) => plot.draw_series([PathElement::new(run, style)]).map(drop),
            (_, Some((dash, gap))) => {
                let line = DashedPathElement::new(run.to_vec(), dash, gap, style);
                plot.draw_series([line]).map(drop)
            }
        };
        drawn.expect(IN_MEMORY);
    }
}

fn draw_whisker(plot: &mut Plot, (x, y): (f64, f64), deviation: f64, colour: RGBColor) {
    if !y.is_finite() || deviation <= 0.0 {
        return;
    }
    let style = colour.stroke_width(units(1).unsigned_abs());
    let ends = [(x, y - deviation), (x, y + deviation)];
    plot.draw_series([PathElement::new(ends, style)]).expect(IN_MEMORY);
    let cap =
        |end| EmptyElement::at(end) + PathElement::new([(-units(3), 0), (units(3), 0)], style);
    plot.draw_series(ends.map(cap)).expect(IN_MEMORY);
}

/// How high a line with its whiskers reaches.
fn heights(series: &Series) -> impl Iterator<Item = f64> {
    let deviations = series.deviations.iter().copied().chain(std::iter::repeat(0.0));
    let points = series.points.iter().zip(deviations).filter(|(point, _)| is_finite(point));
    points.flat_map(|(point, deviation)| [point.1 - deviation, point.1 + deviation])
}

fn shade(series: &Series, index: usize) -> RGBColor {
    colour(series.colour.unwrap_or(index))
}

/// Lengths of dash and gap; none for a line without gaps.
fn dash(stroke: Stroke) -> Option<(i32, i32)> {
    match stroke {
        Stroke::Solid => None,
        Stroke::Dashed => Some((units(7), units(4))),
        Stroke::Dotted => Some((units(2), units(3))),
    }
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
    use crate::report::chart::Axis;

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
    fn repetitions_have_whiskers_and_colours_may_be_shared() {
        let line = |stroke| Series {
            points: vec![(1.0, 20.0), (10.0, 30.0), (100.0, 40.0)],
            deviations: vec![2.0, 0.5, 0.0],
            colour: Some(1),
            stroke,
            ..Series::default()
        };
        let series = vec![line(Stroke::Solid), line(Stroke::Dashed)];
        let svg = svg(&Chart { x_axis: Axis::Logarithmic, series, ..Chart::default() });
        assert!(svg.contains("#E69F00") && !svg.contains("#0072B2"), "{svg}");
        for number in ["1", "10", "100"] {
            assert!(
                svg.contains(&format!("\n{number}\n")),
                "{number} stands below the axis: {svg}"
            );
        }
        let whole = svg.matches("<polyline").count();
        assert!(whole > 20, "dashes are many short lines, got {whole}");
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
