//! What a Parquet file claims of its sizes, checked before its reader makes room for it.

use std::ops::Range;
use std::path::Path;

use parquet::basic::Encoding;
use parquet::file::metadata::ParquetMetaData;

use crate::Error;
use crate::thrift::{Kind, numbers};

/// A page may take so many bytes unpacked, and `MOST_GROWTH` times its own if these are more.
const PAGE_BYTES: i64 = 64 << 20;
const MOST_GROWTH: i64 = 64;
/// The least that a value of a dictionary takes, in bytes.
const LEAST_VALUE: i64 = 4;
/// How pages hold values that are read: plain, by a dictionary (in two ways), by differences of
/// whole numbers. Of the others the reader makes as much room as they ask for.
const ENCODINGS: [i64; 4] = [0, 2, 8, 5];
/// The most columns that hold columns.
const MOST_GROUPS: usize = 256;
/// Bytes of a page's header that are read at first.
const HEADER_BYTES: u64 = 512;
/// The most bytes of a header: statistics are in it.
const MOST_HEADER_BYTES: u64 = 16 << 20;

/// Reads so many bytes from a place on, fewer where the file ends.
pub(crate) type ReadAt<'a> = &'a dyn Fn(u64, u64) -> Result<Vec<u8>, String>;

/// Refuses a file's description whose columns claim to hold more columns than it names.
pub(crate) fn check_schema(metadata: &[u8]) -> Result<(), String> {
    let (mut named, mut held, mut groups) = (0, 0_i64, 0);
    numbers(metadata, &is_of_description, &mut |path, number| match path {
        [2] => named = number,
        [2, 5] => {
            held = held.saturating_add(number.max(0));
            groups += usize::from(number > 0);
        }
        _ => {}
    })
    .ok_or(
        "its description is none of Parquet's: it ends too early, or a field has another type",
    )?;
    if held >= named.max(1) {
        return Err(format!("its columns claim to hold {held} columns, it names {named}"));
    }
    match groups > MOST_GROUPS {
        true => Err(format!("{groups} of its columns hold columns, at most {MOST_GROUPS} may")),
        false => Ok(()),
    }
}

/// Refuses columns that say that their values are encoded as is not read: for texts by differences, the reader
/// makes as much room as a page asks for.
pub(crate) fn check_encodings(
    path: &Path,
    metadata: &ParquetMetaData,
    columns: &[Option<usize>],
) -> Result<(), Error> {
    use Encoding::{BYTE_STREAM_SPLIT, DELTA_BYTE_ARRAY, DELTA_LENGTH_BYTE_ARRAY};
    let is_other = |encoding: &Encoding| {
        matches!(encoding, BYTE_STREAM_SPLIT | DELTA_BYTE_ARRAY | DELTA_LENGTH_BYTE_ARRAY)
    };
    let groups = metadata.row_groups().iter();
    let mut read = groups.flat_map(|group| columns.iter().flatten().map(|at| group.column(*at)));
    let other = read
        .find_map(|column| column.encodings().find(is_other).map(|encoding| (column, encoding)));
    let Some((column, encoding)) = other else { return Ok(()) };
    Err(Error::Layout {
        path: path.to_owned(),
        expected: "values that are plain, in a dictionary or in DELTA_BINARY_PACKED (write the file again, \
                   as pyarrow does by itself)"
            .to_owned(),
        got: format!("column {} in {encoding}", column.column_path().string()),
    })
}

/// Follows a column of a group of rows from page to page, and refuses what its pages cannot hold.
pub(crate) fn check_pages(
    read_at: ReadAt<'_>,
    bytes: Range<u64>,
    rows: usize,
) -> Result<(), String> {
    let (mut at, mut values) = (bytes.start, 0_i64);
    while at < bytes.end {
        let (length, page) = header(read_at, at..bytes.end)?;
        page.check()?;
        values = values.saturating_add(page.values);
        let next = at.saturating_add(length).saturating_add(page.packed as u64);
        if next > bytes.end {
            let left = bytes.end - at - length;
            return Err(format!("a page claims {} bytes, there are {left}", page.packed));
        }
        at = next;
    }
    match usize::try_from(values) == Ok(rows) {
        true => Ok(()),
        false => Err(format!("expected the values of {rows} rows, its pages claim {values}")),
    }
}

/// What the header of a page says.
#[derive(Debug, Default)]
struct Page {
    /// Its bytes as they are in the file, and as they will be.
    packed: i64,
    unpacked: i64,
    /// Rows that it has values of.
    values: i64,
    /// Values of a dictionary.
    dictionary: i64,
    encoding: i64,
}

/// Whether a field of a file's description may have a type. The reader takes the fields that it knows for what
/// they should be, and would go on in the middle of others.
fn is_of_description(path: &[i16], kind: Kind) -> bool {
    match path {
        // Columns' names, and what their values mean.
        [2, 10, rest @ ..] => is_of_meaning(rest, kind),
        [2, 4] => kind == Kind::Binary,
        [2, 1..=9] => kind == Kind::Number,
        // Groups of rows: their order, and a part of a column.
        [4, 4, 2..=3] => kind == Kind::Bool,
        [4, 4, 1] => kind == Kind::Number,
        [4, 1, rest @ ..] => is_of_column(rest, kind),
        [4, 4] => kind == Kind::List,
        [4, 2..=3 | 5..=7] => kind == Kind::Number,
        // What programs have noted, and how columns are ordered.
        [5, 1..=2] | [6 | 9] => kind == Kind::Binary,
        [7, _] | [8] => kind == Kind::Struct,
        [1 | 3] => kind == Kind::Number,
        [2 | 4 | 5 | 7] => kind == Kind::List,
        _ => true,
    }
}

/// The same from the meaning of a column's values on.
fn is_of_meaning(path: &[i16], kind: Kind) -> bool {
    match path {
        // Times and whole numbers.
        [7 | 8, 1] | [10, 2] => kind == Kind::Bool,
        [10, 1] | [16, 1] => kind == Kind::Byte,
        [17 | 18, 1] => kind == Kind::Binary,
        [5, 1..=2] | [18, 2] => kind == Kind::Number,
        [] | [_] | [7 | 8, 2, ..] => kind == Kind::Struct,
        _ => true,
    }
}

/// The same from a group's part of a column on.
fn is_of_column(path: &[i16], kind: Kind) -> bool {
    match path {
        [3, 12, 1..=2 | 5..=6] | [3, 8, 1..=2] | [1 | 9] => kind == Kind::Binary,
        [3, 12, 7..=8] => kind == Kind::Bool,
        [] | [3, 16, 2..=3] | [3, 17, 2] | [3, 2 | 3 | 8 | 13] => kind == Kind::List,
        [3, 17, 1, 1..=8] => kind == Kind::Double,
        [3 | 8] | [3, 12 | 16 | 17] | [3, 17, 1] => kind == Kind::Struct,
        [3, 12, 3..=4 | 9] | [3, 13, 1..=3] | [3, 16, 1] => kind == Kind::Number,
        [3, 1 | 4..=7 | 9..=11 | 14..=15] | [2 | 4..=7] => kind == Kind::Number,
        _ => true,
    }
}

/// Whether a field of a page's header may have a type, as for a description. Lists, of which a header has none,
/// the reader would pass over element by element, however many they claim to have.
fn is_of_header(path: &[i16], kind: Kind) -> bool {
    match path {
        [1..=4] | [5, 1..=4] | [7, 1..=2] | [8, 1..=6] => kind == Kind::Number,
        [5..=8] | [5, 5] | [8, 8] => kind == Kind::Struct,
        [7, 3] | [8, 7] => kind == Kind::Bool,
        _ => kind != Kind::List,
    }
}

/// The bytes of a page's header, and what it says.
fn header(read_at: ReadAt<'_>, place: Range<u64>) -> Result<(u64, Page), String> {
    let most = MOST_HEADER_BYTES.min(place.end - place.start);
    let mut window = HEADER_BYTES;
    loop {
        let bytes = read_at(place.start, window.min(most))?;
        let mut page = Page { packed: -1, unpacked: -1, ..Page::default() };
        let length = numbers(&bytes, &is_of_header, &mut |path, number| match path {
            [2] => page.unpacked = number,
            [3] => page.packed = number,
            [5 | 8, 1] => page.values = number,
            [5, 2] | [8, 4] => page.encoding = number,
            [7, 1] => page.dictionary = number,
            _ => {}
        });
        match length {
            Some(length) => return Ok((length as u64, page)),
            None if window < most => window *= 2,
            None => return Err("a page has no header".to_owned()),
        }
    }
}

impl Page {
    fn check(&self) -> Result<(), String> {
        let Self { packed, unpacked, values, dictionary, encoding } = *self;
        if [packed, unpacked, values, dictionary].into_iter().any(|number| number < 0) {
            return Err("the header of a page lacks its size".to_owned());
        }
        if unpacked > PAGE_BYTES.max(packed.saturating_mul(MOST_GROWTH)) {
            return Err(format!("a page of {packed} bytes claims to be {unpacked} bytes"));
        }
        if dictionary > unpacked / LEAST_VALUE {
            return Err(format!(
                "{unpacked} bytes claim to be a dictionary of {dictionary} values"
            ));
        }
        match ENCODINGS.contains(&encoding) {
            true => Ok(()),
            false => Err(format!(
                "values are in encoding {encoding} of Parquet, expected plain, dictionary, or \
                 DELTA_BINARY_PACKED"
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A field that is a small number.
    fn field(step: u8, number: u8) -> [u8; 2] {
        [step << 4 | 5, number << 1]
    }

    /// A page of zeros: its packed and unpacked size, rows and encoding.
    fn page([packed, unpacked, rows, encoding]: [u8; 4]) -> Vec<u8> {
        let sizes = [[0x15, 0], field(1, unpacked), field(1, packed)].concat();
        let header = [&[0x2c][..], &field(1, rows), &field(1, encoding), &[0, 0]].concat();
        [sizes, header, vec![0; packed.into()]].concat()
    }

    fn checked(pages: &[u8], rows: usize) -> Result<(), String> {
        let read_at = |start: u64, count: u64| {
            Ok(pages[start as usize..].iter().copied().take(count as usize).collect())
        };
        check_pages(&read_at, 0..pages.len() as u64, rows)
    }

    #[test]
    fn pages_are_followed_to_the_last() {
        let pages = [page([9, 9, 2, 0]), page([3, 40, 1, 8])].concat();
        assert_eq!(checked(&pages, 3), Ok(()));
        let refused = |pages: &[u8], rows, words: &str| {
            let error = checked(pages, rows).unwrap_err();
            assert!(error.contains(words), "{error}");
        };
        refused(&pages, 4, "4 rows, its pages claim 3");
        refused(&pages[..pages.len() - 1], 3, "a page claims 3 bytes, there are 2");
        // A checksum that is a list, or bytes where a number is expected.
        for other in [vec![0x19, 0x15, 0], vec![0x18, 1, 0]] {
            let mut other_type = page([3, 3, 1, 0]);
            other_type.splice(6..6, other);
            refused(&other_type, 1, "a page has no header");
        }
        refused(&[&pages[..], &[0x15]].concat(), 3, "no header");
        refused(&page([9, 9, 2, 7]), 2, "encoding 7");
        let huge = [&[0x15, 0, 0x15, 0xfe, 0xff, 0xff, 0xff, 15, 0x15, 2, 0][..], &[0]].concat();
        refused(&huge, 0, "a page of 1 bytes claims to be 2147483647 bytes");
        let dictionary = [0x15, 4, 0x15, 80, 0x15, 2, 0x4c, 0x15, 22, 0, 0, 0];
        refused(&dictionary, 0, "40 bytes claim to be a dictionary of 11 values");
        refused(&[0, 0, 0], 0, "lacks its size");
    }

    #[test]
    fn columns_hold_no_more_columns_than_there_are() {
        let group = |children: u8| [&[0x55][..], &[children << 1], &[0]].concat();
        let file = |elements: &[Vec<u8>]| {
            let list =
                [0x19, 0xfc, elements.len() as u8 & 0x7f | 0x80, (elements.len() >> 7) as u8];
            [&field(1, 1)[..], &list, &elements.concat(), &[0]].concat()
        };
        let leaf = || vec![0];
        assert_eq!(check_schema(&file(&[group(2), leaf(), group(1), leaf()])), Ok(()));
        for (elements, words) in [
            (vec![group(2), leaf()], "claim to hold 2 columns, it names 2"),
            (vec![group(1); MOST_GROUPS + 2], "258 of its columns hold columns"),
        ] {
            let mut elements = elements;
            if elements.len() > MOST_GROUPS {
                elements.push(leaf());
            }
            let error = check_schema(&file(&elements)).unwrap_err();
            assert!(error.contains(words), "{error}");
        }
        assert!(check_schema(&[0x15]).is_err());
    }

    #[test]
    fn fields_have_the_types_of_parquet() {
        let all = [
            Kind::Bool,
            Kind::Byte,
            Kind::Number,
            Kind::Double,
            Kind::Binary,
            Kind::List,
            Kind::Struct,
            Kind::Uuid,
        ];
        let described: [(&[i16], Kind); 25] = [
            (&[1], Kind::Number),
            (&[2], Kind::List),
            (&[2, 4], Kind::Binary),
            (&[2, 5], Kind::Number),
            (&[2, 10], Kind::Struct),
            (&[2, 10, 8], Kind::Struct),
            (&[2, 10, 8, 1], Kind::Bool),
            (&[2, 10, 8, 2], Kind::Struct),
            (&[2, 10, 8, 2, 3], Kind::Struct),
            (&[2, 10, 10, 1], Kind::Byte),
            (&[2, 10, 10, 2], Kind::Bool),
            (&[4], Kind::List),
            (&[4, 1], Kind::List),
            (&[4, 1, 1], Kind::Binary),
            (&[4, 1, 3], Kind::Struct),
            (&[4, 1, 3, 2], Kind::List),
            (&[4, 1, 3, 9], Kind::Number),
            (&[4, 1, 3, 12, 1], Kind::Binary),
            (&[4, 1, 3, 12, 3], Kind::Number),
            (&[4, 1, 3, 12, 7], Kind::Bool),
            (&[4, 1, 3, 16, 2], Kind::List),
            (&[4, 1, 3, 17, 1, 8], Kind::Double),
            (&[4, 4, 2], Kind::Bool),
            (&[5, 2], Kind::Binary),
            (&[7, 1], Kind::Struct),
        ];
        for (path, kind) in described {
            let may: Vec<Kind> =
                all.into_iter().filter(|kind| is_of_description(path, *kind)).collect();
            assert_eq!(may, [kind], "{path:?}");
        }
        // The columns as a text.
        let error = check_schema(&[&field(1, 1)[..], &[0x18, 1, b'a', 0]].concat()).unwrap_err();
        assert!(error.contains("another type"), "{error}");
        // Of fields that its reader does not know it passes over what they say they are.
        assert!(all.into_iter().all(|kind| is_of_description(&[4, 1, 3, 30], kind)));
    }
}
