//! A disk that is as unkind as POSIX lets it be: bytes that were not synced are lost, cut off or zeros; of
//! the names that were not synced each may be lost on its own; syncing a file keeps its bytes and not its
//! name.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::recorder::Operation;

/// Bytes of a file: as they are, and as they were when they were synced last.
#[derive(Clone, Debug, Default)]
struct Content {
    now: Vec<u8>,
    kept: Vec<u8>,
}

impl Content {
    /// Every content that a power cut may leave.
    fn after_cut(&self) -> Vec<Vec<u8>> {
        if self.now == self.kept {
            return vec![self.kept.clone()];
        }
        let half = (self.kept.len() + self.now.len()) / 2;
        let zeros = [&self.kept[..], &vec![0; self.now.len() - self.kept.len()]].concat();
        vec![self.kept.clone(), self.now[..half].to_vec(), zeros, self.now.clone()]
    }
}

/// What a name leads to.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Entry {
    Folder,
    /// By its number.
    File(usize),
}

/// A change of names that may be lost.
#[derive(Clone, Debug)]
enum Change {
    Add(PathBuf, Entry),
    Rename(PathBuf, PathBuf, Entry),
}

impl Change {
    fn folder(&self) -> &Path {
        let (Self::Add(path, _) | Self::Rename(_, path, _)) = self;
        path.parent().unwrap_or(path)
    }

    fn apply(&self, names: &mut BTreeMap<PathBuf, Entry>) {
        match self {
            Self::Add(path, entry) => _ = names.insert(path.clone(), *entry),
            Self::Rename(from, to, entry) => {
                names.remove(from);
                names.insert(to.clone(), *entry);
            }
        }
    }
}

/// A disk below a root that is there for good.
#[derive(Clone, Debug, Default)]
pub(super) struct Simulated {
    files: Vec<Content>,
    /// Names as they are.
    now: BTreeMap<PathBuf, Entry>,
    /// Names that survive.
    kept: BTreeMap<PathBuf, Entry>,
    /// Changes since, in order.
    pending: Vec<Change>,
}

impl Simulated {
    /// A disk that has had time to keep these files.
    pub(super) fn with(files: &[(PathBuf, Vec<u8>)]) -> Self {
        let mut disk = Self::default();
        for (path, bytes) in files {
            let content = Content { now: bytes.clone(), kept: bytes.clone() };
            let entry = Entry::File(disk.files.len());
            disk.files.push(content);
            disk.now.insert(path.clone(), entry);
            disk.kept.insert(path.clone(), entry);
        }
        disk
    }

    fn file(&mut self, path: &Path) -> &mut Content {
        let Some(Entry::File(number)) = self.now.get(path) else { panic!("{path:?} is no file") };
        &mut self.files[*number]
    }

    fn change(&mut self, change: Change) {
        change.apply(&mut self.now);
        self.pending.push(change);
    }

    pub(super) fn perform(&mut self, operation: &Operation) {
        match operation {
            Operation::Create(path) => {
                self.files.push(Content::default());
                self.change(Change::Add(path.clone(), Entry::File(self.files.len() - 1)));
            }
            Operation::Write(path, bytes) => self.file(path).now.extend(bytes),
            Operation::Sync(path) => {
                let content = self.file(path);
                content.kept = content.now.clone();
            }
            Operation::Rename(from, to) => {
                let entry = self.now[from];
                self.change(Change::Rename(from.clone(), to.clone(), entry));
            }
            Operation::MakeFolder(path) => {
                self.change(Change::Add(path.clone(), Entry::Folder));
            }
            Operation::SyncFolder(folder) => {
                let (done, pending): (Vec<_>, Vec<_>) =
                    self.pending.drain(..).partition(|change| change.folder() == folder);
                done.iter().for_each(|change| change.apply(&mut self.kept));
                self.pending = pending;
            }
        }
    }

    /// Every set of names that a power cut may leave.
    fn names_after_cut(&self) -> Vec<BTreeMap<PathBuf, Entry>> {
        let subset = |bits: u32| {
            let mut names = self.kept.clone();
            let chosen = self.pending.iter().enumerate().filter(|(i, _)| bits >> i & 1 == 1);
            chosen.for_each(|(_, change)| change.apply(&mut names));
            names
        };
        (0..1 << self.pending.len()).map(subset).collect()
    }

    /// Every content that who reads a path may find after a power cut; none is no file.
    pub(super) fn after_cut(&self, root: &Path, path: &Path) -> Vec<Option<Vec<u8>>> {
        let mut found = Vec::new();
        for names in self.names_after_cut() {
            let above = path.ancestors().skip(1).take_while(|folder| *folder != root);
            let is_reached = above.into_iter().all(|folder| names.contains_key(folder));
            match names.get(path) {
                Some(Entry::File(number)) if is_reached => {
                    found.extend(self.files[*number].after_cut().into_iter().map(Some));
                }
                _ => found.push(None),
            }
        }
        found
    }
}
