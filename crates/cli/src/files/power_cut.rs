//! Power cuts, simulated: operations of the writer are recorded, and every state that a disk may be in
//! after any of them is looked at.

mod recorder;
mod simulated;
mod refusing;

use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::{make_folder_on, replace};
use recorder::{Operation, Recorder};
use refusing::Refusing;
use simulated::Simulated;

/// Recorded writes to files below a folder.
struct Trial {
    root: TempDir,
    disk: Recorder,
    before: Vec<(PathBuf, Vec<u8>)>,
    /// What was written where, and how many operations there were when it was done.
    written: Vec<(PathBuf, Vec<u8>, usize)>,
}

impl Trial {
    fn new(before: &[(&str, &[u8])]) -> Self {
        let root = tempfile::tempdir().unwrap();
        let at = |(name, bytes): &(&str, &[u8])| (root.path().join(name), bytes.to_vec());
        let before: Vec<_> = before.iter().map(at).collect();
        before.iter().for_each(|(path, bytes)| std::fs::write(path, bytes).unwrap());
        Self { root, disk: Recorder::default(), before, written: Vec::new() }
    }

    fn write(&mut self, name: &str, bytes: &[u8]) {
        let path = self.root.path().join(name);
        // In parts, so that there is a moment between two of them.
        let fill = |file: &mut dyn io::Write| {
            bytes
                .chunks(5_000)
                .try_for_each(|part| file.write_all(part).and_then(|()| file.flush()))
        };
        replace(&self.disk, &path, fill).unwrap();
        self.written.push((path, bytes.to_vec(), self.disk.count()));
    }

    fn states(&self, operations: &[Operation]) -> Vec<Simulated> {
        let mut disk = Simulated::with(&self.before);
        let mut states = vec![disk.clone()];
        for operation in operations {
            disk.perform(operation);
            states.push(disk.clone());
        }
        states
    }

    /// How many states there were, or what is wrong in the first that is wrong.
    fn check(&self, operations: &[Operation]) -> Result<usize, String> {
        let states = self.states(operations);
        let looked_at = states.iter().enumerate().map(|(done, disk)| self.check_state(done, disk));
        looked_at.sum()
    }

    fn check_state(&self, done: usize, disk: &Simulated) -> Result<usize, String> {
        let mut looked_at = 0;
        for (path, ..) in &self.written {
            let allowed = self.allowed(path, done);
            let found = disk.after_cut(self.root.path(), path);
            looked_at += found.len();
            if let Some(wrong) = found.iter().find(|bytes| !allowed.contains(bytes)) {
                let (name, length) = (path.file_name(), wrong.as_ref().map(Vec::len));
                return Err(format!("{name:?} has {length:?} bytes after {done}"));
            }
        }
        Ok(looked_at)
    }

    /// What may be at a path after so many operations: what was written last, and what is being written.
    fn allowed(&self, path: &Path, done: usize) -> Vec<Option<Vec<u8>>> {
        let before = self.before.iter().find(|(own, _)| own == path);
        let mut last = before.map(|(_, bytes)| bytes.clone());
        for (own, bytes, end) in &self.written {
            match own == path {
                true if *end <= done => last = Some(bytes.clone()),
                true => return vec![last, Some(bytes.clone())],
                false => {}
            }
        }
        vec![last]
    }

    fn operations(&self) -> Vec<Operation> {
        self.disk.operations()
    }
}

fn one_file() -> Trial {
    let mut trial = Trial::new(&[("old", &[1; 9_000])]);
    trial.write("old", &[2; 12_000]);
    trial.write("new", &[3; 12_000]);
    trial.write("new", &[4; 7_000]);
    trial
}

#[test]
fn after_a_power_cut_a_reader_finds_the_old_or_the_new_file_and_the_new_one_once_it_is_written() {
    let trial = one_file();
    let looked_at = trial.check(&trial.operations()).unwrap();
    assert!(looked_at > 100, "{looked_at} states");
}

/// The files of an epoch, in the order in which a run writes them: who finds the state finds the rest.
#[test]
fn a_state_file_that_survives_has_its_checkpoint_beside_it() {
    let mut trial = Trial::new(&[]);
    for epoch in 1..=3 {
        for name in ["best", "checkpoint", "metrics", "state"] {
            trial.write(name, &vec![epoch; 6_000]);
        }
    }
    trial.check(&trial.operations()).unwrap();
    let at = |name: &str| trial.root.path().join(name);
    for disk in trial.states(&trial.operations()) {
        let oldest = |name| {
            let found = disk.after_cut(trial.root.path(), &at(name)).into_iter();
            found.map(|bytes| bytes.map_or(0, |bytes| bytes[0])).min().unwrap()
        };
        let newest_state = disk.after_cut(trial.root.path(), &at("state")).into_iter();
        let newest_state = newest_state.map(|bytes| bytes.map_or(0, |bytes| bytes[0])).max();
        for name in ["best", "checkpoint", "metrics"] {
            assert!(Some(oldest(name)) >= newest_state, "{name} is older than the state");
        }
    }
}

#[test]
fn a_new_folder_is_still_there_with_what_was_written_into_it() {
    let mut trial = Trial::new(&[]);
    make_folder_on(&trial.disk, &trial.root.path().join("runs/one")).unwrap();
    trial.write("runs/one/state", &[5; 6_000]);
    trial.check(&trial.operations()).unwrap();
}

/// The simulation finds what each operation is for: without it something is lost, or is garbage.
#[test]
fn every_sync_is_needed() {
    let trial = one_file();
    let no_sync = |operation: &Operation| !matches!(operation, Operation::Sync(_));
    let no_sync_folder = |operation: &Operation| !matches!(operation, Operation::SyncFolder(_));
    let without = |kept: fn(&Operation) -> bool, trial: &Trial| {
        // Numbers of operations no longer fit, so the last state alone is looked at.
        let operations: Vec<_> = trial.operations().into_iter().filter(kept).collect();
        let last = trial.states(&operations).pop().unwrap();
        let wrong = |(path, ..): &(PathBuf, Vec<u8>, usize)| {
            let allowed = trial.allowed(path, usize::MAX);
            let found = last.after_cut(trial.root.path(), path);
            found.iter().any(|bytes| !allowed.contains(bytes))
        };
        trial.written.iter().any(wrong)
    };
    assert!(!without(|_| true, &trial));
    assert!(without(no_sync, &trial), "bytes that were never synced are garbage");
    assert!(without(no_sync_folder, &trial), "names that were never synced are lost");
    let mut trial = Trial::new(&[]);
    make_folder_on(&trial.disk, &trial.root.path().join("runs/one")).unwrap();
    trial.write("runs/one/state", &[5; 6_000]);
    let root = trial.root.path().to_owned();
    let operations = trial.operations().into_iter();
    let operations: Vec<_> =
        operations.filter(|o| *o != Operation::SyncFolder(root.clone())).collect();
    let last = trial.states(&operations).pop().unwrap();
    let found = last.after_cut(&root, &trial.written[0].0);
    assert!(found.contains(&None), "a folder whose name was never synced is lost");
}

#[test]
fn whatever_a_disk_refuses_is_told_and_nothing_half_written_stays() {
    for name in ["create", "write", "sync", "rename", "sync_folder", "nothing"] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.bin");
        std::fs::write(&path, b"earlier").unwrap();
        let result = replace(&Refusing(name), &path, |file| file.write_all(&vec![7; 20_000]));
        assert_eq!(result.is_ok(), name == "nothing", "{name}");
        let found = std::fs::read(&path).unwrap();
        // Once it has its name, the new file is whole.
        let is_new = matches!(name, "sync_folder" | "nothing");
        assert_eq!(found, if is_new { vec![7; 20_000] } else { b"earlier".to_vec() }, "{name}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "{name}");
    }
}
