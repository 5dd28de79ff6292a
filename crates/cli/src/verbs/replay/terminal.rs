//! Runs a run of the command line again.

use kith_core::loader::Batch;
use kith_core::replay::RunRecord;
use kith_core::trainer::{Plan, SelfSupervised, Trainer};
use kith_data::Source;

use super::{Here, repeats};
use crate::args::{DataFlags, ReplayFlags};
use crate::failure::{Failure, ReplayError};
use crate::files::FileError;
use crate::interrupt::listen_for_ctrl_c;
use crate::output::lossy;
use crate::train::claim::Rival;
use crate::train::folder::{self, Folder};
use crate::train::initial_weights;
use crate::train::loader;
use crate::train::splits::Splits;
use crate::verbs::pretrain;
use crate::verbs::run_record;
use crate::verbs::session::{Command, Session, run_name};

pub(super) fn run(
    record: &RunRecord,
    flags: &ReplayFlags,
    command: Command<'_>,
) -> Result<Here, Failure> {
    let session = open(record, flags, command)?;
    session.folder.computed(|| completed(&session, record, flags))
}

fn completed(
    session: &Session<'_>,
    record: &RunRecord,
    flags: &ReplayFlags,
) -> Result<Here, Failure> {
    let splits = session.splits(session.seed)?;
    record.data.same_images(&run_record::data(&session.data, &splits)?.splits)?;
    let plan = pretrain::plan(&session.context(&splits));
    same_plan(record.plan, plan)?;
    let mut here = match flags.first_steps {
        true => Here {
            first_losses: first(session, &splits, record)?,
            repeats: Vec::new(),
            whole: None,
            folder: None,
        },
        false => whole(session, &splits)?,
    };
    if here.first_losses != record.first_losses && !record.first_losses.is_empty() {
        let (trainer, batches) = begin(session, &splits, record)?;
        here.repeats = repeats::perturbed_losses(&trainer, &batches, session.console)?;
    }
    Ok(here)
}

/// Everything but the data, as the record has it.
fn open<'a>(
    record: &RunRecord,
    flags: &ReplayFlags,
    command: Command<'a>,
) -> Result<Session<'a>, Failure> {
    listen_for_ctrl_c();
    if let Some(page) = &flags.page {
        let expected = "none: only runs of the page need it";
        return Err(kith_core::Error::setting("--page", expected, page.display()).into());
    }
    let mut recipe = record.recipe()?;
    let mut data = DataFlags {
        data: source(record, flags)?,
        side: Some(record.plan.side),
        labelled: record.data.labelled,
        unlabelled: record.data.unlabelled,
        fold: record.data.fold,
        cache: flags.cache.clone(),
        preprocessing: None,
    };
    let start = initial_weights::open(flags.from.as_deref(), &mut recipe, &mut data)?;
    let fingerprint = initial_weights::fingerprint(start.as_ref());
    if fingerprint != record.start {
        let words = |start: Option<&String>| start.map_or("none", String::as_str).to_owned();
        let [then, now] = [record.start.as_ref(), fingerprint.as_ref()].map(words);
        return Err(other("checkpoint to start from (--from)", &then, &now));
    }
    let device = command.device_for(recipe.precision)?;
    let seed = record.plan.seed;
    command.console.note(&format!("seed: {seed}, the record's"));
    let name = run_name("replay", &recipe, &data.data, seed);
    let folder = Folder::choose(&flags.run, &name)?;
    let (console, log, rival) = (command.console, None, Rival::Refused);
    Ok(Session { recipe, data, start, device, folder, seed, console, log, rival })
}

/// Where the images are: the gallery comes with kith, all else has to be said.
fn source(record: &RunRecord, flags: &ReplayFlags) -> Result<Source, Failure> {
    let kind = &record.data.source;
    match &flags.data {
        Some(source) if source.kind() == kind => Ok(source.clone()),
        Some(source) => Err(other("kind of data (--data)", kind, source.kind())),
        None if kind == Source::Gallery.kind() => Ok(Source::Gallery),
        None => Err(ReplayError::DataNeeded { kind: kind.clone() }.into()),
    }
}

/// Refuses a recipe that makes another plan here than the record says.
fn same_plan(then: Plan, now: Plan) -> Result<(), Failure> {
    if then == now {
        return Ok(());
    }
    Err(other("plan", &format!("{then:?}"), &format!("{now:?}")))
}

/// What the record has, and what there is here.
fn other(what: &'static str, then: &str, now: &str) -> Failure {
    ReplayError::Other { what, then: then.to_owned(), now: now.to_owned() }.into()
}

/// The run at its start, with the batches of as many steps as the record has losses of.
fn begin(
    session: &Session<'_>,
    splits: &Splits,
    record: &RunRecord,
) -> Result<(Trainer<SelfSupervised>, Vec<Batch>), Failure> {
    let context = session.context(splits);
    let trainer = pretrain::trainer(&context, session.start.as_ref())?;
    let Splits { unlabelled, labelled, .. } = splits;
    let settings = &session.recipe.pretraining;
    let all = loader::pretraining(unlabelled, labelled, settings, *trainer.plan(), 0)?;
    let batches = all.take(record.first_losses.len()).collect::<Result<_, _>>()?;
    Ok((trainer, batches))
}

/// Losses of the first steps alone.
fn first(session: &Session<'_>, splits: &Splits, record: &RunRecord) -> Result<Vec<f32>, Failure> {
    let (trainer, batches) = begin(session, splits, record)?;
    repeats::losses(trainer, &batches)
}

/// The whole run, as `kith pretrain` does it.
fn whole(session: &Session<'_>, splits: &Splits) -> Result<Here, Failure> {
    session.console.note(&format!("run: {}", session.folder.path().display()));
    pretrain::complete(session, splits)?;
    let path = session.folder.file(folder::REPLAY);
    let text = std::fs::read_to_string(&path).map_err(|e| FileError::new(&path, e))?;
    let whole = RunRecord::parse(&text).map_err(Failure::of(&path))?;
    Ok(Here {
        first_losses: whole.first_losses.clone(),
        repeats: Vec::new(),
        whole: Some(whole),
        folder: Some(lossy(session.folder.path())),
    })
}
