//! Dataset formats as [`Images`](kith_core::image::Images): which pictures there are, how they are
//! split, and a batch of them ready when the trainer asks.
//!
//! A [`Source`] names a place, [`Source::open`] makes a [`Dataset`] of three [`Split`]s from it,
//! [`Split::read`] gives a batch, [`ahead()`] gives batches from a thread of their own. Tensors
//! never appear here. Pictures of STL-10 and of large folders stay on disk and are read when asked
//! for; the smaller sets and folders are held as bytes.

mod error;
mod source;
mod dataset;
mod ahead;
mod split;
mod shelf;
mod divide;
mod training;
mod stl10;
mod cifar10;
mod idx;
mod idx_file;
mod folder;
mod walk;
mod ending;
mod passed;
mod labels;
mod layout;
mod scan;
mod cache;
mod decode;
mod jpeg;
mod memory;
mod shown;
pub mod gallery;
mod atlas;
mod file;
mod positioned;

pub use ahead::{Ahead, ahead};
pub use cache::{Cache, Cached};
pub use dataset::{Dataset, Options, Skipped};
pub use error::Error;
pub use passed::Passed;
pub use source::Source;
pub use split::Split;
