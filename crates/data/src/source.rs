//! Where pictures come from, as one argument says it.

use std::fmt;
use std::mem::discriminant;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::dataset::{Dataset, Options};
use crate::error::Error;
use crate::layout::name_a_test;
use crate::shards::Shards;
use crate::stl10::FOLDS;
use crate::walk::first_folders;
use crate::{cifar, folder, gallery, idx, imagenette, stl10, tables, tiny_imagenet, webdataset};

/// What the emoji that come with kith are called.
const GALLERY: &str = "gallery";
/// The largest side that pictures are resized to, in pixels.
const LARGEST_SIDE: usize = 1024;

/// A place that pictures come from: `gallery`, or a kind and a directory, as in `stl10:DIR`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The emoji that come with kith.
    Gallery,
    /// STL-10's binary files, in the directory or its `stl10_binary`.
    Stl10(PathBuf),
    /// The binary version of CIFAR-10, in the directory or its `cifar-10-batches-bin`.
    Cifar10(PathBuf),
    /// The binary version of CIFAR-100, in the directory or its `cifar-100-binary`.
    Cifar100(PathBuf),
    /// The same with its twenty superclasses.
    Cifar100Coarse(PathBuf),
    /// Tiny ImageNet's folders, in the directory or its `tiny-imagenet-200`.
    TinyImagenet(PathBuf),
    /// Imagenette's or Imagewoof's folders, in the directory or one of their archives' name in it.
    Imagenette(PathBuf),
    /// Files of the MNIST family, gzipped or not.
    Idx(PathBuf),
    /// Image files at any depth; folders are splits and classes.
    Folder(PathBuf),
    /// Parquet files with a column of images: one, a folder of them, or a pattern.
    Parquet(PathBuf),
    /// Tar shards (Webdataset): one, a folder of them, or a pattern.
    Tar(PathBuf),
}

impl Source {
    /// Checks the files and sets up the splits; STL-10 is not read until a batch is asked for.
    ///
    /// # Errors
    /// Whatever is wrong with the options or the files; see [`Error`].
    pub fn open(&self, options: &Options) -> Result<Dataset, Error> {
        self.open_watched(options, &mut |_, _| {})
    }

    /// The same; `watch` is told how many images of how many have been looked at. Images of folders
    /// are looked at one by one, which takes minutes where there are many.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_watched(
        &self,
        options: &Options,
        watch: &mut dyn FnMut(usize, usize),
    ) -> Result<Dataset, Error> {
        self.check(options)?;
        match self {
            Self::Gallery => gallery::open(options),
            Self::Stl10(directory) => stl10::open(directory, options),
            Self::Cifar10(directory) => cifar::open(&cifar::CIFAR10, directory, options),
            Self::Cifar100(directory) => cifar::open(&cifar::CIFAR100, directory, options),
            Self::Cifar100Coarse(directory) => {
                cifar::open(&cifar::CIFAR100_COARSE, directory, options)
            }
            Self::TinyImagenet(directory) => tiny_imagenet::open(directory, options, watch),
            Self::Imagenette(directory) => imagenette::open(directory, options, watch),
            Self::Idx(directory) => idx::open(directory, options),
            Self::Folder(directory) => folder::open(directory, options, watch),
            Self::Parquet(path) => tables::open(path, options, watch),
            Self::Tar(path) => webdataset::open(path, options, watch),
        }
    }

    /// Refuses options that no file could satisfy.
    fn check(&self, options: &Options) -> Result<(), Error> {
        let refuse = |name, expected: String, got: usize| {
            Err(Error::Option { name, expected, got: got.to_string() })
        };
        match (options.side, options.fold) {
            (Some(side), _) if side == 0 || side > LARGEST_SIDE => {
                refuse("side", format!("1 to {LARGEST_SIDE} pixels"), side)
            }
            (_, Some(fold)) if !matches!(self, Self::Stl10(_)) => {
                refuse("fold", "none: only STL-10 has folds".to_owned(), fold)
            }
            (_, Some(fold)) if fold >= FOLDS => refuse("fold", format!("0 to {}", FOLDS - 1), fold),
            _ if options.labelled == Some(0) => refuse("labelled", "at least 1".to_owned(), 0),
            _ => Ok(()),
        }
    }
}

impl Source {
    /// Where its files lie; none of the gallery.
    pub fn directory(&self) -> Option<&Path> {
        self.words().map(|(_, directory)| directory)
    }

    /// Its kind as it is written and where its files lie; none of the gallery.
    fn words(&self) -> Option<(&'static str, &Path)> {
        Some(match self {
            Self::Gallery => return None,
            Self::Stl10(directory) => ("stl10", directory),
            Self::Cifar10(directory) => ("cifar10", directory),
            Self::Cifar100(directory) => ("cifar100", directory),
            Self::Cifar100Coarse(directory) => ("cifar100-coarse", directory),
            Self::TinyImagenet(directory) => ("tiny-imagenet", directory),
            Self::Imagenette(directory) => ("imagenette", directory),
            Self::Idx(directory) => ("idx", directory),
            Self::Folder(directory) => ("folder", directory),
            Self::Parquet(path) => ("parquet", path),
            Self::Tar(path) => ("tar", path),
        })
    }

    /// Whether its test pictures are drawn by the seed, since it has none of its own.
    pub fn draws_test(&self) -> bool {
        match self {
            Self::Gallery => true,
            Self::Folder(directory) => !name_a_test(&first_folders(directory)),
            Self::Parquet(path) => draws_test(path, tables::ENDING),
            Self::Tar(path) => draws_test(path, webdataset::ENDING),
            _ => false,
        }
    }

    /// Whether both name the same place, however it is spelled.
    pub fn is_same(&self, other: &Self) -> bool {
        self == other
            || discriminant(self) == discriminant(other)
                && matches!((self.places(), other.places()), (Some(one), Some(two)) if one == two)
    }

    /// Where it really lies: a directory, or each of its files; nothing if that is not there.
    fn places(&self) -> Option<Vec<PathBuf>> {
        let path = self.directory()?;
        let places = match self {
            Self::Parquet(_) => Shards::find(path, tables::ENDING).ok()?.paths(),
            Self::Tar(_) => Shards::find(path, webdataset::ENDING).ok()?.paths(),
            _ => vec![path.to_owned()],
        };
        places.iter().map(|path| path.canonicalize().ok()).collect()
    }
}

/// Whether no file of a path is called one to test by.
fn draws_test(path: &Path, ending: &str) -> bool {
    Shards::find(path, ending).map_or(true, |shards| !shards.name_a_test())
}

/// A directory; `~` is the user's home, since a shell expands it only where a word begins.
fn at_home(directory: &str) -> PathBuf {
    let inner = match directory.strip_prefix('~') {
        Some("") => Some(""),
        Some(rest) => rest.strip_prefix('/'),
        None => None,
    };
    match (inner, std::env::home_dir()) {
        (Some(""), Some(home)) => home,
        (Some(inner), Some(home)) => home.join(inner),
        _ => PathBuf::from(directory),
    }
}

impl FromStr for Source {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let unknown = || Error::UnknownSource { got: text.to_owned() };
        if text == GALLERY {
            return Ok(Self::Gallery);
        }
        let (kind, directory) = text.split_once(':').ok_or_else(unknown)?;
        if directory.is_empty() {
            return Err(unknown());
        }
        let directory = at_home(directory);
        match kind {
            "stl10" => Ok(Self::Stl10(directory)),
            "cifar10" => Ok(Self::Cifar10(directory)),
            "cifar100" => Ok(Self::Cifar100(directory)),
            "cifar100-coarse" => Ok(Self::Cifar100Coarse(directory)),
            "tiny-imagenet" => Ok(Self::TinyImagenet(directory)),
            "imagenette" => Ok(Self::Imagenette(directory)),
            "idx" => Ok(Self::Idx(directory)),
            "folder" => Ok(Self::Folder(directory)),
            "parquet" => Ok(Self::Parquet(directory)),
            "tar" => Ok(Self::Tar(directory)),
            _ => Err(unknown()),
        }
    }
}

impl Source {
    /// The word before the colon, as in `stl10`; `gallery` stands alone.
    pub fn kind(&self) -> &'static str {
        self.words().map_or(GALLERY, |(kind, _)| kind)
    }
}

impl fmt::Display for Source {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((kind, directory)) = self.words() else { return formatter.write_str(GALLERY) };
        write!(formatter, "{kind}:{}", directory.display())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_reads_back_as_it_was_written() {
        for text in [
            "gallery",
            "stl10:a",
            "cifar10:/b c",
            "cifar100:c",
            "cifar100-coarse:c",
            "tiny-imagenet:d",
            "imagenette:e",
            "idx:../d",
            "folder:C:\\e",
            "parquet:f",
            "tar:f/train-{000..099}.tar",
        ] {
            let source = text.parse::<Source>().unwrap();
            assert_eq!(source.to_string(), text);
            assert_eq!(Some(source.kind()), text.split(':').next());
        }
    }

    #[test]
    fn another_form_is_refused_with_the_list() {
        for text in ["", "stl10", "stl10:", "mnist:d", "Gallery"] {
            let error = text.parse::<Source>().expect_err("not a form");
            assert_eq!(error.code(), "UNKNOWN_SOURCE");
            assert!(error.to_string().contains("folder:DIR"), "{error}");
        }
    }

    #[test]
    fn a_tilde_is_the_home_folder() {
        let home = std::env::home_dir().expect("whoever runs tests has a home");
        let of = |text: &str| text.parse::<Source>().unwrap();
        assert_eq!(of("folder:~/pics"), Source::Folder(home.join("pics")));
        assert_eq!(of("idx:~"), Source::Idx(home));
        assert_eq!(of("folder:./~/a"), Source::Folder("./~/a".into()));
        assert_eq!(of("folder:~other/a"), Source::Folder("~other/a".into()));
    }

    #[test]
    fn places_are_compared_by_what_they_are() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("in")).unwrap();
        let one = Source::Folder(folder.path().join("in"));
        assert!(one.is_same(&Source::Folder(folder.path().join("./in/../in/"))));
        assert!(!one.is_same(&Source::Folder(folder.path().into())));
        assert!(!one.is_same(&Source::Idx(folder.path().join("in"))));
        assert!(Source::Gallery.is_same(&Source::Gallery));
        let gone = |name: &str| Source::Folder(name.into());
        assert!(gone("no/where").is_same(&gone("no/where")));
        assert!(!gone("no/where").is_same(&gone("no/place")));
        std::fs::write(folder.path().join("in/a.tar"), "").unwrap();
        let tar = |name: &str| Source::Tar(folder.path().join(name));
        assert!(tar("in").is_same(&tar("in/*.tar")) && tar("in/{a,a}.tar").is_same(&tar("in")));
        assert!(!tar("in").is_same(&tar("no")));
    }

    #[test]
    fn a_folder_with_test_images_of_its_own_draws_none() {
        let folder = tempfile::tempdir().unwrap();
        let source = Source::Folder(folder.path().into());
        assert!(source.draws_test() && Source::Gallery.draws_test());
        for (name, draws) in [("train", true), (".git", true), ("Val", false), ("test", false)] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
            assert_eq!(source.draws_test(), draws, "with {name}");
        }
        assert!(!Source::Stl10("d".into()).draws_test());
    }

    #[test]
    fn a_path_that_is_no_directory_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for kind in [Source::Stl10, Source::Cifar10, Source::Idx, Source::Folder] {
            let error = kind(file.path().into()).open(&Options::default()).expect_err("a file");
            assert_eq!(error.code(), "NOT_A_DIRECTORY");
        }
    }

    fn code(options: Options, source: &Source) -> &'static str {
        source.check(&options).expect_err("out of range").code()
    }

    #[test]
    fn options_out_of_range_are_refused() {
        let stl10 = Source::Stl10("d".into());
        for options in [
            Options { side: Some(0), ..Options::default() },
            Options { side: Some(LARGEST_SIDE + 1), ..Options::default() },
            Options { fold: Some(FOLDS), ..Options::default() },
            Options { labelled: Some(0), ..Options::default() },
        ] {
            assert_eq!(code(options, &stl10), "OPTION");
        }
    }

    #[test]
    fn only_stl10_has_folds() {
        let options = Options { fold: Some(0), ..Options::default() };
        assert!(Source::Stl10("d".into()).check(&options).is_ok());
        assert_eq!(code(options, &Source::Gallery), "OPTION");
    }
}
