//! Parquet files of images, as hubs of data sets have them: a column of image files, and one of
//! classes.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kith_core::square::Frame;

use crate::classes::{Classes, OutOfRange};
use crate::encoded::Encoded;
use crate::file::name_of_files;
use crate::ignored::Ignored;
use crate::layout::{Item, uneven_classes};
use crate::pictures::{Pictures, SIDE, sorted};
use crate::scan::Watch;
use crate::shards::{Shard, Shards};
use crate::table::{Class, Table};
use crate::walk::{Found, found};
use crate::{Dataset, Error, Options};

/// Ending of the files' names.
pub(crate) const ENDING: &str = "parquet";
const HINT: &str = "a column called label says classes by numbers or names";

/// Opens Parquet files: one, those of a folder, or those that a pattern names.
pub(crate) fn open(path: &Path, options: &Options, watch: Watch<'_>) -> Result<Dataset, Error> {
    let Shards { files: shards, mut ignored, mut notes } = Shards::find(path, ENDING)?;
    let (mut tables, mut listed): (Vec<Table>, _) = (Vec::new(), Vec::new());
    for (number, shard) in shards.iter().enumerate() {
        let table = Table::open(&shard.path)?;
        match tables.first() {
            None => notes.extend(table.columns.notes.iter().cloned()),
            Some(first) => same_classes(first, &table)?,
        }
        let rows = items(shard, &table)?.into_iter().zip(0..);
        listed.extend(rows.map(|(item, row)| (item, (number, row))));
        tables.push(table);
    }
    if listed.is_empty() {
        return Err(Error::empty_folder(path, "tables without a row"));
    }
    let pictures = pictures(path, (&shards, tables), listed, &mut ignored);
    let pictures = Pictures { ignored, notes: [notes, pictures.notes].concat(), ..pictures };
    pictures.open(options.frame(SIDE), options, watch)
}

/// Rows with what is known of each, in the order of a dataset.
fn pictures<'a>(
    path: &Path,
    (shards, tables): (&'a [Shard], Vec<Table>),
    listed: Vec<(Item, (usize, usize))>,
    ignored: &mut Ignored,
) -> Pictures<'a> {
    let (items, rows) = sorted(listed, ignored);
    let classes = &tables[0].columns.classes;
    Pictures {
        name: name_of_files(path),
        origin: &shards[0].path,
        order: classes.order(items.iter().filter_map(|item| item.class.as_ref())),
        notes: uneven_classes(&items),
        images: Arc::new(Rows { tables, rows }),
        items,
        hint: HINT,
        ignored: Ignored::default(),
    }
}

/// Refuses files whose numbers have other names than the first file's.
fn same_classes(first: &Table, other: &Table) -> Result<(), Error> {
    let [one, two] = [first, other].map(|table| &table.columns.classes.names);
    if one == two {
        return Ok(());
    }
    Err(Error::Layout {
        path: other.path().to_owned(),
        expected: format!("the classes of {}: {}", first.path().display(), one.join(", ")),
        got: if two.is_empty() { "none".to_owned() } else { two.join(", ") },
    })
}

/// What is known of the rows of a file.
fn items(shard: &Shard, table: &Table) -> Result<Vec<Item>, Error> {
    let known = fs::metadata(&shard.path)
        .map_err(|source| Error::Unreadable { path: shard.path.clone(), source })?;
    let digits = table.rows().to_string().len();
    let row_path = |row: usize| shard.name.join(format!("{row:0digits$}"));
    let item = |(row, class): (usize, Option<Class>)| {
        let file: Found = found(row_path(row), &known);
        let class = class_of(class, &table.columns.classes)
            .map_err(|(got, highest)| Error::ClassNumber { path: row_path(row), got, highest })?;
        Ok(Item { file, part: shard.part, class, domain: None })
    };
    table.classes()?.into_iter().enumerate().map(item).collect()
}

/// The class that a row says; the error is a number that is none, and the highest that is one.
fn class_of(class: Option<Class>, classes: &Classes) -> Result<Option<String>, (i64, i64)> {
    match class {
        None => Ok(None),
        Some(Class::Name(name)) => Ok(Some(name)),
        Some(Class::Number(number)) => {
            classes.of(number).map_err(|OutOfRange(got)| (got, classes.highest()))
        }
    }
}

/// Images in the rows of files.
#[derive(Debug)]
struct Rows {
    tables: Vec<Table>,
    /// The file of every image and its row there.
    rows: Vec<(usize, usize)>,
}

impl Encoded for Rows {
    fn place(&self, image: usize) -> PathBuf {
        let (table, row) = self.rows[image];
        self.tables[table].path().join(row.to_string())
    }

    fn square(&self, image: usize, frame: Frame) -> Result<Vec<u8>, String> {
        let (table, row) = self.rows[image];
        self.tables[table].squares(&[row], frame).remove(0)
    }

    /// Rows of a file that follow each other are read together: a row alone costs a page.
    fn squares(&self, images: &[usize], frame: Frame) -> Vec<Result<Vec<u8>, String>> {
        let rows = images.iter().map(|&image| self.rows[image]).collect::<Vec<_>>();
        let runs = rows.chunk_by(|one, next| one.0 == next.0 && one.1 < next.1);
        let run = |run: &[(usize, usize)]| {
            let rows: Vec<usize> = run.iter().map(|&(_, row)| row).collect();
            self.tables[run[0].0].squares(&rows, frame)
        };
        runs.flat_map(run).collect()
    }
}

#[cfg(test)]
mod tests;
