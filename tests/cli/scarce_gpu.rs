//! GPUs that have no memory left, or are lost: the error says what to do, nothing half-written has a name, and
//! what is advised works. A Vulkan layer (`scarce_gpu.c`) takes memory and the GPU away.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use serde_json::Value;

use crate::common::{SMALL, metrics, pets};
use crate::run_file;
use crate::same::same_folder;
use crate::workers::Worker;

/// A run of two classes of twenty images, which a GPU in software computes in seconds.
const RUN: [&str; 11] = [
    "pretrain",
    "--run",
    "run",
    "--resume",
    "--json",
    "--data",
    "folder:pets",
    "--set",
    "pretraining.steps=2",
    "--set",
    "pretraining.unlabelled_batch=28",
];

/// The folder with the layer and what describes it.
fn layer() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("scarce-gpu");
        fs::create_dir_all(&folder).expect("a folder");
        let library = folder.join("libkith_scarce_gpu.so");
        let mut cc = Command::new("cc");
        cc.args(["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-o"]).arg(&library);
        cc.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/cli/scarce_gpu.c"));
        assert!(cc.status().expect("cc is there").success(), "the layer compiles");
        let manifest = serde_json::json!({
            "file_format_version": "1.0.0",
            "layer": {
                "name": "VK_LAYER_KITH_scarce_gpu",
                "type": "GLOBAL",
                "library_path": library,
                "api_version": "1.3.0",
                "implementation_version": "1",
                "description": "a GPU with little memory, or that is lost",
            },
        });
        fs::write(folder.join("layer.json"), manifest.to_string()).expect("it can be written");
        folder
    })
}

/// The driver of the GPU in software: others take memory in pieces of other sizes.
fn software() -> PathBuf {
    let drivers = fs::read_dir("/usr/share/vulkan/icd.d").expect("there are drivers");
    let mut drivers = drivers.map(|entry| entry.expect("an entry").path());
    let is_software = |path: &PathBuf| path.to_string_lossy().contains("lvp_icd");
    drivers.find(is_software).expect("Mesa's driver in software is there")
}

/// The file that gets the number of submissions.
const SUBMISSIONS: &str = "submissions";

/// What a GPU lacks.
#[derive(Clone, Copy)]
enum Scarce {
    Nothing,
    /// All bytes but so many.
    Bytes(u64),
    /// It is lost after so many submissions, once.
    Once(u64),
    /// The same, and again where it is opened once more.
    Submits(u64),
}

fn kith(folder: &Path, words: &[&str], scarce: Scarce) -> Output {
    on_gpu(folder, words, scarce).output().expect("the program starts")
}

fn on_gpu(folder: &Path, words: &[&str], scarce: Scarce) -> Command {
    let mut command = with_gpu(folder, words, scarce);
    command.args(["--device", "gpu:0"]);
    command
}

/// A command in a folder, in which files tell of the GPU.
fn with_gpu(folder: &Path, words: &[&str], scarce: Scarce) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kith"));
    command.current_dir(folder).args(words);
    command.env("VK_LAYER_PATH", layer()).env("KITH_SAVE_SECONDS", "0");
    command.env("VK_INSTANCE_LAYERS", "VK_LAYER_KITH_scarce_gpu");
    command.env("VK_DRIVER_FILES", software()).env("VK_ICD_FILENAMES", software());
    command.env("KITH_GPU_LOST", "lost").env("KITH_GPU_COUNT", SUBMISSIONS);
    match scarce {
        Scarce::Nothing => {}
        Scarce::Bytes(bytes) => drop(command.env("KITH_GPU_BYTES", bytes.to_string())),
        Scarce::Once(submits) => drop(command.env("KITH_GPU_SUBMITS", submits.to_string())),
        Scarce::Submits(submits) => {
            command.env("KITH_GPU_SUBMITS", submits.to_string());
            command.env("KITH_GPU_SUBMITS_AGAIN", submits.to_string());
        }
    }
    command
}

/// Code and words of a command that failed.
fn failure(output: &Output) -> (String, String) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!said.contains("panicked"), "{said}");
    assert_eq!(output.status.code(), Some(1), "{said}");
    let last = said.trim_end().lines().next_back().unwrap_or_default();
    let object: Value = serde_json::from_str(last).unwrap_or_else(|e| panic!("{e}: {said}"));
    let text = |key: &str| object[key].as_str().unwrap_or_default().to_owned();
    (text("error"), text("message"))
}

fn with_images() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    pets(folder.path(), 20);
    folder
}

fn words<'a>(more: &[&'a str]) -> Vec<&'a str> {
    // What is set last counts.
    let [verb, run @ ..] = RUN;
    [&[verb][..], &SMALL, &run, more].concat()
}

/// The value that a message advises for a setting.
fn advised(message: &str, setting: &str) -> String {
    let start = format!("--set {setting}=");
    let rest = message.split(&start).nth(1).unwrap_or_else(|| panic!("{setting}: {message}"));
    rest.chars().take_while(char::is_ascii_digit).collect()
}

/// Steps that need more than [`TOO_FEW`], and less in parts.
const LARGE: [&str; 4] = ["--set", "encoder.width=64", "--set", "pretraining.epochs=1"];
const TOO_FEW: Scarce = Scarce::Bytes(48_000_000);

#[test]
fn on_a_scarce_gpu_a_step_that_lacks_memory_says_what_needs_less_and_that_works() {
    let folder = with_images();
    let mut parts = "1".to_owned();
    for round in 0.. {
        let change = format!("pretraining.accumulate={parts}");
        let changes = [&LARGE[..], &["--set", &change]].concat();
        let output = kith(folder.path(), &words(&changes), TOO_FEW);
        if output.status.success() {
            assert!(round > 0, "all of it fits");
            break;
        }
        let (code, message) = failure(&output);
        assert_eq!(code, "OUT_OF_MEMORY", "{message}");
        assert!(message.contains("--set pretraining.unlabelled_batch=14 or"), "{message}");
        let entries = fs::read_dir(folder.path().join("run")).expect("a folder");
        let mut left: Vec<_> = entries.map(|entry| entry.expect("one").file_name()).collect();
        left.sort();
        assert_eq!(left, ["command.txt", "recipe.toml"], "nothing was computed");
        assert!(round < 4, "what is advised never fits: {message}");
        parts = advised(&message, "pretraining.accumulate");
    }
}

#[test]
fn on_a_scarce_gpu_that_is_lost_a_run_is_the_same_in_the_end() {
    let [whole, again, once] = [(); 3].map(|()| with_images());
    let output = kith(whole.path(), &words(&[]), Scarce::Nothing);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let [whole, run] = [&whole, &again].map(|folder| folder.path().join("run"));
    let (mut losses, mut submits) = (0, 400);
    loop {
        let output = kith(again.path(), &words(&[]), Scarce::Submits(submits));
        if output.status.success() {
            break;
        }
        let (code, message) = failure(&output);
        assert!(message.contains("the GPU was lost"), "{message}");
        let begun = !message.contains("failed a test");
        assert_eq!(code, if begun { "DEVICE" } else { "NO_GPU" }, "{message}");
        let known = run.join("command.txt").exists();
        assert_eq!(known && begun, message.contains("--resume"), "{message}");
        assert!(losses < 40, "it never ends: {message}");
        losses += 1;
        submits += 300;
    }
    assert!(losses > 2, "it was lost {losses} times");
    same_folder(&whole, &run);
    // What opens it once more needs nobody.
    let output = kith(once.path(), &words(&[]), Scarce::Once(submits - 300));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    same_folder(&whole, &once.path().join("run"));
}

#[test]
fn on_a_scarce_gpu_of_a_worker_a_lack_of_memory_is_what_the_trainer_says() {
    let folder = with_images();
    let worker = worker(folder.path(), TOO_FEW);
    let said = train(&worker, folder.path(), &words(&LARGE)).expect_err("it lacks memory");
    assert!(said.contains("REMOTE_DEVICE") && said.contains("has no memory"), "{said}");
    let said = worker.end();
    assert!(!said.contains("panicked"), "{said}");
}

fn worker(folder: &Path, scarce: Scarce) -> Worker {
    let mut command = on_gpu(folder, &["worker", "--listen", "127.0.0.1:0", "--json"], scarce);
    command.stderr(Stdio::piped());
    Worker::of(command)
}

/// Trains with a worker; what was said where that fails.
fn train(worker: &Worker, folder: &Path, words: &[&str]) -> Result<(), String> {
    let mut trainer = Command::new(env!("CARGO_BIN_EXE_kith"));
    trainer.current_dir(folder).args(words).args(["--device", &worker.device()]);
    let output = trainer.output().expect("the program starts");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() { Ok(()) } else { Err(said) }
}

#[test]
fn on_a_scarce_gpu_that_is_lost_a_worker_goes_on_for_its_trainers() {
    let folder = with_images();
    let mut run = words(&[]);
    let place = run.iter().position(|&word| word == "run").expect("its folder");
    let mut worker = worker(folder.path(), Scarce::Once(60));
    let device = worker.device();
    let said = train(&worker, folder.path(), &run).expect_err("its GPU is lost");
    assert!(said.contains("REMOTE_DEVICE") && said.contains("the GPU was lost"), "{said}");
    worker.listens();
    assert_eq!(worker.device(), device, "trainers know it by this");
    train(&worker, folder.path(), &run).expect("it goes on");
    run[place] = "whole";
    train(&worker, folder.path(), &run).expect("nothing disturbs it");
    let of = |run: &str| metrics(&folder.path().join(run));
    assert_eq!(of("run"), of("whole"));
}

/// Settings of a network and of runs that take a GPU in software a second.
const TINY: &str = "--set encoder.width=4 --set pretraining.epochs=2 --set pretraining.steps=2 \
                    --set pretraining.unlabelled_batch=4 --set pretraining.labelled_batch=4";
const FINETUNING: &str =
    "--set finetuning.epochs=1 --set finetuning.steps=2 --set finetuning.batch=4";

/// What verbs compute, into the folder `left`, from the folders `pets` and `start` and the run of a page. DATA and
/// the others stand for words that several have.
const COMMANDS: [&str; 13] = [
    "embed --checkpoint start --split all --out left/all DATA",
    "resume left/run.safetensors",
    "evaluate start --few-label 2 --seeds 1 --set evaluation.few_label_steps=2 RUN DATA",
    "experiment --side 32 RUN DATA FINETUNING TINY",
    "benchmark --methods simclr --seeds 1 --few-label 2 --side 32 --set evaluation.few_label_steps=2 RUN \
     DATA TINY",
    "pretrain --side 32 RUN DATA TINY",
    "finetune --from start RUN DATA FINETUNING",
    "semi --recipe fixmatch --side 32 --labelled 8 --set encoder.width=4 --set semi.epochs=1 --set semi.steps=2 \
     --set semi.unlabelled_batch=8 --set semi.labelled_batch=4 RUN DATA FINETUNING",
    "neighbours --checkpoint start --out left/neighbours.html DATA",
    "clean --checkpoint start --out left DATA",
    "label --simulate --checkpoint start --counts 2,4 --seeds 1 --out left DATA",
    "replay start RUN DATA",
    "sweep --grid objective.temperature=0.1,0.2 --side 32 RUN DATA TINY",
];
/// How many of these are tried in every run.
const IN_EVERY_RUN: usize = 5;

/// The words of one of these.
fn words_of(command: &str) -> Vec<&str> {
    let words = command.split_whitespace().flat_map(|word| match word {
        "DATA" => "--data folder:pets".split(' '),
        "RUN" => "--run left --resume".split(' '),
        "TINY" => TINY.split(' '),
        "FINETUNING" => FINETUNING.split(' '),
        word => word.split(' '),
    });
    words.collect()
}

/// `KITH_LOSSES` says how often each of all commands loses it; without it, some lose it once.
#[test]
fn on_a_scarce_gpu_that_is_lost_once_a_command_goes_on_to_the_same_end() {
    let losses = env::var("KITH_LOSSES").map(|times| times.parse::<u64>().expect("a number"));
    let commands = &COMMANDS[..if losses.is_ok() { COMMANDS.len() } else { IN_EVERY_RUN }];
    let losses = losses.unwrap_or(1);
    let folder = with_images();
    let at = |name: &str| folder.path().join(name);
    let start = words_of("pretrain --side 32 --device cpu --run start DATA TINY");
    let mut start_of = Command::new(env!("CARGO_BIN_EXE_kith"));
    let done = start_of.current_dir(folder.path()).args(start).output();
    assert!(done.expect("the program starts").status.success());
    for command in commands {
        let run = |scarce| {
            for file in ["lost", SUBMISSIONS] {
                let _absent = fs::remove_file(at(file));
            }
            fs::create_dir(at("left")).expect("a folder");
            run_file::begin_run(&at("left/run.safetensors"));
            let output = kith(folder.path(), &words_of(command), scarce);
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{command}: {said}");
            let went_on = said.contains("the GPU was lost") && said.contains("opened once more");
            assert_eq!(went_on, at("lost").exists(), "{command}: {said}");
            went_on
        };
        assert!(!run(Scarce::Nothing));
        fs::rename(at("left"), at("whole")).expect("it is done");
        let count = fs::read_to_string(at(SUBMISSIONS)).expect("a number");
        let count: u64 = count.parse().expect("a number");
        for loss in 0..losses {
            let submits = count * (2 * loss + 1) / (2 * losses);
            assert!(run(Scarce::Once(submits)), "{command}: not lost after {submits} of {count}");
            same_folder(&at("whole"), &at("left"));
            fs::remove_dir_all(at("left")).expect("it is ours");
        }
        fs::remove_dir_all(at("whole")).expect("it is ours");
        println!("{command}: lost {losses} times, of {count} submissions");
    }
}

#[test]
fn on_a_scarce_gpu_that_is_lost_twice_the_cpu_goes_on_where_kith_chose() {
    let folder = with_images();
    let run = |name: &str, device: &str, scarce| {
        let line = format!("pretrain --data folder:pets --side 32 --run {name} {TINY} {device}");
        let words: Vec<&str> = line.split_whitespace().collect();
        let mut command = with_gpu(folder.path(), &words, scarce);
        let output = command.env("KITH_GPU_HARDWARE", "1").output().expect("the program starts");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{said}");
        said
    };
    let said = run("found", "", Scarce::Submits(400));
    assert!(said.contains("device: llvmpipe"), "it is not taken: {said}");
    assert!(said.contains("opened once more") && said.contains("goes on on the CPU"), "{said}");
    run("cpu", "--device cpu", Scarce::Nothing);
    let losses = |run: &str| {
        let loss = |epoch: &Value| epoch["train"]["loss"].as_f64().expect("a loss");
        metrics(&folder.path().join(run)).iter().map(loss).collect::<Vec<_>>()
    };
    for (found, cpu) in losses("found").iter().zip(losses("cpu")) {
        assert!((found - cpu).abs() < 1e-2 * cpu, "{found}, on the CPU alone {cpu}");
    }
    // Nor does it need a GPU that others fill.
    for (name, bytes, reason) in
        [("full", 1_000_000, "cannot be opened"), ("filled", 8_000_000, "has no memory for a test")]
    {
        let said = run(name, "", Scarce::Bytes(bytes));
        assert!(said.contains("device: CPU") && said.contains(reason), "{said}");
        assert_eq!(losses(name), losses("cpu"));
    }
    let left = |run: &str| fs::read_dir(folder.path().join(run)).expect("a folder").count();
    assert_eq!(left("found"), left("cpu"));
}
