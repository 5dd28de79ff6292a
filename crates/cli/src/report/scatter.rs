//! A scatter plot: images as points on a plane, and each image beside it while one points at it.
//!
//! All of it is one SVG without a script. The images are one grid; a point shows its part.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use maud::{Markup, html};

use crate::report::chart::palette;

/// Width and height of the plane, in the page's units.
const PLANE: [f64; 2] = [640.0, 480.0];
/// Room at the plane's edges, for points that lie on them.
const EDGE: f64 = 10.0;
/// Left edge and size of the image beside the plane.
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
                div.wide { (svg(plot, number)) }
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
                        svg viewBox="-7 -7 14 14" aria-hidden="true" { (mark(class)) }
                        (name)
                    }
                }
            }
        }
    }
}

/// The mark of a class around 0.
fn mark(class: usize) -> Markup {
    let shape = MARKS[class / palette::COUNT % MARKS.len()];
    html! { path d=(shape) fill=(palette::colour(class)) {} }
}

fn svg(plot: &Scatter, number: usize) -> Markup {
    let columns = plot.columns.max(1);
    let grid = format!("data:image/png;base64,{}", STANDARD.encode(&plot.grid));
    let fit = Fit::of(&plot.points);
    html! {
        svg viewBox=(format!("0 0 {} {}", WHOLE[0], WHOLE[1])) role="group" aria-label=(plot.title) {
            defs {
                image id=(format!("sheet-{number}")) width=(columns)
                    height=(plot.points.len().div_ceil(columns).max(1)) href=(grid) {}
            }
            rect.plane x="0.5" y="0.5" width=(PLANE[0] - 1.0) height=(PLANE[1] - 1.0) {}
            (hint())
            @for (index, point) in plot.points.iter().enumerate() {
                @let [x, y] = fit.place(point.place);
                @let words = words(point, &plot.classes);
                g.point tabindex="0" role="img" aria-label=(words.join(", ")) {
                    g transform=(format!("translate({x:.1} {y:.1})")) {
                        (mark(point.class.unwrap_or(0)))
                    }
                    (seen([index % columns, index / columns], number, &words))
                }
            }
        }
    }
}

/// What is known of a point: its name and its class.
fn words<'a>(point: &'a Point, classes: &'a [String]) -> Vec<&'a str> {
    let class = point.class.and_then(|class| classes.get(class));
    let words = [Some(&point.name), class].into_iter().flatten();
    words.map(String::as_str).filter(|word| !word.is_empty()).collect()
}

/// What stands beside the plane until one points at something.
fn hint() -> Markup {
    let [left, size] = SEEN;
    html! {
        rect.frame x=(left) y="0.5" width=(size) height=(size) {}
        text.hint x=(left + size / 2.0) y=(size / 2.0) text-anchor="middle" { "point at a mark" }
    }
}

/// The image of a point, by its place in the grid, and its words, seen while one points at it.
fn seen(place: [usize; 2], number: usize, words: &[&str]) -> Markup {
    /// Height of a line.
    const LINE: f64 = 27.0;
    /// Letters that fit into a line beside the plane.
    const LETTERS: usize = 22;
    /// What is left out at an image's edges, as a share: a page would mix in the images beside.
    const BLEED: f64 = 0.01;
    let [left, size] = SEEN;
    let [column, row] = place.map(|place| place as f64 + BLEED);
    let part = 1.0 - 2.0 * BLEED;
    let fitting = |words: &str| match words.chars().count() > LETTERS {
        true => words.chars().take(LETTERS - 1).chain(['…']).collect(),
        false => words.to_owned(),
    };
    html! {
        g.seen {
            svg x=(left) y="0" width=(size) height=(size)
                viewBox=(format!("{column} {row} {part} {part}")) {
                use href=(format!("#sheet-{number}")) {}
            }
            @for (line, words) in words.iter().enumerate() {
                text x=(left) y=(size + LINE * (line + 1) as f64) { (fitting(words)) }
            }
        }
    }
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
    fn every_point_has_its_place_mark_and_image() {
        let svg = svg(&map(), 0).into_string();
        assert_eq!(svg.matches("class=\"point\"").count(), 3);
        for part in ["\"0.01 0.01 0.98", "\"1.01 0.01 0.98", "\"0.01 1.01 0.98"] {
            assert!(svg.contains(part), "{part} of the sheet in {svg}");
        }
        assert!(svg.contains("translate(10.0") && svg.contains("translate(630.0"), "{svg}");
        assert!(svg.contains(palette::colour(1)) && !svg.contains("NaN"), "{svg}");
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
            let svg = svg(&map, 0).into_string();
            assert!(!svg.contains("NaN") && !svg.contains("inf"));
        }
    }

    #[test]
    fn classes_beyond_the_palette_have_other_marks() {
        let [first, again] = [0, palette::COUNT].map(|class| mark(class).into_string());
        assert_ne!(first, again);
        assert!(again.contains(palette::colour(0)));
    }
}
