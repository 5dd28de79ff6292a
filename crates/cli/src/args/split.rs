//! Which images of a data set a command takes.

use clap::ValueEnum;

/// One of a data set's splits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SplitChoice {
    /// Training pictures with labels.
    Labelled,
    /// Pictures without labels.
    Unlabelled,
    /// Pictures to choose by, of data that have some of their own.
    Validation,
    /// Pictures that training never sees.
    Test,
    /// Every picture once.
    All,
}
