//! The test images of a run that chooses its best epoch on others: looked at once, at the end.

use kith_core::model::Model;
use kith_core::trainer::{Task, Trainer};

use crate::checkpoint::{self, Checkpoint};
use crate::failure::Failure;
use crate::files::FileError;
use crate::train::context::RunContext;
use crate::train::folder::{self, Folder};
use crate::train::measure::score;
use crate::train::record::{Record, Score, best_place};

/// Measures the last network and the best one, each by its own classifier, and notes it in the
/// records of their epochs. The best one lies in the folder, unless it is the last.
pub(crate) fn measure<T: Task>(
    trainer: &Trainer<T>,
    history: &mut [Record],
    context: &RunContext<'_>,
) -> Result<(), Failure> {
    let (Some(best), Some(last)) = (best_place(history), history.len().checked_sub(1)) else {
        return Ok(());
    };
    let test = &context.splits.test;
    history[last].test = score(|images| trainer.logits(images), test, context, last as u64)?;
    if best != last {
        history[best].test = best_score(context, best as u64)?;
    }
    Ok(())
}

/// Writes what was measured of an earlier best network when the run was over into its file.
pub(crate) fn annotate(folder: &Folder, best: &Record) -> Result<(), Failure> {
    let Checkpoint { mut meta, mut archive, .. } = checkpoint::open(&folder.file(folder::BEST))?;
    (meta.last, meta.best) = (best.to_map(), best.to_map());
    archive.note = meta.to_note();
    folder.write_archive(folder::BEST, &archive)
}

/// The score of the best network so far.
fn best_score(context: &RunContext<'_>, epoch: u64) -> Result<Option<Score>, Failure> {
    let path = context.folder.file(folder::BEST);
    let bytes = std::fs::read(&path).map_err(|e| FileError::new(&path, e))?;
    let model = Model::open(&bytes, context.device).map_err(Failure::of(&path))?;
    score(|images| model.logits(images), &context.splits.test, context, epoch)
}
