//! `kith pretrain`: an encoder without labels, evaluated and reported.

use kith_core::encoder::Encoder;
use kith_core::recipe::Recipe;
use kith_core::trainer::Plan;
use kith_core::trainer::pretrain::Pretrainer;
use kith_core::trainer::random_encoder;
use serde_json::json;

use crate::args::{DataFlags, RecipeFlags, RunFlags, Shared};
use crate::diagnosis::{self, Finding};
use crate::failure::Failure;
use crate::folder::{self, Folder};
use crate::interrupt::listen_for_ctrl_c;
use crate::loader;
use crate::material::{self, Material, open_checkpoint};
use crate::minibatch::{self, Minibatch};
use crate::offline::{self, Scores};
use crate::plane;
use crate::report::Report;
use crate::retrieval;
use crate::saved::{Record, best};
use crate::say::{Say, lossy};
use crate::story::{self, Part};
use crate::training::{Setting, Trained, train};

/// Frozen features of the three encoders that a report compares.
#[derive(Debug)]
pub(super) struct Frozen {
    pub(super) random: Scores,
    pub(super) last: Scores,
    pub(super) best: Scores,
    /// Where the recipe asks for it.
    pub(super) minibatch: Option<Minibatch>,
}

pub(super) fn run(
    data: &DataFlags,
    flags: &RecipeFlags,
    run: &RunFlags,
    (shared, say): (&Shared, &Say),
) -> Result<(), Failure> {
    listen_for_ctrl_c();
    let recipe = super::recipe(flags)?;
    let dataset = material::open_to_learn(data, &recipe, shared.seed, say)?;
    let material = Material::new(data, &recipe, dataset, shared.seed);
    let chosen = super::device(shared, say)?;
    let name = super::run_name("pretrain", &recipe, &data.data, shared.seed);
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
    let trained = learn(&setting, shared.seed)?;
    let frozen = frozen(&setting, shared.seed)?;
    let page = page(&setting, &trained, frozen.as_ref(), (shared.seed, &chosen.why))?;
    folder.write(folder::REPORT, &story::page(&page))?;
    tell(&setting, &trained, frozen.as_ref());
    Ok(())
}

/// Pre-trains to the end, or goes on to it.
pub(super) fn learn(setting: &Setting<'_>, seed: u64) -> Result<Trained, Failure> {
    let (recipe, material) = (setting.recipe, setting.material);
    let settings = &recipe.pretraining;
    let classes = if material.labelled.is_empty() { 0 } else { material.classes() };
    let plan = Plan::pretraining(recipe, [material.side, classes], seed, material.unlabelled.len());
    let learner = Pretrainer::new(recipe.clone(), plan, setting.device)?;
    train((learner, None), setting, |learner| {
        let splits = (&material.unlabelled, &material.labelled);
        loader::pretraining(splits, settings, plan, learner.steps())
    })
}

/// Evaluates the last, the best and a random encoder of a finished run.
pub(super) fn frozen(setting: &Setting<'_>, seed: u64) -> Result<Option<Frozen>, Failure> {
    let Setting { recipe, material, device, .. } = *setting;
    let open = |name| {
        let path = setting.folder.file(name);
        let (meta, archive) = open_checkpoint(&path)?;
        meta.encoder(&archive, device).map_err(Failure::of(&path))
    };
    let of = |encoder: &Encoder| offline::evaluate(encoder, material, device);
    let small = |encoder| minibatch::accuracy(encoder, (recipe, material), seed, device);
    setting.say.note("evaluating frozen features: random, last, best encoder");
    let random = random_encoder(recipe, material.side, seed, device)?;
    let (last, best) = (open(folder::CHECKPOINT)?, open(folder::BEST)?);
    let minibatch = match (small(&random)?, small(&last)?) {
        (Some(random), Some(last)) => Some(Minibatch { random, last }),
        _ => None,
    };
    let told = |name: &str, encoder: &Encoder| {
        let found = of(encoder)?;
        if let Some(scores) = &found {
            setting.say.note(&format!("{name}: linear probe {}", story::percent(scores.linear)));
        }
        Ok::<_, Failure>(found)
    };
    let (random, last) = (told("random", &random)?, told("last", &last)?);
    let (Some(random), Some(last), Some(best)) = (random, last, told("best", &best)?) else {
        return Ok(None);
    };
    Ok(Some(Frozen { random, last, best, minibatch }))
}

impl Frozen {
    /// The three encoders by name.
    pub(super) fn rows(&self) -> [(&'static str, &Scores); 3] {
        [
            ("random", &self.random),
            ("pre-trained, last", &self.last),
            ("pre-trained, best", &self.best),
        ]
    }
}

fn page(
    setting: &Setting<'_>,
    trained: &Trained,
    frozen: Option<&Frozen>,
    (seed, device): (u64, &str),
) -> Result<Report, Failure> {
    let Setting { recipe, material, .. } = *setting;
    let (meta, archive) = open_checkpoint(&setting.folder.file(folder::CHECKPOINT))?;
    let encoder = meta.encoder(&archive, setting.device)?;
    let parts = [Part { name: "online probe", history: &trained.history }];
    let mut tables = Vec::new();
    if let Some(frozen) = frozen {
        tables.push(story::frozen_table(&frozen.rows()));
        tables.extend(frozen.minibatch.map(Minibatch::table));
        tables.extend(retrieval::table(&frozen.rows().map(|(name, s)| (name, s.retrieval))));
        tables.push(story::epochs_table(&parts));
    }
    let findings = diagnosis::findings(&trained.history, recipe, material.classes());
    let mut facts = story::facts(material, &seed.to_string(), device);
    facts.push(story::wall_time(trained.history.iter()));
    Ok(Report {
        title: format!("{} on {}", recipe.name, material.name),
        subtitle: "Pre-training without labels".into(),
        facts,
        charts: story::curves(&parts),
        sheets: story::sheets(recipe, material, &encoder, (seed, setting.device))?,
        maps: plane::of(material, &encoder, (seed, setting.device))?.into_iter().collect(),
        confusion: frozen.map(|frozen| story::confusion(material, &frozen.last)),
        tables,
        settings_toml: recipe.to_toml(),
        notes: findings.iter().map(Finding::sentence).chain(notes(recipe, trained)).collect(),
        ..Report::default()
    })
}

/// What a reader should know before quoting a number.
pub(super) fn notes(recipe: &Recipe, trained: &Trained) -> Vec<String> {
    let mut notes = Vec::new();
    match best(&trained.history) {
        Some(Record { validation: Some(_), .. }) => notes.push(
            "The best epoch was chosen on validation pictures; no test picture was looked at \
             before the run was over."
                .into(),
        ),
        Some(Record { test: Some(_), .. }) => notes.push(
            "The best epoch was chosen on the test pictures, as the Keras examples do: compare last \
             epochs instead."
                .into(),
        ),
        _ => {}
    }
    if !recipe.evaluation.test_view.0.is_empty() {
        notes.push(
            "While training, test pictures were perturbed as the recipe's source does; the table \
             of frozen features is on clean ones."
                .into(),
        );
    }
    let last = trained.history.last();
    if let Some(dead) = last.and_then(|record| story::number(record, "dead_units")) {
        notes.push(format!("{:.0} % of the features are dead after the last epoch.", 100.0 * dead));
    }
    notes
}

fn tell(setting: &Setting<'_>, trained: &Trained, frozen: Option<&Frozen>) {
    let path = |name| setting.folder.file(name).display().to_string();
    let classes = setting.material.classes();
    let findings = diagnosis::findings(&trained.history, setting.recipe, classes);
    let mut words = String::new();
    if let Some(frozen) = frozen {
        for (name, scores) in frozen.rows() {
            words += &format!(
                "{name:<18} linear {}  kNN {}\n",
                story::percent(scores.linear),
                story::percent(scores.wide)
            );
        }
    }
    if let Some(Minibatch { random, last }) = frozen.and_then(|frozen| frozen.minibatch) {
        let (last, random) = (story::percent(last), story::percent(random));
        words += &format!("small batches      linear {last}, random {random}\n");
    }
    if let Some(shares) = story::last_and_best(&trained.history) {
        words += &format!("online probe       {shares}\n");
    }
    for finding in &findings {
        words += &format!("{}\n", finding.sentence());
    }
    words += &format!("checkpoint: {}\n", path(folder::CHECKPOINT));
    words += &format!("report:     {}", path(folder::REPORT));
    let scores = frozen.map(|frozen| {
        json!({
            "random": frozen.random.to_json(),
            "last": frozen.last.to_json(),
            "best": frozen.best.to_json(),
            "minibatch": frozen.minibatch.map(Minibatch::to_json),
        })
    });
    let object = json!({
        "run": lossy(setting.folder.path()),
        "checkpoint": path(folder::CHECKPOINT),
        "best": path(folder::BEST),
        "report": path(folder::REPORT),
        "last_epoch": trained.history.last(),
        "best_epoch": best(&trained.history),
        "findings": diagnosis::to_json(&findings),
        "frozen": scores,
    });
    setting.say.result(&words, &object);
}
