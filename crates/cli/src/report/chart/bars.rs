//! Bars: one mean a line, with the spread of its repetitions.

use maud::{Markup, html};

use super::axis::Scale;
use super::canvas::{Pen, WIDTH, label, label_width, line, titled};
use super::palette::colour;
use super::ticks::{measured, span};

/// Height of a bar's row, in the page's units.
const ROW: f64 = 34.0;
/// Thickness of a bar.
const THICKNESS: f64 = 18.0;
/// Height of the title above the bars.
const HEAD: f64 = 34.0;
/// Space between a bar and the words beside it.
const GAP: f64 = 12.0;
/// Room for words in a wider face than was reckoned with.
const SPARE: f64 = 4.0;
/// Half of a line that ends a whisker.
const CAP: f64 = 5.0;
/// How the axis and whiskers are drawn.
const INK: Pen = Pen { colour: "currentColor", width: 1.5, dashes: None };

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

pub(super) fn svg(bars: &Bars) -> Markup {
    let rows = bars.bars.len().max(1) as f64;
    let title = if bars.value_label.is_empty() {
        bars.title.clone()
    } else {
        format!("{} ({})", bars.title, bars.value_label)
    };
    titled(&title, HEAD + rows * ROW, &drawn(&bars.bars))
}

fn drawn(bars: &[Bar]) -> Markup {
    let widest = |words: fn(&Bar) -> f64| bars.iter().map(words).fold(0.0, f64::max) + GAP + SPARE;
    let left = widest(|bar| label_width(&bar.name));
    let right = WIDTH - widest(|bar| label_width(&bar.words()));
    let (low, high) = span(bars.iter().flat_map(Bar::reach).chain([0.0]));
    let scale = Scale { places: [low, high], ends: [left, right] };
    let zero = scale.at(0.0);
    html! {
        @for (index, bar) in bars.iter().enumerate() {
            @let middle = ROW * (index as f64 + 0.5);
            (label(&bar.name, [0.0, middle], "start"))
            (label(&bar.words(), [right + GAP, middle], "start"))
            @if bar.mean.is_finite() {
                @let end = scale.at(bar.mean);
                rect x=(format!("{:.2}", zero.min(end))) y=(middle - THICKNESS / 2.0)
                    width=(format!("{:.2}", (end - zero).abs())) height=(THICKNESS) fill=(colour(0)) {}
                (whisker(bar.reach().map(|value| scale.at(value)), middle))
            }
        }
        (line(&[[zero, 0.0], [zero, ROW * bars.len() as f64]], INK))
    }
}

fn whisker([low, high]: [f64; 2], middle: f64) -> Markup {
    let cap = |end: f64| line(&[[end, middle - CAP], [end, middle + CAP]], INK);
    html! {
        @if low != high {
            (line(&[[low, middle], [high, middle]], INK))
            (cap(low))
            (cap(high))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(name: &str, mean: f64, deviation: Option<f64>) -> Bar {
        Bar { name: name.into(), mean, deviation }
    }

    fn drawn(bars: Vec<Bar>) -> String {
        svg(&Bars { title: "Accuracy".into(), value_label: "%".into(), bars }).into_string()
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
