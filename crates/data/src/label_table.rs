//! Labels that somebody gives to the images of a folder, in a table that `folder:` reads.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use csv::{ByteRecord, ReaderBuilder, Trim, WriterBuilder};

use crate::Error;
use crate::file::name_of_directory;
use crate::labels::{CLASSES, FILES, Labels, path_of, separator_of, without_marks};
use crate::layout::{Layout, lay_out};
use crate::printable::printable;
use crate::walk::walk;

/// What the columns that kith adds are called: images that nobody can name, and images that are set aside to
/// measure on.
const UNKNOWN: &str = "unknown";
const ASIDE: &str = "aside";
const YES: &[u8] = b"yes";
/// More letters than a class's name has.
const MOST: usize = 200;

/// What is known of an image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Labelling {
    /// Its class.
    pub label: Option<String>,
    /// Whether somebody looked and could not tell.
    pub unknown: bool,
    /// Whether it is set aside to measure on.
    pub aside: bool,
}

/// What folders within a folder say of their images, where there is no table yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Folders {
    /// Their class, where there are two of them at least.
    Classes,
    /// Nothing.
    Nothing,
}

/// The images of a folder, and the table of their labels.
#[derive(Debug)]
pub struct LabelTable {
    folder: PathBuf,
    table: PathBuf,
    /// Relative to the folder, in the order of their paths.
    images: Vec<PathBuf>,
    labellings: Vec<Labelling>,
    header: Vec<Vec<u8>>,
    /// Lines of the table, each a cell a column.
    lines: Vec<Vec<Vec<u8>>>,
    /// The lines of each image that has some.
    lines_of: BTreeMap<usize, Vec<usize>>,
    separator: u8,
    notes: Vec<String>,
}

impl LabelTable {
    /// Opens a folder with the labels that it has: those of its table, `labels.csv` in it unless another one
    /// is named, else those that its folders say. What else a table says is kept.
    ///
    /// # Errors
    /// [`Error::NotADirectory`], [`Error::Unreadable`], [`Error::Text`] for what is no such table, and an
    /// error for a folder without images.
    pub fn open(folder: &Path, table: Option<&Path>, folders: Folders) -> Result<Self, Error> {
        if !folder.is_dir() {
            return Err(Error::NotADirectory { path: folder.to_owned() });
        }
        let mut walk = walk(folder)?;
        let own = walk.labels.take();
        let table = table.map(Path::to_owned).or(own).unwrap_or_else(|| folder.join("labels.csv"));
        let content = match fs::read(&table) {
            Ok(content) => Some(content),
            Err(e) if e.kind() == ErrorKind::NotFound => None,
            Err(source) => return Err(Error::Unreadable { path: table, source }),
        };
        let labels = content.as_ref().map(|_| Labels::read(&table)).transpose()?;
        let mut notes = core::mem::take(&mut walk.notes);
        let Layout { mut items, notes: more } =
            lay_out(walk.files, labels.as_ref(), &mut walk.ignored)?;
        if items.is_empty() {
            return Err(Error::empty_folder(folder, &walk.ignored.words()));
        }
        notes.extend(more);
        if !walk.ignored.is_empty() {
            notes.push(format!("passed over: {}", walk.ignored.words()));
        }
        items.sort_by(|a, b| a.file.path.cmp(&b.file.path));
        let classes: BTreeSet<&str> =
            items.iter().filter_map(|item| item.class.as_deref()).collect();
        let are_labels = labels.is_some() || classes.len() > 1 && folders == Folders::Classes;
        if labels.is_none() && are_labels {
            let names: Vec<&str> = classes.iter().copied().collect();
            notes.push(format!("labels come from the folders: {}", names.join(", ")));
        }
        let label = |class: Option<String>| Labelling {
            label: class.filter(|_| are_labels),
            ..Default::default()
        };
        let (images, labellings) =
            items.into_iter().map(|item| (item.file.path, label(item.class))).unzip();
        let mut this = Self {
            folder: folder.to_owned(),
            table,
            images,
            labellings,
            header: ["file", "label"].map(Vec::from).to_vec(),
            lines: Vec::new(),
            lines_of: BTreeMap::new(),
            separator: b',',
            notes,
        };
        if let Some(content) = content {
            this.take(&content)?;
        }
        this.add_columns();
        Ok(this)
    }

    /// Takes the lines of a table that is known to be sound.
    fn take(&mut self, content: &[u8]) -> Result<(), Error> {
        self.separator = separator_of(content);
        let mut reader = ReaderBuilder::new()
            .delimiter(self.separator)
            .trim(Trim::All)
            .has_headers(false)
            .from_reader(content);
        let broken = |error: csv::Error| Error::Text {
            path: self.table.clone(),
            line: 1,
            expected: "a table".into(),
            got: error.to_string(),
        };
        let cells = |record: ByteRecord| record.iter().map(<[u8]>::to_vec).collect::<Vec<_>>();
        let lines: Result<Vec<ByteRecord>, csv::Error> = reader.byte_records().collect();
        let mut lines = lines.map_err(broken)?.into_iter().map(cells);
        self.header = lines.next().unwrap_or_default();
        if let Some(first) = self.header.first_mut() {
            *first = without_marks(first).to_vec();
        }
        self.lines = lines.collect();
        Ok(())
    }

    /// Adds the columns that are missing, and finds the line of each image.
    fn add_columns(&mut self) {
        for name in [UNKNOWN, ASIDE] {
            if self.column(&[name]).is_none() {
                self.header.push(name.into());
            }
        }
        let [file, unknown, aside] = [&FILES[..], &[UNKNOWN], &[ASIDE]]
            .map(|names| self.column(names).expect("the column is there"));
        let places: BTreeMap<&Path, usize> =
            self.images.iter().enumerate().map(|(place, path)| (path.as_path(), place)).collect();
        let mut strange = Vec::new();
        for (number, line) in self.lines.iter_mut().enumerate() {
            line.resize(self.header.len(), Vec::new());
            let path = path_of(&line[file]);
            let Some(&place) = places.get(path.as_path()) else {
                strange.push(printable(&path));
                continue;
            };
            self.lines_of.entry(place).or_default().push(number);
            let labelling = &mut self.labellings[place];
            labelling.unknown |= line[unknown] == YES;
            labelling.aside |= line[aside] == YES;
        }
        if let Some(first) = strange.first() {
            self.notes.push(format!(
                "{} of the lines of {} name no image of this folder, the first {first}; they are kept",
                strange.len(),
                printable(&self.table)
            ));
        }
    }

    /// The place of the column that has one of these names.
    fn column(&self, names: &[&str]) -> Option<usize> {
        let is_named =
            |cell: &Vec<u8>| names.iter().any(|n| cell.eq_ignore_ascii_case(n.as_bytes()));
        self.header.iter().position(is_named)
    }

    /// The folder's own name.
    pub fn name(&self) -> String {
        name_of_directory(&self.folder)
    }

    /// Where the table lies.
    pub fn table(&self) -> &Path {
        &self.table
    }

    /// Images.
    pub fn len(&self) -> usize {
        self.images.len()
    }

    /// Whether there is none; never.
    pub fn is_empty(&self) -> bool {
        self.images.is_empty()
    }

    /// What is worth a sentence.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The file of an image.
    pub fn file(&self, image: usize) -> Option<PathBuf> {
        self.images.get(image).map(|path| self.folder.join(path))
    }

    /// Images by their names in the folder, with what is known of them.
    pub fn images(&self) -> impl Iterator<Item = (String, &Labelling)> {
        self.images.iter().map(|path| printable(path)).zip(&self.labellings)
    }

    /// The classes that images have, in alphabetical order.
    pub fn classes(&self) -> BTreeSet<&str> {
        self.labellings.iter().filter_map(|labelling| labelling.label.as_deref()).collect()
    }

    /// Changes what is known of an image, and gives what was known before.
    ///
    /// # Errors
    /// [`Error::Option`] for an image that is not there and for a label that is no name of a class.
    pub fn set(&mut self, image: usize, to: Labelling) -> Result<Labelling, Error> {
        let refused = |name, got, expected| Error::Option { name, expected, got };
        let count = self.len();
        let Some(labelling) = self.labellings.get_mut(image) else {
            return Err(refused("image", image.to_string(), format!("a number below {count}")));
        };
        let sound = |label: &String| {
            !label.is_empty()
                && label.trim() == label
                && label.chars().count() <= MOST
                && !label.chars().any(char::is_control)
        };
        if let Some(label) = to.label.as_ref().filter(|label| !sound(label)) {
            let expected = format!("1 to {MOST} letters, without spaces around them");
            return Err(refused("label", format!("{label:?}"), expected));
        }
        Ok(core::mem::replace(labelling, to))
    }

    /// The table as it is to be written.
    ///
    /// # Panics
    /// Never: memory takes everything.
    pub fn to_csv(&self) -> Vec<u8> {
        const SOUND: &str = "memory takes everything";
        let columns = [&FILES[..], &CLASSES, &[UNKNOWN], &[ASIDE]]
            .map(|names| self.column(names).expect("the columns are there"));
        let mut lines = self.lines.clone();
        for (place, labelling) in self.labellings.iter().enumerate() {
            let yes = |is: bool| if is { YES.to_vec() } else { Vec::new() };
            let cells = [
                labelling.label.clone().unwrap_or_default().into_bytes(),
                yes(labelling.unknown),
                yes(labelling.aside),
            ];
            let own = match self.lines_of.get(&place) {
                Some(own) => own.clone(),
                None if *labelling == Labelling::default() => continue,
                None => {
                    let mut line = vec![Vec::new(); self.header.len()];
                    line[columns[0]] = self.images[place].as_os_str().as_encoded_bytes().to_vec();
                    lines.push(line);
                    vec![lines.len() - 1]
                }
            };
            let changes = own
                .iter()
                .flat_map(|&line| columns[1..].iter().zip(&cells).map(move |c| (line, c)));
            for (line, (&column, cell)) in changes {
                lines[line][column].clone_from(cell);
            }
        }
        let written = |separator| {
            let mut writer = WriterBuilder::new().delimiter(separator).from_writer(Vec::new());
            for line in core::iter::once(&self.header).chain(&lines) {
                writer.write_record(line).expect(SOUND);
            }
            writer.into_inner().expect(SOUND)
        };
        // Names of columns may have what others separate by; a comma is always found.
        let table = written(self.separator);
        if separator_of(&table) == self.separator { table } else { written(b',') }
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

    fn folder(files: &[&str], table: Option<&str>) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, PNG).unwrap();
        }
        if let Some(table) = table {
            fs::write(folder.path().join("labels.csv"), table).unwrap();
        }
        folder
    }

    fn known(label: &str) -> Labelling {
        Labelling { label: Some(label.to_owned()), ..Default::default() }
    }

    fn written(table: &LabelTable) -> String {
        String::from_utf8(table.to_csv()).unwrap()
    }

    #[test]
    fn labels_are_written_and_read_again() {
        let folder = folder(&["b.png", "a.png", "c d,e.png"], None);
        let mut table = LabelTable::open(folder.path(), None, Folders::Classes).unwrap();
        assert_eq!(table.len(), 3);
        table.set(0, known("cat")).unwrap();
        table.set(2, Labelling { unknown: true, ..Default::default() }).unwrap();
        table.set(1, Labelling { aside: true, ..known("dog, big") }).unwrap();
        assert_eq!(
            written(&table),
            "file,label,unknown,aside\na.png,cat,,\nb.png,\"dog, big\",,yes\n\"c d,e.png\",,yes,\n"
        );
        fs::write(table.table(), table.to_csv()).unwrap();
        let again = LabelTable::open(folder.path(), None, Folders::Classes).unwrap();
        let own: Vec<_> = table.images().collect();
        assert_eq!(again.images().collect::<Vec<_>>(), own);
        assert_eq!(again.to_csv(), table.to_csv());
        assert_eq!(again.classes().into_iter().collect::<Vec<_>>(), ["cat", "dog, big"]);
    }

    #[test]
    fn what_a_table_says_besides_is_kept() {
        let text = "id;class;image;by\n7;cat;a.png;Ada\n8;dog;gone.png;Bo\n";
        let folder = folder(&["a.png", "b.png"], Some(text));
        let mut table = LabelTable::open(folder.path(), None, Folders::Classes).unwrap();
        assert!(table.notes().iter().any(|note| note.contains("gone.png")), "{:?}", table.notes());
        table.set(0, known("cow")).unwrap();
        table.set(1, known("dog")).unwrap();
        assert_eq!(
            written(&table),
            "id;class;image;by;unknown;aside\n7;cow;a.png;Ada;;\n8;dog;gone.png;Bo;;\n;dog;b.png;;;\n"
        );
        table.set(0, Labelling::default()).unwrap();
        assert!(written(&table).contains("7;;a.png;Ada;;"), "a label that is taken back is gone");
    }

    #[test]
    fn an_image_with_two_lines_has_one_label() {
        let folder = folder(&["a.png"], Some("file,label\na.png,cat\n./a.png,cat\n"));
        let mut table = LabelTable::open(folder.path(), None, Folders::Classes).unwrap();
        table.set(0, known("cow")).unwrap();
        fs::write(table.table(), table.to_csv()).unwrap();
        let again = LabelTable::open(folder.path(), None, Folders::Classes).unwrap();
        assert_eq!(again.classes().into_iter().collect::<Vec<_>>(), ["cow"]);
    }

    #[test]
    fn folders_are_classes_until_there_is_a_table() {
        let folder = folder(&["cat/a.png", "dog/b.png", "unlabelled/c.png"], None);
        let table = LabelTable::open(folder.path(), None, Folders::Classes).unwrap();
        let labels: Vec<_> = table.images().map(|(_, labelling)| labelling.label.clone()).collect();
        assert_eq!(labels, [Some("cat".into()), Some("dog".into()), None]);
        assert!(table.notes().iter().any(|note| note.contains("cat, dog")));
        let anew = LabelTable::open(folder.path(), None, Folders::Nothing).unwrap();
        assert!(anew.classes().is_empty() && anew.len() == 3);
        let one = self::folder(&["cat/a.png", "cat/b.png", "c.png"], None);
        let one = LabelTable::open(one.path(), None, Folders::Classes).unwrap();
        assert!(one.classes().is_empty(), "a single folder tells nothing apart");
    }

    #[test]
    fn what_is_no_label_or_no_image_is_refused() {
        let folder = folder(&["a.png"], None);
        let mut table = LabelTable::open(folder.path(), None, Folders::Classes).unwrap();
        for label in ["", " cat", "cat\n", &"x".repeat(201)] {
            assert!(matches!(table.set(0, known(label)), Err(Error::Option { .. })), "{label:?}");
        }
        assert!(matches!(table.set(1, known("cat")), Err(Error::Option { .. })));
        assert_eq!(table.images().next().unwrap().1, &Labelling::default());
        let odd = self::folder(&["a.png"], Some("name,colour\na.png,red\n"));
        assert!(matches!(
            LabelTable::open(odd.path(), None, Folders::Classes),
            Err(Error::Text { .. })
        ));
    }
}
