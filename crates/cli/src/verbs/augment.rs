//! `kith augment`: images beside their augmented views.

use std::fmt::{self, Display, Formatter};
use std::path::Path;

use kith_core::augment::policy::Policy;
use kith_core::recipe::Recipe;
use serde::Serialize;

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
    pub(super) images: usize,
    pub(super) views: usize,
}

/// Images with views by one policy.
#[derive(Debug, Serialize)]
pub(super) struct Views {
    sheet: String,
    #[serde(rename = "pictures")]
    images: usize,
    views: usize,
}

impl Display for Views {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} pictures, {} views each: {}", self.images, self.views, self.sheet)
    }
}

/// What stands in the rows of a recipe's grid.
const ROWS: [&str; 4] = ["original", "weak", "strong", "strong"];

/// Images with views as a recipe has them.
#[derive(Debug, Serialize)]
pub(super) struct RecipeViews {
    sheet: String,
    recipe: String,
    #[serde(rename = "pictures")]
    images: usize,
    rows: [&'static str; 4],
}

impl Display for RecipeViews {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { sheet, recipe, images, .. } = self;
        write!(
            f,
            "{images} images; below each a weak view and two strong ones, as {recipe} has them: \
             {sheet}"
        )
    }
}

/// Which images, and the file to write.
pub(super) struct Flags<'a> {
    pub(super) out: &'a Path,
    pub(super) data: &'a DataFlags,
}

pub(super) fn run(
    name: &str,
    Size { images, views }: Size,
    Flags { out, data }: Flags<'_>,
    command: Command<'_>,
) -> Result<Views, Failure> {
    let policy = named(name)?;
    let Command { shared, console } = command;
    let dataset = dataset::open(data, shared.seed(), console)?;
    let chosen = command.device()?;
    let seeded = chosen.seeded(shared.seed());
    let split = dataset.filled("unlabelled")?;
    let shown = split.read(&split.sample(images, shared.seed()))?;
    let png = view_grid(&[&policy], &shown, views, seeded)?;
    files::write(out, &png)?;
    Ok(Views { sheet: lossy(out), images: shown.len(), views })
}

/// One grid of a recipe: images, a weak view of each, two strong ones.
pub(super) fn of_recipe(
    recipe: &Recipe,
    images: usize,
    Flags { out, data }: Flags<'_>,
    command: Command<'_>,
) -> Result<RecipeViews, Failure> {
    let Command { shared, console } = command;
    let dataset = dataset::open(data, shared.seed(), console)?;
    let chosen = command.device()?;
    let seeded = chosen.seeded(shared.seed());
    let split = &dataset.unlabelled;
    let shown = split.read(&split.sample(images, shared.seed()))?;
    let views = recipe.policies_of_views();
    let (weak, strong) = match &recipe.semi {
        Some(semi) => (&semi.weak, [&semi.strong; 2]),
        None => (&recipe.pretraining.probe_view, [views[0], views[1]]),
    };
    let seen = |policy, number| view(policy, &shown, number, seeded);
    let rows = [seen(weak, 0)?, seen(strong[0], 1)?, seen(strong[1], 2)?];
    files::write(out, &recipe_grid(&shown, &rows))?;
    let recipe = recipe.name.clone();
    Ok(RecipeViews { sheet: lossy(out), recipe, images: shown.len(), rows: ROWS })
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
