//! What a comparison of baseline and students found, over seeds.

use super::{Phase, Study};
use crate::report::seeds::{Comparison, Pair, Shares};
use crate::train::record::{Record, best};
use crate::train::train_loop::Trained;

const BASELINE: &str = "supervised baseline";
const EPOCHS: [&str; 2] = ["last epoch", "best epoch"];

/// Test accuracy of the last and of the best epoch of a phase.
fn accuracies(trained: &Trained) -> [Option<f64>; 2] {
    let accuracy = |record: Option<&Record>| record?.test.map(|score| score.accuracy);
    [accuracy(trained.history.last()), accuracy(best(&trained.history))]
}

/// Test accuracies by name, a number a seed: baseline and every phase, last and best epoch.
fn numbers(studies: &[Study]) -> Vec<Shares> {
    let phases = studies.first().map_or(0, |study| study.phases.len());
    let name = |phase: Option<usize>| match phase {
        None => BASELINE.to_owned(),
        Some(phase) => studies[0].phases[phase].name.clone(),
    };
    let trained = |study: &Study, phase: Option<usize>| match phase {
        None => accuracies(&study.baseline),
        Some(phase) => accuracies(&study.phases[phase].trained),
    };
    let all = [None].into_iter().chain((0..phases).map(Some));
    all.flat_map(|phase| {
        EPOCHS.into_iter().enumerate().map(move |(which, word)| {
            let found = studies.iter().filter_map(|study| trained(study, phase)[which]);
            Shares { name: format!("{}, {word}", name(phase)), numbers: found.collect() }
        })
    })
    .collect()
}

/// The share of the baseline's errors that the last phase no longer makes, after the last epoch of
/// each, a number a seed.
fn errors_gone(studies: &[Study]) -> Vec<f64> {
    let share = |study: &Study| {
        let [before, _] = accuracies(&study.baseline);
        let [after, _] = accuracies(&study.phases.last()?.trained);
        let errors = 1.0 - before?;
        (errors > 0.0).then_some((after? - before?) / errors)
    };
    studies.iter().filter_map(share).collect()
}

/// The comparison: every phase, and what it was worth.
pub(super) fn of(studies: &[Study]) -> Comparison {
    let name = "errors of the baseline that are gone".to_owned();
    let gone = Shares { name, numbers: errors_gone(studies) };
    let shares: Vec<_> = numbers(studies).into_iter().chain([gone]).collect();
    let phases = studies.first().map_or(&[][..], |study| &study.phases);
    let pair = |Phase { name, .. }: &Phase| {
        EPOCHS.map(|word| Pair {
            method: format!("{name}, {word}"),
            baseline: format!("{BASELINE}, {word}"),
        })
    };
    Comparison { pairs: phases.iter().flat_map(pair).collect(), shares }
}
