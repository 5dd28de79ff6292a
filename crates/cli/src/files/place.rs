//! Where the bytes meant for a path belong: links lead on, pipes and devices stay.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::folder_of;

/// More links in a row than this lead nowhere; Linux gives up after as many.
const MOST_LINKS: usize = 40;

/// What a path stands for, once all links are followed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// A regular file, or none yet: it may be made or replaced.
    File(PathBuf),
    /// A pipe, a device or a socket: it is written to as it is.
    Stream,
}

impl Place {
    /// The place that a path leads to.
    ///
    /// # Errors
    /// The system's, for a folder, for links that go round in a circle, for a part that is no folder.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        match fs::metadata(path) {
            Ok(found) if found.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
            Ok(found) if found.is_file() => end_of_links(path).map(Self::File),
            Ok(_) => Ok(Self::Stream),
            // Nothing is there yet, or a link leads to what is not there yet.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                end_of_links(path).map(Self::File)
            }
            Err(error) => Err(error),
        }
    }
}

/// The last path of a chain of links.
fn end_of_links(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        match fs::symlink_metadata(&path) {
            // What a link says is meant from the folder that the link lies in.
            Ok(found) if found.is_symlink() => path = folder_of(&path).join(fs::read_link(&path)?),
            _ => return named(path),
        }
    }
    Err(io::Error::other("links lead to links without end"))
}

/// Refuses a path that names no file, such as `..`.
fn named(path: PathBuf) -> io::Result<PathBuf> {
    match path.file_name() {
        Some(_) => Ok(path),
        None => Err(io::ErrorKind::IsADirectory.into()),
    }
}

#[cfg(unix)] // other systems have no links that everybody may make, and no pipes
#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Read;
    use std::os::unix::fs::{FileTypeExt, symlink};
    use std::process::Command;

    use super::super::{regular, write};
    use super::*;

    fn is_link(path: &Path) -> bool {
        path.is_symlink()
    }

    #[test]
    fn a_link_stays_and_the_file_behind_it_is_the_new_one() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("disk")).unwrap();
        fs::write(at("disk/real"), b"old").unwrap();
        symlink("disk/real", at("relative")).unwrap();
        symlink(at("relative"), at("chain")).unwrap();
        for (link, bytes) in [("relative", b"one"), ("chain", b"two")] {
            write(&at(link), bytes).unwrap();
            assert!(is_link(&at(link)), "{link} is still a link");
            assert_eq!(fs::read(at("disk/real")).unwrap(), bytes);
        }
        assert_eq!(fs::read_dir(at("disk")).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn a_link_to_what_is_not_there_yet_makes_it() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        symlink("later", at("link")).unwrap();
        write(&at("link"), b"x").unwrap();
        assert!(is_link(&at("link")));
        assert_eq!(fs::read(at("later")).unwrap(), b"x");
        symlink("no/such/folder/file", at("astray")).unwrap();
        assert_eq!(write(&at("astray"), b"x").unwrap_err().code(), "NOT_FOUND");
        assert!(is_link(&at("astray")));
    }

    #[test]
    fn links_in_a_circle_are_refused_and_stay() {
        let folder = tempfile::tempdir().unwrap();
        let [a, b] = ["a", "b"].map(|name| folder.path().join(name));
        symlink(&b, &a).unwrap();
        symlink(&a, &b).unwrap();
        assert_eq!(write(&a, b"x").unwrap_err().code(), "IO");
        assert!(is_link(&a) && is_link(&b));
    }

    #[test]
    fn a_link_to_a_folder_is_a_folder() {
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("link");
        symlink(folder.path(), &link).unwrap();
        assert_eq!(write(&link, b"x").unwrap_err().code(), "IS_A_DIRECTORY");
    }

    #[test]
    fn who_reads_a_named_pipe_gets_the_bytes_and_the_pipe_stays() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let reader = {
            let pipe = pipe.clone();
            std::thread::spawn(move || {
                let mut bytes = Vec::new();
                File::open(pipe).unwrap().read_to_end(&mut bytes).unwrap();
                bytes
            })
        };
        // More than a pipe holds.
        let bytes = vec![7; 200_000];
        write(&pipe, &bytes).unwrap();
        assert_eq!(reader.join().unwrap(), bytes);
        assert!(fs::metadata(&pipe).unwrap().file_type().is_fifo());
    }

    #[cfg(target_os = "linux")] // only Linux has /dev/full
    #[test]
    fn a_device_is_written_to_and_what_it_says_is_told() {
        assert_eq!(Place::of(Path::new("/dev/null")).unwrap(), Place::Stream);
        write(Path::new("/dev/null"), b"x").unwrap();
        assert_eq!(write(Path::new("/dev/full"), b"x").unwrap_err().code(), "DISK_FULL");
        assert_eq!(regular(Path::new("/dev/null")).unwrap_err().code(), "NOT_A_FILE");
        for device in ["/dev/null", "/dev/full"] {
            assert!(fs::metadata(device).unwrap().file_type().is_char_device(), "{device}");
        }
    }
}
