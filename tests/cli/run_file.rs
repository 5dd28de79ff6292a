//! Runs of the page that go on in a terminal.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use kith_core::Device;
use kith_core::archive::Archive;
use kith_core::checkpoint::{Dataset, Meta};
use kith_core::image::Images;
use kith_core::loader::MemoryDataset;
use kith_core::recipe::Recipe;
use kith_core::trainer::{InFile, Losses, Plan, RunFile, RunNote, State, Task, Trainer};

use crate::common::{done, refused};

const SIDE: usize = 32;
const IMAGES: usize = 24;
const PLAN: Plan = Plan { side: SIDE, classes: 2, seed: 3, steps: 4, epochs: 2 };

fn images() -> Images {
    let pixels = (0..IMAGES * 3 * SIDE * SIDE).map(|k| (k * k / 7 + k / 3072 * 31) as u8).collect();
    Images::new(pixels, [IMAGES, SIDE, SIDE]).expect("as many bytes as they have")
}

/// Every third image has no class.
fn classes() -> Vec<Option<u16>> {
    (0..IMAGES).map(|k| (k % 3 > 0).then_some((k % 2) as u16)).collect()
}

fn recipe(name: &str) -> Recipe {
    let changes = [
        "encoder.width=4",
        "projection.hidden=[8]",
        "projection.output=8",
        "pretraining.unlabelled_batch=8",
        "pretraining.labelled_batch=4",
        "semi.unlabelled_batch=8",
        "semi.labelled_batch=4",
    ];
    let text = Recipe::built_in_text(name).expect("it is built in");
    let own = changes.iter().filter(|change| name == "fixmatch" || !change.starts_with("semi"));
    let own = own.filter(|change| name != "fixmatch" || !change.starts_with("encoder"));
    Recipe::parse(text, &own.map(|c| (*c).to_owned()).collect::<Vec<_>>()).expect("a recipe")
}

fn note() -> InFile {
    InFile {
        origin: None,
        run_file: RunNote {
            version: 1,
            dataset: "noise".into(),
            class_names: vec!["even".into(), "odd".into()],
            classes: classes(),
            domain_names: Vec::new(),
            domains: Vec::new(),
            losses: Losses::default(),
            more: BTreeMap::from([("source".into(), serde_json::json!({ "pictures": IMAGES }))]),
        },
    }
}

/// The file of a run at its first step.
fn begin<T: Task>(trainer: &Trainer<T>, path: &Path) {
    let archive = pollster::block_on(trainer.state(note())).expect("the CPU reads");
    let state = State::read(&archive).expect("its own");
    let file = RunFile { archive: archive.clone(), state, images: images() };
    fs::write(path, file.to_bytes(archive).expect("finite")).expect("a file");
}

/// The file of a run of pre-training at its first step.
pub(crate) fn begin_run(path: &Path) {
    begin(&Trainer::pretraining(recipe("quick"), PLAN, &Device::flex()).expect("a run"), path);
}

fn opened(path: &Path) -> RunFile {
    RunFile::from_bytes(&fs::read(path).expect("a file")).expect("a run file")
}

fn tensors(path: &Path) -> BTreeMap<String, Vec<f32>> {
    let archive = Archive::from_bytes(&fs::read(path).expect("a file")).expect("an archive");
    let numbers = archive.names().filter(|name| *name != "images");
    numbers.map(|name| (name.to_owned(), archive.get(name).expect(name).values.clone())).collect()
}

/// The losses of a trainer that the core alone brings to its end.
macro_rules! losses_of {
    ($trainer:expr) => {{
        let mut trainer = $trainer;
        let mut dataset = MemoryDataset::new(SIDE);
        let known: Vec<(u32, u16)> =
            (0u32..).zip(classes()).filter_map(|(place, class)| Some((place, class?))).collect();
        let (places, labels): (Vec<u32>, Vec<u16>) = known.into_iter().unzip();
        dataset.add(&images()).expect("of its size");
        dataset.add_labelled(&images().select(&places), &labels).expect("of its size");
        let mut loader = trainer.loader(&dataset).expect("enough images");
        let mut step = || {
            let Ok(batch) = loader.batch(trainer.steps());
            let measured = pollster::block_on(trainer.checked_step(&batch)).expect("it learns");
            measured.iter().find(|(name, _)| *name == "loss").expect("all have one").1
        };
        (0..PLAN.total()).map(|_| step()).collect::<Vec<f64>>()
    }};
}

/// In one command, in two, and as the core alone trains it: the same to the bit.
fn goes_on_as_if_never_stopped(folder: &Path, losses: &[f64]) {
    let whole = done(folder, &["resume", "run.safetensors", "--out", "one.safetensors"]);
    assert_eq!((&whole["steps"], &whole["total"]), (&8.into(), &8.into()));
    fs::copy(folder.join("run.safetensors"), folder.join("two.safetensors")).expect("a copy");
    let part = done(folder, &["resume", "two.safetensors", "--steps", "3"]);
    assert_eq!(part["steps"], 3);
    assert_eq!(part["checkpoint"], "two-checkpoint.safetensors");
    let rest = done(folder, &["resume", "two.safetensors"]);
    assert_eq!(rest["steps"], 8);
    assert_eq!(rest["epoch_losses"], whole["epoch_losses"]);
    for name in ["", "-checkpoint"] {
        let [one, two] = ["one", "two"].map(|run| folder.join(format!("{run}{name}.safetensors")));
        assert!(tensors(&one) == tensors(&two), "{name}: other weights in two parts");
    }
    let start = opened(&folder.join("run.safetensors")).state.counters.steps;
    assert_eq!(start, 0, "the file that another was written for stays as it was");
    let RunFile { state, images: kept, .. } = opened(&folder.join("two.safetensors"));
    let RunNote { losses: noted, more, classes: known, .. } = state.more.run_file;
    assert_eq!(noted.first, losses);
    assert_eq!(noted.epochs, [mean(&losses[..4]), mean(&losses[4..])]);
    assert!((kept, known) == (images(), classes()), "the images stay as they are");
    assert_eq!(more["source"]["pictures"], IMAGES);
    let over = done(folder, &["resume", "two.safetensors"]);
    assert_eq!(over["steps"], 8, "a run that is over has nothing left to do");
}

fn mean(losses: &[f64]) -> f64 {
    losses.iter().sum::<f64>() / losses.len() as f64
}

#[test]
fn pre_training_goes_on_as_if_it_had_never_left_its_tab() {
    let folder = tempfile::tempdir().expect("a folder");
    let start = || Trainer::pretraining(recipe("quick"), PLAN, &Device::flex()).expect("a run");
    begin(&start(), &folder.path().join("run.safetensors"));
    goes_on_as_if_never_stopped(folder.path(), &losses_of!(start()));
    let of = folder.path().join("one-checkpoint.safetensors");
    let checkpoint = Archive::from_bytes(&fs::read(of).expect("a file")).expect("a checkpoint");
    let meta = Meta::read(&checkpoint).expect("a note");
    assert_eq!((meta.steps, meta.seed, meta.side), (8, PLAN.seed, SIDE));
    assert_eq!(
        meta.dataset,
        Dataset { name: "noise".into(), labelled: 16, validation: 0, unlabelled: IMAGES, test: 0 }
    );
}

#[test]
fn semi_supervised_training_goes_on_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let pool = || (0..IMAGES as u64).collect::<Vec<_>>();
    let start = || {
        let trainer = Trainer::semi_supervised(recipe("fixmatch"), PLAN, pool(), &Device::flex());
        trainer.expect("a run")
    };
    begin(&start(), &folder.path().join("run.safetensors"));
    goes_on_as_if_never_stopped(folder.path(), &losses_of!(start()));
}

#[test]
fn what_is_no_run_file_is_refused_and_stays() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("run.safetensors");
    let trainer = Trainer::pretraining(recipe("quick"), PLAN, &Device::flex()).expect("a run");
    begin(&trainer, &path);
    let file = opened(&path);
    let state = pollster::block_on(trainer.snapshot()).expect("the CPU reads");
    let with = |change: &dyn Fn(&mut InFile)| {
        let mut more = note();
        change(&mut more);
        let state = pollster::block_on(trainer.state(more)).expect("the CPU reads");
        file.to_bytes(state).expect("finite")
    };
    let cut = fs::read(&path).expect("a file")[..900].to_vec();
    for (bytes, code, said) in [
        (state, "METADATA", "which holds images, too"),
        (cut, "NOT_SAFETENSORS", "safetensors"),
        (with(&|note| note.run_file.version = 2), "METADATA", "version 1, got 2"),
        (with(&|note| note.run_file.classes.truncate(5)), "METADATA", "24 images, got 5"),
        (with(&|note| note.run_file.classes[0] = Some(7)), "METADATA", "below 2, got 7"),
        (with(&|note| note.run_file.class_names.clear()), "METADATA", "2 classes, got 0"),
    ] {
        fs::write(&path, &bytes).expect("a file");
        let (status, got, message) = refused(folder.path(), &["resume", "run.safetensors"]);
        assert_eq!((status, got.as_str()), (3, code), "{message}");
        assert!(message.contains(said), "{message}");
        assert!(fs::read(&path).expect("a file") == bytes, "{said}: the file was changed");
    }
    assert_eq!(refused(folder.path(), &["resume", "none.safetensors"]).0, 4);
    begin(&trainer, &path);
    let (status, _, message) = refused(folder.path(), &["info", "run.safetensors"]);
    assert!(status == 3 && message.contains("got the state of a run"), "{message}");
}
