//! A folder's `labels.csv`: which image is of which class, and of which domain.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use csv::{ByteRecord, ReaderBuilder};

use crate::Error;

/// Names of the column of files.
pub(crate) const FILES: [&str; 4] = ["file", "filename", "image", "path"];
/// Names of the column of classes.
pub(crate) const CLASSES: [&str; 2] = ["label", "class"];
/// The name of the column of domains.
const DOMAINS: [&str; 1] = ["domain"];
/// What programs of some countries separate columns by, after the comma.
const SEPARATORS: [u8; 3] = [b',', b';', b'\t'];
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The first name of a header without the marks that programs put before it. Blanks around a name do not count,
/// and a reader passes over a mark with which a table begins: what began with others would lose them one by one.
pub(crate) fn without_marks(mut name: &[u8]) -> &[u8] {
    loop {
        name = name.trim_ascii();
        match name.strip_prefix(BYTE_ORDER_MARK) {
            Some(rest) => name = rest,
            None => return name,
        }
    }
}

/// The table.
#[derive(Debug, Default)]
pub(crate) struct Labels {
    /// Where it lies.
    pub(crate) table: PathBuf,
    /// Class and line of every image, by its path in the folder; no class where the cell is empty.
    pub(crate) of: BTreeMap<PathBuf, Row>,
}

/// A line of the table.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Row {
    /// Counted from 1.
    pub(crate) line: usize,
    /// None where the cell is empty.
    pub(crate) class: Option<String>,
    /// None where the cell is empty, or there is no such column.
    pub(crate) domain: Option<String>,
}

/// Which columns of a table are read.
#[derive(Clone, Copy, Debug)]
struct Columns {
    file: usize,
    class: usize,
    domain: Option<usize>,
}

impl Labels {
    /// Reads a table with a header. Other columns are of no interest.
    pub(crate) fn read(table: &Path) -> Result<Self, Error> {
        let content = fs::read(table)
            .map_err(|source| Error::Unreadable { path: table.to_owned(), source })?;
        let mut this = Self { table: table.to_owned(), of: BTreeMap::new() };
        let mut lines = Lines { content: &content, line: 1, at: 0 };
        let mut reader = ReaderBuilder::new()
            .delimiter(separator_of(&content))
            .trim(csv::Trim::All)
            .from_reader(&content[..]);
        let first = lines.of(0);
        let header = reader.byte_headers().map_err(|error| this.broken(&error, first))?.clone();
        let columns = this.columns(&header, first)?;
        let mut record = ByteRecord::new();
        loop {
            let line = lines.of(reader.position().byte() as usize);
            match reader.read_byte_record(&mut record) {
                Ok(true) => this.add(&record, columns, line)?,
                Ok(false) => break,
                Err(error) => return Err(this.broken(&error, line)),
            }
        }
        Ok(this)
    }

    /// Where the header, which is in a line, has files, classes and domains.
    fn columns(&self, header: &ByteRecord, line: usize) -> Result<Columns, Error> {
        let (Some(file), Some(class)) = (named(header, &FILES), named(header, &CLASSES)) else {
            let got: Vec<_> = header.iter().map(String::from_utf8_lossy).collect();
            let expected = "a header with the columns file and label".to_owned();
            return Err(self.wrong(line, expected, &got.join(",")));
        };
        Ok(Columns { file, class, domain: named(header, &DOMAINS) })
    }

    fn add(&mut self, record: &ByteRecord, columns: Columns, line: usize) -> Result<(), Error> {
        let cell = |column: usize| record.get(column).unwrap_or_default();
        let path = path_of(cell(columns.file));
        if path.as_os_str().is_empty() {
            return Err(self.wrong(line, "the path of an image".to_owned(), ""));
        }
        let text = |column: usize, what: &str| {
            let text = str::from_utf8(cell(column)).map_err(|_no_text| {
                let got = String::from_utf8_lossy(cell(column));
                self.wrong(line, format!("a {what} in UTF-8"), &got)
            })?;
            Ok((!text.is_empty()).then(|| text.to_owned()))
        };
        let class = text(columns.class, "class")?;
        let domain = columns.domain.map_or(Ok(None), |column| text(column, "domain"))?;
        if let Some(earlier) = self.of.get(&path) {
            let both = [("class", &earlier.class, &class), ("domain", &earlier.domain, &domain)];
            if let Some((what, one, other)) = both.into_iter().find(|(_, one, other)| one != other)
            {
                let one = one.as_deref().unwrap_or_default();
                let expected =
                    format!("the {what} of line {}, `{one}`, for the same file", earlier.line);
                return Err(self.wrong(line, expected, other.as_deref().unwrap_or_default()));
            }
        }
        self.of.entry(path).or_insert(Row { line, class, domain });
        Ok(())
    }

    /// The error of a line.
    pub(crate) fn wrong(&self, line: usize, expected: String, got: &str) -> Error {
        Error::Text { path: self.table.clone(), line, expected, got: got.to_owned() }
    }

    /// The error of something that is no table.
    fn broken(&self, error: &csv::Error, line: usize) -> Error {
        match error.kind() {
            csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
                let expected = format!("{expected_len} columns, as in the header");
                self.wrong(line, expected, &len.to_string())
            }
            _ => self.wrong(line, "a line of a table".to_owned(), &error.to_string()),
        }
    }
}

/// Counts lines as editors do: the reader of tables counts neither empty ones nor all ends.
struct Lines<'a> {
    content: &'a [u8],
    line: usize,
    at: usize,
}

impl Lines<'_> {
    /// The line of what begins at a byte, or after ends of lines there. Bytes come in rising order.
    fn of(&mut self, byte: usize) -> usize {
        let after = &self.content[byte.min(self.content.len())..];
        let ends = after.iter().take_while(|&&b| b == b'\r' || b == b'\n').count();
        let to = (byte + ends).min(self.content.len());
        self.line += self.content[self.at..to].iter().filter(|&&b| b == b'\n').count();
        self.at = to;
        self.line
    }
}

/// What separates the columns of a table: the first with which its header has files and classes, or several
/// columns.
pub(crate) fn separator_of(content: &[u8]) -> u8 {
    let header = |separator: u8| {
        let mut reader = ReaderBuilder::new();
        let reader = reader.delimiter(separator).trim(csv::Trim::All);
        reader.from_reader(content).byte_headers().cloned().unwrap_or_default()
    };
    let headers = SEPARATORS.map(|separator| (separator, header(separator)));
    let of = |fits: &dyn Fn(&ByteRecord) -> bool| headers.iter().find(|(_, header)| fits(header));
    let found = of(&|header| named(header, &FILES).and(named(header, &CLASSES)).is_some());
    found
        .or_else(|| of(&|header| header.len() > 1))
        .map_or(SEPARATORS[0], |(separator, _)| *separator)
}

/// The place of the column that has one of these names.
fn named(header: &ByteRecord, names: &[&str]) -> Option<usize> {
    let is_named = |(place, cell)| {
        let cell = if place == 0 { without_marks(cell) } else { cell };
        names.iter().any(|name| cell.eq_ignore_ascii_case(name.as_bytes()))
    };
    header.iter().enumerate().position(is_named)
}

/// A path as tables have it: with either slash, perhaps from the folder itself on.
pub(crate) fn path_of(cell: &[u8]) -> PathBuf {
    let slashes: Vec<u8> = cell.iter().map(|&b| if b == b'\\' { b'/' } else { b }).collect();
    let path = path_of_bytes(slashes);
    path.components().filter(|part| !matches!(part, std::path::Component::CurDir)).collect()
}

#[cfg(unix)]
fn path_of_bytes(bytes: Vec<u8>) -> PathBuf {
    PathBuf::from(<std::ffi::OsString as std::os::unix::ffi::OsStringExt>::from_vec(bytes))
}

#[cfg(not(unix))]
fn path_of_bytes(bytes: Vec<u8>) -> PathBuf {
    String::from_utf8_lossy(&bytes).into_owned().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_before_the_first_name_are_passed_over() {
        for start in
            ["\u{feff}", "\u{feff}\u{feff}", " \u{feff}", "\x0c\u{feff}\t\u{feff} ", "\r\n\u{feff}"]
        {
            let labels = table(format!("{start}file;label\na.png;cat\n").as_bytes()).unwrap();
            assert_eq!(of(&labels, "a.png").as_deref(), Some("cat"), "{start:?}");
        }
        let labels = table("\t\u{feff}x\tfile\tlabel\n1\t2\ta.png\tcat".as_bytes()).unwrap();
        assert_eq!(of(&labels, "a.png").as_deref(), Some("cat"), "an empty first cell");
    }

    fn table(content: &[u8]) -> Result<Labels, Error> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("labels.csv");
        fs::write(&path, content).unwrap();
        Labels::read(&path)
    }

    fn of(labels: &Labels, path: &str) -> Option<String> {
        labels.of[Path::new(path)].class.clone()
    }

    /// The line, and what was expected there.
    fn refused(content: &[u8]) -> (usize, String) {
        match table(content).expect_err("the table is wrong") {
            Error::Text { line, expected, .. } => (line, expected),
            other => panic!("{other}"),
        }
    }

    #[test]
    fn tables_come_in_many_spellings() {
        for content in [
            "file,label\na.png,cat\nb/c d.png,\"dog, big\"\n",
            "\u{feff}Filename;Class\r\n./a.png;cat\r\nb\\c d.png;dog, big\r\n",
            "id\timage\tlabel\n7\ta.png\tcat\n8\tb/c d.png\tdog, big",
            "where, when;file;label\nhere;a.png;cat\nthere;b/c d.png;dog, big",
            "\"a,\nb\";file;label\n;a.png;cat\n;b/c d.png;dog, big",
        ] {
            let labels = table(content.as_bytes()).unwrap();
            assert_eq!(of(&labels, "a.png").as_deref(), Some("cat"), "{content}");
            assert_eq!(of(&labels, "b/c d.png").as_deref(), Some("dog, big"), "{content}");
            let line = labels.of[Path::new("b/c d.png")].line;
            assert_eq!(line, content.lines().count(), "{content}");
        }
    }

    #[test]
    fn empty_lines_before_the_header_are_passed_over_and_counted() {
        for (lines, start) in [(2, "\r\n"), (3, "\n\n"), (2, "\n\u{feff}")] {
            let content = format!("{start}file;label\na.png;cat, big\n");
            let labels = table(content.as_bytes()).unwrap();
            assert_eq!(of(&labels, "a.png").as_deref(), Some("cat, big"), "{start:?}");
            assert_eq!(labels.of[Path::new("a.png")].line, lines + 1);
            let other = format!("{start}name;label\n");
            assert_eq!(refused(other.as_bytes()).0, lines, "{start:?}");
        }
    }

    #[test]
    fn an_empty_cell_is_no_class() {
        assert_eq!(of(&table(b"file,label\na.png,\n").unwrap(), "a.png"), None);
    }

    #[test]
    fn a_table_may_say_domains() {
        let labels = table(b"file,Domain,label\na.png,scanner 1,cat\nb.png,,dog\n").unwrap();
        let domain = |path: &str| labels.of[Path::new(path)].domain.clone();
        assert_eq!((domain("a.png").as_deref(), domain("b.png")), (Some("scanner 1"), None));
        let (line, expected) =
            refused(b"file,label,domain\na.png,cat,one\na.png,cat,one\na.png,cat,two\n");
        assert!(line == 4 && expected.contains("the domain of line 2, `one`"), "{expected}");
        assert_eq!(refused(b"file,label,domain\na.png,cat,\xe9\n").0, 2);
    }

    #[test]
    fn errors_name_their_line() {
        assert_eq!(refused(b"a.png,cat\nb.png,dog\n").0, 1);
        assert_eq!(refused(b"").0, 1);
        assert_eq!(
            refused(b"file,label\na.png,cat\nb.png\n"),
            (3, "2 columns, as in the header".into())
        );
        assert_eq!(refused(b"file,label\n,cat\n").0, 2);
        assert_eq!(refused(b"file,label\r\n\r\na.png,cat\r\n,cat\r\n").0, 4);
        assert_eq!(refused(b"file,label\na.png,\xe9\n").0, 2);
        let (line, expected) = refused(b"file,label\na.png,cat\na.png,cat\n./a.png,dog\n");
        assert!(line == 4 && expected.contains("line 2"), "{line}: {expected}");
    }

    #[cfg(unix)]
    #[test]
    fn names_of_files_need_not_be_text() {
        use std::os::unix::ffi::OsStrExt;
        let labels = table(b"file,label\ncaf\xe9.png,cat\n").unwrap();
        let name = std::ffi::OsStr::from_bytes(b"caf\xe9.png");
        assert_eq!(labels.of[Path::new(name)].class.as_deref(), Some("cat"));
    }
}
