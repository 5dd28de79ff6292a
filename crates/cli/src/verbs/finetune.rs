//! `kith finetune`: an encoder and a classifier on labels.

use kith_core::archive::Archive;
use kith_core::checkpoint::Meta;
use kith_core::recipe::Recipe;
use kith_core::trainer::Plan;
use serde_json::json;

use crate::args::{DataFlags, RecipeFlags, RunFlags, Shared};
use crate::diagnosis::{self, Finding};
use crate::failure::Failure;
use crate::folder::{self, Folder};
use crate::interrupt::listen_for_ctrl_c;
use crate::learner::Tuning;
use crate::loader;
use crate::material::{self, Material};
use crate::report::Report;
use crate::saved::best;
use crate::say::{Say, lossy};
use crate::start;
use crate::story::{self, Part};
use crate::training::{Setting, Trained, train};

/// Says that the encoder starts with fresh weights.
const SCRATCH: &str = "scratch";
/// What a run that starts from a checkpoint is called.
const FINETUNE: &str = "finetune";

pub(super) fn run(
    from: &str,
    data: &DataFlags,
    flags: &RecipeFlags,
    (run, shared, say): (&RunFlags, &Shared, &Say),
) -> Result<(), Failure> {
    listen_for_ctrl_c();
    let mut recipe = super::recipe(flags)?;
    let mut data = data.clone();
    let checkpoint = (from != SCRATCH).then_some(from);
    let start = start::open(checkpoint, &mut recipe, &mut data)?;
    let dataset = material::open_to_learn(&data, &recipe, shared.seed, say)?;
    let material = Material::new(&data, &recipe, dataset, shared.seed);
    let chosen = super::device(shared, say)?;
    let verb = if start.is_some() { FINETUNE } else { "baseline" };
    let name = super::run_name(verb, &recipe, &data.data, shared.seed);
    let folder = Folder::choose(run, &name)?;
    say.note(&format!("run: {}", folder.path().display()));
    let setting = Setting {
        recipe: &recipe,
        material: &material,
        folder: &folder,
        whole: &folder,
        device: &chosen.device,
        say,
    };
    let trained = learn(&setting, shared.seed, start.as_ref())?;
    let seen = start.and_then(|(meta, _)| start::seen_test(&meta, &data, shared.seed));
    seen.iter().for_each(|words| say.note(words));
    let findings = diagnosis::findings(&trained.history, &recipe, material.classes());
    let parts = [Part { name: verb, history: &trained.history }];
    let mut facts = story::facts(&material, &shared.seed.to_string(), &chosen.why);
    facts.push(("Started from".into(), from.into()));
    facts.push(story::wall_time(trained.history.iter()));
    let report = Report {
        title: format!("{} on {}", recipe.name, material.name),
        subtitle: if verb == FINETUNE { "Fine-tuning" } else { "Supervised baseline" }.into(),
        facts,
        charts: story::curves(&parts),
        tables: vec![story::epochs_table(&parts)],
        settings_toml: recipe.to_toml(),
        notes: seen.into_iter().chain(notes(&recipe, &trained, &findings)).collect(),
        ..Report::default()
    };
    folder.write(folder::REPORT, &story::page(&report))?;
    tell(&setting, &trained, &findings);
    Ok(())
}

fn notes(recipe: &Recipe, trained: &Trained, findings: &[Finding]) -> Vec<String> {
    let found = findings.iter().map(Finding::sentence);
    found.chain(super::pretrain::notes(recipe, trained)).collect()
}

/// Trains on labels to the end, or goes on to it.
pub(super) fn learn(
    setting: &Setting<'_>,
    seed: u64,
    start: Option<&(Meta, Archive)>,
) -> Result<Trained, Failure> {
    let (recipe, material) = (setting.recipe, setting.material);
    if material.labelled.labels().is_none() || material.classes() < 2 {
        return Err(Failure::NoLabels { what: "fine-tuning" });
    }
    let settings = &recipe.finetuning;
    let size = [material.side, material.classes()];
    let plan = Plan::finetuning(settings, size, seed, material.labelled.len());
    let learner = Tuning::new(recipe, plan, start, setting.device)?;
    train((learner, start::fingerprint(start)), setting, |learner| {
        loader::finetuning(&material.labelled, settings, plan, learner.tuner.steps())
    })
}

fn tell(setting: &Setting<'_>, trained: &Trained, findings: &[Finding]) {
    let Setting { folder, say, .. } = *setting;
    let path = |name| folder.file(name).display().to_string();
    let words = format!(
        "test accuracy: {}\ncheckpoint: {}\nreport:     {}",
        story::last_and_best(&trained.history).unwrap_or_else(|| "-".into()),
        path(folder::CHECKPOINT),
        path(folder::REPORT)
    );
    let found: String = findings.iter().map(|f| format!("{}\n", f.sentence())).collect();
    let words = found + &words;
    let object = json!({
        "run": lossy(folder.path()),
        "checkpoint": path(folder::CHECKPOINT),
        "best": path(folder::BEST),
        "report": path(folder::REPORT),
        "last_epoch": trained.history.last(),
        "best_epoch": best(&trained.history),
        "findings": diagnosis::to_json(findings),
    });
    say.result(&words, &object);
}
