//! Which files are images: by their ending, and by their first bytes where the ending says nothing.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use image::ImageFormat;

/// Endings of files that can be decoded.
const IMAGES: [&str; 14] = [
    "png", "jpg", "jpeg", "jpe", "jfif", "jif", "pjpeg", "pjp", "webp", "gif", "bmp", "dib", "tif",
    "tiff",
];

/// Endings of images that cannot: nothing decodes them without libraries in C, or they are a
/// camera's raw data.
const NOT_DECODED: [&str; 24] = [
    "avif", "heic", "heif", "jxl", "jp2", "j2k", "jpx", "svg", "psd", "xcf", "tga", "ico", "exr",
    "hdr", "dng", "cr2", "cr3", "nef", "arw", "orf", "rw2", "raf", "pbm", "ppm",
];

/// First bytes that tell a format.
const START_BYTES: usize = 16;

/// What a file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An image, as far as is known before it is decoded.
    Image,
    /// Anything else; the words tell what, for counting.
    Other(String),
}

/// What a file is by its ending alone, in lower case.
pub(crate) fn kind_of_ending(ending: &str) -> Kind {
    match ending {
        known if IMAGES.contains(&known) => Kind::Image,
        known if NOT_DECODED.contains(&known) => Kind::Other(format!(".{known} (no decoder)")),
        "" => Kind::Other("without an ending".to_owned()),
        other => Kind::Other(format!(".{other}")),
    }
}

/// What a file is.
pub(crate) fn kind(path: &Path) -> Kind {
    let ending = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    match kind_of_ending(&ending) {
        Kind::Other(_) if !NOT_DECODED.contains(&ending.as_str()) && starts_like_an_image(path) => {
            Kind::Image
        }
        kind => kind,
    }
}

/// Whether the first bytes are of a format that nothing else starts like. Two letters of a BMP
/// are the start of many a text, and raw data of cameras starts like a TIFF.
fn starts_like_an_image(path: &Path) -> bool {
    let mut start = [0; START_BYTES];
    let read = File::open(path).and_then(|mut file| file.read(&mut start));
    let format = read.ok().and_then(|read| image::guess_format(&start[..read]).ok());
    use ImageFormat::{Gif, Jpeg, Png, WebP};
    matches!(format, Some(Png | Jpeg | WebP | Gif))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn kind_of(name: &str, content: &[u8]) -> Kind {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        kind(&path)
    }

    #[test]
    fn endings_tell_in_either_case() {
        for name in ["a.jfif", "a.JPE", "a.JpEg", "a.tif", "a.TIFF", "a.png", "a.b.webp"] {
            assert_eq!(kind_of(name, b""), Kind::Image, "{name}");
        }
        assert_eq!(kind_of("a.AVIF", b""), Kind::Other(".avif (no decoder)".to_owned()));
        assert_eq!(kind_of("a.txt", b"BM is short for"), Kind::Other(".txt".to_owned()));
        assert_eq!(kind_of("README", b"text"), Kind::Other("without an ending".to_owned()));
    }

    #[test]
    fn content_tells_where_the_ending_does_not() {
        for name in ["photo", "a.jpg_large", "a.jpg?w=100", "a.dat"] {
            assert_eq!(kind_of(name, b"\xff\xd8\xff\xe0\0\x10JFIF"), Kind::Image, "{name}");
        }
        assert_eq!(kind_of("x.raw", b"II*\0\0\0\0\0"), Kind::Other(".raw".to_owned()));
    }
}
