//! `kith augment`: pictures beside their augmented views.

use std::path::Path;

use kith_core::augment::policy::Policy;
use kith_core::recipe::Recipe;
use serde_json::json;

use crate::args::{DataFlags, Shared};
use crate::failure::Failure;
use crate::files;
use crate::material;
use crate::say::Say;
use crate::story::{some_of, view_sheet};

pub(super) fn run(
    name: &str,
    (pictures, views): (usize, usize),
    out: &Path,
    (data, shared, say): (&DataFlags, &Shared, &Say),
) -> Result<(), Failure> {
    let policy = named(name)?;
    let dataset = material::open(data, shared.seed, say)?;
    let chosen = super::device(shared, say)?;
    let split = dataset.filled("unlabelled")?;
    let shown = split.read(&some_of(split, pictures, shared.seed))?;
    let png = view_sheet(&policy, &shown, (views, shared.seed), &chosen.device)?;
    files::write(out, &png)?;
    let words = format!("{} pictures, {views} views each: {}", shown.len(), out.display());
    say.result(
        &words,
        &json!({ "sheet": out.display().to_string(), "pictures": shown.len(), "views": views }),
    );
    Ok(())
}

/// A policy by its own name or by its place in a recipe.
fn named(name: &str) -> Result<Policy, Failure> {
    if let Some(policy) = Policy::named(name) {
        return Ok(policy);
    }
    let of_recipe = name.split_once('.').and_then(|(recipe, which)| {
        let recipe = Recipe::built_in(recipe)?;
        match which {
            "views" => Some(recipe.pretraining.views),
            "probe_view" => Some(recipe.pretraining.probe_view),
            "view" => Some(recipe.finetuning.view),
            _ => None,
        }
    });
    of_recipe.ok_or_else(|| Failure::Unknown {
        what: "policy",
        got: name.to_owned(),
        expected: match Policy::renamed(name) {
            Some(now) => format!("{now}, as it is called now"),
            None => format!("{}, or a recipe's, as in nnclr.views", Policy::NAMES.join(", ")),
        },
    })
}
