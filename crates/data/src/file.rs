//! Data files looked at before they are believed.

use std::fs::File;
use std::io::{Read, Seek};
use std::path::{Path, PathBuf};

use crate::Error;
use crate::read_at::read_exact_at;

/// How a web page starts, in lower case.
const WEB_PAGE_STARTS: [&[u8]; 2] = [b"<!doctype", b"<html"];

/// How a pointer of Git LFS starts.
const POINTER_START: &[u8] = b"version https://git-lfs.";

/// Bytes looked at to tell what is there in place of a file.
const SNIFFED_BYTES: usize = 64;

/// A directory that holds data files, or whose `inner` directory does.
pub(crate) fn data_directory(directory: &Path, inner: &str) -> Result<PathBuf, Error> {
    if !directory.is_dir() {
        return Err(Error::NotADirectory { path: directory.to_owned() });
    }
    let nested = directory.join(inner);
    Ok(if nested.is_dir() { nested } else { directory.to_owned() })
}

/// What a directory is called, for showing.
pub(crate) fn name_of_directory(directory: &Path) -> String {
    let real = directory.canonicalize();
    let real = real.as_deref().unwrap_or(directory);
    real.file_name().unwrap_or(real.as_os_str()).to_string_lossy().into_owned()
}

/// What a folder, a file or some files are called, for showing.
pub(crate) fn name_of_files(path: &Path) -> String {
    if path.is_file() {
        return path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    }
    // The files of a pattern are called like their folder.
    let is_folder = |folder: &&Path| folder.is_dir() || folder.as_os_str().is_empty();
    match path.ancestors().find(is_folder) {
        Some(folder) if !folder.as_os_str().is_empty() => name_of_directory(folder),
        _ => name_of_directory(Path::new(".")),
    }
}

/// An opened data file that is not a web page.
#[derive(Debug)]
pub(crate) struct DataFile {
    path: PathBuf,
    file: File,
    bytes: u64,
}

impl DataFile {
    /// Opens one of the files that `hint` says belong in a directory.
    pub(crate) fn open(
        directory: &Path,
        name: &'static str,
        hint: &'static str,
    ) -> Result<Self, Error> {
        let path = directory.join(name);
        if !path.is_file() {
            return Err(Error::MissingFile { directory: directory.to_owned(), name, hint });
        }
        let unreadable = |source| Error::Unreadable { path: path.clone(), source };
        let file = File::open(&path).map_err(unreadable)?;
        let bytes = file.metadata().map_err(unreadable)?.len();
        refuse_substitutes(&path, &file, bytes)?;
        Ok(Self { path, file, bytes })
    }

    /// Where it lies.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Its size.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The number of records of `size` bytes that fill it, at least one.
    pub(crate) fn records(&self, size: u64) -> Result<usize, Error> {
        if self.bytes == 0 {
            return Err(self.truncated(size));
        }
        if !self.bytes.is_multiple_of(size) {
            return Err(Error::Remainder { path: self.path.clone(), each: size, got: self.bytes });
        }
        Ok((self.bytes / size) as usize)
    }

    /// The error of its being shorter than `expected` bytes.
    pub(crate) fn truncated(&self, expected: u64) -> Error {
        Error::Truncated { path: self.path.clone(), expected, got: self.bytes }
    }

    /// Refuses any size but `expected` bytes.
    pub(crate) fn check_bytes(&self, expected: u64) -> Result<(), Error> {
        let path = || self.path.clone();
        match self.bytes {
            got if got < expected => Err(self.truncated(expected)),
            got if got > expected => Err(Error::Oversized { path: path(), expected, got }),
            _ => Ok(()),
        }
    }

    /// Fills `buffer` from `offset` on; several threads may do so at once.
    pub(crate) fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<(), Error> {
        read_exact_at(&self.file, buffer, offset).map_err(|e| self.unreadable(e))
    }

    /// All of it.
    pub(crate) fn read_all(&self) -> Result<Vec<u8>, Error> {
        let mut content = vec![0; self.bytes as usize];
        self.read_at(&mut content, 0)?;
        Ok(content)
    }

    /// Its lines, without those that are empty at its end.
    pub(crate) fn lines(&self) -> Result<Vec<String>, Error> {
        let content = self.read_all()?;
        let text = String::from_utf8_lossy(&content);
        Ok(text.trim_end().lines().map(|line| line.trim().to_owned()).collect())
    }

    /// The first `count` lines as class names.
    pub(crate) fn class_names(&self, count: usize) -> Result<Vec<String>, Error> {
        let mut lines = self.lines()?;
        lines.resize(count, String::new());
        if let Some(line) = lines.iter().position(String::is_empty) {
            return Err(Error::Text {
                path: self.path.clone(),
                line: line + 1,
                expected: format!("the name of class {} of {count}", line + 1),
                got: String::new(),
            });
        }
        Ok(lines)
    }

    /// The file as a stream from its start.
    pub(crate) fn stream(&self) -> Result<impl Read + '_, Error> {
        let mut file = &self.file;
        file.rewind().map_err(|e| self.unreadable(e))?;
        Ok(file)
    }

    /// The error of the system's not giving its bytes.
    pub(crate) fn unreadable(&self, source: std::io::Error) -> Error {
        Error::Unreadable { path: self.path.clone(), source }
    }
}

/// Labels as bytes, counted from 0; the file counts them from `lowest`.
pub(crate) fn labels_from_bytes(
    path: &Path,
    bytes: &[u8],
    [lowest, highest]: [u8; 2],
) -> Result<Vec<u16>, Error> {
    let label = |(picture, &got): (usize, &u8)| {
        if (lowest..=highest).contains(&got) {
            return Ok(u16::from(got - lowest));
        }
        let [got, lowest, highest] = [got, lowest, highest].map(i64::from);
        Err(Error::Label { path: path.to_owned(), picture, got, lowest, highest })
    };
    bytes.iter().enumerate().map(label).collect()
}

/// Refuses a file of so many bytes that came in place of another: a web page, or a pointer.
///
/// Gives its first bytes.
pub(crate) fn refuse_substitutes(path: &Path, file: &File, bytes: u64) -> Result<Vec<u8>, Error> {
    let mut start = vec![0; SNIFFED_BYTES.min(bytes as usize)];
    read_exact_at(file, &mut start, 0)
        .map_err(|source| Error::Unreadable { path: path.to_owned(), source })?;
    if is_web_page(&start) {
        return Err(Error::Html { path: path.to_owned() });
    }
    if is_pointer(&start) {
        return Err(Error::Pointer { path: path.to_owned() });
    }
    Ok(start)
}

/// Whether the first bytes are those of a pointer of Git LFS.
pub(crate) fn is_pointer(start: &[u8]) -> bool {
    start.starts_with(POINTER_START)
}

/// Whether the first bytes are those of a web page.
pub(crate) fn is_web_page(start: &[u8]) -> bool {
    let start = start.trim_ascii_start().to_ascii_lowercase();
    WEB_PAGE_STARTS.iter().any(|page| start.starts_with(page))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(content: &[u8]) -> Result<DataFile, Error> {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("x.bin"), content).unwrap();
        DataFile::open(directory.path(), "x.bin", "x.bin")
    }

    #[test]
    fn a_web_page_is_not_data() {
        let page = b"\n<!DOCTYPE html><title>404</title>";
        assert_eq!(file(page).unwrap_err().code(), "HTML");
        assert_eq!(file(b"<html>").unwrap_err().code(), "HTML");
        assert!(file(b"<not a page").is_ok());
    }

    #[test]
    fn a_pointer_is_not_data() {
        let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n";
        assert_eq!(file(pointer).unwrap_err().code(), "POINTER");
    }

    #[test]
    fn files_of_a_pattern_are_called_like_their_folder() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("cats");
        std::fs::create_dir(&inner).unwrap();
        std::fs::write(inner.join("a.tar"), "").unwrap();
        for (path, name) in
            [("", "cats"), ("*.tar", "cats"), ("a.tar", "a"), ("{a,b}/*.tar", "cats")]
        {
            assert_eq!(name_of_files(&inner.join(path)), name, "{path}");
        }
        assert!(!name_of_files(Path::new("*.tar")).is_empty());
    }

    #[test]
    fn only_whole_records_are_accepted() {
        assert_eq!(file(&[0; 12]).unwrap().records(4).unwrap(), 3);
        let error = file(&[]).unwrap().records(4).expect_err("nothing");
        assert!(matches!(error, Error::Truncated { expected: 4, got: 0, .. }), "{error}");
        let error = file(&[0; 13]).unwrap().records(4).expect_err("not whole");
        assert!(error.to_string().contains("3 images and 1 bytes more"), "{error}");
    }

    #[test]
    fn a_size_off_by_one_is_told_apart() {
        let file = file(&[0; 5]).unwrap();
        assert_eq!(file.check_bytes(6).unwrap_err().code(), "TRUNCATED");
        assert_eq!(file.check_bytes(4).unwrap_err().code(), "OVERSIZED");
        assert!(file.check_bytes(5).is_ok());
    }

    #[test]
    fn labels_out_of_range_name_their_picture() {
        let path = Path::new("y.bin");
        assert_eq!(labels_from_bytes(path, &[1, 10], [1, 10]).unwrap(), [0, 9]);
        for bad in [0, 11] {
            let error = labels_from_bytes(path, &[1, bad], [1, 10]).expect_err("no class");
            assert!(matches!(error, Error::Label { picture: 1, got, .. } if got == i64::from(bad)));
        }
    }

    #[test]
    fn a_missing_class_name_is_named_by_its_line() {
        let names = file(b"cat\ndog\n\n").unwrap();
        assert_eq!(names.class_names(2).unwrap(), ["cat", "dog"]);
        assert!(matches!(names.class_names(3), Err(Error::Text { line: 3, .. })));
    }
}
