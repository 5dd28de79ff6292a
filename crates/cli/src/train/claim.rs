//! One process at a time writes a run.

use std::fs::{File, TryLockError};
use std::thread::sleep;
use std::time::Duration;

use super::folder::{COMMAND, Folder};
use crate::failure::Failure;
use crate::files::FileError;
use crate::interrupt::stopped;

/// How often a process that waits looks whether the other one has ended.
const PATIENCE: Duration = Duration::from_millis(50);

/// What to do where another process writes the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rival {
    /// Say so and end.
    Refused,
    /// Wait for its end: it is one whose parent is gone, which saves and stops.
    Awaited,
}

/// Held while a process writes a run; the system lets go of it with the process.
#[derive(Debug)]
pub(crate) struct Claim {
    _locked: File,
}

impl Claim {
    /// The claim on a run; none on one that was not begun, which nobody can write.
    ///
    /// # Errors
    /// [`Failure::Busy`] where another process has it.
    pub(crate) fn of(folder: &Folder, rival: Rival) -> Result<Option<Self>, Failure> {
        // The file is written once and never replaced, so that all processes lock the same.
        let path = folder.file(COMMAND);
        let file = match File::open(&path) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            opened => opened.map_err(|e| FileError::new(&path, e))?,
        };
        loop {
            match file.try_lock() {
                // Some network disks know no locks.
                Ok(()) | Err(TryLockError::Error(_)) => return Ok(Some(Self { _locked: file })),
                Err(TryLockError::WouldBlock) if rival == Rival::Awaited && !stopped() => {
                    sleep(PATIENCE);
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(Failure::Busy { path: folder.path().to_owned() });
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kith_core::recipe::Recipe;

    #[test]
    fn a_run_that_is_being_written_is_refused_until_it_is_let_go() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = Folder::at(temporary.path());
        assert!(Claim::of(&folder, Rival::Refused).unwrap().is_none(), "nothing was begun");
        folder.begin(&Recipe::built_in("quick").unwrap()).unwrap();
        let first = Claim::of(&folder, Rival::Refused).unwrap().unwrap();
        let refused = Claim::of(&folder, Rival::Refused).expect_err("it is held");
        assert_eq!(refused.code(), "BUSY");
        let waits = {
            let folder = folder.clone();
            std::thread::spawn(move || Claim::of(&folder, Rival::Awaited).unwrap().is_some())
        };
        drop(first);
        assert!(waits.join().unwrap());
    }
}
