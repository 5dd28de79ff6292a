//! The same charts several times over, one set of which is shown: a reader switches between them.
//!
//! Radio buttons and style sheets do that, since a report runs no script. A browser that does not
//! know `:has` shows all sets below each other.

use maud::{Markup, html};

use super::chart::{self, Chart, Look};

/// Sets of charts, of which the first is shown until another is chosen; at most as many as the
/// style sheet has rules for.
#[derive(Clone, Debug, Default)]
pub struct Switch {
    /// What all sets show.
    pub title: String,
    /// What the choice is of.
    pub question: String,
    /// The lines of all charts, each with its look.
    pub legend: Vec<(String, Look)>,
    /// The sets, by what is chosen.
    pub sets: Vec<(String, Vec<Chart>)>,
}

/// The sets that the style sheet has rules for.
const MOST: usize = 3;

pub(super) fn section(switch: &Switch) -> Markup {
    html! {
        section.switch {
            h2 { (switch.title) }
            fieldset {
                legend { (switch.question) }
                @for (place, (name, _)) in switch.sets.iter().take(MOST).enumerate() {
                    label {
                        input type="radio" name="switch" value=(place) checked[place == 0];
                        " " (name)
                    }
                }
            }
            ul.legend {
                @for (name, look) in &switch.legend { li { (chart::sample(*look)) (name) } }
            }
            @for (place, (_, charts)) in switch.sets.iter().take(MOST).enumerate() {
                div class=(format!("charts set-{place}")) {
                    @for drawn in charts { figure { (chart::svg(drawn)) } }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_set_is_chosen_and_every_set_is_there() {
        let chart = |title: &str| Chart { title: title.into(), ..Chart::default() };
        let set = |name: &str| (name.to_owned(), vec![chart(&format!("Loss over {name}"))]);
        let switch = Switch {
            legend: vec![("run <a>".into(), Look::of(0))],
            sets: vec![set("step"), set("epoch"), set("seconds")],
            ..Switch::default()
        };
        let page = section(&switch).into_string();
        assert_eq!(page.matches("checked").count(), 1);
        for words in ["Loss over step", "Loss over epoch", "Loss over seconds", "run &lt;a&gt;"] {
            assert!(page.contains(words), "{words} in {page}");
        }
        let style = include_str!("style.css");
        for place in 0..MOST {
            assert!(style.contains(&format!(".set-{place}")), "a rule hides set {place}");
        }
    }
}
