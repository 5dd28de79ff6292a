//! Studies of many runs: a list of them, each executed into a folder of its own.
//!
//! What is finished is recognised by its results and not done again; what was interrupted goes on.
//! A verb brings the list and says how one run is done; what the runs came to it reads from their
//! folders.

mod planned_run;
mod results;
mod ledger;
mod execution;

pub(crate) use execution::Ended;
pub(crate) use ledger::Study;
pub(crate) use planned_run::PlannedRun;
pub(crate) use results::RunResults;
