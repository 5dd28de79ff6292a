//! Copying with a watcher, telling a bad source from a full disk.

use std::io::{self, Read, Write};

/// Bytes moved at once.
const CHUNK: usize = 64 * 1024;

/// Which side failed.
pub(super) enum Fault {
    /// The source.
    Read(io::Error),
    /// The target.
    Write(io::Error),
}

/// Copies all of `from` into `to`, telling `watch` the bytes copied so far; returns how many.
pub(super) fn pour(
    from: &mut impl Read,
    to: &mut impl Write,
    mut watch: impl FnMut(u64),
) -> Result<u64, Fault> {
    let mut chunk = vec![0; CHUNK];
    let mut done = 0;
    loop {
        let got = match from.read(&mut chunk) {
            Ok(0) => return Ok(done),
            Ok(got) => got,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(Fault::Read(error)),
        };
        to.write_all(&chunk[..got]).map_err(Fault::Write)?;
        done += got as u64;
        watch(done);
    }
}
