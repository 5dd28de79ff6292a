//! The test pictures of a run that chooses its best epoch on others: looked at once, at the end.

use kith_core::model::Model;

use crate::failure::Failure;
use crate::files::FileError;
use crate::folder::{self, Folder};
use crate::learner::Learner;
use crate::material::open_checkpoint;
use crate::measure::score;
use crate::saved::{Record, Score, best_place};
use crate::training::Setting;

/// Measures the last network and the best one, each by its own classifier, and notes it in the
/// records of their epochs. The best one lies in the folder, unless it is the last.
pub(crate) fn measure<L: Learner>(
    learner: &L,
    history: &mut [Record],
    setting: &Setting<'_>,
) -> Result<(), Failure> {
    let (Some(best), Some(last)) = (best_place(history), history.len().checked_sub(1)) else {
        return Ok(());
    };
    let draw = |place: usize| (learner.plan().seed, place as u64);
    let test = &setting.material.test;
    history[last].test = score(|images| learner.logits(images), test, setting, draw(last))?;
    if best != last {
        history[best].test = best_score(setting, draw(best))?;
    }
    Ok(())
}

/// Writes what was measured of an earlier best network when the run was over into its file.
pub(crate) fn annotate(folder: &Folder, best: &Record) -> Result<(), Failure> {
    let (mut meta, mut archive) = open_checkpoint(&folder.file(folder::BEST))?;
    (meta.last, meta.best) = (best.to_map(), best.to_map());
    archive.note = meta.to_note();
    folder.write_archive(folder::BEST, &archive)
}

/// The score of the best network so far.
fn best_score(setting: &Setting<'_>, draw: (u64, u64)) -> Result<Option<Score>, Failure> {
    let path = setting.folder.file(folder::BEST);
    let bytes = std::fs::read(&path).map_err(|e| FileError::new(&path, e))?;
    let model = Model::open(&bytes, setting.device).map_err(Failure::of(&path))?;
    score(|images| model.logits(images), &setting.material.test, setting, draw)
}
