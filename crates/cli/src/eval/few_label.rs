//! Accuracy by number of labels a class: what few labels are worth on top of an encoder.
//!
//! A cell is one method with one number of labels and one seed, which draws the labelled images.
//! Cells are computed one after another and kept in a file, so that a study that was stopped goes
//! on with those that are missing.

mod cell;
mod summary;
mod results;
mod finetuning;
mod bench;

pub(crate) use bench::{Bench, Images, VOTE};
pub(crate) use cell::{Cell, Key, Method};
pub(crate) use finetuning::Finetuning;
pub(crate) use results::{Cells, DATA};
pub(crate) use summary::{Row, rows};
