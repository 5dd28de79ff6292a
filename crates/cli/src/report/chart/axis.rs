//! An axis: where numbers stand on it, and which are written beside it.

use super::ticks::{span, tick};
use super::{Axis, Chart};

/// Most numbers below a linear axis.
const NUMBERS: usize = 8;
/// Space at both ends of a logarithmic axis, so that whiskers do not lie on the frame, as a share.
const MARGIN: f64 = 0.03;
/// Numbers that stand closer than this share of the axis would touch.
const CLOSEST: f64 = 0.045;
/// What is missing to a whole number of steps by rounding alone.
const ROUNDING: f64 = 1e-9;

/// Places, numbers or their logarithms, along a side of the drawing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Scale {
    /// The first place and the last.
    pub(super) places: [f64; 2],
    /// Where they are drawn.
    pub(super) ends: [f64; 2],
}

impl Scale {
    /// Where a place is drawn.
    pub(super) fn at(&self, place: f64) -> f64 {
        let ([first, last], [start, end]) = (self.places, self.ends);
        start + (place - first) / (last - first) * (end - start)
    }
}

/// A number that is written beside an axis.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tick {
    pub(super) place: f64,
    pub(super) words: String,
}

impl Tick {
    fn of(axis: Axis, place: f64) -> Self {
        let words = tick(match axis {
            Axis::Linear => place,
            Axis::Logarithmic => 10_f64.powf(place),
        });
        Self { place, words }
    }
}

/// Where a number stands on an axis.
pub(super) fn place(axis: Axis, value: f64) -> f64 {
    match axis {
        Axis::Linear => value,
        Axis::Logarithmic => value.log10(),
    }
}

/// The horizontal axis that all points of a chart need: its first place and its last, and ticks.
pub(super) fn horizontal(chart: &Chart) -> ([f64; 2], Vec<Tick>) {
    let points = chart.series.iter().flat_map(|series| &series.points);
    let points = points.filter(|(x, y)| x.is_finite() && y.is_finite());
    let all: Vec<f64> = points.map(|point| place(chart.x_axis, point.0)).collect();
    let (left, right) = span(all.iter().copied());
    if chart.x_axis == Axis::Linear {
        return ([left, right], round_ticks([left, right], NUMBERS));
    }
    let width = right - left;
    let shown = apart(all, CLOSEST * width).into_iter().map(|place| Tick::of(chart.x_axis, place));
    ([left - MARGIN * width, right + MARGIN * width], shown.collect())
}

/// The multiples of 1, 2 or 5 of a power of ten between two numbers, no more than there may be.
pub(super) fn round_ticks([low, high]: [f64; 2], most: usize) -> Vec<Tick> {
    let power = 10_f64.powf(((high - low) / most as f64).log10().floor());
    let between = |factor: f64| {
        let step = factor * power;
        let ends = [(low / step - ROUNDING).ceil(), (high / step + ROUNDING).floor()];
        let [first, last] = ends.map(|end| end as i64);
        (first..=last).map(move |count| Tick::of(Axis::Linear, count as f64 * step))
    };
    let fits = |factor: &f64| between(*factor).count() <= most;
    [1.0, 2.0, 5.0, 10.0].into_iter().find(fits).map_or_else(Vec::new, |f| between(f).collect())
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::chart::Series;

    fn axis(x_axis: Axis, xs: &[f64]) -> ([f64; 2], Vec<String>) {
        let points = xs.iter().map(|&x| (x, 0.0)).collect();
        let series = vec![Series { points, ..Series::default() }];
        let (places, ticks) = horizontal(&Chart { x_axis, series, ..Chart::default() });
        (places, words(ticks))
    }

    fn words(ticks: Vec<Tick>) -> Vec<String> {
        ticks.into_iter().map(|tick| tick.words).collect()
    }

    #[test]
    fn a_logarithmic_axis_has_a_tick_a_number_unless_they_touch() {
        let ([left, right], words) = axis(Axis::Logarithmic, &[100.0, 1.0, 10.0, 101.0]);
        assert!(left < 0.0 && right > 101_f64.log10());
        assert_eq!(words, ["1", "10", "100"]);
    }

    #[test]
    fn a_linear_axis_runs_from_the_first_point_to_the_last() {
        let (places, words) = axis(Axis::Linear, &[0.0, 25.0]);
        assert_eq!(places, [0.0, 25.0]);
        assert_eq!(words, ["0", "5", "10", "15", "20", "25"]);
    }

    #[test]
    fn ticks_are_round_and_hold_both_ends_where_these_are() {
        assert_eq!(
            words(round_ticks([-0.3, 0.3], 7)),
            ["-0.3", "-0.2", "-0.1", "0", "0.1", "0.2", "0.3"]
        );
        assert_eq!(words(round_ticks([-0.31, 0.3], 6)), ["-0.2", "0", "0.2"]);
        assert_eq!(words(round_ticks([12_000.0, 97_000.0], 6)), ["20k", "40k", "60k", "80k"]);
        for most in 1..9 {
            let count = round_ticks([0.0, 1.0], most).len();
            assert!((1..=most).contains(&count), "{count} of {most}");
        }
    }

    #[test]
    fn a_scale_runs_from_end_to_end() {
        let scale = Scale { places: [-1.0, 3.0], ends: [100.0, 0.0] };
        assert_eq!([-1.0, 1.0, 3.0].map(|place| scale.at(place)), [100.0, 50.0, 0.0]);
    }
}
