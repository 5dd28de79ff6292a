//! What is read, and how.

use std::fs::{self, File};
use std::path::Path;
use std::sync::OnceLock;

use kith_cli::{run_link, weights};
use kith_core::Device;
use kith_core::archive::Archive;
use kith_core::checkpoint::Meta;
use kith_core::import::{Told, checkpoint};
use kith_core::model::Model;
use kith_core::recipe::Recipe;
use kith_core::replay::RunRecord;
use kith_core::trainer::{NoMore, State};
use kith_core::worker::Worker;
use kith_data::{Dataset, Folders, LabelTable, Labelling, Options, Source};

use super::mutate::Form;
use super::seeds;

/// A reader.
#[derive(Clone, Copy)]
pub(crate) struct Target {
    pub(crate) name: &'static str,
    /// How inputs are damaged.
    pub(crate) form: Form,
    /// Sound inputs.
    pub(crate) seeds: fn() -> Vec<Vec<u8>>,
    /// Whether an input is sound; the folder is the reader's own.
    pub(crate) read: fn(&Path, &[u8]) -> bool,
}

impl Target {
    pub(crate) fn named(name: &str) -> Self {
        *Self::ALL.iter().find(|target| target.name == name).expect("a known reader")
    }

    pub(crate) const ALL: [Self; 16] = [
        Self { name: "checkpoint", form: Form::Safetensors, seeds: seeds::checkpoint, read: model },
        Self { name: "note", form: Form::Bytes, seeds: seeds::note, read: note },
        Self { name: "state", form: Form::Safetensors, seeds: seeds::state, read: state },
        Self { name: "recipe", form: Form::Bytes, seeds: seeds::recipe, read: recipe },
        Self { name: "set", form: Form::Bytes, seeds: seeds::set, read: set },
        Self { name: "link", form: Form::Bytes, seeds: seeds::link, read: link },
        Self { name: "message", form: Form::Safetensors, seeds: seeds::message, read: message },
        Self { name: "idx", form: Form::Bytes, seeds: seeds::idx, read: idx },
        Self { name: "cifar", form: Form::Bytes, seeds: seeds::cifar, read: cifar },
        Self { name: "stl10", form: Form::Bytes, seeds: seeds::stl10, read: stl10 },
        Self { name: "parquet", form: Form::Bytes, seeds: seeds::parquet, read: parquet },
        Self { name: "tar", form: Form::Bytes, seeds: seeds::tar, read: tar },
        Self { name: "image", form: Form::Bytes, seeds: seeds::image, read: image },
        Self { name: "labels", form: Form::Bytes, seeds: seeds::table, read: table },
        Self { name: "pth", form: Form::Zip, seeds: seeds::pth, read: imported },
        Self {
            name: "safetensors",
            form: Form::Safetensors,
            seeds: seeds::safetensors,
            read: imported,
        },
    ];
}

fn model(_: &Path, input: &[u8]) -> bool {
    Model::open(input, &Device::flex()).is_ok()
}

/// The note beside tensors that are sound.
fn note(_: &Path, input: &[u8]) -> bool {
    let Ok(note) = String::from_utf8(input.to_vec()) else { return false };
    static SOUND: OnceLock<Archive> = OnceLock::new();
    let sound = SOUND.get_or_init(|| {
        let seed = seeds::checkpoint().swap_remove(0);
        Archive::from_bytes(&seed).expect("it is sound")
    });
    let archive = Archive { note, ..sound.clone() };
    Meta::read(&archive).is_ok_and(|meta| meta.encoder(&archive, &Device::flex()).is_ok())
}

fn state(_: &Path, input: &[u8]) -> bool {
    Archive::from_bytes(input).is_ok_and(|archive| State::<NoMore>::read(&archive).is_ok())
}

/// What is read is written as it was read.
fn recipe(_: &Path, input: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(input) else { return false };
    let Ok(recipe) = Recipe::parse(text, &[]) else { return false };
    let again = Recipe::parse(&recipe.to_toml(), &[]).expect("a recipe can be read again");
    assert_eq!(again.to_toml(), recipe.to_toml(), "and is the same");
    true
}

/// An address of a run, or the JSON that it holds.
fn link(_: &Path, input: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(input) else { return false };
    let read = match run_link::is_link(text) {
        true => run_link::decode(text).ok(),
        false => RunRecord::parse(text).ok(),
    };
    let Some(record) = read else { return false };
    let again = run_link::decode(&run_link::encode(&record)).expect("its own link is sound");
    assert_eq!(again, record);
    true
}

/// What a worker is sent after it has computed features. It computes none for what is no message, which is
/// looked at first.
fn message(_: &Path, input: &[u8]) -> bool {
    let mut worker = Worker::new(&Device::flex(), "CPU");
    let mut note = |message: &[u8]| {
        let answer = pollster::block_on(worker.answer(message));
        Archive::from_bytes(&answer).expect("an answer can be read").note
    };
    if Archive::from_bytes(input).is_ok() {
        let [_, forward, _] = seeds::messages();
        assert!(note(forward).contains("features"), "the seed is sound");
    }
    !note(input).contains("failed")
}

/// Lines, each a change.
fn set(_: &Path, input: &[u8]) -> bool {
    let text = String::from_utf8_lossy(input);
    let changes: Vec<String> = text.lines().map(ToOwned::to_owned).collect();
    let base = Recipe::built_in_text("cifar10-semi").expect("it is built in");
    Recipe::parse(base, &changes).is_ok()
}

/// The most zeros that a file of an input may end in without having them.
const MOST_ZEROS: usize = 4 << 20;

/// Files in one input, each behind a line with its name, its length up to the zeros that it ends in, and how many
/// these are; a last file may be cut off.
pub(crate) fn packed(files: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let pack = |(name, content): &(&str, Vec<u8>)| {
        let length = content.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        let line = format!("{name} {length} {}\n", content.len() - length);
        [line.as_bytes(), &content[..length]].concat()
    };
    files.iter().flat_map(pack).collect()
}

/// Writes the files of an input; of a damaged one as many as can be told apart.
fn unpack(folder: &Path, mut input: &[u8]) {
    while let Some(end) = input.iter().position(|byte| *byte == b'\n') {
        let line = String::from_utf8_lossy(&input[..end]).into_owned();
        let mut words = line.split(' ');
        let name: String =
            words.next().unwrap_or_default().chars().filter(is_of_name).take(40).collect();
        let mut number =
            |otherwise| words.next().map_or(otherwise, |word| word.parse().unwrap_or(otherwise));
        let (length, zeros) = (number(usize::MAX), number(0).min(MOST_ZEROS));
        let rest = &input[end + 1..];
        let (content, rest) = rest.split_at(length.min(rest.len()));
        if !name.trim_matches('.').is_empty() {
            let path = folder.join(name);
            fs::write(&path, content).expect("it can be written");
            let file = File::options().write(true).open(path).expect("it is there");
            file.set_len((content.len() + zeros) as u64).expect("it can be longer");
        }
        input = rest;
    }
}

fn is_of_name(c: &char) -> bool {
    c.is_ascii_alphanumeric() || "-_.".contains(*c)
}

/// Whether a source of the files in the input can be opened and all its images be read.
fn opened(folder: &Path, input: &[u8], source: Source) -> bool {
    for entry in fs::read_dir(folder).expect("a folder") {
        fs::remove_file(entry.expect("an entry").path()).expect("it can go");
    }
    unpack(folder, input);
    let options = Options { side: Some(8), labelled: Some(10), ..Options::default() };
    source.open(&options).is_ok_and(|dataset| all_read(&dataset))
}

fn all_read(dataset: &Dataset) -> bool {
    let splits = dataset.all();
    splits.iter().all(|(_, split)| {
        let indices: Vec<u32> = (0..split.len() as u32).collect();
        let labels = split.labels().unwrap_or_default();
        let known = dataset.class_names.len();
        assert!(labels.iter().all(|label| usize::from(*label) < known), "a label has no class");
        split.read(&indices).is_ok()
    })
}

fn idx(folder: &Path, input: &[u8]) -> bool {
    opened(folder, input, Source::Idx(folder.to_owned()))
}

fn cifar(folder: &Path, input: &[u8]) -> bool {
    opened(folder, input, Source::Cifar10(folder.to_owned()))
}

fn stl10(folder: &Path, input: &[u8]) -> bool {
    opened(folder, input, Source::Stl10(folder.to_owned()))
}

/// A file with one name, whose images may be few.
fn one_file(path: &Path, input: &[u8], source: Source) -> bool {
    fs::write(path, input).expect("it can be written");
    let options = Options { side: Some(8), ..Options::default() };
    source.open(&options).is_ok_and(|dataset| dataset.skipped.is_empty() && all_read(&dataset))
}

fn parquet(folder: &Path, input: &[u8]) -> bool {
    let path = folder.join("a.parquet");
    one_file(&path, input, Source::Parquet(path.clone()))
}

fn tar(folder: &Path, input: &[u8]) -> bool {
    let path = folder.join("a.tar");
    one_file(&path, input, Source::Tar(path.clone()))
}

fn image(folder: &Path, input: &[u8]) -> bool {
    // Its first bytes tell the format.
    one_file(&folder.join("a.png"), input, Source::Folder(folder.to_owned()))
}

/// A table of labels, to which a label is added: what is written is read as it was written.
fn table(folder: &Path, input: &[u8]) -> bool {
    for name in ["a.png", "b.png", "c d.png"] {
        fs::write(folder.join(name), b"\x89PNG\r\n\x1a\n").expect("a file can be written");
    }
    fs::write(folder.join("labels.csv"), input).expect("a file can be written");
    let open = || LabelTable::open(folder, None, Folders::Classes);
    let Ok(mut table) = open() else { return false };
    let label = Some("cat, big".to_owned());
    table.set(1, Labelling { label, unknown: false, aside: true }).expect("a label");
    fs::write(table.table(), table.to_csv()).expect("a file can be written");
    let again = open().expect("it can be read again");
    assert_eq!(again.images().collect::<Vec<_>>(), table.images().collect::<Vec<_>>());
    assert_eq!(again.to_csv(), table.to_csv());
    true
}

fn imported(folder: &Path, input: &[u8]) -> bool {
    let path = folder.join("weights");
    fs::write(&path, input).expect("it can be written");
    let Ok(tensors) = weights::read(&path) else { return false };
    // Transformers say nothing of their heads, and others have none.
    [None, Some(3)].into_iter().any(|heads| {
        let told = Told { heads, ..Told::default() };
        checkpoint(&tensors, &told, &Device::flex()).is_ok()
    })
}
