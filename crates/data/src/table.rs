//! A Parquet file of images, read row by row.
//!
//! Nothing but the file's own description and one page of a column is in memory at once.

use std::fs::File;
use std::path::{Path, PathBuf};

use kith_core::square::Frame;
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{ByteArray, ByteArrayType, DataType};
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, Length, SerializedFileReader};
use rayon::prelude::*;

use crate::Error;
use crate::claims::{check_encodings, check_pages, check_schema};
use crate::columns::Columns;
use crate::decode::{check_bytes, square_from_bytes};
use crate::file::refuse_substitutes;
use crate::guard::guarded;
use crate::shared_file::SharedFile;

/// Bytes of image files that are held until they are decoded together.
const HELD_BYTES: usize = 64 << 20;
/// Rows of classes that are read together.
const CLASS_ROWS: usize = 8192;
/// A file may have so many rows, and one for `ROW_BYTES` of its own if these are more.
const ROWS: usize = 1 << 20;
const ROW_BYTES: u64 = 8;
/// Last bytes of a file: the length of its description, and `PAR1`.
const FOOTER_BYTES: u64 = 8;

/// An opened file.
pub(crate) struct Table {
    path: PathBuf,
    reader: SerializedFileReader<SharedFile>,
    /// What is read of it.
    pub(crate) columns: Columns,
    /// The first row of every group, and the number of all rows.
    starts: Vec<usize>,
}

/// What a row says of its class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// A number.
    Number(i64),
    /// A name.
    Name(String),
}

impl std::fmt::Debug for Table {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Table").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Table {
    /// Opens a file and chooses its columns.
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        let unreadable = |source| Error::Unreadable { path: path.to_owned(), source };
        let file = File::open(path).map_err(unreadable)?;
        let bytes = file.metadata().map_err(unreadable)?.len();
        refuse_substitutes(path, &file, bytes)?;
        let damaged = |reason| damaged(path, reason);
        let shared = SharedFile::new(file, bytes);
        let reader = guarded(|| described(&shared)).map_err(damaged)?;
        let columns = Columns::choose(path, reader.metadata().file_metadata())?;
        let read = [Some(columns.image), columns.class];
        check_encodings(path, reader.metadata(), &read)?;
        let starts = guarded(|| starts(&shared, &reader, &read)).map_err(damaged)?;
        Ok(Self { path: path.to_owned(), reader, columns, starts })
    }

    /// Where it lies.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Number of rows.
    pub(crate) fn rows(&self) -> usize {
        *self.starts.last().unwrap_or(&0)
    }

    /// The class of every row, where it has one.
    pub(crate) fn classes(&self) -> Result<Vec<Option<Class>>, Error> {
        let Some(column) = self.columns.class else { return Ok(vec![None; self.rows()]) };
        let mut classes = Vec::new();
        for group in 0..self.starts.len() - 1 {
            guarded(|| self.classes_of(group, column, &mut classes))
                .map_err(|reason| damaged(&self.path, reason))?;
            let (expected, got) = (self.starts[group + 1], classes.len());
            if got != expected {
                let reason = format!("expected the classes of {expected} rows, got {got}");
                return Err(damaged(&self.path, reason));
            }
        }
        Ok(classes)
    }

    /// The classes of a group.
    fn classes_of(
        &self,
        group: usize,
        column: usize,
        classes: &mut Vec<Option<Class>>,
    ) -> Result<(), ParquetError> {
        match self.reader.get_row_group(group)?.get_column_reader(column)? {
            ColumnReader::Int32ColumnReader(mut reader) => {
                all(&mut reader, |value: Option<i32>| {
                    classes.push(value.map(|number| Class::Number(number.into())));
                })
            }
            ColumnReader::Int64ColumnReader(mut reader) => all(&mut reader, |value| {
                classes.push(value.map(Class::Number));
            }),
            ColumnReader::ByteArrayColumnReader(mut reader) => {
                all(&mut reader, |value: Option<ByteArray>| {
                    let text =
                        value.map(|value| String::from_utf8_lossy(value.data()).into_owned());
                    classes.push(text.filter(|text| !text.is_empty()).map(Class::Name));
                })
            }
            _ => Err(ParquetError::General("classes are neither numbers nor texts".to_owned())),
        }
    }

    /// Images of rows, whose numbers rise, in a frame: read one after the other, decoded together.
    pub(crate) fn squares(&self, rows: &[usize], frame: Frame) -> Vec<Result<Vec<u8>, String>> {
        let (mut squares, mut held, mut bytes) = (Vec::with_capacity(rows.len()), Vec::new(), 0);
        let mut cursor = Cursor { table: self, group: None };
        for &row in rows {
            let content = cursor.read(row);
            bytes += content.as_ref().map_or(0, ByteArray::len);
            held.push(content);
            if bytes > HELD_BYTES {
                decode(&mut held, frame, &mut squares);
                bytes = 0;
            }
        }
        decode(&mut held, frame, &mut squares);
        squares
    }

    /// A group's images from its first on.
    fn images(&self, group: usize) -> Result<ColumnReaderImpl<ByteArrayType>, ParquetError> {
        match self.reader.get_row_group(group)?.get_column_reader(self.columns.image)? {
            ColumnReader::ByteArrayColumnReader(reader) => Ok(reader),
            _ => Err(ParquetError::General("images are not bytes".to_owned())),
        }
    }
}

fn damaged(path: &Path, reason: String) -> Error {
    Error::Damaged { path: path.to_owned(), reason }
}

/// A file's reader, if its description claims nothing that cannot be.
fn described(file: &SharedFile) -> Result<SerializedFileReader<SharedFile>, String> {
    let failed = |error: std::io::Error| error.to_string();
    let end = file.len().saturating_sub(FOOTER_BYTES);
    // What has another end, the reader refuses.
    if let [a, b, c, d, b'P', b'A', b'R', b'1'] =
        file.read_at(end, FOOTER_BYTES).map_err(failed)?[..]
    {
        let length = u32::from_le_bytes([a, b, c, d]).into();
        let start = end.checked_sub(length).ok_or("the file is shorter than its description")?;
        check_schema(&file.read_at(start, length).map_err(failed)?)?;
    }
    SerializedFileReader::new(file.clone()).map_err(|error| error.to_string())
}

/// The first row of every group and the number of all rows, if the pages of columns can hold them.
fn starts(
    file: &SharedFile,
    reader: &SerializedFileReader<SharedFile>,
    columns: &[Option<usize>],
) -> Result<Vec<usize>, String> {
    let read_at = |start, count| file.read_at(start, count).map_err(|error| error.to_string());
    let (mut starts, bytes) = (vec![0], file.len());
    for group in reader.metadata().row_groups() {
        let rows = usize::try_from(group.num_rows()).unwrap_or(usize::MAX);
        let end = rows.saturating_add(*starts.last().unwrap_or(&0));
        if end as u64 > (bytes / ROW_BYTES).max(ROWS as u64) {
            return Err(format!("{bytes} bytes claim to be {end} rows"));
        }
        for column in columns.iter().flatten() {
            let (start, length) = group.column(*column).byte_range();
            let column = start..start.saturating_add(length);
            if column.end > bytes {
                return Err(format!("expected {} bytes, got {bytes}", column.end));
            }
            check_pages(&read_at, column, rows)?;
        }
        starts.push(end);
    }
    Ok(starts)
}

/// Decodes what is held.
fn decode(
    held: &mut Vec<Result<ByteArray, String>>,
    frame: Frame,
    squares: &mut Vec<Result<Vec<u8>, String>>,
) {
    let square = |content: Result<ByteArray, String>| {
        let content = content?;
        check_bytes(content.len() as u64)?;
        square_from_bytes(content.data().to_vec(), frame)
    };
    squares.par_extend(std::mem::take(held).into_par_iter().map(square));
}

/// Reads a column to its end; a row without a value is none.
fn all<T: DataType>(
    reader: &mut ColumnReaderImpl<T>,
    mut each: impl FnMut(Option<T::T>),
) -> Result<(), ParquetError> {
    loop {
        let (mut levels, mut values) = (Vec::new(), Vec::new());
        let (rows, ..) = reader.read_records(CLASS_ROWS, Some(&mut levels), None, &mut values)?;
        if rows == 0 {
            return Ok(());
        }
        // Without levels every row has a value.
        levels.resize(rows, 1);
        let mut values = values.into_iter();
        for level in levels {
            each(if level > 0 { values.next() } else { None });
        }
    }
}

/// A place in the column of images, which moves on.
struct Cursor<'a> {
    table: &'a Table,
    group: Option<Group>,
}

/// A group of rows that is being read.
struct Group {
    number: usize,
    /// The row that comes next, counted in the file.
    next: usize,
    /// What is wrong with the group once it could not be read.
    reader: Result<ColumnReaderImpl<ByteArrayType>, String>,
}

impl Cursor<'_> {
    /// The image file of a row.
    fn read(&mut self, row: usize) -> Result<ByteArray, String> {
        let starts = &self.table.starts;
        let number = starts.partition_point(|&start| start <= row) - 1;
        if self.group.as_ref().is_none_or(|group| group.number != number || group.next > row) {
            let reader = guarded(|| self.table.images(number));
            self.group = Some(Group { number, next: starts[number], reader });
        }
        let group = self.group.as_mut().ok_or("no group of rows")?;
        let reader = group.reader.as_mut().map_err(|error| error.clone())?;
        match guarded(|| one(reader, row - group.next)) {
            Ok(value) => {
                group.next = row + 1;
                value.ok_or_else(|| {
                    "the row holds no image: its file lies elsewhere, or there is none".to_owned()
                })
            }
            Err(words) => {
                group.reader = Err(words.clone());
                Err(words)
            }
        }
    }
}

/// The value after some others that are passed over; none where the row has none.
fn one(
    reader: &mut ColumnReaderImpl<ByteArrayType>,
    before: usize,
) -> Result<Option<ByteArray>, ParquetError> {
    let end = || ParquetError::EOF("the column ends before its last row".to_owned());
    if reader.skip_records(before)? < before {
        return Err(end());
    }
    let (mut levels, mut values) = (Vec::new(), Vec::new());
    match reader.read_records(1, Some(&mut levels), None, &mut values)? {
        (0, ..) => Err(end()),
        _ => Ok(values.pop()),
    }
}
