//! How one of kith's tensors is made of a file's.

use super::view::View;
use crate::archive::Stored;
use crate::error::Error;

/// One of kith's tensors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    /// Under kith's name, without `encoder.`.
    pub(super) name: String,
    /// Names in the file.
    pub(super) from: Vec<String>,
    pub(super) how: How,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// As it is.
    Same,
    /// Below each other.
    Rows,
    /// The first, `[1, 1, d]`, plus the first row of the second, `[1, n, d]`.
    PlusFirstRow,
    /// Without its first row: `[1, n, d]` to `[1, n - 1, d]`.
    WithoutFirstRow,
}

impl Piece {
    pub(super) fn same(name: impl Into<String>, from: &str) -> Self {
        Self { name: name.into(), from: vec![from.to_owned()], how: How::Same }
    }

    /// Its shape, which is known without decoding anything; none where what it is made of does not fit
    /// together.
    pub(super) fn shape(&self, view: &View<'_>) -> Option<Vec<usize>> {
        let shapes: Option<Vec<&[usize]>> = self.from.iter().map(|name| view.shape(name)).collect();
        let shapes = shapes?;
        let first = shapes.first()?.to_vec();
        match self.how {
            How::Same => Some(first),
            How::Rows => {
                let alike = shapes.iter().all(|shape| shape.get(1..) == first.get(1..));
                let rows = shapes.iter().filter_map(|shape| shape.first()).sum();
                let shape = [rows].into_iter().chain(first.iter().skip(1).copied());
                alike.then(|| shape.collect())
            }
            How::PlusFirstRow => {
                let fits = shapes.get(1)?.last() == first.last() && first.len() == 3;
                fits.then_some(first)
            }
            How::WithoutFirstRow => match first[..] {
                [one, rows, dim] if rows > 1 => Some(vec![one, rows - 1, dim]),
                _ => None,
            },
        }
    }

    /// The tensor. Its shape must be known.
    pub(super) fn tensor(&self, view: &View<'_>) -> Result<Stored, Error> {
        let missing = || Error::MissingTensor { name: self.name.clone() };
        let shape = self.shape(view).ok_or_else(missing)?;
        let parts: Result<Vec<Stored>, Error> =
            self.from.iter().map(|name| view.stored(name)).collect();
        let mut parts = parts?.into_iter();
        let mut values = parts.next().ok_or_else(missing)?.values;
        match self.how {
            How::Same => {}
            How::Rows => parts.for_each(|part| values.extend(part.values)),
            How::PlusFirstRow => {
                let row = parts.next().ok_or_else(missing)?.values;
                values.iter_mut().zip(row).for_each(|(value, more)| *value += more);
            }
            How::WithoutFirstRow => {
                let dim = shape.last().copied().unwrap_or_default();
                values.drain(..dim);
            }
        }
        Ok(Stored { shape, values })
    }
}
