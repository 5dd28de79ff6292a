//! Charts as SVG: lines over steps, bars and dots with their spread, heat maps.
//!
//! A chart scales with its place, has no background, and draws its words in the page's own colour,
//! so that it reads well on light and dark pages. Its colours are those of Okabe and Ito, which
//! people with any kind of colour vision can tell apart.

pub mod palette;
mod ticks;
mod axis;
mod canvas;
mod lines;
mod bars;
mod dots;
mod heat_map;

use maud::Markup;

pub use bars::{Bar, Bars};
pub use dots::{Dots, Row};
pub use heat_map::{HeatMap, Measured};

/// A line chart.
#[derive(Clone, Debug, Default)]
pub struct Chart {
    /// What the chart shows.
    pub title: String,
    /// What the horizontal axis counts.
    pub x_label: String,
    /// What the vertical axis measures.
    pub y_label: String,
    /// How the horizontal axis runs.
    pub x_axis: Axis,
    /// The lines, each with its own colour unless it says otherwise.
    pub series: Vec<Series>,
}

/// How an axis runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Axis {
    /// Equal steps add the same.
    #[default]
    Linear,
    /// Equal steps multiply by the same; numbers must be above 0, and each has its tick.
    Logarithmic,
}

/// How a line is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stroke {
    /// Without gaps.
    #[default]
    Solid,
    /// In dashes.
    Dashed,
    /// In dots.
    Dotted,
}

/// One line of a chart.
#[derive(Clone, Debug, Default)]
pub struct Series {
    /// Its name in the legend.
    pub name: String,
    /// Its points from left to right; a point that is not finite leaves a gap.
    pub points: Vec<(f64, f64)>,
    /// Standard deviation of each point's repetitions, drawn as whiskers; empty for none.
    pub deviations: Vec<f64>,
    /// Which colour of the palette; none is that of the line's place.
    pub colour: Option<usize>,
    /// How it is drawn.
    pub stroke: Stroke,
}

/// How a line looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// Which colour of the palette.
    pub colour: usize,
    /// How it is drawn.
    pub stroke: Stroke,
}

impl Look {
    /// The look of the n-th of many lines: where the colours are used up, the stroke changes.
    pub fn of(place: usize) -> Self {
        let strokes = [Stroke::Solid, Stroke::Dashed, Stroke::Dotted];
        let stroke = strokes[place / palette::COUNT % strokes.len()];
        Self { colour: place % palette::COUNT, stroke }
    }
}

/// A short piece of a line, for a legend on the page.
pub(super) fn sample(look: Look) -> Markup {
    lines::sample(look)
}

/// The map as an SVG element.
pub fn heat_map_svg(map: &HeatMap) -> Markup {
    heat_map::svg(map)
}

/// The chart as an SVG element.
pub fn svg(chart: &Chart) -> Markup {
    lines::svg(chart)
}

/// The dots as an SVG element.
pub fn dots_svg(dots: &Dots) -> Markup {
    dots::svg(dots)
}

/// The bars as an SVG element.
pub fn bars_svg(bars: &Bars) -> Markup {
    bars::svg(bars)
}
