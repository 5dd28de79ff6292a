//! What a reader of a benchmark should know before trusting its numbers.

use kith_core::method::Objective;
use kith_core::recipe::Recipe;

use super::found::Found;
use crate::args::ViewChoice;
use crate::study::Study;

/// The protocol in words, and what is not alike.
pub(super) fn notes(study: &Study, found: &Found, base: &Recipe, views: ViewChoice) -> Vec<String> {
    let mut notes = vec![protocol(base, views)];
    notes.push(
        "The epoch is chosen by the online probe on labelled pictures that are kept aside; test pictures \
         are looked at when a run is over. The linear probe and kNN see frozen features of clean pictures \
         with all other labels. For fine-tuning each seed draws as many labels of every class; \
         all weights are trained, and the last step counts. Without pre-training, features are those of \
         random weights, and fine-tuning is the supervised baseline from scratch. Deviations are those \
         of samples, over seeds."
            .into(),
    );
    notes.push(
        "Heads and optimizers are each recipe's own, not tuned for these pictures unless --set says so \
         (kith benchmark --search does it alike for all). Few steps, small pictures and a small encoder \
         say little about large ones."
            .into(),
    );
    notes.extend(unlike(study, found));
    notes.push(
        "Seconds are of training alone, on one machine with whatever else it did. Each run is a \
         process of its own; memory is the most that it held while it pre-trained and evaluated, with the \
         pictures, without a GPU's own. It is not known outside Linux."
            .into(),
    );
    if !found.differences().is_empty() {
        notes.push(
            "P-values are of one comparison each; they are not corrected for there being several."
                .into(),
        );
    } else if found.reference_row().is_none() {
        notes.push(format!(
            "{} is not among the methods: nothing is held against it.",
            found.reference
        ));
    }
    let diverged: usize = found.rows.iter().map(|row| row.count("diverged")).sum();
    if diverged > 0 {
        notes.push(format!(
            "{diverged} runs diverged; a file diverged.txt in the folder of each says how. Means are of \
             the others."
        ));
    }
    notes
}

/// What all methods share.
fn protocol(base: &Recipe, views: ViewChoice) -> String {
    let own = &base.pretraining;
    let batch = own.method_steps().batch();
    let views = match views {
        ViewChoice::Same => "the same policy of views",
        ViewChoice::Own => "views of its own recipe",
    };
    let length = match own.steps {
        Some(steps) => {
            let looks = own.epochs * steps * batch as u64;
            format!("{} epochs of {steps} steps: {looks} looks at pictures", own.epochs)
        }
        None => format!("{} epochs of one pass each", own.epochs),
    };
    format!(
        "Every method has the same encoder (the recipe below has it), {batch} pictures a step, {length}, \
         and {views}."
    )
}

/// Methods that are not quite alike.
fn unlike(study: &Study, found: &Found) -> Vec<String> {
    let mut notes = Vec::new();
    let told: Vec<&str> =
        found.rows.iter().filter(|row| row.is_told_labels).map(|row| row.title.as_str()).collect();
    if !told.is_empty() {
        notes.push(format!(
            "{} learns from labelled pictures alone, with their labels: an upper bound, which is not \
             comparable with the others.",
            told.join(", ")
        ));
    }
    let relational = study.runs.iter().find_map(|run| match &run.recipe.objective {
        Objective::Relational(own) => Some(own.views),
        _ => None,
    });
    notes.extend(relational.map(|views| {
        format!(
            "Relational reasoning compares {views} views of a picture, the others two: it looks at as many \
             pictures, but sends more views through the encoder."
        )
    }));
    notes
}
