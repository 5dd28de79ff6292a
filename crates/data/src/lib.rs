//! Dataset formats as [`Images`](kith_core::image::Images): which pictures there are, how they are
//! split, and a batch of them ready when the trainer asks.
//!
//! A [`Source`] names a place, [`Source::open`] makes a [`Dataset`] of three [`Split`]s from it,
//! [`Split::read`] gives a batch, [`prefetch()`] gives batches from a thread of their own. Tensors
//! never appear here. Pictures of STL-10 and of large folders, shards and tables stay on disk and are
//! read when asked for; the smaller sets are held as bytes.
//!
//! The modules below stand in the order in which data walk: a module uses only those above it.

mod error;
mod guard;
mod read_at;
mod file;
mod memory;
mod jpeg;
mod decode;
mod ignored;
mod file_kind;
mod printable;
mod walk;
mod cache;
mod encoded;
mod storage;
mod split;
mod dataset;
mod divide;
mod training;
mod atlas;
pub mod gallery;
mod stl10;
mod cifar;
mod idx_file;
mod idx;
mod labels;
mod layout;
mod scan;
mod pictures;
mod folder;
mod label_table;
mod imagenette;
mod tiny_imagenet;
mod classes;
mod shards;
mod samples;
mod webdataset;
mod columns;
mod thrift;
mod claims;
mod shared_file;
mod table;
mod tables;
mod source;
mod prefetch;

pub use cache::{Cache, Cached};
pub use dataset::{Dataset, Options, Skipped};
pub use error::Error;
pub use guard::{is_guarded, message_of_panic};
pub use ignored::Ignored;
pub use label_table::{Folders, LabelTable, Labelling};
pub use prefetch::{Prefetch, prefetch};
pub use printable::{path_of_name, printable as name_of_path};
pub use source::Source;
pub use split::Split;
