//! Clean-up of a data set by features of its images: near-duplicates, outliers, doubtful labels, and
//! classes that blend.
//!
//! All of it are functions of features and labels. What is shown to people follows from rates of false
//! discoveries, so that data in which nothing is wrong have few findings or none.

pub mod discoveries;
pub mod neighbours;
pub mod spacing;
pub mod copies;
pub mod stars;
pub mod duplicates;
pub mod outliers;
pub mod folds;
pub mod held_out;
pub mod confident;
pub mod doubtful;
pub mod blends;
pub mod search;
