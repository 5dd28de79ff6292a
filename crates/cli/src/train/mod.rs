//! Training: the loop, what it learns from, and what it keeps in a run's folder.

pub(crate) mod folder;
pub(crate) mod claim;
pub(crate) mod splits;
pub(crate) mod context;
pub(crate) mod readings;
pub(crate) mod record;
mod history;
pub(crate) mod run_state;
pub(crate) mod first_losses;
pub(crate) mod event_log;
pub(crate) mod initial_weights;
pub(crate) mod loader;
pub(crate) mod finite;
pub(crate) mod geometry;
pub(crate) mod measure;
pub(crate) mod final_test;
pub(crate) mod advice;
pub(crate) mod train_loop;
pub(crate) mod semi;
pub(crate) mod auto;
