//! What an encoder is worth once it is trained.

pub(crate) mod retrieval;
pub(crate) mod geometry;
pub(crate) mod clusters;
pub(crate) mod frozen;
pub(crate) mod minibatch;
pub(crate) mod few_label;
