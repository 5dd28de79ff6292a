//! How far a run agrees with its record, in words and for scripts.

use std::fmt::{self, Display, Formatter};

use kith_core::replay::{Agreement, RunRecord};
use serde::Serialize;

use super::Here;
use crate::failure::{Failure, ReplayError};
use crate::format::percent;

/// Half the width of a 95 % interval in standard errors.
const Z: f64 = 1.96;

/// A run and its record, compared.
#[derive(Debug, Serialize)]
pub(super) struct Replayed {
    agrees: Agrees,
    first_steps: Agreement,
    /// Epochs that the record has losses of; empty where the first steps alone were run.
    epochs: Vec<Epoch>,
    results: Vec<Share>,
    /// Results of the record that this run has none of.
    not_compared: Vec<String>,
    /// Whether the encoders are equal to the bit after the last step; null where that is not known.
    weights_equal: Option<bool>,
    recorded_by: By,
    run: Option<String>,
}

/// How far.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Agrees {
    /// Everything that was compared is equal.
    ToTheBit,
    /// Losses differ by no more than rounding explains.
    WithinRounding,
    /// They differ by more, or a share of test images does by more than chance explains.
    No,
    /// The record has no losses of first steps.
    Unknown,
}

/// Who recorded.
#[derive(Debug, Serialize)]
struct By {
    software: String,
    device: String,
}

/// A mean loss.
#[derive(Debug, Serialize)]
struct Epoch {
    epoch: u64,
    recorded: f32,
    here: f32,
}

/// A share of the test images.
#[derive(Debug, Serialize)]
struct Share {
    name: String,
    recorded: f64,
    here: f64,
    /// By how much two shares of so many images differ by chance (95 %).
    chance: f64,
}

impl Share {
    fn is_off(&self) -> bool {
        (self.recorded - self.here).abs() > self.chance
    }
}

impl Replayed {
    pub(super) fn new(record: &RunRecord, here: Here, first_steps: Agreement) -> Self {
        let Here { whole, folder: run, .. } = here;
        let whole = whole.as_ref();
        let epochs = whole.map_or(Vec::new(), |whole| epochs(record, whole));
        let results = whole.map_or(Vec::new(), |whole| results(record, whole));
        let missing = |name: &&String| whole.is_some_and(|w| !w.results.contains_key(*name));
        let not_compared = record.results.keys().filter(missing).cloned().collect();
        let weights_equal =
            whole.and_then(|whole| Some(record.weights.as_ref()? == whole.weights.as_ref()?));
        let mut replayed = Self {
            agrees: Agrees::Unknown,
            first_steps,
            epochs,
            results,
            not_compared,
            weights_equal,
            recorded_by: By { software: record.software.clone(), device: record.device.clone() },
            run,
        };
        replayed.agrees = replayed.judged();
        replayed
    }

    fn judged(&self) -> Agrees {
        let equal = |epoch: &Epoch| epoch.recorded.to_bits() == epoch.here.to_bits();
        let same = |share: &Share| share.recorded == share.here;
        let rest = self.epochs.iter().all(equal) && self.results.iter().all(same);
        if self.first_steps.departs.is_some() || self.results.iter().any(Share::is_off) {
            Agrees::No
        } else if self.first_steps.steps == 0 {
            Agrees::Unknown
        } else if self.first_steps.is_exact() && rest && self.weights_equal != Some(false) {
            Agrees::ToTheBit
        } else {
            Agrees::WithinRounding
        }
    }

    /// The error of a run that does not agree.
    pub(super) fn verdict(&self) -> Result<(), Failure> {
        if let Some(departs) = self.first_steps.departs {
            let what = format!(
                "at step {} the loss was {}, here it is {}: they differ by {:.1e} of it, rounding \
                 explains {:.1e}",
                departs.step,
                departs.recorded,
                departs.here,
                (departs.recorded - departs.here).abs() / departs.recorded.abs(),
                departs.tolerance
            );
            return Err(ReplayError::Departs { what }.into());
        }
        let Some(share) = self.results.iter().find(|share| share.is_off()) else { return Ok(()) };
        let what = format!(
            "{}: recorded {}, here {}; chance explains ± {:.1} points",
            share.name,
            percent(share.recorded),
            percent(share.here),
            100.0 * share.chance
        );
        Err(ReplayError::Departs { what }.into())
    }

    /// What the first steps show.
    fn first_steps(&self) -> String {
        let Agreement { steps, equal, tolerances, .. } = &self.first_steps;
        let difference = self.first_steps.difference();
        match tolerances.last() {
            None => "the record has none".to_owned(),
            Some(_) if equal == steps => format!("{steps} losses, equal to the bit"),
            Some(tolerance) => format!(
                "{steps} losses, differ by up to {difference:.1e} of them; rounding explains {tolerance:.1e}"
            ),
        }
    }
}

fn epochs(record: &RunRecord, whole: &RunRecord) -> Vec<Epoch> {
    let there = |&(epoch, recorded): &(u64, f32)| {
        let (_, here) = whole.epoch_losses.iter().find(|(number, _)| *number == epoch)?;
        Some(Epoch { epoch, recorded, here: *here })
    };
    record.epoch_losses.iter().filter_map(there).collect()
}

fn results(record: &RunRecord, whole: &RunRecord) -> Vec<Share> {
    let tested = record.data.splits.get("test").map_or(0, |split| split.images);
    let there = |(name, &recorded): (&String, &f64)| {
        let here = *whole.results.get(name)?;
        let mean = f64::midpoint(recorded, here).clamp(0.0, 1.0);
        let chance = Z * (2.0 * mean * (1.0 - mean) / tested.max(1) as f64).sqrt();
        Some(Share { name: name.clone(), recorded, here, chance })
    };
    record.results.iter().filter_map(there).collect()
}

impl Display for Replayed {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let word = match self.agrees {
            Agrees::ToTheBit => "agrees to the bit",
            Agrees::WithinRounding => "agrees within rounding",
            Agrees::No => "does not agree",
            Agrees::Unknown => "cannot be judged: the record has no losses of first steps",
        };
        let By { software, device } = &self.recorded_by;
        writeln!(f, "{word} with what kith {software} recorded on {device}")?;
        write!(f, "first steps        {}", self.first_steps())?;
        if let Some(equal) = self.weights_equal {
            let word = if equal { "equal to the bit" } else { "not equal to the bit" };
            write!(f, "\nweights            {word} after the last step")?;
        }
        if let Some(Epoch { epoch, recorded, here }) = self.epochs.last() {
            write!(f, "\nloss of epoch {epoch:<4} recorded {recorded:<10.4} here {here:.4}")?;
        }
        for Share { name, recorded, here, .. } in &self.results {
            let [recorded, here] = [recorded, here].map(|share| percent(*share));
            write!(f, "\n{name:<28} recorded {recorded:<9} here {here}")?;
        }
        if !self.not_compared.is_empty() {
            write!(f, "\nnot compared: {}", self.not_compared.join(", "))?;
        }
        self.run.iter().try_for_each(|run| write!(f, "\nrun: {run}"))
    }
}

#[cfg(test)]
mod tests {
    use kith_core::replay::compare;

    use super::*;

    fn record() -> RunRecord {
        let text = r#"{"run_record":1,"software":"0.1.0","ran_in":"terminal","device":"CPU","stage":"pretrained",
            "recipe":"","plan":{"side":32,"classes":9,"seed":1,"steps":2,"epochs":3},
            "data":{"source":"gallery","splits":{"test":{"images":736,"fingerprint":"0"}}},
            "first_losses":[5.0,4.0],"epoch_losses":[[1,4.5],[3,4.0]],
            "results":{"linear probe":0.55},"weights":"00"}"#;
        let recipe =
            kith_core::recipe::Recipe::built_in("quick").expect("it is built in").to_toml();
        let mut value: serde_json::Value = serde_json::from_str(text).expect("JSON");
        value["recipe"] = recipe.into();
        RunRecord::parse(&value.to_string()).expect("a record")
    }

    fn replayed(change: impl Fn(&mut RunRecord), losses: [f32; 2]) -> Replayed {
        let record = record();
        let mut whole = record.clone();
        change(&mut whole);
        let repeats = vec![vec![losses[0], losses[1] * (1.0 + 1e-5)]];
        let first = compare(&record.first_losses, &losses, &repeats);
        let here =
            Here { first_losses: losses.to_vec(), repeats, whole: Some(whole), folder: None };
        Replayed::new(&record, here, first)
    }

    #[test]
    fn what_is_equal_and_what_is_not_is_told_apart() {
        let same = replayed(|_| {}, [5.0, 4.0]);
        assert_eq!(same.agrees, Agrees::ToTheBit);
        assert!(same.verdict().is_ok());
        assert!(same.to_string().starts_with("agrees to the bit"), "{same}");
        let less = replayed(|r| r.results.clear(), [5.0, 4.0]);
        assert!(less.to_string().contains("not compared: linear probe"), "{less}");
        let near = replayed(|r| r.weights = Some("01".into()), [5.0, 4.0001]);
        assert_eq!(near.agrees, Agrees::WithinRounding);
        assert_eq!(
            replayed(|r| r.weights = Some("01".into()), [5.0, 4.0]).agrees,
            Agrees::WithinRounding
        );
        let other = replayed(|_| {}, [5.0, 4.5]);
        assert_eq!(other.agrees, Agrees::No);
        let error = other.verdict().expect_err("another run");
        assert_eq!(error.code(), "DEPARTS");
        assert!(error.to_string().contains("at step 2"), "{error}");
    }

    #[test]
    fn a_claim_beyond_chance_is_refused_though_the_losses_agree() {
        let share =
            |here: f64| move |r: &mut RunRecord| _ = r.results.insert("linear probe".into(), here);
        assert_eq!(replayed(share(0.54), [5.0, 4.0]).agrees, Agrees::WithinRounding);
        let false_claim = replayed(share(0.45), [5.0, 4.0]);
        assert_eq!(false_claim.agrees, Agrees::No);
        let text = false_claim.verdict().expect_err("ten points").to_string();
        assert!(text.contains("recorded 55.00 %, here 45.00 %; chance explains ± 5.1"), "{text}");
    }
}
