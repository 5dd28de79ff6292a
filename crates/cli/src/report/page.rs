//! A run's report: one HTML file that needs nothing else, to look at rather than to parse.
//!
//! Images come first. The page asks the network for nothing, and says so to the browser too.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::chart::{self, Bars, Chart, Dots, HeatMap};
use super::confusion::{self, Confusion};
use super::scatter::{self, Scatter};
use super::switch::{self, Switch};
use super::table::Table;

/// The page's look.
const STYLE: &str = include_str!("style.css");
/// Nothing may be loaded, run or embedded, except what the page brings itself.
const POLICY: &str = "default-src 'none'; img-src data:; style-src 'unsafe-inline'";

/// Facts of more bytes than this get a line of their own; a column of a table with such a cell is
/// prose, whose lines break.
const LONG: usize = 40;

/// All that a report shows; what is empty is left out.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Headline, such as the run's name.
    pub title: String,
    /// The result in one sentence.
    pub subtitle: String,
    /// Name and value of what one wants to know of a run: seed, device, wall time, command.
    pub facts: Vec<(String, String)>,
    /// Line charts.
    pub charts: Vec<Chart>,
    /// Bar charts.
    pub bars: Vec<Bars>,
    /// Means as dots, a row a name.
    pub dots: Vec<Dots>,
    /// Heat maps.
    pub heat_maps: Vec<HeatMap>,
    /// Charts of which a reader chooses a set.
    pub switch: Option<Switch>,
    /// Grids of images.
    pub figures: Vec<Figure>,
    /// Images as points on a plane.
    pub scatters: Vec<Scatter>,
    /// Which class was taken for which.
    pub confusion: Option<Confusion>,
    /// Tables.
    pub tables: Vec<Table>,
    /// The whole recipe, as TOML.
    pub settings_toml: String,
    /// What a reader should know before trusting the numbers.
    pub notes: Vec<String>,
}

/// An image of the report.
#[derive(Clone, Debug, Default)]
pub struct Figure {
    /// What it is.
    pub title: String,
    /// What to look for in it.
    pub caption: String,
    /// The image as a PNG file.
    pub png: Vec<u8>,
}

/// The report as an HTML file.
pub fn html(report: &Report) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            (head(&report.title, POLICY, ""))
            body {
                header {
                    h1 { (report.title) }
                    p.subtitle { (report.subtitle) }
                }
                main {
                    @for image in &report.figures { (figure(image)) }
                    @for (number, map) in report.scatters.iter().enumerate() {
                        (scatter::section(map, number))
                    }
                    (charts(report))
                    @if let Some(sets) = &report.switch { (switch::section(sets)) }
                    @if let Some(confusion) = &report.confusion { (confusion::section(confusion)) }
                    @for part in &report.tables { (table(part)) }
                    (notes(&report.notes))
                    (facts(&report.facts))
                    (settings(&report.settings_toml))
                }
            }
        }
    };
    page.into_string()
}

/// The head of a page with its policy, and rules after those that all pages have.
pub(super) fn head(title: &str, policy: &str, style: &str) -> Markup {
    html! {
        head {
            meta charset="utf-8";
            meta http-equiv="Content-Security-Policy" content=(policy);
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="color-scheme" content="light dark";
            title { (title) }
            // Browsers ask for an icon unless one is given.
            link rel="icon" href="data:,";
            style { (PreEscaped(STYLE)) (PreEscaped(style)) }
        }
    }
}

fn figure(image: &Figure) -> Markup {
    let source = format!("data:image/png;base64,{}", STANDARD.encode(&image.png));
    let alternative = format!("{}. {}", image.title, image.caption);
    html! {
        section {
            h2 { (image.title) }
            figure {
                img src=(source) alt=(alternative);
                figcaption { (image.caption) }
            }
        }
    }
}

fn charts(report: &Report) -> Markup {
    let lines = report.charts.iter().map(chart::svg);
    let bars = report.bars.iter().map(chart::bars_svg);
    let dots = report.dots.iter().map(chart::dots_svg);
    let maps = report.heat_maps.iter().map(chart::heat_map_svg);
    let drawn: Vec<Markup> = lines.chain(bars).chain(dots).chain(maps).collect();
    html! {
        @if !drawn.is_empty() {
            section {
                h2 { (if report.dots.is_empty() { "Curves" } else { "At a glance" }) }
                div.charts {
                    @for svg in drawn { figure { (svg) } }
                }
            }
        }
    }
}

pub(super) fn table(table: &Table) -> Markup {
    let cells = table.rows.iter().flat_map(|row| row.iter().enumerate());
    let prose: BTreeSet<usize> =
        cells.filter(|(_, cell)| cell.len() > LONG).map(|(column, _)| column).collect();
    let class = |column| prose.contains(&column).then_some("prose");
    html! {
        section {
            h2 { (table.title) }
            div.wide {
                table {
                    thead { tr {
                        @for (column, name) in table.header.iter().enumerate() {
                            th scope="col" class=[class(column)] { (name) }
                        }
                    } }
                    tbody { @for row in &table.rows { (table_row(row, class)) } }
                }
            }
        }
    }
}

fn table_row(row: &[String], class: impl Fn(usize) -> Option<&'static str>) -> Markup {
    let (name, cells) = row.split_first().map_or(("", row), |(name, cells)| (name, cells));
    html! {
        tr {
            th scope="row" { (name) }
            @for (column, cell) in (1..).zip(cells) {
                td class=[class(column)] { (cell) }
            }
        }
    }
}

pub(super) fn notes(notes: &[String]) -> Markup {
    html! {
        @if !notes.is_empty() {
            section {
                h2 { "Notes" }
                ul { @for note in notes { li { (note) } } }
            }
        }
    }
}

pub(super) fn facts(facts: &[(String, String)]) -> Markup {
    html! {
        @if !facts.is_empty() {
            section {
                h2 { "How this was made" }
                dl { @for (name, value) in facts { div.long[value.len() > LONG] { dt { (name) } dd { (value) } } } }
            }
        }
    }
}

fn settings(toml: &str) -> Markup {
    html! {
        @if !toml.is_empty() {
            section {
                h2 { "Settings" }
                details {
                    summary { "The whole recipe" }
                    pre { code { (toml) } }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
