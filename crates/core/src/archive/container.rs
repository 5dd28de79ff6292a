//! What kind of file weights lie in, by how it begins.

use crate::error::Error;

/// What kind of file weights lie in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Container {
    /// A safetensors file.
    Safetensors,
    /// A zip archive, as `PyTorch` writes them.
    Zip,
    /// A stream of pickles, as `PyTorch` wrote them before 1.6.
    Pickle,
    /// A tar archive, as the first versions of `PyTorch` wrote them.
    Tar,
    /// An HDF5 file, as Keras writes them.
    Hdf5,
    /// Nothing that is known.
    Unknown,
}

const ZIP: &[u8] = b"PK\x03\x04";
const PICKLE: u8 = 0x80;
/// Where a tar archive says that it is one, and how.
const TAR: (usize, &[u8]) = (257, b"ustar");
const HDF5: &[u8] = b"\x89HDF";
/// Bytes before the header of a safetensors file: its length.
const LENGTH: usize = 8;
/// The longest header that the format allows, in bytes.
const LONGEST: u64 = 100_000_000;

impl Container {
    /// Bytes of the beginning that tell all kinds apart.
    pub const HEAD: usize = TAR.0 + TAR.1.len();

    /// The kind of a file that begins so.
    ///
    /// The length with which a safetensors file begins may look like the beginning of any other kind, so
    /// it comes first.
    pub fn of(head: &[u8]) -> Self {
        let (at, tar) = TAR;
        let length = head.first_chunk::<LENGTH>().map(|bytes| u64::from_le_bytes(*bytes));
        match head {
            _ if length.is_some_and(|length| length <= LONGEST)
                && head.get(LENGTH) == Some(&b'{') =>
            {
                Self::Safetensors
            }
            _ if head.starts_with(ZIP) => Self::Zip,
            [PICKLE, ..] => Self::Pickle,
            _ if head.get(at..at + tar.len()) == Some(tar) => Self::Tar,
            _ if head.starts_with(HDF5) => Self::Hdf5,
            _ => Self::Unknown,
        }
    }

    /// Refuses files that are known to be no safetensors, and says what makes one of them.
    ///
    /// # Errors
    /// [`Error::OtherContainer`].
    pub fn check_safetensors(self) -> Result<(), Error> {
        let kind = match self {
            Self::Safetensors | Self::Unknown => return Ok(()),
            Self::Zip => "a zip archive, as PyTorch writes them",
            Self::Pickle => "a pickle, as PyTorch writes them",
            Self::Tar => "a tar archive, as old versions of PyTorch wrote them",
            Self::Hdf5 => {
                let reason = "it is an HDF5 file, as Keras writes them".to_owned();
                return Err(Error::NotSafetensors { reason });
            }
        };
        Err(Error::OtherContainer { kind })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_told_by_how_they_begin() {
        let mut tar = vec![b'x'; Container::HEAD];
        tar[TAR.0..].copy_from_slice(TAR.1);
        for (head, kind, code) in [
            (&b"PK\x03\x04\x14\0\0\0\0\0"[..], Container::Zip, Some("NOT_SAFETENSORS")),
            (b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j", Container::Pickle, Some("NOT_SAFETENSORS")),
            (&tar, Container::Tar, Some("NOT_SAFETENSORS")),
            (b"\x89HDF\r\n\x1a\n", Container::Hdf5, Some("NOT_SAFETENSORS")),
            (b"", Container::Unknown, None),
            // Lengths of headers that look like other kinds' beginnings.
            (b"\x80\x02\0\0\0\0\0\0{\"a\"", Container::Safetensors, None),
            (b"PK\x03\x04\0\0\0\0{\"a\"", Container::Safetensors, None),
        ] {
            assert_eq!(Container::of(head), kind);
            assert_eq!(kind.check_safetensors().err().map(|error| error.code()), code, "{kind:?}");
        }
        let said = Container::Zip.check_safetensors().expect_err("PyTorch's").to_string();
        assert!(said.contains("kith import FILE --out x.safetensors"), "{said}");
    }
}
