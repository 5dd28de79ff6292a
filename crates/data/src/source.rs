//! Where pictures come from, as one argument says it.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::{Dataset, Error, Options, cifar10, folder, gallery, idx, stl10};

/// A place that pictures come from: `gallery`, `stl10:DIR`, `cifar10:DIR`, `idx:DIR` or
/// `folder:DIR`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The emoji that come with kith.
    Gallery,
    /// STL-10's binary files, in the directory or its `stl10_binary`.
    Stl10(PathBuf),
    /// The binary version of CIFAR-10, in the directory or its `cifar-10-batches-bin`.
    Cifar10(PathBuf),
    /// Files of the MNIST family, gzipped or not.
    Idx(PathBuf),
    /// Picture files at any depth; first-level sub-folders are classes.
    Folder(PathBuf),
}

impl Source {
    /// Checks the files and sets up the splits; STL-10 is not read until a batch is asked for.
    ///
    /// # Errors
    /// Whatever is wrong with the options or the files; see [`Error`].
    pub fn open(&self, options: &Options) -> Result<Dataset, Error> {
        options.check(self)?;
        match self {
            Self::Gallery => gallery::open(options),
            Self::Stl10(directory) => stl10::open(directory, options),
            Self::Cifar10(directory) => cifar10::open(directory, options),
            Self::Idx(directory) => idx::open(directory, options),
            Self::Folder(directory) => folder::open(directory, options),
        }
    }
}

impl FromStr for Source {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let unknown = || Error::UnknownSource { got: text.to_owned() };
        if text == "gallery" {
            return Ok(Self::Gallery);
        }
        let (kind, directory) = text.split_once(':').ok_or_else(unknown)?;
        if directory.is_empty() {
            return Err(unknown());
        }
        let directory = PathBuf::from(directory);
        match kind {
            "stl10" => Ok(Self::Stl10(directory)),
            "cifar10" => Ok(Self::Cifar10(directory)),
            "idx" => Ok(Self::Idx(directory)),
            "folder" => Ok(Self::Folder(directory)),
            _ => Err(unknown()),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, directory) = match self {
            Self::Gallery => return formatter.write_str("gallery"),
            Self::Stl10(directory) => ("stl10", directory),
            Self::Cifar10(directory) => ("cifar10", directory),
            Self::Idx(directory) => ("idx", directory),
            Self::Folder(directory) => ("folder", directory),
        };
        write!(formatter, "{kind}:{}", directory.display())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_reads_back_as_it_was_written() {
        for text in ["gallery", "stl10:a", "cifar10:/b c", "idx:../d", "folder:C:\\e"] {
            assert_eq!(text.parse::<Source>().unwrap().to_string(), text);
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
    fn a_path_that_is_no_directory_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for kind in [Source::Stl10, Source::Cifar10, Source::Idx, Source::Folder] {
            let error = kind(file.path().into()).open(&Options::default()).expect_err("a file");
            assert_eq!(error.code(), "NOT_A_DIRECTORY");
        }
    }
}
