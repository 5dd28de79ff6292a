//! Charts as SVG text: lines over steps, bars with their spread.
//!
//! A chart scales with its place, has no background, and draws its words in the page's own colour,
//! so that it reads well on light and dark pages. Its colours are those of Okabe and Ito, which
//! people with any kind of colour vision can tell apart.

mod bars;
mod canvas;
mod lines;
mod ticks;

pub use bars::{Bar, Bars};

/// A line chart.
#[derive(Clone, Debug, Default)]
pub struct Chart {
    /// What the chart shows.
    pub title: String,
    /// What the horizontal axis counts.
    pub x_label: String,
    /// What the vertical axis measures.
    pub y_label: String,
    /// The lines, each with its own colour.
    pub series: Vec<Series>,
}

/// One line of a chart.
#[derive(Clone, Debug, Default)]
pub struct Series {
    /// Its name in the legend.
    pub name: String,
    /// Its points from left to right; a point that is not finite leaves a gap.
    pub points: Vec<(f64, f64)>,
}

/// The chart as an SVG element.
pub fn svg(chart: &Chart) -> String {
    lines::svg(chart)
}

/// The bars as an SVG element.
pub fn bars_svg(bars: &Bars) -> String {
    bars::svg(bars)
}
