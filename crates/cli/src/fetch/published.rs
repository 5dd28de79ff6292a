//! Which data sets can be fetched, from where, and how one knows that they are right.

use clap::ValueEnum;

/// A data set that its authors publish on the web.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Published {
    /// STL-10: 105,000 unlabelled and 13,000 labelled pictures of 96 x 96 (2.6 GB, unpacked 3.1 GB).
    Stl10,
    /// CIFAR-10: 60,000 labelled pictures of 32 x 32 (170 MB, unpacked 184 MB).
    Cifar10,
    /// CIFAR-100: 60,000 pictures of 32 x 32 in 100 classes (169 MB, unpacked 185 MB).
    Cifar100,
    /// Tiny ImageNet: 110,000 labelled pictures of 64 x 64 in 200 classes (248 MB).
    TinyImagenet,
    /// Imagenette: 13,394 pictures of ten classes, 160 pixels on the shorter side (99 MB).
    Imagenette,
    /// Fashion-MNIST: 70,000 labelled grey pictures of 28 x 28 (31 MB).
    FashionMnist,
}

/// How a data set is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The files are used as they come.
    Files,
    /// The one file is a `.tar.gz` with a single folder in it.
    TarGz,
    /// The one file is a `.zip` with a single folder in it.
    Zip,
}

/// A file on the web.
#[derive(Clone, Debug)]
pub struct Remote {
    /// Its name, the last part of its address.
    pub name: String,
    /// MD5 sums of its right versions in lower-case hexadecimal, the authors' own first.
    pub md5: Vec<String>,
}

/// A file or folder that a whole data set has.
#[derive(Clone, Debug)]
pub struct Content {
    /// Path below the data set's folder.
    pub path: String,
    /// A file's size, where it is known.
    pub bytes: Option<u64>,
}

/// Where a data set is and what it consists of.
#[derive(Clone, Debug)]
pub struct Dataset {
    /// Name of its folder; for an archive also the folder inside it.
    pub folder: String,
    /// Address that the files' names are appended to.
    pub base: String,
    /// Other servers of its authors, which that one may send on to.
    pub hosts: Vec<String>,
    /// The files to download.
    pub files: Vec<Remote>,
    /// How they are packed.
    pub form: Form,
    /// What an unpacked archive must hold.
    pub contents: Vec<Content>,
}

impl Published {
    /// Where this data set is and what it consists of.
    pub fn dataset(self) -> Dataset {
        match self {
            Self::Stl10 => stl10(),
            Self::Cifar10 => cifar10(),
            Self::Cifar100 => cifar100(),
            Self::TinyImagenet => tiny_imagenet(),
            Self::Imagenette => imagenette(),
            Self::FashionMnist => fashion_mnist(),
        }
    }
}

/// Bytes of one STL-10 image.
const STL10_IMAGE: u64 = 3 * 96 * 96;

fn stl10() -> Dataset {
    let images = |path, count| content(path, count * STL10_IMAGE);
    Dataset {
        folder: "stl10_binary".into(),
        base: "http://ai.stanford.edu/~acoates/stl10".into(),
        hosts: vec!["cs.stanford.edu".into()],
        files: vec![remote("stl10_binary.tar.gz", &["91f7769df0f17e558f3565bffb0c7dfb"])],
        form: Form::TarGz,
        contents: vec![
            images("unlabeled_X.bin", 100_000),
            images("train_X.bin", 5_000),
            content("train_y.bin", 5_000),
            images("test_X.bin", 8_000),
            content("test_y.bin", 8_000),
        ],
    }
}

/// Bytes of one file of CIFAR-10: 10,000 labels and images.
const CIFAR10_BATCH: u64 = 10_000 * (1 + 3 * 32 * 32);

fn cifar10() -> Dataset {
    let batches = (1..=5).map(|batch| format!("data_batch_{batch}.bin"));
    Dataset {
        folder: "cifar-10-batches-bin".into(),
        base: "https://www.cs.toronto.edu/~kriz".into(),
        hosts: Vec::new(),
        files: vec![remote("cifar-10-binary.tar.gz", &["c32a1d4ab5d03f1284b67883e8d87530"])],
        form: Form::TarGz,
        contents: batches
            .chain(["test_batch.bin".into()])
            .map(|path| Content { path, bytes: Some(CIFAR10_BATCH) })
            .collect(),
    }
}

/// Bytes of an image of CIFAR-100 with its two labels.
const CIFAR100_IMAGE: u64 = 2 + 3 * 32 * 32;

fn cifar100() -> Dataset {
    Dataset {
        folder: "cifar-100-binary".into(),
        base: "https://www.cs.toronto.edu/~kriz".into(),
        hosts: Vec::new(),
        files: vec![remote("cifar-100-binary.tar.gz", &["03b5dce01913d631647c71ecec9e9cb8"])],
        form: Form::TarGz,
        contents: vec![
            content("train.bin", 50_000 * CIFAR100_IMAGE),
            content("test.bin", 10_000 * CIFAR100_IMAGE),
            part("fine_label_names.txt"),
            part("coarse_label_names.txt"),
        ],
    }
}

fn tiny_imagenet() -> Dataset {
    Dataset {
        folder: "tiny-imagenet-200".into(),
        base: "http://cs231n.stanford.edu".into(),
        hosts: Vec::new(),
        files: vec![remote("tiny-imagenet-200.zip", &["90528d7ca1a48142e341f4ef8d21d0de"])],
        form: Form::Zip,
        contents: ["wnids.txt", "words.txt", "train", "val/images", "val/val_annotations.txt"]
            .map(part)
            .into(),
    }
}

fn imagenette() -> Dataset {
    Dataset {
        folder: "imagenette2-160".into(),
        base: "https://s3.amazonaws.com/fast-ai-imageclas".into(),
        hosts: Vec::new(),
        files: vec![remote("imagenette2-160.tgz", &["e793b78cc4c9e9a4ccc0c1155377a412"])],
        form: Form::TarGz,
        contents: ["train", "val"].map(part).into(),
    }
}

/// The second sums are those of Debian's package `dataset-fashion-mnist`, which holds the same
/// compressed images without the file names and dates that the authors' `gzip` noted.
fn fashion_mnist() -> Dataset {
    Dataset {
        folder: "fashion-mnist".into(),
        base: "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com".into(),
        hosts: Vec::new(),
        files: vec![
            remote(
                "train-images-idx3-ubyte.gz",
                &["8d4fb7e6c68d591d4c3dfef9ec88bf0d", "cf8536b0aa1a6ac5fa3f23001093305c"],
            ),
            remote(
                "train-labels-idx1-ubyte.gz",
                &["25c81989df183df01b3e8a0aad5dffbe", "10bea18fdb374794d4bb42e356e600c9"],
            ),
            remote(
                "t10k-images-idx3-ubyte.gz",
                &["bef4ecab320f06d8554ea6380940ec79", "f78720b4224f21cce2f2ccf2d7a94c9a"],
            ),
            remote(
                "t10k-labels-idx1-ubyte.gz",
                &["bb300cfdad3c16e7a12a480ee83cd310", "0d30e22e447f3c33dab9ed536400ac01"],
            ),
        ],
        form: Form::Files,
        contents: Vec::new(),
    }
}

fn remote(name: &str, md5: &[&str]) -> Remote {
    Remote { name: name.into(), md5: md5.iter().map(|&sum| sum.into()).collect() }
}

fn content(path: &str, bytes: u64) -> Content {
    Content { path: path.into(), bytes: Some(bytes) }
}

/// A file of unknown size, or a folder.
fn part(path: &str) -> Content {
    Content { path: path.into(), bytes: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_can_be_asked_for_and_checked() {
        for &published in Published::value_variants() {
            let dataset = published.dataset();
            assert!(dataset.base.starts_with("http"), "{published:?}");
            assert_eq!(dataset.form != Form::Files, !dataset.contents.is_empty());
            for file in &dataset.files {
                let hexadecimal = |b| b"0123456789abcdef".contains(&b);
                let sound = |sum: &String| sum.len() == 32 && sum.bytes().all(hexadecimal);
                assert!(!file.md5.is_empty() && file.md5.iter().all(sound), "{file:?}");
            }
        }
    }

    #[test]
    fn names_on_the_command_line_are_those_of_the_papers() {
        let names: Vec<_> = Published::value_variants()
            .iter()
            .map(|p| p.to_possible_value().unwrap().get_name().to_owned())
            .collect();
        assert_eq!(
            names,
            ["stl10", "cifar10", "cifar100", "tiny-imagenet", "imagenette", "fashion-mnist"]
        );
    }
}
