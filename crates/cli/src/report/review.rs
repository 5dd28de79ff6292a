//! Findings to accept or reject: one HTML file that needs nothing else, and saves a list of what was
//! accepted.
//!
//! The page runs its own script and no other, asks the network for nothing, and keeps nothing: the list is
//! a file that its reader saves.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

use super::page::{facts, head, notes, table};
use super::table::Table;

const SCRIPT: &str = include_str!("review/review.js");
const STYLE: &str = include_str!("review/review.css");

/// All that the page shows; what is empty is left out.
#[derive(Clone, Debug, Default)]
pub struct Review {
    /// Headline.
    pub title: String,
    /// The result in one sentence.
    pub subtitle: String,
    /// The folder that files are in; none where images lie in no files of their own.
    pub folder: Option<String>,
    /// What to do with the saved list.
    pub next: String,
    /// Findings of a kind each.
    pub sections: Vec<Section>,
    /// Tables, below the findings.
    pub tables: Vec<Table>,
    /// What a reader should know.
    pub notes: Vec<String>,
    /// Name and value of what one wants to know.
    pub facts: Vec<(String, String)>,
}

/// Findings of a kind.
#[derive(Clone, Debug, Default)]
pub struct Section {
    /// What they are.
    pub title: String,
    /// What to look for.
    pub words: String,
    /// The findings, the surest first.
    pub cards: Vec<Card>,
    /// Findings that are not shown.
    pub more: usize,
}

/// A finding: an image, with others to compare it with.
#[derive(Clone, Debug, Default)]
pub struct Card {
    /// What the image is called in the list.
    pub file: String,
    /// The kind of finding, as in the list.
    pub finding: &'static str,
    /// A label that may fit better.
    pub suggested: Option<String>,
    /// Why it was found.
    pub reason: String,
    /// Images as JPEG files with a word below each; the first is the one to decide about.
    pub pictures: Vec<(Vec<u8>, String)>,
}

/// The page as an HTML file.
pub fn html(review: &Review) -> String {
    let digest = STANDARD.encode(Sha256::digest(SCRIPT));
    let policy = format!(
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    );
    let found: usize = review.sections.iter().map(|section| section.cards.len()).sum();
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            (head(&review.title, &policy, STYLE))
            body data-folder=[review.folder.as_deref()] {
                header {
                    h1 { (review.title) }
                    p.subtitle { (review.subtitle) }
                }
                main {
                    @if found > 0 { (how(&review.next)) }
                    @for part in &review.sections { (section(part)) }
                    @for part in &review.tables { (table(part)) }
                    (notes(&review.notes))
                    (facts(&review.facts))
                }
                @if found > 0 { (bar()) }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    page.into_string()
}

/// How to go through the findings.
fn how(next: &str) -> Markup {
    html! {
        section.how {
            p {
                "Accept a finding if you agree with it. Reject it if not. Then save the list. Nothing \
                 happens to a file before you say so on the command line."
            }
            p {
                kbd { "A" } " accept  " kbd { "R" } " reject  " kbd { "U" } " undecided  "
                kbd { "→" } " next  " kbd { "←" } " previous  " kbd { "S" } " save the list"
            }
            p { (next) }
        }
    }
}

fn section(section: &Section) -> Markup {
    html! {
        section.kind {
            h2 { (section.title) }
            p.words { (section.words) }
            @if !section.cards.is_empty() {
                p.all {
                    button type="button" data-all="accepted" { "Accept all shown" }
                    " "
                    button type="button" data-all="rejected" { "Reject all shown" }
                }
                div.findings { @for part in &section.cards { (card(part)) } }
            }
            @if section.more > 0 {
                p.words {
                    "The " (section.cards.len()) " surest are shown. " (section.more)
                    " more are in clean.csv."
                }
            }
        }
    }
}

fn card(card: &Card) -> Markup {
    html! {
        article.finding tabindex="0" data-file=(card.file) data-finding=(card.finding)
            data-suggested=[card.suggested.as_deref()] {
            div.pictures {
                @for (jpeg, word) in &card.pictures {
                    figure {
                        img alt=(word) src=(format!("data:image/jpeg;base64,{}", STANDARD.encode(jpeg)));
                        figcaption { (word) }
                    }
                }
            }
            p.file { (card.file) }
            p.reason { (card.reason) }
            p.choice {
                button type="button" data-choice="accepted" aria-pressed="false" { "Accept" }
                " "
                button type="button" data-choice="rejected" aria-pressed="false" { "Reject" }
            }
        }
    }
}

fn bar() -> Markup {
    html! {
        footer.bar {
            span #counts role="status" { }
            button #save type="button" { "Save the list of accepted files" }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full() -> Review {
        let card = Card {
            file: "a/<one>.png".into(),
            finding: "doubtful_label",
            suggested: Some("<shirt>".into()),
            reason: "labelled <coat>".into(),
            pictures: vec![(vec![1, 2, 3], "this <image>".into())],
        };
        let section = Section {
            title: "Doubtful <labels>".into(),
            words: "look <twice>".into(),
            cards: vec![card],
            more: 7,
        };
        Review {
            title: "Clean <up>".into(),
            folder: Some("/data/\"x\"".into()),
            next: "kith clean --apply <list>".into(),
            sections: vec![section],
            ..Review::default()
        }
    }

    #[test]
    fn the_page_asks_for_nothing_and_runs_its_own_script_alone() {
        let page = html(&full());
        for way_out in ["http://", "https://", "@import", "<iframe", "url(", "eval("] {
            assert!(!page.contains(way_out), "{way_out}");
        }
        assert!(page.contains("default-src 'none'") && page.contains("script-src 'sha256-"));
        let digest = STANDARD.encode(Sha256::digest(SCRIPT));
        assert!(page.contains(&digest), "the policy names the script that is there");
        assert_eq!(page.matches("<script").count(), 1);
    }

    #[test]
    fn all_words_are_escaped_and_what_is_not_shown_is_said() {
        let page = html(&full());
        for raw in
            ["<up>", "<one>", "<shirt>", "<coat>", "<labels>", "<twice>", "<list>", "<image>"]
        {
            assert!(!page.contains(raw), "{raw} stands raw in the page");
        }
        assert!(page.contains("7 more are in clean.csv"));
        assert!(page.contains("data-folder=\"/data/&quot;x&quot;\""));
    }

    #[test]
    fn a_page_without_findings_has_nothing_to_decide() {
        let page = html(&Review { title: "Clean".into(), ..Review::default() });
        assert!(!page.contains("id=\"save\"") && !page.contains("<kbd"), "{page}");
    }
}
