//! One IDX file: a header of big-endian numbers, then bytes.

use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;

use crate::Error;
use crate::file::DataFile;

const GZIP_START: [u8; 2] = [0x1f, 0x8b];
/// Four bytes a number.
const NUMBER_BYTES: usize = 4;
/// The largest side of a picture, in pixels: more is a damaged header.
const LARGEST_SIDE: usize = 1024;
const HINT: &str = "the MNIST family has train-images-idx3-ubyte, train-labels-idx1-ubyte, \
                    t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte, each also with .gz or \
                    spelled with a dot before idx";

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Grey pictures: count, height, width.
    Pictures,
    /// A label per picture: count.
    Labels,
}

impl Kind {
    /// The format's first four bytes: unsigned bytes, and how many numbers follow.
    fn magic(self) -> u32 {
        match self {
            Self::Pictures => 0x0803,
            Self::Labels => 0x0801,
        }
    }

    /// What the file is called.
    fn name(self) -> &'static str {
        match self {
            Self::Pictures => "an IDX file of pictures",
            Self::Labels => "an IDX file of labels",
        }
    }

    /// Numbers in the header after the magic.
    fn numbers(self) -> usize {
        match self {
            Self::Pictures => 3,
            Self::Labels => 1,
        }
    }
}

/// A file that was read and found whole.
pub(crate) struct IdxFile {
    /// Where it lies.
    pub(crate) path: PathBuf,
    /// Pictures or labels.
    pub(crate) count: usize,
    /// Height and width of a picture; `[1, 1]` for labels.
    pub(crate) size: [usize; 2],
    /// What follows the header.
    pub(crate) content: Vec<u8>,
}

impl IdxFile {
    /// Reads the first of the `names` that is there.
    pub(crate) fn read(
        directory: &Path,
        names: &[&'static str],
        kind: Kind,
    ) -> Result<Self, Error> {
        let there = names.iter().find(|name| directory.join(name).is_file());
        let file = DataFile::open(directory, there.unwrap_or(&names[0]), HINT)?;
        let mut start = [0; GZIP_START.len()];
        if file.bytes() > GZIP_START.len() as u64 {
            file.read_at(&mut start, 0)?;
        }
        let stream = file.stream()?;
        if start == GZIP_START {
            read_from(GzDecoder::new(stream), &file, kind)
        } else {
            read_from(stream, &file, kind)
        }
    }

    /// Refuses another count than the sibling's.
    pub(crate) fn check_count(&self, expected: usize) -> Result<(), Error> {
        match self.count {
            got if got == expected => Ok(()),
            got => Err(Error::LabelCount { path: self.path.clone(), expected, got }),
        }
    }
}

/// Reads header and content from a stream of the unpacked file.
fn read_from(mut stream: impl Read, file: &DataFile, kind: Kind) -> Result<IdxFile, Error> {
    let path = || file.path().to_owned();
    let header_bytes = NUMBER_BYTES * (1 + kind.numbers());
    let header = read_up_to(&mut stream, header_bytes, file)?;
    if header.len() < header_bytes {
        let (expected, got) = (header_bytes as u64, header.len() as u64);
        return Err(Error::Truncated { path: path(), expected, got });
    }
    let numbers: Vec<u32> = header
        .chunks_exact(NUMBER_BYTES)
        .map(|n| u32::from_be_bytes(n.try_into().expect("a chunk is four bytes")))
        .collect();
    let (expected, got) = (kind.magic(), numbers[0]);
    if got != expected {
        return Err(Error::Magic { path: path(), kind: kind.name(), expected, got });
    }
    let size = match numbers[1..] {
        [_, height, width] => checked_size(file, [height as usize, width as usize])?,
        _ => [1, 1],
    };
    let bytes = numbers[1] as usize * size[0] * size[1];
    // One more byte than is due tells a file that goes on.
    let content = read_up_to(&mut stream, bytes + 1, file)?;
    let [due, came] = [bytes, content.len()].map(|part| (header_bytes + part) as u64);
    match came {
        _ if came < due => Err(Error::Truncated { path: path(), expected: due, got: came }),
        _ if came > due => Err(Error::Oversized { path: path(), expected: due, got: came }),
        _ => Ok(IdxFile { path: path(), count: numbers[1] as usize, size, content }),
    }
}

/// The size of a picture if it can be one.
fn checked_size(file: &DataFile, size: [usize; 2]) -> Result<[usize; 2], Error> {
    let [height, width] = size;
    if height == width && (1..=LARGEST_SIDE).contains(&height) {
        return Ok(size);
    }
    let expected = format!("squares of 1 to {LARGEST_SIDE} pixels");
    Err(Error::PictureSize { path: file.path().to_owned(), height, width, expected })
}

/// At most `limit` bytes, fewer where the stream ends. Memory follows what comes, not what a
/// header promises.
fn read_up_to(stream: &mut impl Read, limit: usize, file: &DataFile) -> Result<Vec<u8>, Error> {
    let mut content = Vec::new();
    match stream.take(limit as u64).read_to_end(&mut content) {
        // A gzip stream that was cut short; what came before the cut tells how short.
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(content),
        Err(error) => Err(file.unreadable(error)),
        Ok(_) => Ok(content),
    }
}
