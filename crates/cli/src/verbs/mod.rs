//! The verbs, one a file.

mod fetch;
mod doctor;
mod augment;
mod pretrain;
mod finetune;
mod semi;
mod experiment;
mod evaluate;
mod embed;
mod neighbours;
mod info;
mod export;
mod serve;

use kith_core::archive::Precision;
use kith_core::recipe::Recipe;

use crate::args::{RecipeFlags, Shared, Verb};
use crate::device::{Chosen, choose};
use crate::failure::Failure;
use crate::files::FileError;
use crate::output::Console;

/// Does what a verb says.
pub(crate) fn run(verb: Verb, shared: &Shared, console: &Console) -> Result<(), Failure> {
    match verb {
        Verb::Pretrain { data, recipe, run } => {
            pretrain::run(&data, &recipe, &run, (shared, console))
        }
        Verb::Finetune { from, data, recipe, run } => {
            finetune::run(&from, &data, &recipe, (&run, shared, console))
        }
        Verb::Experiment { seeds, data, recipe, run } => {
            experiment::run(seeds, &data, &recipe, (&run, shared, console))
        }
        Verb::Semi { from, seeds, auto, data, recipe, run } => {
            let how = (from.as_deref(), seeds, auto);
            semi::run(how, &data, &recipe, (&run, shared, console))
        }
        Verb::Evaluate { of, how, data, run } => {
            evaluate::run(of.as_deref(), &how, (&data, &run), (shared, console))
        }
        Verb::Augment { recipe: Some(recipe), changes, pictures, out, data, .. } => {
            let recipe = self::recipe(&RecipeFlags { recipe, changes })?;
            augment::of_recipe(&recipe, pictures, &out, (&data, shared, console))
        }
        Verb::Augment { policy, views, pictures, out, data, .. } => {
            augment::run(&policy, (pictures, views), &out, (&data, shared, console))
        }
        Verb::Embed { checkpoint, split, out, pixels, data } => {
            let pixels = pixels.then(|| embed::ending(&out, "pixels.npy"));
            embed::run(&checkpoint, split, (&out, pixels), (&data, shared, console))
        }
        Verb::Neighbours { checkpoint, k, queries, out, data } => {
            neighbours::run(&checkpoint, (queries, k), &out, (&data, shared, console))
        }
        Verb::Info { of } => info::run(&of, console),
        Verb::Export { checkpoint, out, half, support } => {
            let precision = if half { Precision::Half } else { Precision::Single };
            let kept = if support { export::WITH_SUPPORT } else { export::ENCODER };
            export::run(&checkpoint, &out, (precision, kept), console)
        }
        Verb::Serve { run, page, port } => serve::run(run.as_deref(), page, port, console),
        Verb::Fetch { what, mirror, into } => fetch::run(what, mirror, &into, console),
        Verb::Doctor => {
            doctor::run(console);
            Ok(())
        }
    }
}

/// The recipe that the flags name, with their changes.
fn recipe(flags: &RecipeFlags) -> Result<Recipe, Failure> {
    if let Some(text) = Recipe::built_in_text(&flags.recipe) {
        return Ok(Recipe::parse(text, &flags.changes)?);
    }
    let path = std::path::Path::new(&flags.recipe);
    if !path.exists() {
        let names: Vec<&str> = Recipe::all_built_in().iter().map(|(name, _)| *name).collect();
        let expected = match Recipe::renamed(&flags.recipe) {
            Some(now) => format!("{now}, as it is called now"),
            None => format!("{} or a file", names.join(", ")),
        };
        return Err(Failure::Unknown { what: "recipe", got: flags.recipe.clone(), expected });
    }
    let text = std::fs::read_to_string(path).map_err(|e| FileError::new(path, e))?;
    Recipe::parse(&text, &flags.changes).map_err(Failure::of(path))
}

/// The device, announced.
fn device(shared: &Shared, console: &Console) -> Result<Chosen, Failure> {
    let chosen = choose(shared.device)?;
    console.note(&format!("device: {}", chosen.why));
    Ok(chosen)
}

/// The name of a run that has none.
fn run_name(verb: &str, recipe: &Recipe, data: &kith_data::Source, seed: u64) -> String {
    let data = data.to_string();
    let kind = data.split(':').next().unwrap_or_default();
    format!("{verb}-{}-{kind}-seed{seed}", recipe.name)
}
