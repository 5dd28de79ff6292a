//! Moving files aside, and back.

use std::collections::BTreeSet;
use std::fmt::{self, Display, Formatter};
use std::fs;
use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};

use kith_data::{Source, name_of_path, path_of_name};
use serde::Serialize;

use super::journal::{Journal, is_inner};
use super::list::List;
use crate::failure::{CleanError, Failure};
use crate::files::{self, FileError, relocate, same};
use crate::output::lossy;

/// Files that are named one by one in words for people.
const NAMED: usize = 20;

/// A file that stayed where it was.
#[derive(Debug, Serialize)]
struct Stayed {
    file: String,
    reason: String,
}

/// What became of files.
#[derive(Debug, Serialize)]
pub(super) struct Moved {
    from: String,
    to: String,
    moved: usize,
    /// Files that an earlier command had moved.
    already: usize,
    stayed: Vec<Stayed>,
    #[serde(skip)]
    undo: bool,
}

/// Moves the files of a list to a folder.
pub(super) fn apply(list: &Path, to: &Path, data: &Source) -> Result<Moved, Failure> {
    let list = List::read(list)?;
    let from = source(&list, data)?;
    let from = from.canonicalize().map_err(|e| FileError::new(&from, e))?;
    let to = real(to)?;
    if to.starts_with(&from) {
        return Err(CleanError::Inside { to, from }.into());
    }
    let journal = Journal::read(&to)?;
    if let Some(other) = journal.as_ref().filter(|journal| journal.from != from) {
        return Err(CleanError::OtherMoves { to, then: other.from.clone(), now: from }.into());
    }
    let mut journal = journal.unwrap_or_else(|| Journal::new(&to, from.clone()));
    let known: BTreeSet<PathBuf> = journal.files.iter().cloned().collect();
    let mut result = Moved::new(&from, &to);
    let mut todo = Vec::new();
    for name in &list.names {
        let file = path_of_name(name);
        let journalled = match known.contains(&file) {
            true => Journalled::Yes,
            false => Journalled::No,
        };
        match state([&from, &file], &to.join(&file), journalled) {
            Ok(State::Here) => todo.push(file),
            Ok(State::Both) => todo.push(file),
            Ok(State::There) => result.already += 1,
            Err(reason) => result.stayed.push(Stayed { file: name.clone(), reason }),
        }
    }
    if todo.is_empty() {
        return Ok(result);
    }
    files::make_folder(&to)?;
    journal.files.extend(todo.iter().filter(|file| !known.contains(*file)).cloned());
    journal.write()?;
    for file in todo {
        result.take(&file, put(&from.join(&file), &to.join(&file)));
    }
    Ok(result)
}

/// Where the files of a list lie.
fn source(list: &List, data: &Source) -> Result<PathBuf, Failure> {
    match (data, &list.folder) {
        // The default of --data: the list has to say it.
        (Source::Gallery, Some(folder)) => Ok(folder.clone()),
        (Source::Gallery, None) if list.fileless => {
            Err(CleanError::NoFiles { data: "the data of this list".into() }.into())
        }
        (Source::Gallery, None) => Err(CleanError::NoFolder.into()),
        (Source::Folder(folder), _) => Ok(folder.clone()),
        (Source::Imagenette(_) | Source::TinyImagenet(_), Some(folder)) => Ok(folder.clone()),
        (other, _) => Err(CleanError::NoFiles { data: other.to_string() }.into()),
    }
}

/// A path with links resolved as far as it exists; beyond that there are no links.
fn real(path: &Path) -> Result<PathBuf, Failure> {
    let whole = std::path::absolute(path).map_err(|e| FileError::new(path, e))?;
    let mut there = whole.components();
    let mut rest = Vec::new();
    let mut found = loop {
        match there.as_path().canonicalize() {
            Ok(found) => break found,
            Err(e) if e.kind() == ErrorKind::NotFound => {}
            Err(e) => return Err(FileError::new(path, e).into()),
        }
        let Some(last) = there.next_back() else { return Ok(whole) };
        rest.push(last);
    };
    for part in rest.into_iter().rev() {
        match part {
            Component::ParentDir => _ = found.pop(),
            part => found.push(part),
        }
    }
    Ok(found)
}

/// Whether an earlier command meant to move a file.
#[derive(Clone, Copy)]
enum Journalled {
    Yes,
    No,
}

/// Where a file of the list is.
enum State {
    /// Where it was found.
    Here,
    /// At both places: its move was interrupted.
    Both,
    /// Where an earlier command moved it.
    There,
}

/// Where a file of the folder is, or why it cannot be moved; whether an earlier command meant to move it,
/// the journal says.
fn state([folder, file]: [&Path; 2], new: &Path, journalled: Journalled) -> Result<State, String> {
    if !is_inner(file) {
        return Err("this is no path within the folder of the data".into());
    }
    let old = folder.join(file);
    let is_there = fs::symlink_metadata(new).is_ok();
    let Ok(found) = fs::symlink_metadata(&old) else {
        return match (is_there, journalled) {
            (true, Journalled::Yes) => Ok(State::There),
            _ => Err("there is no such file".into()),
        };
    };
    if found.is_symlink() {
        return Err("this is a link: move what it leads to by hand".into());
    }
    if !found.is_file() {
        return Err("this is no file".into());
    }
    let parent = old.parent().and_then(|parent| parent.canonicalize().ok());
    if !parent.is_some_and(|parent| parent.starts_with(folder)) {
        return Err("this is behind a link that leads out of the folder of the data".into());
    }
    match (is_there, journalled) {
        (false, _) => Ok(State::Here),
        (true, Journalled::Yes) if same(&old, new).unwrap_or(false) => Ok(State::Both),
        (true, _) => Err(taken(new)),
    }
}

/// Takes a file to its other place, also where an earlier try left it at both.
fn put(old: &Path, new: &Path) -> Result<(), String> {
    let moved = match fs::symlink_metadata(new) {
        Err(_) => relocate(old, new),
        Ok(_) if same(old, new).unwrap_or(false) => {
            fs::remove_file(old).map_err(|e| FileError::new(old, e))
        }
        Ok(_) => return Err(taken(new)),
    };
    moved.map_err(|error| error.to_string())
}

fn taken(path: &Path) -> String {
    format!("another file is at {}, and nothing is overwritten", path.display())
}

/// Moves files back that were moved to a folder.
pub(super) fn undo(to: &Path) -> Result<Moved, Failure> {
    let to = real(to)?;
    let Some(mut journal) = Journal::read(&to)? else {
        return Err(CleanError::NothingMoved { path: to }.into());
    };
    let mut result = Moved { undo: true, ..Moved::new(&to, &journal.from) };
    let mut left = Vec::new();
    for file in std::mem::take(&mut journal.files) {
        let (old, new) = (journal.from.join(&file), to.join(&file));
        let is = |path: &Path| fs::symlink_metadata(path).is_ok();
        let done = match (is(&old), is(&new)) {
            // It was moved back, or never moved.
            (true, false) => {
                result.already += 1;
                continue;
            }
            (false, false) => Err(format!("it is neither there nor at {}", old.display())),
            (_, true) => put(&new, &old),
        };
        if done.is_err() {
            left.push(file.clone());
        }
        result.take(&file, done);
        remove_empty(new.parent(), &to);
    }
    journal.files = left;
    journal.write()?;
    if journal.files.is_empty() {
        // A folder that holds something else stays.
        let _kept = fs::remove_dir(&to);
    }
    Ok(result)
}

/// Removes empty folders from one up to another, which stays.
fn remove_empty(folder: Option<&Path>, top: &Path) {
    let folders = folder.into_iter().flat_map(Path::ancestors);
    for folder in folders.take_while(|folder| *folder != top) {
        if fs::remove_dir(folder).is_err() {
            return;
        }
    }
}

impl Moved {
    fn new(from: &Path, to: &Path) -> Self {
        let [from, to] = [from, to].map(lossy);
        Self { from, to, moved: 0, already: 0, stayed: Vec::new(), undo: false }
    }

    fn take(&mut self, file: &Path, done: Result<(), String>) {
        match done {
            Ok(()) => self.moved += 1,
            Err(reason) => self.stayed.push(Stayed { file: name_of_path(file), reason }),
        }
    }
}

impl Display for Moved {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { from, to, moved, already, stayed, undo } = self;
        let files = |count: usize| match count {
            1 => "1 file".to_owned(),
            count => format!("{count} files"),
        };
        let back = if *undo { " back" } else { "" };
        write!(f, "moved {}{back} from {from} to {to}", files(*moved))?;
        if *already > 0 {
            let where_ = if *undo { "where it belongs" } else { "there" };
            write!(f, "; {} already {where_}", files(*already))?;
        }
        for Stayed { file, reason } in stayed.iter().take(NAMED) {
            write!(f, "\nnot moved: {file}: {reason}")?;
        }
        if let Some(more) = stayed.len().checked_sub(NAMED).filter(|&more| more > 0) {
            write!(f, "\nnot moved: {} more (--json names all)", files(more))?;
        }
        if !undo && *moved > 0 {
            let to = shlex::try_quote(to).map_or_else(|_| to.clone(), Into::into);
            write!(f, "\nto move them back: kith clean --undo {to}")?;
        }
        Ok(())
    }
}
