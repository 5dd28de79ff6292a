//! What an encoder is worth once it is trained.

pub(crate) mod retrieval;
pub(crate) mod frozen;
pub(crate) mod minibatch;
pub(crate) mod few_label;
