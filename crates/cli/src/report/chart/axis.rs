//! A horizontal axis: where it runs, and which numbers stand below it.

use std::ops::Range;

use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};
use plotters::coord::types::RangedCoordf64;

use super::ticks::{span, tick};
use super::{Axis, Chart};

/// Numbers that stand below a linear axis, about.
const NUMBERS: usize = 8;
/// Space at both ends of a logarithmic axis, so that whiskers do not lie on the frame, as a share.
const MARGIN: f64 = 0.03;
/// Numbers that stand closer than this share of the axis would touch.
const CLOSEST: f64 = 0.045;
/// What is below this share of the axis is zero.
const ROUNDING: f64 = 1e-9;

/// The horizontal axis of a chart. Places are numbers, or their logarithms.
pub(super) struct Horizontal {
    axis: Axis,
    places: RangedCoordf64,
    /// Places of the numbers below it.
    shown: Vec<f64>,
}

/// Where a number stands on an axis.
pub(super) fn place(axis: Axis, value: f64) -> f64 {
    match axis {
        Axis::Linear => value,
        Axis::Logarithmic => value.log10(),
    }
}

/// Zero for what differs from it only by rounding.
pub(super) fn snapped(value: f64, span: f64) -> f64 {
    if value.abs() < span * ROUNDING { 0.0 } else { value }
}

impl Horizontal {
    /// The axis that all points of a chart need.
    pub(super) fn of(chart: &Chart) -> Self {
        let points = chart.series.iter().flat_map(|series| &series.points);
        let points = points.filter(|(x, y)| x.is_finite() && y.is_finite());
        let all: Vec<f64> = points.map(|point| place(chart.x_axis, point.0)).collect();
        let (left, right) = span(all.iter().copied());
        if chart.x_axis == Axis::Linear {
            let places: RangedCoordf64 = (left..right).into();
            let shown = places.key_points(NUMBERS);
            return Self { axis: chart.x_axis, places, shown };
        }
        let width = right - left;
        let places = (left - MARGIN * width..right + MARGIN * width).into();
        Self { axis: chart.x_axis, places, shown: apart(all, CLOSEST * width) }
    }

    /// From one end to the other, in places.
    pub(super) fn width(&self) -> f64 {
        let Range { start, end } = self.places.range();
        end - start
    }

    fn words(&self, place: f64) -> String {
        tick(match self.axis {
            Axis::Linear => snapped(place, self.width()),
            Axis::Logarithmic => 10_f64.powf(place),
        })
    }
}

/// The places, each once, without those that are too near the one before.
fn apart(mut places: Vec<f64>, closest: f64) -> Vec<f64> {
    places.retain(|place| place.is_finite());
    places.sort_unstable_by(f64::total_cmp);
    let mut shown: Vec<f64> = Vec::new();
    for place in places {
        if shown.last().is_none_or(|last| place - last >= closest) {
            shown.push(place);
        }
    }
    shown
}

impl Ranged for Horizontal {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, place: &f64, limits: (i32, i32)) -> i32 {
        self.places.map(place, limits)
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        if hint.weight().allow_light_points() { Vec::new() } else { self.shown.clone() }
    }

    fn range(&self) -> Range<f64> {
        self.places.range()
    }
}

impl ValueFormatter<f64> for Horizontal {
    fn format_ext(&self, place: &f64) -> String {
        self.words(*place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::chart::Series;

    fn axis(x_axis: Axis, xs: &[f64]) -> Horizontal {
        let points = xs.iter().map(|&x| (x, 0.0)).collect();
        let series = vec![Series { points, ..Series::default() }];
        Horizontal::of(&Chart { x_axis, series, ..Chart::default() })
    }

    #[test]
    fn a_logarithmic_axis_has_a_tick_a_number_unless_they_touch() {
        let axis = axis(Axis::Logarithmic, &[100.0, 1.0, 10.0, 101.0]);
        assert_eq!(axis.shown, [0.0, 1.0, 2.0]);
        assert!(axis.range().start < 0.0 && axis.range().end > 101_f64.log10());
        let words: Vec<String> = axis.shown.iter().map(|&place| axis.words(place)).collect();
        assert_eq!(words, ["1", "10", "100"]);
    }

    #[test]
    fn a_linear_axis_runs_from_the_first_point_to_the_last() {
        let axis = axis(Axis::Linear, &[0.0, 25.0]);
        assert_eq!(axis.range(), 0.0..25.0);
        assert!(axis.shown.len() > 2 && axis.shown.contains(&0.0), "{:?}", axis.shown);
    }
}
