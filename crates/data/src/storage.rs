//! Where the bytes of pictures lie and how one is taken down.

use std::sync::Arc;

use kith_core::image::CHANNELS;
use kith_core::square::Frame;

use crate::Error;
use crate::cache::{Place, Records};
use crate::encoded::Encoded;
use crate::file::DataFile;

/// The bytes of all pictures of a file or folder, each of the same size.
#[derive(Debug)]
pub(crate) enum Storage {
    /// Planes in row-major order, `[count, planes, height, width]`; one grey plane stands for
    /// three.
    Memory {
        /// All samples.
        pixels: Vec<u8>,
        /// 1 for grey, 3 for colour.
        planes: usize,
        /// Height and width.
        size: [usize; 2],
    },
    /// A file of colour planes in column-major order, `[count, 3, width, height]`, read picture by
    /// picture: a mapped file would count as resident once it was visited.
    ColumnMajorFile {
        /// The file; its size was checked.
        file: DataFile,
        /// Height and width.
        size: [usize; 2],
    },
    /// Image files, decoded whenever they are asked for.
    Decoded(Decoded),
    /// Image files that were decoded before; a record that is damaged is decoded anew.
    Cached {
        /// The cache.
        records: Records,
        /// The record of every image.
        places: Vec<Place>,
        /// The files.
        decoded: Decoded,
    },
}

/// Image files that could be read when they were opened.
#[derive(Clone, Debug)]
pub(crate) struct Decoded {
    images: Arc<dyn Encoded>,
    /// The numbers of those that could.
    readable: Vec<u32>,
    frame: Frame,
}

impl Decoded {
    /// Some of the image files, read in a frame.
    pub(crate) fn new(images: Arc<dyn Encoded>, readable: Vec<u32>, frame: Frame) -> Self {
        Self { images, readable, frame }
    }

    fn take(&self, image: usize, target: &mut [u8]) -> Result<(), Error> {
        let image = self.readable[image] as usize;
        match self.images.square(image, self.frame) {
            Ok(square) => target.copy_from_slice(&square),
            Err(reason) => return Err(Error::Changed { path: self.images.place(image), reason }),
        }
        Ok(())
    }
}

impl Storage {
    /// Images in memory, `[count, 3, side, side]`.
    pub(crate) fn of_squares(pixels: Vec<u8>, side: usize) -> Self {
        Self::Memory { pixels, planes: CHANNELS, size: [side; 2] }
    }

    /// Whether an image takes so long that two are worth two threads.
    pub(crate) fn is_slow(&self) -> bool {
        matches!(self, Self::Decoded(_))
    }

    /// Natural height and width in pixels.
    pub(crate) fn size(&self) -> [usize; 2] {
        match self {
            Self::Memory { size, .. } | Self::ColumnMajorFile { size, .. } => *size,
            Self::Decoded(decoded) | Self::Cached { decoded, .. } => [decoded.frame.side; 2],
        }
    }

    /// Writes a picture in a frame, `[3, side, side]`. Those of files have theirs already.
    pub(crate) fn take(&self, picture: u32, target: &mut [u8], frame: Frame) -> Result<(), Error> {
        let side = frame.side;
        let picture = picture as usize;
        match self {
            Self::Memory { pixels, planes, size } => {
                let bytes = planes * size[0] * size[1];
                let source = &pixels[picture * bytes..(picture + 1) * bytes];
                let (filled, copies) = target.split_at_mut(planes * side * side);
                frame.of_planes(source, *size, filled);
                copies.chunks_exact_mut(side * side).for_each(|copy| copy.copy_from_slice(filled));
            }
            Self::ColumnMajorFile { file, size } => {
                let mut columns = vec![0; CHANNELS * size[0] * size[1]];
                let offset = picture * columns.len();
                file.read_at(&mut columns, offset as u64)?;
                let rows = rows_from_columns(&columns, *size);
                frame.of_planes(&rows, *size, target);
            }
            Self::Decoded(decoded) => decoded.take(picture, target)?,
            Self::Cached { records, places, decoded } => {
                if records.read(places[picture], target).is_none() {
                    decoded.take(picture, target)?;
                }
            }
        }
        Ok(())
    }
}

/// Planes `[planes, height, width]` from planes `[planes, width, height]`.
fn rows_from_columns(columns: &[u8], [height, width]: [usize; 2]) -> Vec<u8> {
    let mut rows = vec![0; columns.len()];
    let planes = columns.chunks_exact(height * width).zip(rows.chunks_exact_mut(height * width));
    for (columns, rows) in planes {
        for (y, row) in rows.chunks_exact_mut(width).enumerate() {
            for (pixel, column) in row.iter_mut().zip(columns.chunks_exact(height)) {
                *pixel = column[y];
            }
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_become_rows() {
        let [height, width] = [3, 4];
        let columns: Vec<u8> = (0..24).collect();
        let rows = rows_from_columns(&columns, [height, width]);
        for (at, &got) in rows.iter().enumerate() {
            let [plane, y, x] = [at / 12, at / width % height, at % width];
            assert_eq!(got, columns[plane * 12 + x * height + y]);
        }
    }

    #[test]
    fn grey_fills_every_plane() {
        let storage = Storage::Memory { pixels: vec![9, 7], planes: 1, size: [1, 1] };
        let mut target = [0; 3];
        storage.take(1, &mut target, 1.into()).unwrap();
        assert_eq!(target, [7; 3]);
    }
}
