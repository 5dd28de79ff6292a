//! Tables of what was measured.

use kith_core::metrics::Better;
use kith_core::probe::measure::Measure;
use kith_core::probe::minibatch::MinibatchSettings;
use kith_core::probe::retrieval::KS;

use crate::eval::frozen::Scores;
use crate::eval::minibatch::Minibatch;
use crate::eval::retrieval::Retrieval;
use crate::format::percent;
use crate::report::curves::Part;
use crate::report::table::Table;
use crate::train::geometry::MEASURED;
use crate::train::record::{Score, best};

/// Accuracy of each part's own classifier: last epoch, and the best by its own choice.
pub(crate) fn epochs(parts: &[Part<'_>]) -> Table {
    let share = |score: Option<Score>| score.map_or("-".into(), |score| percent(score.accuracy));
    let row = |part: &Part<'_>| {
        let (last, best) = (part.history.last()?, best(part.history)?);
        let scores = [last.test, best.test, last.validation, best.validation];
        scores.iter().any(Option::is_some).then(|| {
            let known = [best.epoch.to_string(), best.chosen_on().to_owned()];
            let shares = scores.map(share);
            [part.name.to_owned()].into_iter().chain(shares).chain(known).collect()
        })
    };
    let header = [
        "",
        "test, last epoch",
        "test, best epoch",
        "validation, last epoch",
        "validation, best epoch",
        "best epoch",
        "chosen on",
    ];
    Table {
        title: "Accuracy of the run's own classifier".into(),
        header: header.map(Into::into).to_vec(),
        rows: parts.iter().filter_map(row).collect(),
    }
}

/// Accuracy of frozen features, a row an encoder.
pub(crate) fn frozen(rows: &[(&str, &Scores)]) -> Table {
    let header = ["encoder", "linear probe", "kNN (200, 0.1)", "kNN (20, 0.07)"];
    Table {
        title: "Test accuracy of frozen features, clean pictures".into(),
        header: header.map(Into::into).to_vec(),
        rows: rows
            .iter()
            .map(|(name, s)| {
                vec![(*name).to_owned(), percent(s.linear), percent(s.wide), percent(s.narrow)]
            })
            .collect(),
    }
}

/// What features are like, a row a measure, with what it says in plain words.
pub(crate) fn features(encoders: &[(&str, &Scores)]) -> Table {
    let described = |scores: &Scores| -> Vec<(Measure, f64)> {
        let space = scores.space.iter().flat_map(|space| space.0.described());
        space.chain(scores.clusters.iter().flat_map(|found| found.0.described())).collect()
    };
    let columns: Vec<Vec<(Measure, f64)>> =
        encoders.iter().map(|(_, scores)| described(scores)).collect();
    let first = columns.first().map_or(&[][..], Vec::as_slice);
    let row = |(place, (measure, _)): (usize, &(Measure, f64))| {
        let words = |(_, value): &(Measure, f64)| measure.metric.unit.words(*value);
        let cell = |column: &Vec<_>| column.get(place).map_or("-".to_owned(), words);
        let better = match measure.metric.better {
            Better::Higher => "higher",
            Better::Lower => "lower",
            Better::Neither => "-",
        };
        let own = [measure.metric.word.to_owned()].into_iter().chain(columns.iter().map(cell));
        own.chain([better.to_owned(), measure.says.to_owned()]).collect()
    };
    let names = encoders.iter().map(|(name, _)| (*name).to_owned());
    let dim = encoders.first().map_or(0, |(_, scores)| scores.dim);
    Table {
        title: format!(
            "What features are like, the {dim} numbers that stand for a picture: on at most {MEASURED} \
             clean test pictures"
        ),
        header: [String::new()]
            .into_iter()
            .chain(names)
            .chain(["better".into(), "what it says".into()])
            .collect(),
        rows: first.iter().enumerate().map(row).collect(),
    }
}

/// Linear evaluation in small batches, a row an encoder.
pub(crate) fn minibatch(found: Minibatch) -> Table {
    let MinibatchSettings { epochs, batch, rate } = MinibatchSettings::default();
    let row = |name: &str, share: f64| vec![name.to_owned(), percent(share)];
    Table {
        title: format!(
            "Linear evaluation as in relational reasoning's paper: Adam at {rate}, {epochs} \
             epochs of batches of {batch}"
        ),
        header: vec!["encoder".into(), "test accuracy".into()],
        rows: vec![row("random", found.random), row("pre-trained, last", found.last)],
    }
}

/// A row an encoder; none where nothing can be found.
pub(crate) fn retrieval(rows: &[(&str, Retrieval)]) -> Option<Table> {
    let first = rows.first()?.1;
    let kinds = [
        ("the same emoji by the other vendor", first.counterpart.is_some()),
        ("the same class", first.class.is_some()),
    ];
    let shown: Vec<&str> =
        kinds.iter().filter(|(_, there)| *there).map(|(name, _)| *name).collect();
    (!shown.is_empty()).then_some(())?;
    let header = shown.iter().flat_map(|name| KS.map(|k| format!("{name}, among {k}")));
    let row = |(name, retrieval): &(&str, Retrieval)| {
        let recalls = [retrieval.counterpart, retrieval.class].into_iter().flatten();
        [(*name).to_owned()].into_iter().chain(recalls.flatten().map(percent)).collect()
    };
    Some(Table {
        title: "Retrieval: share of test pictures that find a right one among the nearest others"
            .into(),
        header: [String::new()].into_iter().chain(header).collect(),
        rows: rows.iter().map(row).collect(),
    })
}
