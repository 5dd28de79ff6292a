//! Reading a file at a place without moving its cursor, so that threads can share it.

use std::fs::File;
use std::io;

/// Fills `buffer` with the bytes from `offset` on.
#[cfg(unix)]
pub(crate) fn read_exact_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, buffer, offset)
}

/// Fills `buffer` with the bytes from `offset` on.
#[cfg(windows)]
pub(crate) fn read_exact_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<()> {
    let mut filled = 0;
    while filled < buffer.len() {
        let offset = offset + filled as u64;
        match std::os::windows::fs::FileExt::seek_read(file, &mut buffer[filled..], offset)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => filled += read,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn bytes_come_from_their_place_and_not_from_beyond_the_end() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"abcdef").unwrap();
        let mut buffer = [0; 3];
        read_exact_at(&file, &mut buffer, 2).unwrap();
        assert_eq!(&buffer, b"cde");
        let error = read_exact_at(&file, &mut buffer, 4).expect_err("two bytes are left");
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }
}
