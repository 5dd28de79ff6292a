//! A scatter plot: images as points on a plane, and each image beside it while one points at it.
//!
//! All of it is one SVG without a script. The images are one grid; a point shows its part.

use std::fmt::Write as _;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use maud::{Markup, PreEscaped, html};

use crate::report::chart::palette;

/// Width and height of the plane, in the page's units.
const PLANE: [f64; 2] = [640.0, 480.0];
/// Room at the plane's edges, for points that lie on them.
const EDGE: f64 = 10.0;
/// Left edge and size of the picture beside the plane.
const SEEN: [f64; 2] = [670.0, 160.0];
/// Width and height of the whole.
const WHOLE: [f64; 2] = [850.0, 480.0];
/// Marks of classes that share a colour: paths around 0.
const MARKS: [&str; 4] = [
    "M-4.5 0a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0-9 0z",
    "M-4-4h8v8h-8z",
    "M0-5.5l5.5 9.5h-11z",
    "M0-6l6 6-6 6-6-6z",
];

/// Images as points on a plane.
#[derive(Clone, Debug, Default)]
pub struct Scatter {
    /// What it is.
    pub title: String,
    /// What to look for in it.
    pub caption: String,
    /// The classes, for the legend; empty where nothing is labelled.
    pub classes: Vec<String>,
    /// The points, each with the image at its place of the grid.
    pub points: Vec<Point>,
    /// All images as one PNG file, without space between them.
    pub grid: Vec<u8>,
    /// Images in a row of the grid.
    pub columns: usize,
}

/// An image on the plane.
#[derive(Clone, Debug, Default)]
pub struct Point {
    /// Its place, in any units.
    pub place: [f64; 2],
    /// Its class.
    pub class: Option<usize>,
    /// What it is called; empty where it has no name.
    pub name: String,
}

/// The plot, its legend and a way past it for those who walk by keyboard.
pub(super) fn section(plot: &Scatter, number: usize) -> Markup {
    let after = format!("after-map-{number}");
    html! {
        section {
            h2 { (plot.title) }
            a.skip href=(format!("#{after}")) { "Past the map" }
            figure.map {
                div.wide { (PreEscaped(svg(plot, number))) }
                figcaption id=(after) { (plot.caption) }
                (legend(plot))
            }
        }
    }
}

fn legend(plot: &Scatter) -> Markup {
    html! {
        @if !plot.classes.is_empty() {
            ul.legend {
                @for (class, name) in plot.classes.iter().enumerate() {
                    li {
                        svg viewBox="-7 -7 14 14" aria-hidden="true" { (PreEscaped(mark(class))) }
                        (name)
                    }
                }
            }
        }
    }
}

/// The mark of a class around 0.
fn mark(class: usize) -> String {
    let shape = MARKS[class / palette::COUNT % MARKS.len()];
    format!("<path d=\"{shape}\" fill=\"{}\"/>", palette::hex(class))
}

fn svg(plot: &Scatter, number: usize) -> String {
    let [width, height] = WHOLE;
    let title = html! { (plot.title) }.into_string();
    let mut svg = format!(
        "<svg viewBox=\"0 0 {width} {height}\" role=\"group\" aria-label=\"{title}\"><defs>\
         <image id=\"sheet-{number}\" width=\"{}\" height=\"{}\" href=\"data:image/png;base64,{}\"/>\
         </defs><rect class=\"plane\" x=\"0.5\" y=\"0.5\" width=\"{}\" height=\"{}\"/>",
        plot.columns.max(1),
        plot.points.len().div_ceil(plot.columns.max(1)).max(1),
        STANDARD.encode(&plot.grid),
        PLANE[0] - 1.0,
        PLANE[1] - 1.0,
    );
    svg += &hint();
    let fit = Fit::of(&plot.points);
    for (index, point) in plot.points.iter().enumerate() {
        let [x, y] = fit.place(point.place);
        let class =
            point.class.and_then(|class| plot.classes.get(class)).map_or("", String::as_str);
        let words: Vec<&str> =
            [point.name.as_str(), class].into_iter().filter(|word| !word.is_empty()).collect();
        let label = html! { (words.join(", ")) }.into_string();
        let _never_fails = write!(
            svg,
            "<g class=\"point\" tabindex=\"0\" role=\"img\" aria-label=\"{label}\">\
             <g transform=\"translate({x:.1} {y:.1})\">{}</g>{}</g>",
            mark(point.class.unwrap_or(0)),
            seen(index, plot.columns.max(1), number, &words)
        );
    }
    svg + "</svg>"
}

/// What stands beside the plane until one points at something.
fn hint() -> String {
    let [left, size] = SEEN;
    format!(
        "<rect class=\"frame\" x=\"{left}\" y=\"0.5\" width=\"{size}\" height=\"{size}\"/>\
         <text class=\"hint\" x=\"{}\" y=\"{}\" text-anchor=\"middle\">point at a mark</text>",
        left + size / 2.0,
        size / 2.0
    )
}

/// The picture of a point and its words, seen while one points at it.
fn seen(index: usize, columns: usize, number: usize, words: &[&str]) -> String {
    /// Height of a line.
    const LINE: f64 = 27.0;
    /// Letters that fit into a line beside the plane.
    const LETTERS: usize = 22;
    /// What is left out at a picture's edges, as a share: a page would mix in the pictures beside.
    const BLEED: f64 = 0.01;
    let ([left, size], [column, row]) = (SEEN, [index % columns, index / columns]);
    let part = 1.0 - 2.0 * BLEED;
    let mut seen = format!(
        "<g class=\"seen\"><svg x=\"{left}\" y=\"0\" width=\"{size}\" height=\"{size}\" \
         viewBox=\"{} {} {part} {part}\"><use href=\"#sheet-{number}\"/></svg>",
        column as f64 + BLEED,
        row as f64 + BLEED,
    );
    for (line, words) in words.iter().enumerate() {
        let y = size + LINE * (line + 1) as f64;
        let words = match words.chars().count() > LETTERS {
            true => words.chars().take(LETTERS - 1).chain(['…']).collect(),
            false => (*words).to_owned(),
        };
        let words = html! { (words) }.into_string();
        let _never_fails = write!(seen, "<text x=\"{left}\" y=\"{y}\">{words}</text>");
    }
    seen + "</g>"
}

/// Fits points onto the plane, as large as both directions allow alike.
struct Fit {
    middle: [f64; 2],
    scale: f64,
}

impl Fit {
    fn of(points: &[Point]) -> Self {
        let span = |axis: usize| {
            let along = points.iter().map(|point| point.place[axis]);
            along.fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], x| {
                [low.min(x), high.max(x)]
            })
        };
        let spans = [span(0), span(1)];
        let scale = spans
            .iter()
            .zip(PLANE)
            .map(|([low, high], room)| (room - 2.0 * EDGE) / (high - low).max(f64::MIN_POSITIVE));
        let scale = scale.fold(f64::INFINITY, f64::min);
        let middle = spans.map(|[low, high]| (low + high) / 2.0);
        Self { middle, scale: if scale.is_finite() { scale } else { 0.0 } }
    }

    fn place(&self, point: [f64; 2]) -> [f64; 2] {
        let along = |axis: usize| (point[axis] - self.middle[axis]) * self.scale;
        [PLANE[0] / 2.0 + along(0), PLANE[1] / 2.0 - along(1)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map() -> Scatter {
        let point =
            |place, class, name: &str| Point { place, class: Some(class), name: name.into() };
        Scatter {
            title: "Map <1>".into(),
            classes: vec!["cat".into(), "dog & <co>".into()],
            points: vec![
                point([0.0, 0.0], 0, "a"),
                point([2.0, 1.0], 1, "a very long name that does not fit <here>"),
                point([-2.0, 0.5], 1, ""),
            ],
            columns: 2,
            ..Scatter::default()
        }
    }

    #[test]
    fn every_point_has_its_place_mark_and_picture() {
        let svg = svg(&map(), 0);
        assert_eq!(svg.matches("class=\"point\"").count(), 3);
        for part in ["\"0.01 0.01 0.98", "\"1.01 0.01 0.98", "\"0.01 1.01 0.98"] {
            assert!(svg.contains(part), "{part} of the sheet in {svg}");
        }
        assert!(svg.contains("translate(10.0") && svg.contains("translate(630.0"), "{svg}");
        assert!(svg.contains(&palette::hex(1)) && !svg.contains("NaN"), "{svg}");
    }

    #[test]
    fn words_are_escaped_and_long_ones_cut() {
        let page = section(&map(), 0).into_string();
        for raw in ["<1>", "<co>", "<here>"] {
            assert!(!page.contains(raw), "{raw} stands raw in {page}");
        }
        assert!(page.contains("a very long name that…"), "{page}");
    }

    #[test]
    fn no_points_and_one_point_are_drawn() {
        for points in [vec![], vec![Point::default()]] {
            let map = Scatter { points, ..Scatter::default() };
            assert!(!svg(&map, 0).contains("NaN") && !svg(&map, 0).contains("inf"));
        }
    }

    #[test]
    fn classes_beyond_the_palette_have_other_marks() {
        assert_ne!(mark(0), mark(palette::COUNT));
        assert!(mark(palette::COUNT).contains(&palette::hex(0)));
    }
}
