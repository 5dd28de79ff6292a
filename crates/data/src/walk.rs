//! The files of a folder, at any depth, linked ones too; what is passed over is counted.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs::{self, DirEntry, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use crate::Error;
use crate::file_kind::{Kind, kind};
use crate::ignored::Ignored;

/// Folders that systems and programs leave beside people's images, with thumbnails and waste.
const JUNK_FOLDERS: [&str; 7] = [
    "@eaDir",
    "#recycle",
    "$RECYCLE.BIN",
    "System Volume Information",
    "lost+found",
    "__MACOSX",
    ".ipynb_checkpoints",
];

/// The table of labels, in the folder itself.
const LABELS: &str = "labels.csv";

/// An image file, not yet looked into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// Relative to the folder.
    pub(crate) path: PathBuf,
    /// Size of the file.
    pub(crate) bytes: u64,
    /// When it was last changed, in nanoseconds of the system's clock.
    pub(crate) modified: u128,
}

/// What a folder holds.
#[derive(Debug, Default)]
pub(crate) struct Walk {
    /// Image files in no order.
    pub(crate) files: Vec<Found>,
    /// The folder's table of labels.
    pub(crate) labels: Option<PathBuf>,
    /// Everything else.
    pub(crate) ignored: Ignored,
    /// What is worth a sentence.
    pub(crate) notes: Vec<String>,
}

/// A folder that is still to be entered.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Pending {
    /// Relative to where the walk began.
    inner: PathBuf,
    /// The junk folder that it is or lies in.
    junk: Option<String>,
}

/// Looks through a folder. Its own folders are entered before linked ones, and none twice: no
/// image of a folder that is linked again comes twice, and no loop is followed.
pub(crate) fn walk(directory: &Path) -> Result<Walk, Error> {
    let unreadable = |source| Error::Unreadable { path: directory.to_owned(), source };
    let root = directory.canonicalize().map_err(unreadable)?;
    fs::read_dir(&root).map_err(unreadable)?;
    let mut walker =
        Walker { directory, root, walk: Walk::default(), own: vec![], linked: BTreeSet::new() };
    let mut visited = BTreeSet::new();
    walker.own.push(Pending { inner: PathBuf::new(), junk: None });
    while let Some(folder) = walker.own.pop().or_else(|| walker.linked.pop_first()) {
        let real = directory.join(&folder.inner).canonicalize();
        if real.is_ok_and(|real| !visited.insert(real)) {
            walker.walk.ignored.add("linked folders that are there already");
        } else if let Err(error) = walker.enter(&folder) {
            walker.pass_over(&folder, &error);
        }
    }
    Ok(walker.walk)
}

/// Names of the folders in a folder, without hidden ones and waste; none where it cannot be read.
pub(crate) fn first_folders(directory: &Path) -> Vec<OsString> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let folder = |entry: DirEntry| entry.path().is_dir().then(|| entry.file_name());
    entries.filter_map(folder).filter(|name| !is_junk(name) && !is_hidden(name)).collect()
}

fn is_junk(name: &OsStr) -> bool {
    JUNK_FOLDERS.iter().any(|known| name.eq_ignore_ascii_case(known))
}

pub(crate) fn is_hidden(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b".")
}

struct Walker<'a> {
    directory: &'a Path,
    root: PathBuf,
    walk: Walk,
    own: Vec<Pending>,
    linked: BTreeSet<Pending>,
}

impl Walker<'_> {
    /// Looks at everything in a folder.
    fn enter(&mut self, folder: &Pending) -> io::Result<()> {
        for entry in fs::read_dir(self.directory.join(&folder.inner))? {
            let entry = entry?;
            let inner = folder.inner.join(entry.file_name());
            if entry.file_type()?.is_symlink() {
                self.link(inner, &entry, folder.junk.as_ref());
            } else if entry.file_type()?.is_dir() {
                self.folder(inner, folder.junk.clone(), Place::Own);
            } else {
                self.file(inner, entry.metadata(), folder.junk.as_ref());
            }
        }
        Ok(())
    }

    /// A folder that cannot be read to its end.
    fn pass_over(&mut self, folder: &Pending, error: &io::Error) {
        let path = self.directory.join(&folder.inner);
        self.walk.ignored.add("folders that cannot be read");
        self.walk.notes.push(format!("passed over the folder {}: {error}", path.display()));
    }

    /// A link: to a file, to a folder, or to nothing.
    fn link(&mut self, inner: PathBuf, entry: &DirEntry, junk: Option<&String>) {
        match fs::metadata(entry.path()) {
            Err(_gone) => self.walk.ignored.add("links that lead nowhere"),
            Ok(target) if target.is_dir() => {
                let real = entry.path().canonicalize().unwrap_or_default();
                if self.root.starts_with(&real) {
                    self.walk.ignored.add("links to a folder above");
                } else {
                    self.folder(inner, junk.cloned(), Place::Linked);
                }
            }
            target => self.file(inner, target, junk),
        }
    }

    /// A folder, to be entered later.
    fn folder(&mut self, inner: PathBuf, junk: Option<String>, place: Place) {
        let name = inner.file_name().unwrap_or_default();
        if is_hidden(name) && !is_junk(name) {
            return self.walk.ignored.add("hidden folders");
        }
        let junk = junk.or_else(|| is_junk(name).then(|| name.to_string_lossy().into_owned()));
        match place {
            Place::Own => self.own.push(Pending { inner, junk }),
            Place::Linked if junk.is_some() => self.walk.ignored.add("linked folders of waste"),
            Place::Linked => _ = self.linked.insert(Pending { inner, junk }),
        }
    }

    /// A file, with what the system knows of it.
    fn file(&mut self, inner: PathBuf, known: io::Result<Metadata>, junk: Option<&String>) {
        let name = inner.file_name().unwrap_or_default();
        let reason = match (junk, known) {
            (Some(junk), _) => format!("in {junk}"),
            _ if is_hidden(name) => "hidden".to_owned(),
            (_, Err(_)) => "gone or not readable".to_owned(),
            (_, Ok(known)) if !known.is_file() => "not a regular file".to_owned(),
            (_, Ok(known)) => {
                if name.eq_ignore_ascii_case(LABELS) && inner.components().count() == 1 {
                    self.walk.labels = Some(self.directory.join(inner));
                    return;
                }
                match kind(&self.directory.join(&inner)) {
                    Kind::Other(reason) => reason,
                    Kind::Image => return self.walk.files.push(found(inner, &known)),
                }
            }
        };
        self.walk.ignored.add(reason);
    }
}

/// Whether a folder lies where it was found.
#[derive(Clone, Copy, Debug)]
enum Place {
    Own,
    Linked,
}

/// A file with what the system knows of it.
pub(crate) fn found(path: PathBuf, known: &Metadata) -> Found {
    let since = known.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    Found { path, bytes: known.len(), modified: since.map_or(0, |since| since.as_nanos()) }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    fn written(paths: &[&str]) -> TempDir {
        let directory = tempfile::tempdir().unwrap();
        for path in paths {
            let path = directory.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        }
        directory
    }

    fn images(walk: &Walk) -> Vec<String> {
        let mut paths: Vec<_> = walk.files.iter().map(|f| f.path.display().to_string()).collect();
        paths.sort();
        paths
    }

    #[test]
    fn images_are_found_at_any_depth_and_the_rest_is_counted() {
        let folder =
            written(&["a.png", "z/y/b.GIF", "z/a.jfif", "c/.e.png", "c/f.txt", "c/g.avif"]);
        let walk = walk(folder.path()).unwrap();
        assert_eq!(images(&walk), ["a.png", "z/a.jfif", "z/y/b.GIF"]);
        assert_eq!(walk.ignored.words(), "1 .avif (no decoder), 1 .txt, 1 hidden");
        assert!(walk.files.iter().all(|file| file.bytes == 1 && file.modified > 0));
    }

    #[test]
    fn what_systems_and_programs_leave_is_passed_over_and_counted() {
        let folder = written(&[
            "cat/1.png",
            "cat/@eaDir/1.png/SYNOPHOTO_THUMB.jpg",
            "$RECYCLE.BIN/S-1/2.png",
            "System Volume Information/x.png",
            "lost+found/3.png",
            "__MACOSX/cat/._1.png",
            "cat/.ipynb_checkpoints/1-checkpoint.png",
            "cat/._1.png",
            ".git/objects/4.png",
            "cat/Thumbs.db",
            ".DS_Store",
        ]);
        let walk = walk(folder.path()).unwrap();
        assert_eq!(images(&walk), ["cat/1.png"]);
        let words = walk.ignored.words();
        for part in [
            "1 in @eaDir",
            "1 in $RECYCLE.BIN",
            "1 in System Volume Information",
            "1 in lost+found",
            "1 in __MACOSX",
            "1 in .ipynb_checkpoints",
            "2 hidden,",
            "1 hidden folders",
            "1 .db",
        ] {
            assert!(words.contains(part), "`{part}` is not in `{words}`");
        }
    }

    #[test]
    fn only_the_folders_own_table_has_labels() {
        let folder = written(&["a/labels.csv", "a/1.png"]);
        assert_eq!(walk(folder.path()).unwrap().labels, None);
        let folder = written(&["Labels.CSV", "a/1.png"]);
        assert_eq!(walk(folder.path()).unwrap().labels, Some(folder.path().join("Labels.CSV")));
    }

    #[cfg(unix)]
    #[test]
    fn linked_folders_and_files_are_followed_once() {
        use std::os::unix::fs::symlink;
        let elsewhere = written(&["1.png", "deep/2.png"]);
        let folder = written(&["dog/1.png"]);
        let at = |name: &str| folder.path().join(name);
        symlink(elsewhere.path(), at("cat")).unwrap();
        symlink(elsewhere.path(), at("cat-again")).unwrap();
        symlink(at("dog"), at("a-dog")).unwrap();
        symlink(folder.path(), at("dog/loop")).unwrap();
        symlink(folder.path().parent().unwrap(), at("dog/up")).unwrap();
        symlink(at("nothing"), at("dog/gone.png")).unwrap();
        symlink(at("dog/1.png"), at("dog/same.png")).unwrap();
        let walk = walk(folder.path()).unwrap();
        assert_eq!(images(&walk), ["cat/1.png", "cat/deep/2.png", "dog/1.png", "dog/same.png"]);
        let words = walk.ignored.words();
        assert!(words.contains("2 linked folders that are there already"), "{words}");
        assert!(words.contains("2 links to a folder above"), "{words}");
        assert!(words.contains("1 links that lead nowhere"), "{words}");
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_that_may_not_be_read_is_passed_over_with_a_note() {
        use std::os::unix::fs::PermissionsExt;
        let folder = written(&["a/1.png", "locked/2.png"]);
        let locked = folder.path().join("locked");
        fs::set_permissions(&locked, fs::Permissions::from_mode(0o000)).unwrap();
        let may_read_all = fs::read_dir(&locked).is_ok();
        let walk = walk(folder.path()).unwrap();
        fs::set_permissions(&locked, fs::Permissions::from_mode(0o700)).unwrap();
        // Whoever may read everything, as root may, reads this too.
        let expected: &[&str] =
            if may_read_all { &["a/1.png", "locked/2.png"] } else { &["a/1.png"] };
        assert_eq!(images(&walk), expected);
        assert_eq!(walk.notes.len(), usize::from(!may_read_all));
    }
}
