//! Whether a file's tensors are those of a network: all of them, no other, each of its shape.

use burn::module::Module;

use super::reading::{Reading, refused};
use super::view::View;
use crate::archive::{Archive, Stored};
use crate::checkpoint;
use crate::error::Error;
use crate::path::described;

/// Names that an error lists.
const LISTED: usize = 3;

/// Names and shapes of a module's tensors, in its order.
pub(super) fn tensors(module: &impl Module) -> Vec<(String, Vec<usize>)> {
    described(module).into_iter().map(|tensor| (tensor.name, tensor.shape)).collect()
}

/// Refuses a network that would be far larger than the file, before there is room made for it.
///
/// # Errors
/// [`Error::NoEncoder`].
pub(super) fn check_sizes(reading: &Reading, view: &View<'_>) -> Result<(), Error> {
    let shapes = reading.pieces.iter().filter_map(|piece| {
        let shape = piece.shape(view)?;
        Some((format!("encoder.{}", piece.name), Stored { shape, values: Vec::new() }))
    });
    let shapes = Archive { tensors: shapes.collect(), ..Archive::default() };
    checkpoint::check_sizes(&reading.settings, reading.side, &shapes)
        .map_err(|error| refused(format!("the file looks like a {}, but {error}", reading.name)))
}

/// # Errors
/// [`Error::NoEncoder`] naming the first tensor that is missing or has another shape, or those that the
/// network does not have.
pub(super) fn check(module: &impl Module, reading: &Reading, view: &View<'_>) -> Result<(), Error> {
    let network = &reading.name;
    let expected = tensors(module);
    for (name, shape) in &expected {
        let Some(piece) = reading.pieces.iter().find(|piece| piece.name == *name) else {
            let prefix = view.prefix();
            return Err(refused(format!(
                "the file looks like a {network} below `{prefix}`, but has no tensor `{name}` of the shape \
                 {shape:?}"
            )));
        };
        let from = view.whole(&piece.from[0]);
        let got = piece.shape(view);
        if got.as_ref() != Some(shape) {
            let got = got.map_or("parts that do not fit together".to_owned(), |s| format!("{s:?}"));
            return Err(refused(format!(
                "the file looks like a {network}, but `{from}` has the shape {got}, expected {shape:?}"
            )));
        }
    }
    let is_known = |name: &str| expected.iter().any(|(own, _)| own == name);
    let other: Vec<String> = reading
        .pieces
        .iter()
        .filter(|piece| !is_known(&piece.name))
        .map(|piece| format!("`{}`", view.whole(&piece.from[0])))
        .collect();
    match other.len() {
        0 => Ok(()),
        count => Err(refused(format!(
            "the file looks like a {network}, but {count} of its tensors are none of that network's: {}{}",
            other[..count.min(LISTED)].join(", "),
            if count > LISTED { ", …" } else { "" }
        ))),
    }
}
