//! What can be wrong with a dataset, each with what was expected, what came and what to do.

mod code;

use std::path::PathBuf;

/// An error of kith's datasets. Its [`code`](Error::code) is stable; its text is for people.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A data source written in a form that is not known.
    #[error(
        "unknown data source `{got}`: expected gallery, stl10:DIR, cifar10:DIR, cifar100:DIR, \
         cifar100-coarse:DIR, tiny-imagenet:DIR, imagenette:DIR, idx:DIR, parquet:FILES, tar:SHARDS or \
         folder:DIR"
    )]
    UnknownSource {
        /// What was written.
        got: String,
    },
    /// An option is outside its range, or means nothing for this source.
    #[error("{name} = {got} cannot be used: expected {expected}")]
    Option {
        /// The option's name.
        name: &'static str,
        /// What would do, in words.
        expected: String,
        /// What came.
        got: String,
    },
    /// The path of a source is not a directory.
    #[error("{} is not a directory: give the one that holds the data files", path.display())]
    NotADirectory {
        /// The path given.
        path: PathBuf,
    },
    /// A file of a set is not where its siblings should be.
    #[error("{} has no {name}: {hint}", directory.display())]
    MissingFile {
        /// The directory looked in.
        directory: PathBuf,
        /// The file that is not there.
        name: &'static str,
        /// Which files belong there.
        hint: &'static str,
    },
    /// A file cannot be opened or read.
    #[error("{} cannot be read: {source}; check that it exists and may be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A web page was saved under a data file's name.
    #[error("{} is a web page, expected binary data: the download went wrong, repeat it", path.display())]
    Html {
        /// The file.
        path: PathBuf,
    },
    /// Git LFS left a pointer in place of a file.
    #[error("{} is a pointer of Git LFS, expected the file itself: `git lfs pull` gets it", path.display())]
    Pointer {
        /// The file.
        path: PathBuf,
    },
    /// A file ends too early.
    #[error("{} is truncated: expected {expected} bytes, got {got}; download it again", path.display())]
    Truncated {
        /// The file.
        path: PathBuf,
        /// The least that would do, in bytes.
        expected: u64,
        /// Its size in bytes.
        got: u64,
    },
    /// A file does not hold a whole number of images.
    #[error(
        "{} has {got} bytes, expected a multiple of the {each} that an image takes: {} images and {} \
         bytes more; download it again",
        path.display(),
        got / each,
        got % each
    )]
    Remainder {
        /// The file.
        path: PathBuf,
        /// Bytes of an image.
        each: u64,
        /// Its size in bytes.
        got: u64,
    },
    /// A file of labels has another number of them than there are images.
    #[error(
        "{} has {got} labels, expected {expected}, one for each image of its sibling: are both of the \
         same set?",
        path.display()
    )]
    LabelCount {
        /// The file.
        path: PathBuf,
        /// Images.
        expected: usize,
        /// Labels.
        got: usize,
    },
    /// A file goes on after its end.
    #[error(
        "{} is oversized: expected {expected} bytes, got {got}; is it of the same set as its siblings?",
        path.display()
    )]
    Oversized {
        /// The file.
        path: PathBuf,
        /// The size that was due, in bytes.
        expected: u64,
        /// Its size in bytes, or a lower bound of it.
        got: u64,
    },
    /// A file does not start as its format does.
    #[error("{} starts with {got:#010x}, expected {expected:#010x}: it is not {kind}", path.display())]
    Magic {
        /// The file.
        path: PathBuf,
        /// What the file should be, in words.
        kind: &'static str,
        /// The format's first four bytes.
        expected: u32,
        /// The file's first four bytes.
        got: u32,
    },
    /// Pictures are of a size that cannot be used.
    #[error("{} holds pictures of {height}x{width} pixels, expected {expected}", path.display())]
    PictureSize {
        /// The file.
        path: PathBuf,
        /// Height that came, in pixels.
        height: usize,
        /// Width that came, in pixels.
        width: usize,
        /// What would do, in words.
        expected: String,
    },
    /// A label is none of the classes.
    #[error(
        "label {got} of picture {picture} in {} is out of range: expected {lowest} to {highest}; \
         the file is damaged or of another kind",
        path.display()
    )]
    Label {
        /// The file.
        path: PathBuf,
        /// The picture, counted from 0.
        picture: usize,
        /// The label that came.
        got: i64,
        /// The lowest label as the file counts.
        lowest: i64,
        /// The highest label as the file counts.
        highest: i64,
    },
    /// The number of an image's class is none of the classes.
    #[error(
        "the class of {} is {got}, expected {} or -1 for none",
        path.display(),
        match highest {
            ..0 => "a number from 0 on".to_owned(),
            _ => format!("0 to {highest}, the numbers of the list of class names,"),
        }
    )]
    ClassNumber {
        /// The image.
        path: PathBuf,
        /// The number that came.
        got: i64,
        /// The highest number of a list of classes; -1 where there is no list.
        highest: i64,
    },
    /// A text file of a set says something else than it should.
    #[error("{}, line {line}: expected {expected}, got `{got}`", path.display())]
    Text {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What the line should say.
        expected: String,
        /// What it says.
        got: String,
    },
    /// A set is not laid out as it should be.
    #[error("{}: expected {expected}, got {got}", path.display())]
    Layout {
        /// The folder or file.
        path: PathBuf,
        /// What would do, in words.
        expected: String,
        /// What is there, in words.
        got: String,
    },
    /// A file is not of its format, or not all of it.
    #[error("{} is damaged or of another kind: {reason}; download it again", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A folder without an image.
    #[error(
        "{} holds no image that can be decoded: expected png, jpeg, webp, gif, bmp or tiff files at \
         any depth, got {ignored}",
        path.display()
    )]
    EmptyFolder {
        /// The folder.
        path: PathBuf,
        /// What it holds, in words.
        ignored: String,
    },
    /// An image that could be read when its data were opened can no longer be read.
    #[error(
        "{} could be decoded when the data were opened and now cannot: {reason}; leave the images \
         as they are while a command works on them",
        path.display()
    )]
    Changed {
        /// The image.
        path: PathBuf,
        /// What is wrong with it now.
        reason: String,
    },
    /// A split that is needed has no image.
    #[error("the {split} split of {dataset} has no images: {hint}")]
    EmptySplit {
        /// Its name.
        split: &'static str,
        /// The dataset's name.
        dataset: String,
        /// Where images are, in words.
        hint: String,
    },
    /// Labels are needed, but there is nothing to tell apart.
    #[error(
        "{}: labels need at least 2 classes, got {got}: {hint}; or ask for no labelled pictures",
        path.display()
    )]
    OneClass {
        /// The folder or file.
        path: PathBuf,
        /// Classes that are there.
        got: usize,
        /// What makes classes.
        hint: &'static str,
    },
    /// More was asked for than there is.
    #[error("{asked} {what} were asked for, there are {got}: ask for at most that many")]
    TooFew {
        /// Of what there is too little.
        what: &'static str,
        /// What was asked for.
        asked: usize,
        /// What there is.
        got: usize,
    },
    /// More than a number can count.
    #[error("{got} {what} are too many: at most {limit} can be used")]
    TooMany {
        /// Of what there is too much.
        what: &'static str,
        /// What there is.
        got: usize,
        /// The most that works.
        limit: usize,
    },
    /// Too many files of a folder are not readable pictures.
    #[error(
        "{skipped} of {total} pictures cannot be read, at most {limit_percent} % may be so; the \
         first is {}: {reason}; remove or repair them",
        first.display()
    )]
    TooManySkipped {
        /// Files that cannot be read.
        skipped: usize,
        /// Files that look like pictures.
        total: usize,
        /// Share of unreadable files that is accepted, in percent.
        limit_percent: usize,
        /// One of the unreadable files.
        first: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The thread that prepares batches died.
    #[error("preparing a batch failed: {message}")]
    Preparation {
        /// What the thread said last.
        message: String,
    },
}
