//! `kith semi`: a supervised baseline against learning from unlabelled pictures too, over some seeds.

mod found;

use kith_core::recipe::Recipe;
use kith_core::semi::{Method, SemiSettings, Start};
use serde_json::json;

use crate::args::{DataFlags, RecipeFlags, RunFlags, Shared};
use crate::auto;
use crate::chart::Chart;
use crate::device::Chosen;
use crate::diagnosis::{self, Run};
use crate::failure::Failure;
use crate::folder::{self, Folder};
use crate::interrupt::listen_for_ctrl_c;
use crate::material::{self, Material, open_checkpoint};
use crate::report::{Picture, Report};
use crate::saved::Record;
use crate::say::{Say, lossy};
use crate::seeds::{Comparison, Difference, note};
use crate::semi::{Beginning, chosen_network, learn};
use crate::start;
use crate::story::{self, Part, percent};
use crate::training::{Setting, Trained};
use crate::verbs::finetune;

/// Pictures on the sheet of views, and views of each.
const SHEET: (usize, usize) = (4, 8);
/// Every number of the comparison, for scripts.
const RESULTS: &str = "results.json";

/// The comparison with one seed.
struct Study {
    seed: u64,
    baseline: Trained,
    /// Each phase after the baseline; the last one's network is the result.
    phases: Vec<(String, Trained)>,
}

pub(super) fn run(
    (from, seeds, auto): (Option<&str>, u64, bool),
    data: &DataFlags,
    flags: &RecipeFlags,
    (run, shared, say): (&RunFlags, &Shared, &Say),
) -> Result<(), Failure> {
    listen_for_ctrl_c();
    let mut recipe = super::recipe(flags)?;
    let mut data = data.clone();
    let start = start::open(from, &mut recipe, &mut data)?;
    if auto {
        auto::keep_aside(&mut recipe, &flags.changes);
    }
    let chosen = super::device(shared, say)?;
    let name = super::run_name("semi", &recipe, &data.data, shared.seed);
    let whole = Folder::choose(run, &name)?;
    say.note(&format!("run: {}", whole.path().display()));
    let first = material(&data, &recipe, shared.seed, say)?;
    fit_to(&first, &mut recipe);
    let choices = match auto {
        true => {
            let setting = setting_of(&recipe, &first, (&whole, &whole), &chosen, say);
            auto::choose(&setting, shared.seed, start.as_ref())?
        }
        false => auto::Choices::none(recipe.clone()),
    };
    let recipe = choices.recipe.clone();
    whole.begin(&recipe)?;
    let (mut studies, mut seen) = (Vec::new(), Vec::new());
    for seed in shared.seed..shared.seed + seeds.max(1) {
        // What was chosen may keep other images aside than the recipe did.
        let material = match seed == shared.seed && choices.made.is_empty() {
            true => first.clone(),
            false => material(&data, &recipe, seed, say)?,
        };
        let folder = whole.part(&format!("seed-{seed}"));
        let setting = setting_of(&recipe, &material, (&folder, &whole), &chosen, say);
        studies.push(study(&setting, seed, start.as_ref())?);
        seen.extend(start.as_ref().and_then(|(meta, _)| start::seen_test(meta, &data, seed)));
    }
    seen.iter().for_each(|words| say.note(words));
    let comparison = found::comparison(&studies);
    let mut report = report((&studies, &comparison), &choices, &first, (from, &chosen))?;
    report.notes.extend(seen);
    whole.write(folder::REPORT, &story::page(&report))?;
    let object = json!({
        "run": lossy(whole.path()),
        "report": lossy(&whole.file(folder::REPORT)),
        "recipe": recipe.name,
        "data": data.data.to_string(),
        "labelled": first.labelled.len(),
        "unlabelled": first.unlabelled.len(),
        "seeds": studies.iter().map(|study| study.seed).collect::<Vec<_>>(),
        "chosen": choices.made,
        "accuracies": comparison.to_json(),
        "differences": comparison.differences().iter().map(Difference::to_json).collect::<Vec<_>>(),
        "findings": runs(&studies)
            .flat_map(|run| run.to_json(&choices.recipe, first.classes()))
            .collect::<Vec<_>>(),
    });
    whole.write(RESULTS, format!("{object:#}\n").as_bytes())?;
    say.result(&comparison.words(&whole.file(folder::REPORT)), &object);
    Ok(())
}

fn material(data: &DataFlags, recipe: &Recipe, seed: u64, say: &Say) -> Result<Material, Failure> {
    let dataset = material::open_to_learn(data, recipe, seed, say)?;
    let material = Material::new(data, recipe, dataset, seed);
    if material.labelled.labels().is_none() || material.classes() < 2 {
        return Err(Failure::NoLabels { what: "semi-supervised learning" });
    }
    Ok(material)
}

fn setting_of<'a>(
    recipe: &'a Recipe,
    material: &'a Material,
    (folder, whole): (&'a Folder, &'a Folder),
    chosen: &'a Chosen,
    say: &'a Say,
) -> Setting<'a> {
    Setting { recipe, material, folder, whole, device: &chosen.device, say }
}

/// Writes the semi-supervised settings out, and no batch larger than there are labelled pictures.
fn fit_to(material: &Material, recipe: &mut Recipe) {
    let most = material.labelled.len().max(1);
    let settings = recipe.semi.get_or_insert_with(SemiSettings::default);
    settings.labelled_batch = settings.labelled_batch.min(most);
    recipe.finetuning.batch = recipe.finetuning.batch.min(most);
}

/// One seed from start to end, or on from where it was stopped.
fn study(
    setting: &Setting<'_>,
    seed: u64,
    start: Option<&(kith_core::checkpoint::Meta, kith_core::archive::Archive)>,
) -> Result<Study, Failure> {
    let said = |name: &str| setting.say.note(&format!("seed {seed}: {name}"));
    said("baseline");
    let folder = setting.folder.part("baseline");
    let baseline = finetune::learn(&Setting { folder: &folder, ..setting.clone() }, seed, start)?;
    let mut teacher = folder;
    let settings = setting.recipe.semi.clone().unwrap_or_default();
    let trained = match settings.start {
        Start::Baseline => Some(open_checkpoint(&chosen_network(&teacher, setting))?),
        Start::Fresh => None,
    };
    let start = match (&trained, start) {
        (Some(network), _) => Beginning::Network(network),
        (None, Some(start)) => Beginning::Encoder(start),
        (None, None) => Beginning::Fresh,
    };
    let mut phases = Vec::new();
    let rounds = match settings.method {
        Method::Fixmatch { .. } => 0,
        Method::NoisyStudent { rounds } => rounds,
    };
    if rounds == 0 {
        said("labelled and unlabelled pictures");
        let folder = setting.folder.part("fixmatch");
        let trained = learn(&Setting { folder: &folder, ..setting.clone() }, seed, (start, None))?;
        phases.push(("FixMatch".to_owned(), trained));
    }
    for round in 1..=rounds {
        let name = format!("student {round}");
        said(&name);
        let folder = setting.folder.part(&format!("student-{round}"));
        let part = Setting { folder: &folder, ..setting.clone() };
        let trained = learn(&part, seed, (start, Some(&teacher)))?;
        phases.push((name, trained));
        teacher = folder;
    }
    Ok(Study { seed, baseline, phases })
}

fn report(
    (studies, comparison): (&[Study], &Comparison),
    choices: &auto::Choices,
    material: &Material,
    (from, chosen): (Option<&str>, &Chosen),
) -> Result<Report, Failure> {
    let recipe = &choices.recipe;
    let first = studies.first().expect("there is at least one seed");
    let mut parts = vec![Part { name: "baseline", history: &first.baseline.history }];
    parts.extend(first.phases.iter().map(|(name, t)| Part { name, history: &t.history }));
    let seeds: Vec<String> = studies.iter().map(|study| study.seed.to_string()).collect();
    let mut facts = story::facts(material, &seeds.join(", "), &chosen.why);
    facts.extend(from.map(|from| ("Started from".into(), from.into())));
    let trained = |study: &Study| -> Vec<Record> {
        let phases = study.phases.iter().flat_map(|(_, trained)| trained.history.clone());
        study.baseline.history.iter().cloned().chain(phases).collect()
    };
    let all: Vec<Record> = studies.iter().flat_map(trained).collect();
    facts.push(story::wall_time(all.iter()));
    let mut charts: Vec<Chart> = choices.charts.clone();
    charts.extend(story::curves(&parts));
    let tables = comparison.tables().chain([story::epochs_table(&parts)]).chain(choices.table());
    Ok(Report {
        title: format!("{} on {}", recipe.name, material.name),
        subtitle: format!(
            "{} labelled and {} unlabelled pictures: a supervised baseline against learning from both",
            material.labelled.len(),
            material.unlabelled.len()
        ),
        facts,
        charts,
        bars: vec![comparison.bars(|name| name.ends_with("last epoch"))],
        sheets: vec![strong_views(recipe, material, first.seed, chosen)?],
        tables: tables.collect(),
        settings_toml: recipe.to_toml(),
        notes: notes(recipe, studies, material)
            .into_iter()
            .chain(note(&comparison.differences()))
            .collect(),
        ..Report::default()
    })
}

/// Unlabelled pictures with strong views of each.
fn strong_views(
    recipe: &Recipe,
    material: &Material,
    seed: u64,
    chosen: &Chosen,
) -> Result<Picture, Failure> {
    let settings = recipe.semi.clone().unwrap_or_default();
    let shown = story::some_of(&material.unlabelled, SHEET.0, seed);
    let shown = material.unlabelled.read(&shown)?;
    Ok(Picture {
        title: "What must earn the label of the picture".into(),
        caption: "Left an unlabelled picture, then strong views of it.".into(),
        png: story::view_sheet(&settings.strong, &shown, (SHEET.1, seed), &chosen.device)?,
    })
}

/// Every run of every seed.
fn runs(studies: &[Study]) -> impl Iterator<Item = Run<'_>> {
    studies.iter().flat_map(|study| {
        let phases = study.phases.iter().map(|(name, trained)| (name.as_str(), trained));
        let parts = [("supervised baseline", &study.baseline)].into_iter().chain(phases);
        parts.map(|(part, t)| Run { seed: study.seed, part, history: &t.history })
    })
}

fn notes(recipe: &Recipe, studies: &[Study], material: &Material) -> Vec<String> {
    let seeds: Vec<u64> = studies.iter().map(|study| study.seed).collect();
    let mut notes: Vec<String> = story::shown_of(&seeds).into_iter().collect();
    notes.extend(diagnosis::sentences(runs(studies), recipe, material.classes()));
    if material.validation.is_empty() {
        notes.push(
            "No labelled image was kept aside: compare last epochs, since the best were chosen on \
             the test images."
                .into(),
        );
    }
    for (name, trained) in studies.iter().take(1).flat_map(|study| &study.phases) {
        if let Some(share) = trained.history.last().and_then(|r| story::number(r, "believed")) {
            notes.push(format!(
                "{name}: in the last epoch {} of the unlabelled images passed the threshold.",
                percent(share)
            ));
        }
    }
    notes
}
