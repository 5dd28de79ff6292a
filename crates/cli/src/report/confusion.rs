//! Which class was taken for which: a table whose shades show it before its numbers do.

use maud::{Markup, html};

use crate::eval::frozen::Scores;
use crate::train::splits::Splits;

/// How often each class was predicted for each.
#[derive(Clone, Debug, Default)]
pub struct Confusion {
    /// Names of the classes.
    pub classes: Vec<String>,
    /// `counts[truth][prediction]`.
    pub counts: Vec<Vec<u32>>,
}

impl Confusion {
    /// Of a linear probe on the splits of a run.
    pub(crate) fn of(splits: &Splits, scores: &Scores) -> Self {
        Self { classes: splits.class_names.clone(), counts: scores.confusion.counts.clone() }
    }
}

/// The matrix with one row a true class, shaded by the share of that class.
pub(super) fn section(confusion: &Confusion) -> Markup {
    html! {
        section {
            h2 { "Confusion" }
            div.wide {
                table.confusion {
                    caption {
                        "Rows are the true classes, columns what was predicted; the bluer a \
                         cell, the larger its share of the row."
                    }
                    thead {
                        tr {
                            td {}
                            @for class in &confusion.classes {
                                th scope="col" { span { (class) } }
                            }
                            th scope="col" { span { "right" } }
                        }
                    }
                    tbody {
                        @for (truth, counts) in confusion.counts.iter().enumerate() {
                            (row(&confusion.classes, truth, counts))
                        }
                    }
                }
            }
        }
    }
}

fn row(classes: &[String], truth: usize, counts: &[u32]) -> Markup {
    let name = |class: usize| classes.get(class).map_or("", String::as_str);
    let total: u32 = counts.iter().sum();
    let share = |count: u32| f64::from(count) / f64::from(total.max(1));
    let right = counts.get(truth).copied().unwrap_or(0);
    html! {
        tr {
            th scope="row" { (name(truth)) }
            @for (predicted, &count) in counts.iter().enumerate() {
                td style=(format!("--share:{:.3}", share(count)))
                    title=(format!("{} taken for {}: {count} of {total}", name(truth), name(predicted)))
                    { @if count > 0 { (count) } }
            }
            td.right { (format!("{:.0} %", 100.0 * share(right))) }
        }
    }
}
