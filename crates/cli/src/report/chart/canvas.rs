//! What all charts share: type, strokes, and an SVG that fits itself to the page.

use maud::{Markup, html};

/// Width of every chart, in the page's units; the page scales it.
pub(super) const WIDTH: f64 = 600.0;
/// Type size of titles.
const TITLE: f64 = 18.0;
/// Type size of everything else.
pub(super) const LABEL: f64 = 15.0;
/// From the middle of a line of labels down to the feet of its letters.
const FEET: f64 = 0.35 * LABEL;
/// Width of a letter as a share of the type size, in the wider of the common sans-serif faces.
const LETTER_WIDTH: f64 = 0.57;

/// Roughly how wide a label is.
pub(super) fn label_width(text: &str) -> f64 {
    text.chars().count() as f64 * LABEL * LETTER_WIDTH
}

/// A titled chart of this height. What is drawn takes the page's text colour and face unless it
/// says otherwise, and the title names the chart for those who hear pages.
pub(super) fn titled(title: &str, height: f64, drawn: &Markup) -> Markup {
    html! {
        svg role="img" aria-label=(title) viewBox=(format!("0 0 {WIDTH} {height}"))
            fill="currentColor" font-family="system-ui, sans-serif" font-size=(LABEL) {
            title { (title) }
            text y=(TITLE) font-size=(TITLE) { (title) }
            g transform=(format!("translate(0 {})", TITLE + LABEL)) { (drawn) }
        }
    }
}

/// What is left below a chart's title.
pub(super) fn below_title(height: f64) -> f64 {
    height - TITLE - LABEL
}

/// How a line is drawn.
#[derive(Clone, Copy)]
pub(super) struct Pen {
    pub(super) colour: &'static str,
    pub(super) width: f64,
    /// Lengths of strokes and gaps, as SVG takes them.
    pub(super) dashes: Option<&'static str>,
}

/// A line through some points.
pub(super) fn line(points: &[[f64; 2]], Pen { colour, width, dashes }: Pen) -> Markup {
    let points: Vec<String> = points.iter().map(|[x, y]| format!("{x:.2},{y:.2}")).collect();
    html! {
        polyline points=(points.join(" ")) fill="none" stroke=(colour) stroke-width=(width)
            stroke-dasharray=[dashes] {}
    }
}

/// A label beside a point, its letters from, around or up to there: `start`, `middle`, `end`.
pub(super) fn label(words: &str, [x, y]: [f64; 2], anchor: &str) -> Markup {
    html! {
        text x=(format!("{x:.2}")) y=(format!("{:.2}", y + FEET)) text-anchor=(anchor) { (words) }
    }
}
