//! An opened dataset: three splits of pictures and what is known about them.

use std::path::PathBuf;

use crate::{Error, Source, Split};

/// The largest side that pictures are resized to, in pixels.
const LARGEST_SIDE: usize = 1024;

/// Folds that STL-10 defines.
pub(crate) const FOLDS: usize = 10;

/// How a source is split and sized.
///
/// CIFAR-10, the MNIST family, folders and the gallery do not say which of their training pictures
/// are labelled. There `labelled` pictures keep their labels, the same number of every class while
/// they last, and the rest are the unlabelled split.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Height and width of the pictures in pixels; `None` is the source's own: STL-10 96,
    /// CIFAR-10 32, MNIST family 28, gallery 64, folders 96.
    pub side: Option<usize>,
    /// One of STL-10's predefined folds of 1,000 labelled pictures, counted from 0.
    pub fold: Option<usize>,
    /// Labelled pictures. `None` is all of STL-10's (or of its fold's) and 5,000 of CIFAR-10 and
    /// the MNIST family. For the gallery and for folders `None` makes every training picture
    /// labelled *and* unlabelled: there the two splits overlap.
    pub labelled: Option<usize>,
    /// Unlabelled pictures, drawn by the seed; `None` is all that there are.
    pub unlabelled: Option<usize>,
    /// Seed of every drawn split. The same seed gives the same splits anywhere.
    pub seed: u64,
}

impl Options {
    /// Refuses what no file could satisfy.
    pub(crate) fn check(&self, source: &Source) -> Result<(), Error> {
        let refuse = |name, expected: String, got: usize| {
            Err(Error::Option { name, expected, got: got.to_string() })
        };
        match (self.side, self.fold) {
            (Some(side), _) if side == 0 || side > LARGEST_SIDE => {
                refuse("side", format!("1 to {LARGEST_SIDE} pixels"), side)
            }
            (_, Some(fold)) if !matches!(source, Source::Stl10(_)) => {
                refuse("fold", "none: only STL-10 has folds".to_owned(), fold)
            }
            (_, Some(fold)) if fold >= FOLDS => refuse("fold", format!("0 to {}", FOLDS - 1), fold),
            _ if self.labelled == Some(0) => refuse("labelled", "at least 1".to_owned(), 0),
            _ => Ok(()),
        }
    }
}

/// A file that looked like a picture and could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub reason: String,
}

/// An opened dataset.
///
/// Labels count from 0 into `class_names`. The test split shares no picture with the others.
#[derive(Clone, Debug)]
pub struct Dataset {
    /// A short name: `stl10`, `gallery`, or what the directory is called.
    pub name: String,
    /// The classes in the order of their labels; empty where pictures have no labels.
    pub class_names: Vec<String>,
    /// Pictures to learn labels from; empty where there are no labels.
    pub labelled: Split,
    /// Pictures to learn without labels; it has none, even where they are known.
    pub unlabelled: Split,
    /// Pictures that training never sees, with labels where there are any.
    pub test: Split,
    /// Files that could not be read.
    pub skipped: Vec<Skipped>,
}

impl Dataset {
    /// Height and width of every picture, in pixels.
    pub fn side(&self) -> usize {
        self.unlabelled.size()[0]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(options: Options, source: &Source) -> &'static str {
        options.check(source).expect_err("out of range").code()
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
        assert!(options.check(&Source::Stl10("d".into())).is_ok());
        assert_eq!(code(options, &Source::Gallery), "OPTION");
    }
}
