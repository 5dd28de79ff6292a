//! What a run was, in words.

use kith_core::checkpoint::Stage;
use serde_json::{Value, json};

use crate::command_line;
use crate::format::percent;
use crate::train::record::Record;
use crate::train::splits::Splits;

/// What a run was, a line each.
pub(crate) fn of_run(splits: &Splits, seed: &str, device: &str) -> Vec<(String, String)> {
    let described = splits.described();
    let data = format!(
        "{}: {} unlabelled, {} labelled, {} kept aside for validation, {} test; side {}",
        described.name,
        described.unlabelled,
        described.labelled,
        described.validation,
        described.test,
        splits.side
    );
    vec![
        ("Data".into(), data),
        ("Seed".into(), seed.into()),
        ("Device".into(), device.into()),
        ("Command".into(), command_line::command()),
        ("Software".into(), format!("kith {}", env!("CARGO_PKG_VERSION"))),
    ]
}

/// How an encoder came about, in a word.
pub(crate) fn stage(stage: Stage) -> String {
    json!(stage).as_str().unwrap_or_default().replace('_', "-")
}

/// The kind of an encoder and its settings in words.
pub(crate) fn described(settings: &Value) -> String {
    let Some(settings) = settings.as_object() else { return String::new() };
    let word = |value: &Value| match value {
        Value::String(word) => word.clone(),
        Value::Object(numbers) => {
            let each = numbers.iter().map(|(name, number)| format!("{name} {}", short(number)));
            each.collect::<Vec<_>>().join(" ")
        }
        // Long tables are told by their length, fractions by four digits: the recipe has them whole.
        other => short(other),
    };
    let kind = settings.get("kind").map(word).unwrap_or_default();
    let others = settings.iter().filter(|(name, _)| *name != "kind");
    let others =
        others.map(|(name, value)| format!(", {} {}", name.replace('_', " "), word(value)));
    kind + &others.collect::<String>()
}

/// A value in few characters.
fn short(value: &Value) -> String {
    const DIGITS: usize = 4;
    match value {
        Value::Number(number) if number.is_f64() => {
            let text = format!("{:.DIGITS$}", number.as_f64().unwrap_or_default());
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        }
        Value::Array(all) if all.iter().any(Value::is_object) => format!("({} of them)", all.len()),
        Value::Array(all) => all.iter().map(short).collect::<Vec<_>>().join(" "),
        other => other.to_string(),
    }
}

/// What a report on several seeds shows of the first one alone.
pub(crate) fn shown_of(seeds: &[u64]) -> Option<String> {
    let [first, _, ..] = seeds else { return None };
    Some(format!(
        "Means ± sd and the wall time are of all seeds; curves, pictures, the tables of \
         epochs and features, and notes that name no seed are of seed {first}."
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

/// Test accuracy of a run's own classifier in words: last epoch and best epoch, each by name.
pub(crate) fn last_and_best(last: &Record, best: &Record) -> Option<String> {
    Some(format!(
        "last epoch {}, best epoch {} (epoch {} of {}, chosen on {})",
        percent(last.test?.accuracy),
        percent(best.test?.accuracy),
        best.epoch,
        last.epoch,
        best.chosen_on()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_encoder_is_told_in_a_line() {
        let stage = json!({ "kernel": 3, "outputs": 16 });
        let settings = json!({
            "kind": "efficientnet_lite",
            "pixels": { "mean": [0.498_039_215, 0.5, 0.0], "std": [1.0, 0.25, 0.5] },
            "size": { "stem": 32, "stages": [stage, stage], "head": 1280 },
            "width_multiplier": 0.125,
        });
        assert_eq!(
            described(&settings),
            "efficientnet_lite, pixels mean 0.498 0.5 0 std 1 0.25 0.5, size head 1280 stages (2 of \
             them) stem 32, width multiplier 0.125"
        );
        assert_eq!(described(&json!({ "kind": "conv4", "width": 64 })), "conv4, width 64");
    }
}
