//! What a run keeps beside its tensors, so that it can go on as if it had never stopped.

use std::borrow::Cow;

use kith_core::checkpoint::Stage;
use kith_core::recipe::Recipe;
use kith_core::trainer::{Plan, State};
use serde::{Deserialize, Serialize};

use super::record::{Record, number};
use crate::checkpoint;
use crate::failure::Failure;

/// The note of a state file.
pub(crate) type RunState = State<RunNote<'static>>;

/// What a run in a terminal keeps in its state besides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct RunNote<'a> {
    /// The source as on the command line, with the sizes of its splits.
    pub(crate) data: String,
    /// The checkpoint that the run started from, by its fingerprint; none if weights were fresh.
    #[serde(default)]
    pub(crate) start: Option<String>,
    #[serde(with = "super::history")]
    pub(crate) history: Cow<'a, [Record]>,
    /// Losses of the first steps; earlier versions kept none.
    #[serde(default)]
    pub(crate) first_losses: Vec<f32>,
    /// Seconds spent in the running epoch before it was interrupted.
    #[serde(deserialize_with = "number")]
    pub(crate) seconds: f64,
}

/// A run as it is to go on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Now<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) recipe: &'a Recipe,
    pub(crate) stage: Stage,
    pub(crate) note: &'a RunNote<'a>,
}

/// Refuses to go on with other settings than those of the start.
pub(crate) fn check(
    then: &RunState,
    Now { plan, recipe, stage, note }: Now<'_>,
) -> Result<(), Failure> {
    let differs = |what, then: &str, now: &str| {
        Err(Failure::OtherRun { what, then: then.to_owned(), now: now.to_owned() })
    };
    if then.plan != *plan {
        return differs("plan", &format!("{:?}", then.plan), &format!("{plan:?}"));
    }
    let own = &then.more;
    if !checkpoint::is_same_data(&own.data, &note.data) {
        return differs("data set", &own.data, &note.data);
    }
    if own.start != note.start {
        let words = |start: &Option<String>| start.clone().unwrap_or_else(|| "none".to_owned());
        // An earlier version's fingerprint had twice as many digits, and cannot be compared.
        let lengths = [&own.start, &note.start].map(|start| start.as_ref().map(String::len));
        let what = match lengths {
            [Some(then), Some(now)] if then != now => {
                "version of kith, which named the checkpoint it starts from otherwise"
            }
            _ => "checkpoint to start from",
        };
        return differs(what, &words(&own.start), &words(&note.start));
    }
    let [before, after] = [&then.recipe, recipe].map(|recipe| recipe.without_words().to_toml());
    if before != after {
        let (before, after) = first_difference(&before, &after);
        return differs("recipe", before, after);
    }
    if then.stage != stage {
        return differs("stage", &format!("{:?}", then.stage), &format!("{stage:?}"));
    }
    Ok(())
}

/// The first lines in which two texts differ.
pub(crate) fn first_difference<'a>(then: &'a str, now: &'a str) -> (&'a str, &'a str) {
    then.lines().zip(now.lines()).find(|(then, now)| then != now).unwrap_or((then, now))
}
