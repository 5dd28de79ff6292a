//! The files that a set is cut into: one file, those of a folder, or those that a pattern names.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::Error;
use crate::file_kind::{Kind, kind_of_ending};
use crate::ignored::Ignored;
use crate::layout::Part;
use crate::printable::printable;
use crate::walk::is_hidden;

/// Folders within folders that are looked into.
const DEPTH: usize = 3;
/// The most files that a pattern may name.
const MOST: usize = 100_000;

/// Files in the order of their names.
#[derive(Debug, Default)]
pub(crate) struct Shards {
    /// The files.
    pub(crate) files: Vec<Shard>,
    /// What lies beside them.
    pub(crate) ignored: Ignored,
    /// What is worth a sentence.
    pub(crate) notes: Vec<String>,
}

/// One file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shard {
    /// Where it lies.
    pub(crate) path: PathBuf,
    /// A name that tells it from the others.
    pub(crate) name: PathBuf,
    /// What its images are for.
    pub(crate) part: Part,
}

impl Shards {
    /// The files of a path with an ending.
    ///
    /// In a folder, and in a pattern, files called like splits are of those splits: `train` or
    /// `test` as a word of their names, as in `train-00000-of-00002.parquet`, or the folder that
    /// they are in. If none is, all are for training; if some are, the others are passed over.
    pub(crate) fn find(path: &Path, ending: &str) -> Result<Self, Error> {
        let mut this = Self::default();
        let paths = if path.is_dir() {
            let mut found = Vec::new();
            this.enter(path, (ending, DEPTH), &mut found)?;
            one_set(path, &found)?;
            found
        } else if path.is_file() {
            vec![path.to_owned()]
        } else {
            matching(path, ending)?
        };
        if paths.is_empty() {
            let got =
                if this.ignored.is_empty() { "none".to_owned() } else { this.ignored.words() };
            let expected = format!(".{ending} files");
            return Err(Error::Layout { path: path.to_owned(), expected, got });
        }
        this.sort(path, paths);
        this.notes.extend(incomplete(&this.files));
        Ok(this)
    }

    /// Where the files lie.
    pub(crate) fn paths(&self) -> Vec<PathBuf> {
        self.files.iter().map(|shard| shard.path.clone()).collect()
    }

    /// Whether some of the files are to test by.
    pub(crate) fn name_a_test(&self) -> bool {
        self.files.iter().any(|shard| matches!(shard.part, Part::Test | Part::Validation))
    }

    /// Looks for files in a folder and its own folders.
    fn enter(
        &mut self,
        folder: &Path,
        (ending, depth): (&str, usize),
        found: &mut Vec<PathBuf>,
    ) -> Result<(), Error> {
        let unreadable = |source| Error::Unreadable { path: folder.to_owned(), source };
        for entry in fs::read_dir(folder).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            let own = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
            if is_hidden(path.file_name().unwrap_or_default()) {
                self.ignored.add("hidden");
            } else if path.is_dir() && depth > 1 {
                self.enter(&path, (ending, depth - 1), found)?;
            } else if path.is_dir() {
                self.ignored.add("folders too deep");
            } else if path.is_file() && own == ending {
                found.push(path);
            } else {
                self.ignored.add(match kind_of_ending(&own) {
                    Kind::Image => format!(".{own}"),
                    Kind::Other(words) => words,
                });
            }
        }
        Ok(())
    }

    /// Gives the files their names and parts.
    fn sort(&mut self, root: &Path, paths: Vec<PathBuf>) {
        let paths: BTreeSet<PathBuf> = paths.into_iter().collect();
        let alone: BTreeSet<_> = paths.iter().filter_map(|path| path.file_name()).collect();
        let distinct = alone.len() == paths.len();
        let name = |path: &Path| match path.strip_prefix(root) {
            Ok(inner) if !inner.as_os_str().is_empty() => inner.to_owned(),
            _ if distinct => path.file_name().unwrap_or(path.as_os_str()).into(),
            _ => path.to_owned(),
        };
        let named: Vec<_> = paths
            .into_iter()
            .map(|path| {
                let name = name(&path);
                (part_of(&name), path, name)
            })
            .collect();
        let divided = named.iter().any(|(part, ..)| part.is_some());
        for (part, path, name) in named {
            match part {
                Some(part) => self.files.push(Shard { path, name, part }),
                None if divided => self.ignored.add("beside the files of splits"),
                None => self.files.push(Shard { path, name, part: Part::Train }),
            }
        }
    }
}

/// The part that a file's name says as one of its words, or else the folder that it is in.
fn part_of(name: &Path) -> Option<Part> {
    name.ancestors().find_map(|path| {
        let name = path.file_name()?.to_string_lossy().into_owned();
        let words = name.split(|c: char| !c.is_ascii_alphabetic());
        let parts: BTreeSet<Part> = words.filter_map(Part::named).collect();
        parts.first().copied().filter(|_| parts.len() == 1)
    })
}

/// Refuses a folder whose files are of several sets: beside folders that are called like splits,
/// all must lie in one.
fn one_set(root: &Path, files: &[PathBuf]) -> Result<(), Error> {
    let folder = |file: &PathBuf| {
        let folder = file.parent().unwrap_or(root);
        let is_split =
            folder != root && part_of(folder.file_name().unwrap_or_default().as_ref()).is_some();
        if is_split { folder.parent().unwrap_or(root).to_owned() } else { folder.to_owned() }
    };
    let sets: BTreeSet<PathBuf> = files.iter().map(folder).collect();
    if sets.len() < 2 {
        return Ok(());
    }
    let shown: Vec<_> = sets.iter().map(|set| printable(set)).collect();
    let expected = "the files of one set: name its folder".to_owned();
    Err(Error::Layout { path: root.to_owned(), expected, got: shown.join(", ") })
}

/// The files that a pattern names, which has `*`, `?` or `[…]` as shells know them, and `{0..9}` or
/// `{a,b}`.
fn matching(pattern: &Path, ending: &str) -> Result<Vec<PathBuf>, Error> {
    let text = pattern.to_string_lossy().into_owned();
    let wrong = |got: String| Error::Layout {
        path: pattern.to_owned(),
        expected: format!(
            "a file, a folder, or a pattern as in 'train-{{000..099}}.{ending}' or 'train-*.{ending}'"
        ),
        got,
    };
    let mut found = Vec::new();
    for word in braces(&text).ok_or_else(|| wrong(format!("more than {MOST} names")))? {
        if word.contains(['*', '?', '[']) {
            let paths = glob::glob(&word).map_err(|error| wrong(error.to_string()))?;
            found.extend(paths.filter_map(Result::ok).filter(|path| path.is_file()));
        } else {
            found.push(word.into());
        }
    }
    if found.is_empty() {
        return Err(wrong("a pattern that no file fits".to_owned()));
    }
    match found.iter().find(|path| !path.is_file()) {
        Some(missing) => Err(wrong(format!("{}, which is not there", printable(missing)))),
        None => Ok(found),
    }
}

/// The words that a word with braces stands for; none where they are too many.
fn braces(word: &str) -> Option<Vec<String>> {
    let parts = word.split_once('{').and_then(|(before, rest)| {
        let (inner, after) = rest.split_once('}')?;
        Some((before, inner, after))
    });
    let Some((before, inner, after)) = parts else { return Some(vec![word.to_owned()]) };
    let choices: Vec<String> = match inner.split_once("..").map(|(a, b)| (a, a.parse(), b.parse()))
    {
        Some((first, Ok(start), Ok(end))) => {
            let range: std::ops::RangeInclusive<usize> = start..=end;
            (end.saturating_sub(start) < MOST).then_some(())?;
            range.map(|number| format!("{number:0width$}", width = first.len())).collect()
        }
        _ => inner.split(',').map(ToOwned::to_owned).collect(),
    };
    let mut words = Vec::new();
    for rest in braces(after)? {
        words.extend(choices.iter().map(|choice| format!("{before}{choice}{rest}")));
        (words.len() <= MOST).then_some(())?;
    }
    Some(words)
}

/// A sentence for every row of files, as in `train-00000-of-00002`, of which some are not there.
fn incomplete(files: &[Shard]) -> Vec<String> {
    let mut rows: BTreeMap<(String, usize), usize> = BTreeMap::new();
    for shard in files {
        let name = printable(&shard.name);
        let stem = name.rsplit_once('.').map_or(name.as_str(), |(stem, _)| stem);
        let row = stem.rsplit_once("-of-").and_then(|(before, total)| {
            // A hash of the content may follow.
            let total = total.split('-').next()?.parse().ok()?;
            Some((before.rsplit_once('-')?.0.to_owned(), total))
        });
        if let Some(row) = row {
            *rows.entry(row).or_default() += 1;
        }
    }
    let lacking = rows.into_iter().filter(|((_, total), there)| there < total);
    lacking
        .map(|((row, total), there)| format!("{row}: {there} of {total} files are used"))
        .collect()
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    fn written(names: &[&str]) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        for name in names {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        folder
    }

    /// Names and parts of the files of a path in a folder.
    fn found(folder: &TempDir, inner: &str) -> Vec<(String, Part)> {
        let shards = Shards::find(&folder.path().join(inner), "tar").unwrap();
        let pair = |shard: Shard| (printable(&shard.name), shard.part);
        shards.files.into_iter().map(pair).collect()
    }

    fn pair(name: &str, part: Part) -> (String, Part) {
        (name.to_owned(), part)
    }

    #[test]
    fn words_of_names_are_splits() {
        for (name, part) in [
            ("train-00000-of-00002.parquet", Some(Part::Train)),
            ("imagenet1k-validation-03.tar", Some(Part::Validation)),
            ("cats_test0001.tar", Some(Part::Test)),
            ("test/0000.parquet", Some(Part::Test)),
            ("train-test-mixed.tar", None),
            ("00001.tar", None),
            ("trains.tar", None),
        ] {
            assert_eq!(part_of(name.as_ref()), part, "{name}");
        }
    }

    #[test]
    fn the_files_of_a_folder_are_found_and_the_rest_is_counted() {
        let folder = written(&["b.tar", "a.tar", "README.md", ".x.tar", "c.tar.gz"]);
        assert_eq!(found(&folder, ""), [pair("a.tar", Part::Train), pair("b.tar", Part::Train)]);
        let shards = Shards::find(folder.path(), "tar").unwrap();
        assert_eq!(shards.ignored.words(), "1 .gz, 1 .md, 1 hidden");
        assert!(!shards.name_a_test());
    }

    #[test]
    fn folders_and_names_are_splits_and_others_are_passed_over() {
        let folder = written(&["train/0.tar", "test/0.tar", "test/1.tar"]);
        let expected = [
            pair("test/0.tar", Part::Test),
            pair("test/1.tar", Part::Test),
            pair("train/0.tar", Part::Train),
        ];
        assert_eq!(found(&folder, ""), expected);
        let folder = written(&["d/train-0.tar", "d/val-0.tar", "d/extra.tar"]);
        let shards = Shards::find(folder.path(), "tar").unwrap();
        assert!(shards.files.len() == 2 && shards.name_a_test());
        assert_eq!(shards.ignored.words(), "1 beside the files of splits");
    }

    #[test]
    fn files_of_two_sets_are_not_put_together() {
        let folder = written(&["one/train-0.tar", "two/train-0.tar"]);
        let error = Shards::find(folder.path(), "tar").unwrap_err();
        assert!(error.code() == "LAYOUT" && error.to_string().contains("two"), "{error}");
        assert_eq!(found(&folder, "one"), [pair("train-0.tar", Part::Train)]);
    }

    #[test]
    fn patterns_name_files() {
        let folder = written(&["t-08.tar", "t-09.tar", "t-10.tar", "t-11.txt", "u.tar"]);
        let names = |inner| found(&folder, inner).into_iter().map(|(n, _)| n).collect::<Vec<_>>();
        assert_eq!(names("t-*.tar"), ["t-08.tar", "t-09.tar", "t-10.tar"]);
        assert_eq!(names("t-{08..10}.tar"), ["t-08.tar", "t-09.tar", "t-10.tar"]);
        assert_eq!(names("{u,t-1?}.tar"), ["t-10.tar", "u.tar"]);
        assert_eq!(names("u.tar"), ["u.tar"]);
        for (inner, got) in [
            ("v.tar", "v.tar, which is not there"),
            ("t-{08..12}.tar", "t-11.tar, which is not there"),
            ("v-*.tar", "a pattern that no file fits"),
            ("{0..999999999}.tar", "more than"),
        ] {
            let error = Shards::find(&folder.path().join(inner), "tar").unwrap_err().to_string();
            assert!(error.contains(got), "{error}");
        }
    }

    #[test]
    fn rows_that_lack_files_are_told() {
        let names = ["train-00000-of-00003.tar", "train-00002-of-00003.tar", "test-0-of-1.tar"];
        let notes = Shards::find(written(&names).path(), "tar").unwrap().notes;
        assert_eq!(notes, ["train: 2 of 3 files are used"]);
    }
}
