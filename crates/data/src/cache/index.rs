//! The end of a cache: what its records are of.
//!
//! Numbers are little-endian. Entries: length and bytes of the path, size, time, then 1 with record
//! and checksum, or 0 with length and text of a reason. After them come the bytes before the
//! entries, those of the entries, their checksum, the side and the mark of the format.

use std::collections::BTreeMap;
use std::fs::File;

use super::{Place, record_bytes};
use crate::read_at::read_exact_at;
use crate::walk::Found;

/// Format of the file and way of resizing: another of either gets another number.
const MARK: [u8; 8] = *b"kithimg1";

/// Bytes after the entries.
const END_BYTES: usize = 8 + 8 + 4 + 4 + MARK.len();

/// What became of an image: its record, or why it cannot be read.
pub(crate) type Outcome = Result<Place, String>;

/// Entries by path.
#[derive(Debug, Default)]
pub(crate) struct Index {
    entries: BTreeMap<Vec<u8>, Entry>,
    records: u64,
}

#[derive(Debug)]
struct Entry {
    bytes: u64,
    modified: u128,
    outcome: Outcome,
}

impl Index {
    /// Adds an image: the sum of its record, which is the next one, or why it has none.
    pub(crate) fn add(&mut self, of: &Found, outcome: Result<u32, &str>) {
        let outcome = outcome.map(|sum| Place { record: self.records, sum });
        self.records += u64::from(outcome.is_ok());
        let entry = Entry {
            bytes: of.bytes,
            modified: of.modified,
            outcome: outcome.map_err(ToOwned::to_owned),
        };
        self.entries.insert(of.path.as_os_str().as_encoded_bytes().to_vec(), entry);
    }

    /// What is known of an image as it is now.
    pub(crate) fn get(&self, of: &Found) -> Option<&Outcome> {
        let entry = self.entries.get(of.path.as_os_str().as_encoded_bytes())?;
        let same = entry.bytes == of.bytes && entry.modified == of.modified;
        same.then_some(&entry.outcome)
    }

    /// The bytes that follow the records.
    pub(crate) fn to_bytes(&self, side: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (path, entry) in &self.entries {
            put_text(&mut bytes, path);
            bytes.extend(entry.bytes.to_le_bytes());
            bytes.extend(entry.modified.to_le_bytes());
            bytes.push(u8::from(entry.outcome.is_ok()));
            match &entry.outcome {
                Ok(place) => {
                    bytes.extend(place.record.to_le_bytes());
                    bytes.extend(place.sum.to_le_bytes());
                }
                Err(reason) => put_text(&mut bytes, reason.as_bytes()),
            }
        }
        let (length, sum) = (bytes.len() as u64, crc32fast::hash(&bytes));
        bytes.extend((self.records * record_bytes(side) as u64).to_le_bytes());
        bytes.extend(length.to_le_bytes());
        bytes.extend(sum.to_le_bytes());
        bytes.extend((side as u32).to_le_bytes());
        bytes.extend(MARK);
        bytes
    }

    /// The index of a file, if all of it is as it was written for this side.
    pub(crate) fn read(file: &File, side: usize) -> Option<Self> {
        let bytes = file.metadata().ok()?.len();
        let end_at = bytes.checked_sub(END_BYTES as u64)?;
        let mut end = [0; END_BYTES];
        read_exact_at(file, &mut end, end_at).ok()?;
        let mut end = Bytes(&end);
        let (before, length) = (u64::from_le_bytes(end.take()?), u64::from_le_bytes(end.take()?));
        let (sum, of_side) = (u32::from_le_bytes(end.take()?), u32::from_le_bytes(end.take()?));
        let fits = before.checked_add(length) == Some(end_at);
        if !fits || end.0 != MARK || of_side as usize != side {
            return None;
        }
        let mut entries = vec![0; usize::try_from(length).ok()?];
        read_exact_at(file, &mut entries, before).ok()?;
        if crc32fast::hash(&entries) != sum || !before.is_multiple_of(record_bytes(side) as u64) {
            return None;
        }
        Self::parse(&entries, before / record_bytes(side) as u64)
    }

    fn parse(entries: &[u8], records: u64) -> Option<Self> {
        let mut this = Self { records, ..Self::default() };
        let mut rest = Bytes(entries);
        while !rest.0.is_empty() {
            let path = rest.text()?.to_vec();
            let bytes = u64::from_le_bytes(rest.take()?);
            let modified = u128::from_le_bytes(rest.take()?);
            let outcome = match rest.take()? {
                [0] => Err(String::from_utf8_lossy(rest.text()?).into_owned()),
                _ => {
                    let record = u64::from_le_bytes(rest.take()?);
                    let sum = u32::from_le_bytes(rest.take()?);
                    Ok(Some(Place { record, sum }).filter(|_| record < records)?)
                }
            };
            this.entries.insert(path, Entry { bytes, modified, outcome });
        }
        Some(this)
    }
}

fn put_text(bytes: &mut Vec<u8>, text: &[u8]) {
    bytes.extend((text.len() as u32).to_le_bytes());
    bytes.extend(text);
}

/// Bytes that are still to be read.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (first, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*first)
    }

    fn text(&mut self) -> Option<&'a [u8]> {
        let length = u32::from_le_bytes(self.take()?) as usize;
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(text)
    }
}
