//! Sound files to begin with.

use std::collections::VecDeque;
use std::env;
use std::fs;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, OnceLock};

use flate2::Compression;
use flate2::write::GzEncoder;
use image::{ImageFormat, Rgb, RgbImage};
use kith_cli::run_link;
use kith_core::archive::Archive;
use kith_core::method::parts::PartDevice;
use kith_core::method::remote::{Composing, Link, Remote};
use kith_core::recipe::Recipe;
use kith_core::replay::RunRecord;
use kith_core::trainer::{Plan, Trainer};
use kith_core::worker::Worker;
use kith_core::{Device, Error, Tensor};

use super::targets::packed;

type Inputs = Vec<Vec<u8>>;

/// A checkpoint, a state and the record of a short run. Where cargo does not say which program makes it, the
/// environment does.
fn run() -> &'static [Vec<u8>; 3] {
    static FILES: OnceLock<[Vec<u8>; 3]> = OnceLock::new();
    FILES.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let words = "pretrain --run run --side 32 --set encoder.width=2 --set projection.hidden=[2] \
            --set projection.output=2 --set objective.queue=32 --set pretraining.epochs=1 \
            --set pretraining.steps=1 --set pretraining.unlabelled_batch=8 \
            --set pretraining.labelled_batch=4 --device cpu --quiet";
        let kith = option_env!("CARGO_BIN_EXE_kith").map(PathBuf::from);
        let asked = || env::var_os("KITH").expect("KITH says where the program is").into();
        let mut kith = Command::new(kith.unwrap_or_else(asked));
        let output = kith.current_dir(folder.path()).args(words.split_whitespace()).output();
        assert!(output.expect("the program starts").status.success());
        let read = |name: &str| fs::read(folder.path().join("run").join(name)).expect("it is there");
        ["checkpoint.safetensors", "state.safetensors", "replay.json"].map(read)
    })
}

pub(crate) fn checkpoint() -> Inputs {
    vec![run()[0].clone()]
}

pub(crate) fn state() -> Inputs {
    vec![run()[1].clone()]
}

/// An address of a run, and what it holds.
pub(crate) fn link() -> Inputs {
    let json = run()[2].clone();
    let text = std::str::from_utf8(&json).expect("JSON is text");
    let record = RunRecord::parse(text).expect("it is sound");
    vec![run_link::encode(&record).into_bytes(), json]
}

/// Answers as a worker does, and keeps what it was asked.
#[derive(Debug)]
struct Recorder {
    worker: Mutex<Worker>,
    asked: Arc<Mutex<Vec<Vec<u8>>>>,
    answers: Mutex<VecDeque<Vec<u8>>>,
}

impl Link for Recorder {
    fn name(&self) -> &'static str {
        "remote:here"
    }

    fn send(&self, message: Composing<'_>) -> Result<(), Error> {
        let message = pollster::block_on(message)?;
        let answer = pollster::block_on(self.worker.lock().expect("unshared").answer(&message));
        self.answers.lock().expect("unshared").push_back(answer);
        self.asked.lock().expect("unshared").push(message);
        Ok(())
    }

    fn receive(&self) -> Result<Vec<u8>, Error> {
        Ok(self.answers.lock().expect("unshared").pop_front().expect("each message has an answer"))
    }
}

/// What a worker is asked at first and in a step: a greeting, features, gradients.
pub(crate) fn messages() -> &'static [Vec<u8>; 3] {
    static MESSAGES: OnceLock<[Vec<u8>; 3]> = OnceLock::new();
    MESSAGES.get_or_init(|| {
        let (cpu, asked) = (Device::flex(), Arc::<Mutex<Vec<_>>>::default());
        let worker = Mutex::new(Worker::new(&cpu, "CPU"));
        let recorder = Recorder { worker, asked: asked.clone(), answers: Mutex::default() };
        let remote = Remote::connect(recorder).expect("it is there");
        let text = Recipe::built_in_text("keras-simclr").expect("it is built in");
        let small = ["encoder.width=2", "projection.hidden=[2]", "projection.output=2"];
        let recipe = Recipe::parse(text, &small.map(Into::into)).expect("it can be read");
        let plan = Plan { side: 32, classes: 0, seed: 1, steps: 1, epochs: 1 };
        let trainer = Trainer::pretraining(recipe, plan, &cpu).expect("it suits");
        // The half of a batch, which is less to compute.
        let devices = vec![PartDevice::Remote(remote), PartDevice::Local(cpu.clone())];
        let mut trainer = trainer.in_parts_on(devices).expect("conv4");
        let view = Tensor::<4>::full([2, 3, 32, 32], 0.5, &cpu);
        trainer.learn(&[view.clone(), view], &[-1; 2], None).expect("it answers");
        let asked = core::mem::take(&mut *asked.lock().expect("unshared"));
        asked.try_into().expect("three messages")
    })
}

pub(crate) fn message() -> Inputs {
    messages().to_vec()
}

pub(crate) fn note() -> Inputs {
    vec![Archive::from_bytes(&run()[0]).expect("it is sound").note.into_bytes()]
}

pub(crate) fn recipe() -> Inputs {
    Recipe::all_built_in().iter().map(|(_, text)| text.as_bytes().to_vec()).collect()
}

/// Tables of labels.
pub(crate) fn table() -> Inputs {
    let tables = [
        "file,label\na.png,cat\nb.png,\"dog, big\"\n",
        "\u{feff}id;class;image;unknown\n7;cat;./a.png;\n8;;c d.png;yes\n",
        "image\tlabel\taside\na.png\tcat\tyes\ngone.png\tdog\t\n",
    ];
    tables.map(|table| table.as_bytes().to_vec()).into()
}

pub(crate) fn set() -> Inputs {
    let lines = [
        "encoder={kind=\"conv4\",width=8}\nsemi.epochs=2",
        "encoder.width_multiplier=0.25\nencoder.statistics=keras",
        "finetuning.optimizer.learning_rate=2e-3\nfinetuning.patience=5\nsemi.threshold=0.12",
        "finetuning.optimizer={learning_rate=1e8,schedule={shape=\"rise\"}}",
        "semi.method={kind=\"noisy_student\",rounds=2}",
        "evaluation.validation=0.1\nevaluation.few_label_steps=4",
    ];
    lines.map(|line| line.as_bytes().to_vec()).into()
}

/// Bytes that repeat late.
fn bytes(count: usize) -> Vec<u8> {
    (0..count).map(|i| (i * i % 251) as u8).collect()
}

fn labels(count: usize, first: u8) -> Vec<u8> {
    (0..count).map(|i| (i % 10) as u8 + first).collect()
}

pub(crate) fn idx() -> Inputs {
    let images = |count: u8| {
        let head = [0, 0, 8, 3, 0, 0, 0, count, 0, 0, 0, 4, 0, 0, 0, 4];
        [&head[..], &bytes(usize::from(count) * 16)].concat()
    };
    let named = |count: u8| {
        let head = [0, 0, 8, 1, 0, 0, 0, count];
        [&head[..], &labels(usize::from(count), 0)].concat()
    };
    let gzipped = |content: &[u8]| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(content).expect("memory");
        encoder.finish().expect("memory")
    };
    let plain = packed(&[
        ("train-images-idx3-ubyte", images(60)),
        ("train-labels-idx1-ubyte", named(60)),
        ("t10k-images-idx3-ubyte", images(20)),
        ("t10k-labels-idx1-ubyte", named(20)),
    ]);
    let packed_again = packed(&[
        ("train-images-idx3-ubyte.gz", gzipped(&images(60))),
        ("train-labels-idx1-ubyte.gz", gzipped(&named(60))),
        ("t10k-images-idx3-ubyte.gz", gzipped(&images(20))),
        ("t10k-labels-idx1-ubyte.gz", gzipped(&named(20))),
    ]);
    vec![plain, packed_again]
}

/// Names of ten classes, a line each.
fn class_names() -> Vec<u8> {
    (0..10).map(|class| format!("class{class}\n")).collect::<String>().into_bytes()
}

pub(crate) fn cifar() -> Inputs {
    let records = |first: u8| {
        let record = |i: u8| [&[i % 10][..], &bytes(3 * 32 * 32)].concat();
        [record(first), record(first + 1)].concat()
    };
    let mut files = vec![("batches.meta.txt", class_names())];
    let training = ["data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin"];
    files
        .extend(training.into_iter().zip([0, 2, 4, 6]).map(|(name, first)| (name, records(first))));
    files.extend(["data_batch_5.bin", "test_batch.bin"].map(|name| (name, records(8))));
    vec![packed(&files)]
}

pub(crate) fn stl10() -> Inputs {
    let folds: String = (0..10).map(|fold| format!("{fold} {}\n", 9 - fold)).collect();
    // Black but for the first.
    let pictures = |count: usize| {
        let mut pictures = bytes(500);
        pictures.resize(count * 3 * 96 * 96, 0);
        pictures
    };
    vec![packed(&[
        ("class_names.txt", class_names()),
        ("fold_indices.txt", folds.into_bytes()),
        ("train_y.bin", labels(10, 1)),
        ("test_y.bin", labels(2, 1)),
        ("train_X.bin", pictures(10)),
        ("test_X.bin", pictures(2)),
        ("unlabeled_X.bin", pictures(2)),
    ])]
}

fn fixtures(folder: &str, wanted: impl Fn(&str) -> bool) -> Inputs {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures").join(folder);
    let mut paths: Vec<_> = fs::read_dir(folder)
        .expect("fixtures")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    let named = |path: &&PathBuf| wanted(&path.file_name().unwrap_or_default().to_string_lossy());
    paths.iter().filter(named).map(|path| fs::read(path).expect("a fixture")).collect()
}

pub(crate) fn parquet() -> Inputs {
    fixtures("parquet", |name| name.ends_with(".parquet"))
}

pub(crate) fn pth() -> Inputs {
    fixtures("encoders", |name| {
        let told = name.starts_with("efficientnet") || name.starts_with("hostile");
        let other = name == "nothing.pth" || name == "twenty_one_characters.pth";
        [".pth", ".ckpt", ".torch"].iter().any(|end| name.ends_with(end)) && !told && !other
    })
}

pub(crate) fn safetensors() -> Inputs {
    fixtures("encoders", |name| {
        // Some are read only with more told of them.
        let told = ["efficientnet", "vit"].iter().any(|start| name.starts_with(start));
        name.ends_with(".safetensors") && !name.contains("expected") && !told
    })
}

fn picture(side: u32, format: ImageFormat) -> Vec<u8> {
    let shade = |x, y| Rgb([(x * 9) as u8, (y * 7) as u8, (x * y) as u8]);
    let mut encoded = Cursor::new(Vec::new());
    RgbImage::from_fn(side, side + 3, shade).write_to(&mut encoded, format).expect("memory");
    encoded.into_inner()
}

pub(crate) fn image() -> Inputs {
    use ImageFormat::{Bmp, Gif, Jpeg, Png, Tiff, WebP};
    [Png, Jpeg, Gif, Bmp, Tiff, WebP].map(|format| picture(24, format)).into()
}

pub(crate) fn tar() -> Inputs {
    let mut shard = tar::Builder::new(Vec::new());
    for number in 0..12 {
        let class = format!("{}\n", number % 3).into_bytes();
        for (ending, content) in [("png", picture(8 + number, ImageFormat::Png)), ("cls", class)] {
            let mut header = tar::Header::new_ustar();
            header.set_size(content.len() as u64);
            header.set_mode(0o644);
            let name = format!("{number:04}.{ending}");
            shard.append_data(&mut header, name, &content[..]).expect("memory");
        }
    }
    vec![shard.into_inner().expect("memory")]
}
