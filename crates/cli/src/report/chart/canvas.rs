//! What all charts share: colours, type, and an SVG that fits itself to the page.

use std::fmt::Write as _;

use plotters::coord::Shift;
use plotters::prelude::*;

/// Units drawn per unit of the page: plotters only knows whole coordinates, and lines of whole
/// pixels look jagged.
const FINENESS: i32 = 4;
/// Width of every chart, in the page's units; the page scales it.
const WIDTH: i32 = 600;
/// A colour that no chart uses: it stands for the page's text colour until the SVG is finished.
pub(super) const INK: RGBColor = RGBColor(1, 2, 3);
/// Okabe and Ito's colours that are seen on white and on black, the most different first.
pub(super) const COLOURS: [RGBColor; 6] = [
    RGBColor(0, 114, 178),
    RGBColor(230, 159, 0),
    RGBColor(0, 158, 115),
    RGBColor(213, 94, 0),
    RGBColor(86, 180, 233),
    RGBColor(204, 121, 167),
];
/// Type size of titles, in the page's units.
const TITLE: i32 = 18;
/// Type size of everything else.
const LABEL: i32 = 15;
/// Width of a letter as a share of the type size, in the wider of the common sans-serif faces.
const LETTER_WIDTH: f64 = 0.57;
/// plotters divides type sizes by this.
const PLOTTERS_TYPE: f64 = 1.24;

/// Where charts are drawn.
pub(super) type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// So many of the page's units, in drawn units.
pub(super) fn units(count: i32) -> i32 {
    count * FINENESS
}

/// The colour of the n-th line or bar.
pub(super) fn colour(index: usize) -> RGBColor {
    COLOURS[index % COLOURS.len()]
}

/// Style of labels.
pub(super) fn label() -> TextStyle<'static> {
    style(LABEL)
}

fn style(size: i32) -> TextStyle<'static> {
    let size = f64::from(units(size)) * PLOTTERS_TYPE;
    TextStyle::from(("system-ui", size).into_font()).color(&INK)
}

/// Roughly how many units a label is wide.
pub(super) fn label_width(text: &str) -> i32 {
    (text.chars().count() as f64 * f64::from(units(LABEL)) * LETTER_WIDTH) as i32
}

/// Draws a titled chart of this height (in the page's units) and returns its SVG.
pub(super) fn drawn(title: &str, height: i32, draw: impl FnOnce(&Area)) -> String {
    let [drawn_width, drawn_height] = [WIDTH, height].map(|side| units(side).unsigned_abs());
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, (drawn_width, drawn_height));
        let area = area.into_drawing_area();
        let style = style(TITLE);
        area.draw(&Text::new(title, (0, units(2)), style)).expect(IN_MEMORY);
        let [top, bottom] = [TITLE + LABEL, 0].map(units);
        draw(&area.margin(top, bottom, 0, 0));
        area.present().expect(IN_MEMORY);
    }
    fitted(&svg, title)
}

/// Why drawing cannot fail.
pub(super) const IN_MEMORY: &str = "drawing into a string cannot fail";

/// Lets the page decide about size, colour and face of the text, and names the chart for those who
/// hear pages.
fn fitted(svg: &str, title: &str) -> String {
    let start = svg.find("<svg").unwrap_or(0);
    let svg = svg[start..]
        .replace("fill=\"#010203\"", "fill=\"currentColor\"")
        .replace("stroke=\"#010203\"", "stroke=\"currentColor\"")
        .replace("\"system-ui\"", "\"system-ui, sans-serif\"");
    let (opening, rest) = svg.split_once('>').expect("plotters opens its element");
    let view = opening.find("viewBox").map_or("", |start| &opening[start..]);
    let title = escaped(title);
    format!("<svg role=\"img\" aria-label=\"{title}\" {view}><title>{title}</title>{rest}")
}

fn escaped(text: &str) -> String {
    text.chars().fold(String::new(), |mut escaped, letter| {
        match letter {
            '<' | '>' | '&' | '"' => {
                let _never_fails = write!(escaped, "&#{};", u32::from(letter));
            }
            _ => escaped.push(letter),
        }
        escaped
    })
}
