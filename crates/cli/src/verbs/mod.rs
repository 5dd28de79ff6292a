//! The verbs, one a file.

mod session;
mod outcome;
mod run_record;
mod fetch;
mod doctor;
mod augment;
mod pretrain;
mod finetune;
mod semi;
mod experiment;
mod embed;
mod evaluate;
mod runner;
mod sweep;
mod benchmark;
mod compare;
mod neighbours;
mod clean;
mod info;
mod export;
mod import;
mod serve;
mod worker;
mod replay;
mod resume;
mod label;

use crate::args::{RecipeFlags, Shared, Verb};
use crate::failure::{DeviceError, Failure};
use crate::output::{Console, Outcome};
use session::Command;

/// Does what a verb says, and tells what came of it.
pub(crate) fn run(verb: Verb, shared: &Shared, console: &Console) -> Result<(), Failure> {
    several_devices_suit(&verb, shared)?;
    let command = Command { shared, console };
    let tell = |outcome: &dyn Outcome| console.result(outcome);
    match verb {
        Verb::Pretrain { from, flags } => {
            tell(&pretrain::run(from.as_deref(), &flags, command)?);
        }
        Verb::Replay { flags } => replay::run(&flags, command)?,
        Verb::Resume { flags } => tell(&resume::run(&flags, command)?),
        Verb::Finetune { from, flags } => tell(&finetune::run(&from, &flags, command)?),
        Verb::Experiment { seeds, flags } => tell(&experiment::run(seeds, &flags, command)?),
        Verb::Sweep { grid, seeds, flags } => {
            let asked = sweep::Asked { grid: &grid, seeds };
            tell(&sweep::run(asked, &flags, command)?);
        }
        Verb::Benchmark { flags } => tell(&*benchmark::run(&flags, command)?),
        Verb::BenchmarkRun { name, study, few_label, data } => {
            benchmark::one(&benchmark::One { name, study, few_label, data }, command)?;
        }
        Verb::Compare { runs, out } => tell(&compare::run(&runs, &out)?),
        Verb::Semi { from, seeds, auto, flags } => {
            let how = semi::How { from: from.as_deref(), seeds, auto };
            tell(&semi::run(&how, &flags, command)?);
        }
        Verb::Evaluate { of, how, data, run } => {
            let flags = evaluate::Flags { how: &how, data: &data, run: &run };
            tell(&*evaluate::run(of.as_deref(), flags, command)?);
        }
        Verb::Augment { recipe: Some(recipe), changes, images, out, data, .. } => {
            let recipe = session::recipe(&RecipeFlags { recipe, changes })?;
            let flags = augment::Flags { out: &out, data: &data };
            tell(&augment::of_recipe(&recipe, images, flags, command)?);
        }
        Verb::Augment { policy, views, images, out, data, .. } => {
            let flags = augment::Flags { out: &out, data: &data };
            tell(&augment::run(&policy, augment::Size { images, views }, flags, command)?);
        }
        Verb::Embed { checkpoint, split, out, pixels, shard, data } => {
            let out = embed::Out { path: &out, pixels, shard };
            tell(&embed::run(&checkpoint, split, &out, &data, command)?);
        }
        Verb::Merge { out } => tell(&embed::shards::merge(&out)?),
        Verb::Neighbours { checkpoint, k, queries, out, data } => {
            let size = neighbours::Size { queries, k };
            tell(&neighbours::run(&checkpoint, size, &out, &data, command)?);
        }
        Verb::Clean { flags } => tell(&*clean::run(&flags, command)?),
        Verb::Info { of } => tell(&*info::run(&of)?),
        Verb::Import { flags } => tell(&import::run(&flags, console)?),
        Verb::Export { flags } => tell(&*export::run(&flags)?),
        Verb::Serve { flags } => serve::run(flags, console)?,
        Verb::Worker { flags } => worker::run(flags.listen, command)?,
        Verb::Label { flags } => label::run(&flags, command)?,
        Verb::Fetch { flags } => tell(&fetch::run(flags, console)?),
        Verb::Doctor { flags } => tell(&doctor::run(&flags, console)?),
    }
    Ok(())
}

/// Refuses several devices, and those of workers, where a verb computes on one of this machine.
fn several_devices_suit(verb: &Verb, shared: &Shared) -> Result<(), Failure> {
    match verb {
        Verb::Pretrain { .. } | Verb::Sweep { .. } => Ok(()),
        _ if shared.device.is_one_here() => Ok(()),
        _ => Err(DeviceError::Several { got: shared.device.to_string() }.into()),
    }
}
