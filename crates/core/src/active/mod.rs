//! Active learning: which images to label next.
//!
//! Rules look at features of images, at which of them have a label, and at what a probe says of them. A
//! proposal comes with its reason in numbers, so that people can be told why.

mod uncertainty;
mod coverage;
mod propose;
mod propagation;

pub use coverage::Graph;
pub use propagation::{Propagated, Propagation};
pub use propose::{Pool, Proposal, Reason, Rule, propose};
pub use uncertainty::Margin;
