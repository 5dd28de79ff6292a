//! The verbs, one a file.

mod session;
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

use crate::args::{RecipeFlags, Shared, Verb};
use crate::failure::Failure;
use crate::output::Console;
use session::Command;

/// Does what a verb says.
pub(crate) fn run(verb: Verb, shared: &Shared, console: &Console) -> Result<(), Failure> {
    let command = Command { shared, console };
    match verb {
        Verb::Pretrain { flags } => pretrain::run(&flags, command),
        Verb::Finetune { from, flags } => finetune::run(&from, &flags, command),
        Verb::Experiment { seeds, flags } => experiment::run(seeds, &flags, command),
        Verb::Semi { from, seeds, auto, flags } => {
            let how = semi::How { from: from.as_deref(), seeds, auto };
            semi::run(&how, &flags, command)
        }
        Verb::Evaluate { of, how, data, run } => {
            let flags = evaluate::Flags { how: &how, data: &data, run: &run };
            evaluate::run(of.as_deref(), flags, command)
        }
        Verb::Augment { recipe: Some(recipe), changes, pictures, out, data, .. } => {
            let recipe = session::recipe(&RecipeFlags { recipe, changes })?;
            augment::of_recipe(
                &recipe,
                pictures,
                augment::Flags { out: &out, data: &data },
                command,
            )
        }
        Verb::Augment { policy, views, pictures, out, data, .. } => {
            let flags = augment::Flags { out: &out, data: &data };
            augment::run(&policy, augment::Size { pictures, views }, flags, command)
        }
        Verb::Embed { checkpoint, split, out, pixels, data } => {
            let out = embed::Out { path: &out, pixels };
            embed::run(&checkpoint, split, &out, &data, command)
        }
        Verb::Neighbours { checkpoint, k, queries, out, data } => {
            neighbours::run(&checkpoint, neighbours::Size { queries, k }, &out, &data, command)
        }
        Verb::Info { of } => info::run(&of, console),
        Verb::Export { checkpoint, out, half, support } => {
            let precision = if half { Precision::Half } else { Precision::Single };
            let kept = if support { export::WITH_SUPPORT } else { export::ENCODER };
            export::run(&checkpoint, &out, precision, kept, console)
        }
        Verb::Serve { run, page, port } => serve::run(run.as_deref(), page, port, console),
        Verb::Fetch { what, mirror, into } => fetch::run(what, mirror, &into, console),
        Verb::Doctor => {
            doctor::run(console);
            Ok(())
        }
    }
}
