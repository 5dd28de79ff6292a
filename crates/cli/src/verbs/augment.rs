//! `kith augment`: pictures beside their augmented views.

use std::path::Path;

use kith_core::augment::policy::Policy;
use kith_core::recipe::Recipe;
use serde_json::json;

use crate::args::DataFlags;
use crate::dataset;
use crate::failure::Failure;
use crate::files;
use crate::output::lossy;
use crate::report::figures::{view, view_grid};
use crate::report::image_grid::recipe_grid;
use crate::verbs::session::Command;

/// How many images, and views of each.
pub(super) struct Size {
    pub(super) pictures: usize,
    pub(super) views: usize,
}

/// Which images, and the file to write.
pub(super) struct Flags<'a> {
    pub(super) out: &'a Path,
    pub(super) data: &'a DataFlags,
}

pub(super) fn run(
    name: &str,
    Size { pictures, views }: Size,
    Flags { out, data }: Flags<'_>,
    command: Command<'_>,
) -> Result<(), Failure> {
    let policy = named(name)?;
    let Command { shared, console } = command;
    let dataset = dataset::open(data, shared.seed, console)?;
    let chosen = command.device()?;
    let seeded = chosen.seeded(shared.seed);
    let split = dataset.filled("unlabelled")?;
    let shown = split.read(&split.sample(pictures, shared.seed))?;
    let png = view_grid(&[&policy], &shown, views, seeded)?;
    files::write(out, &png)?;
    let words = format!("{} pictures, {views} views each: {}", shown.len(), out.display());
    console
        .result(&words, &json!({ "sheet": lossy(out), "pictures": shown.len(), "views": views }));
    Ok(())
}

/// One grid of a recipe: images, a weak view of each, two strong ones.
pub(super) fn of_recipe(
    recipe: &Recipe,
    pictures: usize,
    Flags { out, data }: Flags<'_>,
    command: Command<'_>,
) -> Result<(), Failure> {
    let Command { shared, console } = command;
    let dataset = dataset::open(data, shared.seed, console)?;
    let chosen = command.device()?;
    let seeded = chosen.seeded(shared.seed);
    let split = &dataset.unlabelled;
    let shown = split.read(&split.sample(pictures, shared.seed))?;
    let views = recipe.policies_of_views();
    let (weak, strong) = match &recipe.semi {
        Some(semi) => (&semi.weak, [&semi.strong; 2]),
        None => (&recipe.pretraining.probe_view, [views[0], views[1]]),
    };
    let seen = |policy, number| view(policy, &shown, number, seeded);
    let rows = [seen(weak, 0)?, seen(strong[0], 1)?, seen(strong[1], 2)?];
    files::write(out, &recipe_grid(&shown, &rows))?;
    let words = format!(
        "{} images; below each a weak view and two strong ones, as {} has them: {}",
        shown.len(),
        recipe.name,
        out.display()
    );
    let rows = ["original", "weak", "strong", "strong"];
    let object = json!({
        "sheet": lossy(out),
        "recipe": recipe.name,
        "pictures": shown.len(),
        "rows": rows,
    });
    console.result(&words, &object);
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
            "views" => Some(recipe.pretraining.views.first().clone()),
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
