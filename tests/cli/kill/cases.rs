//! The commands that are killed, each of a second or some.

use std::env::current_exe;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use kith_cli::fetch::{Content, Dataset, Form, Remote, Settings, fetch};
use md5::{Digest, Md5};

use super::server::serve;
use crate::common::{SMALL, done, kith};

/// A command that can be given again and again in one folder.
pub(super) struct Case {
    pub(super) name: &'static str,
    /// Puts there what the command works on.
    pub(super) prepare: fn(&Path),
    /// The command, which begins or goes on.
    pub(super) command: fn(&Path) -> Command,
}

const SHORTER: [&str; 4] = ["--set", "pretraining.epochs=2", "--set", "pretraining.steps=4"];

impl Case {
    pub(super) const ALL: [Self; 9] = [
        Self { name: "pretrain", prepare: nothing, command: pretrain },
        Self { name: "semi", prepare: nothing, command: semi },
        Self { name: "experiment", prepare: nothing, command: experiment },
        Self { name: "finetune", prepare: checkpoint, command: finetune },
        Self { name: "few-label", prepare: checkpoint, command: few_label },
        Self { name: "import", prepare: nothing, command: import },
        Self { name: "fetch", prepare: nothing, command: fetched },
        Self { name: "sweep", prepare: nothing, command: sweep },
        Self { name: "benchmark", prepare: nothing, command: benchmark },
    ];
}

fn nothing(_: &Path) {}

/// A trained encoder at `from.safetensors`, the same for all.
fn checkpoint(folder: &Path) {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    let bytes = BYTES.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a folder");
        done(folder.path(), &[&["pretrain", "--run", "run"][..], &SMALL, &SHORTER].concat());
        fs::read(folder.path().join("run/checkpoint.safetensors")).expect("a checkpoint")
    });
    fs::write(folder.join("from.safetensors"), bytes).expect("it can be written");
}

fn pretrain(folder: &Path) -> Command {
    kith(folder, &[&["pretrain", "--run", "run", "--resume"][..], &SMALL].concat())
}

fn semi(folder: &Path) -> Command {
    let words = "semi --run run --resume --side 32 --labelled 90 --unlabelled 200 \
        --recipe cifar10-semi --set encoder={kind=\"conv4\",width=8} --set finetuning.epochs=2 \
        --set finetuning.steps=8 --set semi.epochs=2 --set semi.steps=4 \
        --set semi.unlabelled_batch=32";
    kith(folder, &words.split_whitespace().collect::<Vec<_>>())
}

fn experiment(folder: &Path) -> Command {
    kith(folder, &[&["experiment", "--run", "run", "--resume"][..], &SMALL, &SHORTER].concat())
}

fn finetune(folder: &Path) -> Command {
    let from = ["finetune", "--from", "from.safetensors", "--run", "run", "--resume"];
    kith(folder, &[&from[..], &SMALL, &["--set", "finetuning.epochs=4"]].concat())
}

fn few_label(folder: &Path) -> Command {
    let words = "evaluate from.safetensors --few-label 3,1 --seeds 1 --run run --resume \
        --set evaluation.few_label_steps=4 --set finetuning.batch=4";
    kith(folder, &words.split_whitespace().collect::<Vec<_>>())
}

fn import(folder: &Path) -> Command {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/fixtures/encoders/resnet50.safetensors");
    let file = file.to_str().expect("text");
    kith(folder, &["import", file, "--out", "out.safetensors", "--side", "56", "--source", "x"])
}

fn sweep(folder: &Path) -> Command {
    let grid = ["sweep", "--run", "run", "--grid", "objective.temperature=0.1,0.2"];
    kith(folder, &[&grid[..], &SMALL, &SHORTER].concat())
}

fn benchmark(folder: &Path) -> Command {
    let words = "benchmark --run run --methods simclr --seeds 1 --labelled 460 --unlabelled 450 \
        --set encoder.width=8 --set pretraining.epochs=2 --set pretraining.steps=4 \
        --set pretraining.unlabelled_batch=24 --set pretraining.labelled_batch=8 \
        --set evaluation.few_label_steps=4 --few-label 2 --seed 5";
    kith(folder, &words.split_whitespace().collect::<Vec<_>>())
}

/// Says to the process that fetches from where.
const BASE: &str = "KITH_TEST_FETCH_FROM";

/// The test program itself, which fetches what no published list has.
fn fetched(folder: &Path) -> Command {
    static SERVER: OnceLock<String> = OnceLock::new();
    let base = SERVER.get_or_init(|| serve(vec![("set.tar.gz", archive()), ("a.bin", bytes(1))]));
    let mut command = Command::new(current_exe().expect("the test program"));
    let test = "kill::cases::fetches_for_the_test_that_kills_it";
    command.current_dir(folder).args(["--exact", test, "--ignored"]).env(BASE, base);
    command
}

#[test]
#[ignore = "it is a part of kill::fetch_ends_the_same, which starts and kills it"]
fn fetches_for_the_test_that_kills_it() {
    let base = std::env::var(BASE).expect("the test that starts it says from where");
    let settings = Settings { backoff: Duration::from_millis(1), ..Settings::default() };
    let sum = |bytes: &[u8]| Md5::digest(bytes).iter().map(|b| format!("{b:02x}")).collect();
    let of = |name: &str, content: &[u8]| Dataset {
        folder: "set".into(),
        base: base.clone(),
        hosts: Vec::new(),
        files: vec![Remote { name: name.into(), md5: vec![sum(content)] }],
        form: if name.ends_with("gz") { Form::TarGz } else { Form::Files },
        contents: vec![Content { path: entry(0).display().to_string(), bytes: None }],
    };
    let into = PathBuf::from("data");
    fetch(&of("a.bin", &bytes(1)), &into.join("plain"), &settings, &mut |_| {}).expect("a file");
    fetch(&of("set.tar.gz", &archive()), &into, &settings, &mut |_| {}).expect("an archive");
}

/// Bytes that do not compress.
fn bytes(seed: u64) -> Vec<u8> {
    let mut state = seed;
    let next = |_| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    (0..3_000_000).map(next).collect()
}

fn entry(number: usize) -> PathBuf {
    PathBuf::from(format!("class-{}/{number}.bin", number % 5))
}

/// An archive of some hundred files.
fn archive() -> Vec<u8> {
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (number, content) in bytes(2).chunks(10_000).enumerate() {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        let path = Path::new("set").join(entry(number));
        tar.append_data(&mut header, path, content).expect("an entry");
    }
    let mut packed = tar.into_inner().expect("an archive");
    packed.flush().expect("memory");
    packed.finish().expect("memory")
}
