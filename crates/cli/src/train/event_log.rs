//! A run's numbers for `TensorBoard`: every epoch's, once, in event files of the run's folder.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use super::folder::Folder;
use super::record::Record;
use crate::events::{self, Event, What};
use crate::files::FileError;

/// How the names of event files begin; `TensorBoard` reads them in the order of their names.
const PREFIX: &str = "events.out.tfevents.";

/// What event files hold already, and the one that this process writes.
///
/// An epoch is one record, written after the epoch is saved: a killed process leaves whole epochs
/// and perhaps a cut-off record, which readers pass over. The next process begins a file of its own
/// with what the earlier ones lack.
#[derive(Debug)]
pub(crate) struct EventLog {
    folder: Folder,
    /// Steps and tags that are written.
    written: BTreeSet<(u64, String)>,
    /// The step from which earlier files count no more; none where there are none.
    purged_from: Option<u64>,
    file: Option<(PathBuf, File)>,
}

impl EventLog {
    /// Reads what earlier processes wrote of a run that has come so far.
    pub(crate) fn open(folder: &Folder, history: &[Record]) -> Result<Self, FileError> {
        let last = history.last().map_or(0, |record| record.step);
        let earlier = earlier(folder)?;
        let mut written = BTreeSet::new();
        for path in &earlier {
            let bytes = fs::read(path).map_err(|e| FileError::new(path, e))?;
            written.extend(events::read(&bytes).into_iter().flat_map(tags));
        }
        written.retain(|(step, _)| *step <= last);
        let purged_from = (!earlier.is_empty()).then_some(last + 1);
        Ok(Self { folder: folder.clone(), written, purged_from, file: None })
    }

    /// Writes what the files lack of the epochs so far: one more epoch as a rule, and scores on test
    /// images that earlier epochs got when the run was over.
    pub(crate) fn add(&mut self, history: &[Record]) -> Result<(), FileError> {
        let mut bytes = Vec::new();
        for record in history {
            let new = scalars(record)
                .into_iter()
                .filter(|(tag, _)| self.written.insert((record.step, tag.clone())))
                .map(|(tag, value)| (tag, value as f32));
            let new: Vec<_> = new.collect();
            if !new.is_empty() {
                bytes.extend(event(record.step, What::Scalars(new)));
            }
        }
        if bytes.is_empty() {
            return Ok(());
        }
        let (path, file) = match self.file.take() {
            Some(opened) => opened,
            None => self.begin()?,
        };
        let (_, file) = self.file.insert((path, file));
        let written = file.write_all(&bytes).and_then(|()| file.sync_data());
        written.map_err(|e| FileError::new(self.folder.path(), e))
    }

    /// A file of this process, after those that there are.
    fn begin(&self) -> Result<(PathBuf, File), FileError> {
        let number = earlier(&self.folder)?.len();
        let name = format!("{PREFIX}{:010}.kith.{number:03}", now().as_secs());
        let path = self.folder.file(&name);
        let mut first = event(0, What::Version);
        first.extend(self.purged_from.iter().flat_map(|&step| event(step, What::Start)));
        let fail = |e| FileError::new(&path, e);
        let mut file = File::create_new(&path).map_err(fail)?;
        file.write_all(&first).map_err(fail)?;
        Ok((path, file))
    }
}

/// The event files of a folder, in order of their names; none of a folder that is not there yet.
fn earlier(folder: &Folder) -> Result<Vec<PathBuf>, FileError> {
    let fail = |e| FileError::new(folder.path(), e);
    let entries = match fs::read_dir(folder.path()) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(fail)?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(fail)?;
        if entry.file_name().to_string_lossy().starts_with(PREFIX) {
            found.push(entry.path());
        }
    }
    found.sort_unstable();
    Ok(found)
}

fn tags(Event { step, what, .. }: Event) -> Vec<(u64, String)> {
    let What::Scalars(scalars) = what else { return Vec::new() };
    scalars.into_iter().map(|(tag, _)| (step, tag)).collect()
}

fn event(step: u64, what: What) -> Vec<u8> {
    events::to_record(&Event { wall_time: now().as_secs_f64(), step, what })
}

fn now() -> std::time::Duration {
    // A clock before 1970 is a clock that was never set.
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// The numbers of an epoch by tag.
fn scalars(record: &Record) -> Vec<(String, f64)> {
    let train = record.train.names();
    let mut found: Vec<(String, f64)> =
        train.filter_map(|name| Some((format!("train/{name}"), record.reading(name)?))).collect();
    for (score, split) in [(record.validation, "validation"), (record.test, "test")] {
        let Some(score) = score else { continue };
        found.push((format!("{split}/accuracy"), score.accuracy));
        found.push((format!("{split}/loss"), score.loss));
    }
    found.extend(record.knn.map(|share| ("validation/knn_accuracy".to_owned(), share)));
    let features = record.features.names();
    found.extend(
        features.filter_map(|name| Some((format!("features/{name}"), record.reading(name)?))),
    );
    found.push(("epoch".to_owned(), record.epoch as f64));
    found.push(("images_per_second".to_owned(), record.timing.images_per_second));
    found
}

#[cfg(test)]
mod tests {

    use super::*;
    use crate::train::record::{Score, Timing};

    fn record(epoch: u64) -> Record {
        let train = [("loss", 1.0 / epoch as f64)].into_iter().collect();
        Record {
            epoch,
            step: 10 * epoch,
            train,
            validation: Some(Score { accuracy: 0.5, loss: 0.25 }),
            test: None,
            knn: Some(0.75),
            features: [("rank_me", 3.5)].into_iter().collect(),
            timing: Timing::default(),
        }
    }

    /// Steps and values of a tag, over all files.
    fn curve(folder: &Folder, tag: &str) -> Vec<(u64, f32)> {
        let files = earlier(folder).unwrap().into_iter();
        let events = files.flat_map(|path| events::read(&fs::read(path).unwrap()));
        let own = |Event { step, what, .. }: Event| match what {
            What::Scalars(scalars) => {
                let value = scalars.into_iter().find(|(own, _)| own == tag);
                value.map(|(_, value)| (step, value))
            }
            _ => None,
        };
        events.filter_map(own).collect()
    }

    #[test]
    fn a_run_that_goes_on_has_every_step_once() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = Folder::at(temporary.path());
        let history: Vec<Record> = (1..=4).map(record).collect();
        let mut log = EventLog::open(&folder, &[]).unwrap();
        log.add(&history[..1]).unwrap();
        log.add(&history[..2]).unwrap();
        // The process is killed while it writes the third epoch, which is saved already.
        let (path, _) = log.file.take().unwrap();
        let whole = fs::read(&path).unwrap();
        let third = event(30, What::Scalars(vec![("train/loss".into(), 9.0)]));
        fs::write(&path, [&whole[..], &third[..third.len() - 1]].concat()).unwrap();

        let mut log = EventLog::open(&folder, &history[..3]).unwrap();
        log.add(&history[..3]).unwrap();
        let mut tested = history.clone();
        tested[1].test = Some(Score { accuracy: 0.5, loss: 2.0 });
        log.add(&tested).unwrap();
        log.add(&tested).unwrap();
        assert_eq!(earlier(&folder).unwrap().len(), 2);
        let expected = [(10, 1.0), (20, 0.5), (30, 1.0 / 3.0), (40, 0.25)];
        assert_eq!(curve(&folder, "train/loss"), expected);
        let of_features = curve(&folder, "features/rank_me");
        assert!(of_features.iter().any(|(_, value)| *value == 3.5), "{of_features:?}");
        assert_eq!(curve(&folder, "validation/knn_accuracy").len(), 4);
        assert_eq!(curve(&folder, "test/loss"), [(20, 2.0)]);
        let (path, _) = log.file.as_ref().unwrap();
        let began = events::read(&fs::read(path).unwrap());
        assert_eq!((&began[0].what, &began[1].what), (&What::Version, &What::Start));
        assert_eq!(began[1].step, 31, "earlier files count up to the last epoch that was saved");
    }

    #[test]
    fn epochs_that_were_never_saved_are_written_anew() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = Folder::at(temporary.path());
        let mut log = EventLog::open(&folder, &[]).unwrap();
        log.add(&[record(1), record(2)]).unwrap();
        let mut log = EventLog::open(&folder, &[record(1)]).unwrap();
        log.add(&[record(1), record(2)]).unwrap();
        assert_eq!(curve(&folder, "epoch"), [(10, 1.0), (20, 2.0), (20, 2.0)]);
        let (path, _) = log.file.as_ref().unwrap();
        assert_eq!(events::read(&fs::read(path).unwrap())[1].step, 11, "readers drop the first 20");
    }
}
