//! What a report shows of a run: curves, sheets, tables.

use kith_core::Device;
use kith_core::augment::policy::{Draw, Policy};
use kith_core::encoder::Encoder;
use kith_core::image::Images;
use kith_core::recipe::Recipe;
use kith_core::rng::{Purpose, stream};
use kith_core::sampler::Visit;
use kith_data::Split;
use serde_json::Value;

use crate::chart::{Chart, Series};
use crate::failure::Failure;
use crate::folder;
use crate::material::Material;
use crate::offline::{self, Scores};
use crate::report::{self, Picture, Report, Table};
use crate::saved::{Record, Score, best};
use crate::sheet::{Agreement, augmentation_sheet, neighbour_sheet};

/// Pictures on a sheet of views, and views of each.
const SHEET: (usize, usize) = (6, 8);
/// Queries on a sheet of neighbours, and neighbours of each.
const NEIGHBOURS: (usize, usize) = (10, 8);

/// A part of a study with what was measured in it.
pub(crate) struct Part<'a> {
    pub(crate) name: &'a str,
    pub(crate) history: &'a [Record],
}

/// Curves of accuracy and loss over epochs, one line a part.
pub(crate) fn curves(parts: &[Part<'_>]) -> Vec<Chart> {
    let chart = |title: &str, y_label: &str, y: &dyn Fn(&Record) -> Option<f64>| Chart {
        title: title.into(),
        x_label: "epoch".into(),
        y_label: y_label.into(),
        series: parts.iter().filter_map(|part| series(part, y)).collect(),
        ..Chart::default()
    };
    let train = |names: &'static [&'static str]| {
        move |record: &Record| names.iter().find_map(|name| record.train.get(*name)?.as_f64())
    };
    let percent = |x: f64| 100.0 * x;
    // Where an epoch is chosen on validation, two epochs alone were tested: no curve.
    let tested = |r: &Record| r.test.filter(|_| r.validation.is_none());
    let mut charts = vec![
        chart("Test accuracy", "%", &|r| tested(r).map(|s| percent(s.accuracy))),
        chart("Validation accuracy", "%", &|r| r.validation.map(|s| percent(s.accuracy))),
        chart("kNN accuracy on validation pictures", "%", &|r| r.knn.map(percent)),
        chart("Training accuracy", "%", &|r| {
            train(&["probe_accuracy", "accuracy"])(r).map(percent)
        }),
        chart("Test loss", "cross-entropy", &|r| tested(r).map(|s| s.loss)),
        chart("Validation loss", "cross-entropy", &|r| r.validation.map(|s| s.loss)),
        chart("Training loss of the classifier", "cross-entropy", &|r| match r
            .train
            .get("probe_loss")
        {
            Some(loss) => loss.as_f64(),
            None if r.train.contains_key("accuracy") => r.train.get("loss")?.as_f64(),
            None => None,
        }),
        chart("Contrastive loss", "loss", &|r| {
            r.train.contains_key("contrastive_accuracy").then(|| train(&["loss"])(r)).flatten()
        }),
        chart("Contrastive accuracy", "%", &|r| train(&["contrastive_accuracy"])(r).map(percent)),
        chart("Correlation accuracy", "%", &|r| train(&["correlation_accuracy"])(r).map(percent)),
        chart("Correlation accuracy by Keras's formula (dead units are wrong)", "%", &|r| {
            train(&["keras_correlation_accuracy"])(r).map(percent)
        }),
        chart("Loss of the pairs", "loss", &|r| {
            r.train.contains_key("pair_accuracy").then(|| train(&["loss"])(r)).flatten()
        }),
        chart("Unlabelled pictures whose label is believed", "%", &|r| {
            train(&["believed"])(r).map(percent)
        }),
        chart("Pair accuracy", "%", &|r| train(&["pair_accuracy"])(r).map(percent)),
        chart("Spread of the features (1 fills the sphere, 0 is collapse)", "", &|r| {
            train(&["feature_spread"])(r)
        }),
    ];
    charts.retain(|chart| !chart.series.is_empty());
    charts
}

fn series(part: &Part<'_>, y: &dyn Fn(&Record) -> Option<f64>) -> Option<Series> {
    let points: Vec<(f64, f64)> =
        part.history.iter().filter_map(|r| Some((r.epoch as f64, y(r)?))).collect();
    (!points.is_empty()).then(|| Series { name: part.name.into(), points, ..Series::default() })
}

/// A share as a percentage.
pub(crate) fn percent(share: f64) -> String {
    format!("{:.2} %", 100.0 * share)
}

/// Accuracy of each part's own classifier: last epoch, and the best by its own choice.
pub(crate) fn epochs_table(parts: &[Part<'_>]) -> Table {
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

/// Test accuracy of a run's own classifier in words: last epoch and best epoch, each by name.
pub(crate) fn last_and_best(history: &[Record]) -> Option<String> {
    let (last, best) = (history.last()?, best(history)?);
    Some(format!(
        "last epoch {}, best epoch {} (epoch {} of {}, chosen on {})",
        percent(last.test?.accuracy),
        percent(best.test?.accuracy),
        best.epoch,
        last.epoch,
        best.chosen_on()
    ))
}

/// Accuracy of frozen features, a row an encoder.
pub(crate) fn frozen_table(rows: &[(&str, &Scores)]) -> Table {
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

/// Places drawn from a split, at most `count`.
pub(crate) fn some_of(split: &Split, count: usize, seed: u64) -> Vec<u32> {
    let mut places: Vec<u32> = (0..split.len() as u32).collect();
    stream(seed, Purpose::Show, 0, 0).shuffle(&mut places);
    places.truncate(count);
    places
}

/// A sheet of pictures with `views` views of each.
pub(crate) fn view_sheet(
    policy: &Policy,
    originals: &Images,
    (views, seed): (usize, u64),
    device: &Device,
) -> Result<Vec<u8>, Failure> {
    let views = (0..views as u64)
        .map(|number| view(policy, originals, (number, seed), device))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(augmentation_sheet(originals, &views))
}

/// The view of that number of every picture.
pub(crate) fn view(
    policy: &Policy,
    originals: &Images,
    (number, seed): (u64, u64),
    device: &Device,
) -> Result<Images, Failure> {
    let visits = Visit::at(number, 0..originals.len() as u64);
    let draw = Draw { seed, purpose: Purpose::FirstView, visits: &visits };
    let seen = policy.apply(originals.to_device(device), draw);
    Ok(pollster::block_on(Images::from_device(seen))?)
}

/// A sheet of pictures of `queries` beside their nearest in `bank`.
pub(crate) fn nearest_sheet(
    encoder: &Encoder,
    (queries, bank): (&Split, &Split),
    (count, k, seed): (usize, usize, u64),
    device: &Device,
) -> Result<Vec<u8>, Failure> {
    let asked = queries.subset(&some_of(queries, count, seed));
    let features = |split| offline::embed(encoder, split, device);
    let found = offline::look_up(&features(&asked)?, &features(bank)?, k, device)?;
    let all: Vec<u32> = (0..asked.len() as u32).collect();
    let places = |query| found.of(query).iter().map(|&p| p as u32).collect::<Vec<_>>();
    let rows = (0..asked.len()).map(|q| bank.read(&places(q))).collect::<Result<Vec<_>, _>>()?;
    let agreement = asked.labels().zip(bank.labels()).map(|(own, theirs)| {
        let judge = |label: u16| {
            move |&p: &usize| match theirs[p] == label {
                true => Agreement::Same,
                false => Agreement::Other,
            }
        };
        (0..asked.len())
            .map(|q| found.of(q).iter().map(judge(own[q])).collect())
            .collect::<Vec<Vec<_>>>()
    });
    Ok(neighbour_sheet(&asked.read(&all)?, &rows, agreement.as_deref()))
}

/// The two sheets of a pre-trained encoder.
pub(crate) fn sheets(
    recipe: &Recipe,
    material: &Material,
    encoder: &Encoder,
    (seed, device): (u64, &Device),
) -> Result<Vec<Picture>, Failure> {
    let shown = material.unlabelled.read(&some_of(&material.unlabelled, SHEET.0, seed))?;
    let views = view_sheet(&recipe.pretraining.views, &shown, (SHEET.1, seed), device)?;
    let bank = if material.labelled.is_empty() { &material.unlabelled } else { &material.labelled };
    let mut sheets = vec![Picture {
        title: "What the network is asked to ignore".into(),
        caption: "Left the picture, then views of it: all of a row should look alike to it.".into(),
        png: views,
    }];
    if !material.test.is_empty() && !bank.is_empty() {
        let asked = (&material.test, bank);
        let size = (NEIGHBOURS.0, NEIGHBOURS.1, seed);
        sheets.push(Picture {
            title: "Nearest neighbours".into(),
            caption: "Left a test picture, then the training pictures nearest to it, nearest \
                      first. Framed blue: the same class. Orange: another."
                .into(),
            png: nearest_sheet(encoder, asked, size, device)?,
        });
    }
    Ok(sheets)
}

/// The confusion matrix of a probe.
pub(crate) fn confusion(material: &Material, scores: &Scores) -> report::Confusion {
    report::Confusion {
        classes: material.class_names.clone(),
        counts: scores.confusion.counts.clone(),
    }
}

/// What a run was, a line each.
pub(crate) fn facts(material: &Material, seed: &str, device: &str) -> Vec<(String, String)> {
    let described = material.described();
    let splits = format!(
        "{}: {} unlabelled, {} labelled, {} kept aside for validation, {} test; side {}",
        described.name,
        described.unlabelled,
        described.labelled,
        described.validation,
        described.test,
        material.side
    );
    vec![
        ("Data".into(), splits),
        ("Seed".into(), seed.into()),
        ("Device".into(), device.into()),
        ("Command".into(), folder::command()),
        ("Software".into(), format!("kith {}", env!("CARGO_PKG_VERSION"))),
    ]
}

/// What a report on several seeds shows of the first one alone.
pub(crate) fn shown_of(seeds: &[u64]) -> Option<String> {
    let [first, _, ..] = seeds else { return None };
    Some(format!(
        "Means ± sd and the wall time are of all seeds; curves, pictures, the table of epochs and \
         notes that name no seed are of seed {first}."
    ))
}

/// Seconds of a run, as people say it.
pub(crate) fn wall_time<'a>(records: impl Iterator<Item = &'a Record>) -> (String, String) {
    let (train, measure) = records.fold((0.0, 0.0), |(train, measure), record| {
        (train + record.timing.train_seconds, measure + record.timing.evaluation_seconds)
    });
    let clock = |seconds: f64| format!("{} min {:02} s", seconds as u64 / 60, seconds as u64 % 60);
    ("Wall time".into(), format!("{} training, {} measuring", clock(train), clock(measure)))
}

/// The page of a report.
pub(crate) fn page(report: &Report) -> Vec<u8> {
    report::html(report).into_bytes()
}

/// A number of an epoch by name.
pub(crate) fn number(record: &Record, name: &str) -> Option<f64> {
    record.train.get(name).and_then(Value::as_f64)
}
