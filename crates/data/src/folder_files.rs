//! The picture files under a folder, and the classes that its sub-folders make of them.

use std::fs;
use std::path::{Path, PathBuf};

use crate::Error;

const EXTENSIONS: [&str; 6] = ["png", "jpg", "jpeg", "webp", "gif", "bmp"];

/// Paths of all picture files, relative to the folder: first those in sub-folders, then those
/// beside them, either in alphabetical order.
pub(crate) fn pictures(directory: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut found = Vec::new();
    let mut pending = vec![PathBuf::new()];
    while let Some(inner) = pending.pop() {
        let path = directory.join(&inner);
        let unreadable = |source| Error::Unreadable { path: path.clone(), source };
        for entry in fs::read_dir(&path).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            let relative = inner.join(entry.file_name());
            if entry.file_name().to_string_lossy().starts_with('.') {
                continue;
            }
            if entry.file_type().map_err(unreadable)?.is_dir() {
                pending.push(relative);
            } else if is_picture(&relative) && entry.path().is_file() {
                found.push(relative);
            }
        }
    }
    found.sort_by_key(|path| (class_of(path).is_none(), path.clone()));
    Ok(found)
}

/// Whether a file is called like a picture.
fn is_picture(path: &Path) -> bool {
    let extension = path.extension().unwrap_or_default();
    EXTENSIONS.iter().any(|known| extension.eq_ignore_ascii_case(known))
}

/// The first-level sub-folder of a picture.
pub(crate) fn class_of(path: &Path) -> Option<&Path> {
    let first = path.iter().next().map(Path::new)?;
    (first != path).then_some(first)
}

/// Names of the classes, and the label of every picture in a sub-folder; none of either where
/// there are fewer than two sub-folders. `paths` are in the order of [`pictures`].
pub(crate) fn classes(paths: &[PathBuf]) -> Result<(Vec<String>, Vec<u16>), Error> {
    let mut folders: Vec<&Path> = paths.iter().filter_map(|path| class_of(path)).collect();
    let of_pictures = folders.clone();
    folders.dedup();
    let limit = usize::from(u16::MAX);
    if folders.len() > limit {
        return Err(Error::TooMany { what: "classes", got: folders.len(), limit });
    }
    if folders.len() < 2 {
        return Ok((Vec::new(), Vec::new()));
    }
    let label = |folder: &&Path| {
        folders.binary_search(folder).expect("the class of a picture is among the classes") as u16
    };
    let names = folders.iter().map(|folder| folder.to_string_lossy().into_owned()).collect();
    Ok((names, of_pictures.iter().map(label).collect()))
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
            fs::write(path, "").unwrap();
        }
        directory
    }

    fn found(paths: &[&str]) -> Vec<PathBuf> {
        pictures(written(paths).path()).unwrap()
    }

    #[test]
    fn pictures_are_sorted_with_those_beside_sub_folders_last() {
        let got = found(&["a.png", "z/y/b.GIF", "z/a.jpeg", "c/d.webp", "c/.e.png", "c/f.txt"]);
        assert_eq!(got, ["c/d.webp", "z/a.jpeg", "z/y/b.GIF", "a.png"].map(PathBuf::from));
    }

    #[test]
    fn first_level_sub_folders_are_classes() {
        let (names, labels) =
            classes(&found(&["a.png", "z/y/b.gif", "z/a.png", "c/d.png"])).unwrap();
        assert_eq!((names, labels), (vec!["c".to_owned(), "z".to_owned()], vec![0, 1, 1]));
    }

    #[test]
    fn a_folder_named_like_another_with_an_ending_is_a_class_of_its_own() {
        let (names, labels) = classes(&found(&["a/1.png", "a b/1.png", "a.b/1.png"])).unwrap();
        assert_eq!((names.len(), labels), (3, vec![0, 1, 2]));
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_linked_into_itself_is_not_entered() {
        let directory = written(&["a/1.png"]);
        std::os::unix::fs::symlink(directory.path(), directory.path().join("a/loop")).unwrap();
        assert_eq!(pictures(directory.path()).unwrap().len(), 1);
    }
}
