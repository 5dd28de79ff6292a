//! Names of files as text that tells them apart, also where they are no text.

use std::fmt::Write;
use std::path::{Path, PathBuf};

/// A name of bytes that are not UTF-8 is written with `\xNN` for each of them; a backslash in such
/// a name, or in one that could be taken for such, is doubled.
pub fn printable(path: &Path) -> String {
    let bytes = path.as_os_str().as_encoded_bytes();
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.contains("\\x") => text.to_owned(),
        _ => escaped(bytes),
    }
}

/// The path of a name that [`printable`] gave.
pub fn path_of_name(name: &str) -> PathBuf {
    match name.contains("\\x") {
        true => path_of_bytes(unescaped(name)),
        false => PathBuf::from(name),
    }
}

#[cfg(unix)]
fn path_of_bytes(bytes: Vec<u8>) -> PathBuf {
    use std::os::unix::ffi::OsStringExt;
    std::ffi::OsString::from_vec(bytes).into()
}

#[cfg(not(unix))]
fn path_of_bytes(bytes: Vec<u8>) -> PathBuf {
    String::from_utf8_lossy(&bytes).into_owned().into()
}

/// What `escaped` was given; a backslash that it did not write stays.
fn unescaped(name: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(name.len());
    let mut rest = name.as_bytes();
    while let Some((&first, others)) = rest.split_first() {
        let byte = |digits: &[u8]| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok();
        let (byte, next) = match (first, others) {
            (b'\\', [b'\\', next @ ..]) => (b'\\', next),
            (b'\\', [b'x', high, low, next @ ..]) => match byte(&[*high, *low]) {
                Some(byte) => (byte, next),
                None => (first, others),
            },
            _ => (first, others),
        };
        bytes.push(byte);
        rest = next;
    }
    bytes
}

/// A text from elsewhere, which may have the bytes of a file in it: what does not print is a dot.
pub(crate) fn on_one_line(text: &str) -> String {
    let shown = |c: char| match c.is_control() || c == char::REPLACEMENT_CHARACTER {
        true => '.',
        false => c,
    };
    text.chars().map(shown).collect()
}

fn escaped(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        text += &chunk.valid().replace('\\', "\\\\");
        for byte in chunk.invalid() {
            write!(text, "\\x{byte:02x}").expect("a string takes all that is written");
        }
    }
    text
}

#[cfg(all(test, unix))]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    use super::*;

    fn of(bytes: &[u8]) -> String {
        printable(Path::new(OsStr::from_bytes(bytes)))
    }

    #[test]
    fn bytes_of_a_file_do_not_reach_the_terminal() {
        assert_eq!(on_one_line("for a\u{1b}[2J\0\n\u{fffd}é"), "for a.[2J...é");
    }

    #[test]
    fn names_that_are_no_text_can_be_told_apart() {
        assert_eq!(of("a/é \\.png".as_bytes()), "a/é \\.png");
        assert_eq!(of(b"caf\xe9.png"), "caf\\xe9.png");
        assert_eq!(of(b"caf\xe8.png"), "caf\\xe8.png");
        assert_eq!(of(b"caf\\xe9.png"), "caf\\\\xe9.png");
        assert_eq!(of(b"\\caf\xe9"), "\\\\caf\\xe9");
    }

    #[test]
    fn names_lead_back_to_their_files() {
        for bytes in [
            "a/é \\.png".as_bytes(),
            b"caf\xe9.png",
            b"caf\\xe9.png",
            b"\\caf\xe9",
            b"\\\\x\\\\",
            b"new\nline.png",
            b"\\xzz",
        ] {
            let path = Path::new(OsStr::from_bytes(bytes));
            assert_eq!(path_of_name(&printable(path)), path);
        }
    }
}
