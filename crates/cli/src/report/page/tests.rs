//! What a report promises to its reader.

use super::super::scatter::Point;
use super::*;
use crate::report::chart::{Bar, Series};

fn full() -> Report {
    let words = |words: &[&str]| words.iter().map(|&word| word.into()).collect::<Vec<String>>();
    let points = vec![(0.0, 2.0), (10.0, 1.0)];
    Report {
        title: "Run <one>".into(),
        subtitle: "71 % & rising".into(),
        facts: vec![("command".into(), "kith pretrain --set a=\"<b>\"".into())],
        charts: vec![Chart {
            title: "Loss <curve>".into(),
            series: vec![Series { name: "train".into(), points, ..Series::default() }],
            ..Chart::default()
        }],
        bars: vec![Bars {
            title: "Methods".into(),
            value_label: "%".into(),
            bars: vec![Bar { name: "nnclr".into(), mean: 71.0, deviation: Some(0.4) }],
        }],
        dots: vec![Dots { title: "Methods <dots>".into(), ..Dots::default() }],
        heat_maps: vec![HeatMap {
            title: "Grid <map>".into(),
            cells: vec![vec![Some((71.0, None))]],
            ..HeatMap::default()
        }],
        switch: Some(Switch {
            title: "Switched <set>".into(),
            sets: vec![("step".into(), vec![Chart::default()])],
            ..Switch::default()
        }),
        figures: vec![Figure {
            title: "Views".into(),
            caption: "each row one \"picture\"".into(),
            png: vec![1, 2, 3],
        }],
        scatters: vec![Scatter {
            title: "Map <of>".into(),
            points: vec![Point { name: "point <p>".into(), ..Point::default() }],
            ..Scatter::default()
        }],
        confusion: Some(Confusion {
            classes: words(&["cat", "dog <x>"]),
            counts: vec![vec![3, 1], vec![0, 0]],
        }),
        tables: vec![Table {
            title: "Probes".into(),
            header: words(&["probe", "accuracy"]),
            rows: vec![words(&["linear <svm>", "71.2"]), vec![]],
        }],
        settings_toml: "[objective]\nname = \"<nnclr>\"\n".into(),
        notes: words(&["one seed <only>"]),
    }
}

#[test]
fn a_report_asks_the_network_for_nothing() {
    let page = html(&full());
    for way_out in ["http://", "https://", "//cdn", "@import", "<script", "<iframe", "url("] {
        let found = page.replace("http://www.w3.org/2000/svg", "").contains(way_out);
        assert!(!found, "{way_out} in {page}");
    }
    assert!(page.contains("default-src 'none'"));
}

#[test]
fn all_words_are_escaped() {
    let page = html(&full());
    for raw in [
        "<of>",
        "<p>",
        "<one>",
        "<b>",
        "<x>",
        "<svm>",
        "<nnclr>",
        "<only>",
        "<curve>",
        "<map>",
        "<set>",
        "one \"picture\"",
    ] {
        assert!(!page.contains(raw), "{raw} stands raw in the page");
    }
    assert!(page.contains("Run &lt;one&gt;") && page.contains("71 % &amp; rising"));
}

#[test]
fn images_stand_before_curves_and_curves_before_numbers() {
    let page = html(&full());
    let places = ["<img", "<svg viewBox", "<svg role", "<table", "<dl", "<pre"]
        .map(|tag| page.find(tag).expect(tag));
    assert!(places.is_sorted(), "{places:?}");
}

#[test]
fn those_who_hear_the_page_get_it_too() {
    let page = html(&full());
    for help in [
        "<html lang=\"en\">",
        "alt=\"Views. each row one",
        "role=\"img\"",
        "scope=\"row\"",
        "scope=\"col\"",
        "<figcaption>",
        "<caption>",
    ] {
        assert!(page.contains(help), "{help} is missing");
    }
}

#[test]
fn shades_are_shares_of_the_true_class() {
    let page = html(&full());
    assert!(page.contains("--share:0.750") && page.contains("--share:0.250"));
    assert!(page.contains("75 %"), "the diagonal's share is written out");
    assert!(!page.contains("NaN"), "a class without pictures has no share");
}

#[test]
fn a_column_with_a_long_cell_is_prose_from_its_header_down() {
    let row = |[name, number, why]: [&str; 3]| [name, number, why].map(String::from).to_vec();
    let table = Table {
        header: row(["setting", "value", "why"]),
        rows: vec![row(["batch", "16", &"because ".repeat(9)]), row(["patience", "5", "so"])],
        ..Table::default()
    };
    let page = html(&Report { tables: vec![table], ..Report::default() });
    assert_eq!(page.matches("class=\"prose\"").count(), 3, "header and both cells: {page}");
    assert!(page.contains("<td class=\"prose\">so</td>") && page.contains("<td>5</td>"));
}

#[test]
fn what_is_empty_is_left_out() {
    let page = html(&Report { title: "Bare".into(), ..Report::default() });
    assert!(!page.contains("<section"), "{page}");
}
