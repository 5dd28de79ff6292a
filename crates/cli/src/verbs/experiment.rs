//! `kith experiment`: baseline, pre-training and fine-tuning, compared, over some seeds.

use kith_core::recipe::Recipe;
use serde_json::json;

use crate::args::{DataFlags, RecipeFlags, RunFlags, Shared};
use crate::diagnosis::{self, Run};
use crate::failure::Failure;
use crate::folder::{self, Folder};
use crate::interrupt::listen_for_ctrl_c;
use crate::material::{self, Material, open_checkpoint};
use crate::plane;
use crate::report::Report;
use crate::saved::{Record, best};
use crate::say::{Say, lossy};
use crate::seeds::{Comparison, Difference, note};
use crate::story::{self, Part};
use crate::training::{Setting, Trained};
use crate::verbs::pretrain::Frozen;
use crate::verbs::{finetune, pretrain};

/// Every number of the study, for scripts.
const RESULTS: &str = "results.json";

/// The study with one seed.
struct Study {
    seed: u64,
    material: Material,
    baseline: Trained,
    pretraining: Trained,
    finetuning: Trained,
    frozen: Option<Frozen>,
}

pub(super) fn run(
    seeds: u64,
    data: &DataFlags,
    flags: &RecipeFlags,
    (run, shared, say): (&RunFlags, &Shared, &Say),
) -> Result<(), Failure> {
    listen_for_ctrl_c();
    let recipe = super::recipe(flags)?;
    let chosen = super::device(shared, say)?;
    let name = super::run_name("experiment", &recipe, &data.data, shared.seed);
    let whole = Folder::choose(run, &name)?;
    say.note(&format!("run: {}", whole.path().display()));
    let mut studies = Vec::new();
    for seed in shared.seed..shared.seed + seeds.max(1) {
        let dataset = material::open_to_learn(data, &recipe, seed, say)?;
        let material = Material::new(data, &recipe, dataset, seed);
        if material.labelled.labels().is_none() || material.classes() < 2 {
            return Err(Failure::NoLabels { what: "an experiment" });
        }
        whole.begin(&recipe)?;
        let folder = whole.part(&format!("seed-{seed}"));
        let setting = Setting {
            recipe: &recipe,
            material: &material,
            folder: &folder,
            whole: &whole,
            device: &chosen.device,
            say,
        };
        studies.push(study(&setting, seed)?);
    }
    let comparison = comparison(&studies);
    let classes = studies.first().map_or(0, |study| study.material.classes());
    let report = report(&studies, &comparison, &recipe, (&whole, &chosen))?;
    whole.write(folder::REPORT, &story::page(&report))?;
    let object = json!({
        "run": lossy(whole.path()),
        "report": lossy(&whole.file(folder::REPORT)),
        "recipe": recipe.name,
        "data": data.data.to_string(),
        "seeds": studies.iter().map(|study| study.seed).collect::<Vec<_>>(),
        "accuracies": comparison.to_json(),
        "differences": comparison.differences().iter().map(Difference::to_json).collect::<Vec<_>>(),
        "findings": runs(&studies).flat_map(|r| r.to_json(&recipe, classes)).collect::<Vec<_>>(),
    });
    whole.write(RESULTS, format!("{object:#}\n").as_bytes())?;
    say.result(&comparison.words(&whole.file(folder::REPORT)), &object);
    Ok(())
}

/// One seed from start to end, or on from where it was stopped.
fn study(setting: &Setting<'_>, seed: u64) -> Result<Study, Failure> {
    let part = |name: &str| {
        setting.say.note(&format!("seed {seed}: {name}"));
        setting.folder.part(name)
    };
    let baseline_folder = part("baseline");
    let baseline =
        finetune::learn(&Setting { folder: &baseline_folder, ..setting.clone() }, seed, None)?;
    let pretrain_folder = part("pretraining");
    let pretrain_setting = Setting { folder: &pretrain_folder, ..setting.clone() };
    let pretraining = pretrain::learn(&pretrain_setting, seed)?;
    let start = open_checkpoint(&pretrain_folder.file(folder::CHECKPOINT))?;
    let finetune_folder = part("finetuning");
    let finetune_setting = Setting { folder: &finetune_folder, ..setting.clone() };
    let finetuning = finetune::learn(&finetune_setting, seed, Some(&start))?;
    let frozen = pretrain::frozen(&pretrain_setting, seed)?;
    let material = setting.material.clone();
    Ok(Study { seed, material, baseline, pretraining, finetuning, frozen })
}

fn comparison(studies: &[Study]) -> Comparison {
    let of = |pick: &dyn Fn(&Study) -> Option<f64>| studies.iter().filter_map(pick).collect();
    let accuracy = |record: Option<&Record>| record?.test.map(|score| score.accuracy);
    let last = |trained: &Trained| accuracy(trained.history.last());
    let top = |trained: &Trained| accuracy(best(&trained.history));
    let numbers: [(&str, Vec<f64>); 11] = [
        ("supervised baseline, last", of(&|s| last(&s.baseline))),
        ("supervised baseline, best", of(&|s| top(&s.baseline))),
        ("online probe, last", of(&|s| last(&s.pretraining))),
        ("online probe, best", of(&|s| top(&s.pretraining))),
        ("fine-tuned, last", of(&|s| last(&s.finetuning))),
        ("fine-tuned, best", of(&|s| top(&s.finetuning))),
        ("frozen, linear, last", of(&|s| Some(s.frozen.as_ref()?.last.linear))),
        ("frozen, kNN (200, 0.1), last", of(&|s| Some(s.frozen.as_ref()?.last.wide))),
        ("frozen, kNN (20, 0.07), last", of(&|s| Some(s.frozen.as_ref()?.last.narrow))),
        ("random encoder, linear", of(&|s| Some(s.frozen.as_ref()?.random.linear))),
        ("random encoder, kNN (200, 0.1)", of(&|s| Some(s.frozen.as_ref()?.random.wide))),
    ];
    let pairs = [
        ("fine-tuned, last", "supervised baseline, last"),
        ("fine-tuned, best", "supervised baseline, best"),
        ("online probe, last", "supervised baseline, last"),
        ("frozen, linear, last", "supervised baseline, last"),
        ("frozen, linear, last", "random encoder, linear"),
        ("frozen, kNN (200, 0.1), last", "random encoder, kNN (200, 0.1)"),
    ];
    Comparison {
        shares: numbers.map(|(name, shares)| (name.to_owned(), shares)).into(),
        pairs: pairs.map(|(own, other)| (own.to_owned(), other.to_owned())).into(),
    }
}

fn report(
    studies: &[Study],
    comparison: &Comparison,
    recipe: &Recipe,
    (whole, chosen): (&Folder, &crate::device::Chosen),
) -> Result<Report, Failure> {
    let first = studies.first().expect("there is at least one seed");
    let parts = [
        Part { name: "baseline", history: &first.baseline.history },
        Part { name: "online probe", history: &first.pretraining.history },
        Part { name: "fine-tuned", history: &first.finetuning.history },
    ];
    let path = whole.file(&format!("seed-{}/pretraining/{}", first.seed, folder::CHECKPOINT));
    let (meta, archive) = open_checkpoint(&path)?;
    let encoder = meta.encoder(&archive, &chosen.device).map_err(Failure::of(&path))?;
    let seeds: Vec<String> = studies.iter().map(|study| study.seed.to_string()).collect();
    let mut facts = story::facts(&first.material, &seeds.join(", "), &chosen.why);
    facts.push(story::wall_time(studies.iter().flat_map(|study| {
        [&study.baseline, &study.pretraining, &study.finetuning]
            .into_iter()
            .flat_map(|t| &t.history)
    })));
    Ok(Report {
        title: format!("{} on {}", recipe.name, first.material.name),
        subtitle: "Supervised baseline, pre-training without labels, fine-tuning".into(),
        facts,
        charts: story::curves(&parts),
        bars: vec![comparison.bars(|name| !name.contains("best"))],
        sheets: story::sheets(recipe, &first.material, &encoder, (first.seed, &chosen.device))?,
        maps: plane::of(&first.material, &encoder, (first.seed, &chosen.device))?
            .into_iter()
            .collect(),
        confusion: first.frozen.as_ref().map(|f| story::confusion(&first.material, &f.last)),
        tables: comparison.tables().chain([story::epochs_table(&parts)]).collect(),
        settings_toml: recipe.to_toml(),
        notes: notes(studies, recipe).into_iter().chain(note(&comparison.differences())).collect(),
    })
}

/// Every run of every seed.
fn runs(studies: &[Study]) -> impl Iterator<Item = Run<'_>> {
    studies.iter().flat_map(|study| {
        let parts = [
            ("supervised baseline", &study.baseline),
            ("pre-training", &study.pretraining),
            ("fine-tuning", &study.finetuning),
        ];
        parts.map(|(part, t)| Run { seed: study.seed, part, history: &t.history })
    })
}

fn notes(studies: &[Study], recipe: &Recipe) -> Vec<String> {
    let first = studies.first().expect("there is at least one seed");
    let seeds: Vec<u64> = studies.iter().map(|study| study.seed).collect();
    let classes = first.material.classes();
    let found = diagnosis::sentences(runs(studies), recipe, classes);
    let notes = story::shown_of(&seeds).into_iter().chain(found);
    notes.chain(pretrain::notes(recipe, &first.pretraining)).collect()
}
