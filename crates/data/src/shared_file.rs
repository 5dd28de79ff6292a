//! A file as Parquet's reader takes it, from any number of threads.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::sync::Arc;

use bytes::Bytes;
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, Length};

use crate::read_at::read_exact_at;

/// A file that threads share: its cursor is never moved.
#[derive(Clone, Debug)]
pub(crate) struct SharedFile {
    file: Arc<File>,
    bytes: u64,
}

impl SharedFile {
    /// A file of so many bytes.
    pub(crate) fn new(file: File, bytes: u64) -> Self {
        Self { file: file.into(), bytes }
    }

    /// So many bytes from a place on, fewer where the file ends.
    pub(crate) fn read_at(&self, start: u64, count: u64) -> io::Result<Vec<u8>> {
        let mut buffer = vec![0; count.min(self.bytes.saturating_sub(start)) as usize];
        read_exact_at(&self.file, &mut buffer, start)?;
        Ok(buffer)
    }
}

impl Length for SharedFile {
    fn len(&self) -> u64 {
        self.bytes
    }
}

impl ChunkReader for SharedFile {
    type T = BufReader<From>;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        let from = From { file: Arc::clone(&self.file), at: start, end: self.bytes };
        Ok(BufReader::new(from))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        if start.checked_add(length as u64).is_none_or(|end| end > self.bytes) {
            let words = format!("{length} bytes from {start} on are asked for of {}", self.bytes);
            return Err(ParquetError::EOF(words));
        }
        let mut buffer = vec![0; length];
        read_exact_at(&self.file, &mut buffer, start)?;
        Ok(buffer.into())
    }
}

/// A file from a place on.
#[derive(Debug)]
pub(crate) struct From {
    file: Arc<File>,
    at: u64,
    end: u64,
}

impl Read for From {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = (buffer.len() as u64).min(self.end.saturating_sub(self.at)) as usize;
        read_exact_at(&self.file, &mut buffer[..count], self.at)?;
        self.at += count as u64;
        Ok(count)
    }
}
