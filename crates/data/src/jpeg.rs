//! What the markers of a JPEG file say: whether it goes on to its end, and how it is coded.
//!
//! The decoder fills what is missing of a file that was cut short with grey, which is not what the
//! camera saw.

const MARKER: u8 = 0xff;
const END_OF_IMAGE: u8 = 0xd9;
/// Start of a progressive frame, by the four ways of coding.
const PROGRESSIVE: [u8; 4] = [0xc2, 0xc6, 0xca, 0xce];
/// Bytes of the start of the file, before its first segment.
const START_BYTES: usize = 2;

/// What the markers say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Markers {
    /// Whether the marker of the end was met.
    pub(crate) ends: bool,
    /// Whether the picture comes coarse first: then all of it is held while it is decoded.
    pub(crate) progressive: bool,
}

/// Goes from marker to marker, over segments and coded data, to the end of the picture.
///
/// Thumbnails lie within segments, so that their ends are not taken for it.
pub(crate) fn markers(file: &[u8]) -> Markers {
    let mut found = Markers::default();
    let mut rest = file.get(START_BYTES..).unwrap_or_default();
    while let Some(marker) = next_marker(&mut rest) {
        match marker {
            END_OF_IMAGE => return Markers { ends: true, ..found },
            // A stuffed byte of coded data, and markers that no segment follows.
            0x00 | 0x01 | 0xd0..=0xd8 => {}
            _ => {
                found.progressive |= PROGRESSIVE.contains(&marker);
                let Some(length) = rest.first_chunk::<2>() else { break };
                let length = usize::from(u16::from_be_bytes(*length));
                rest = rest.get(length..).unwrap_or_default();
            }
        }
    }
    found
}

/// The next marker; `rest` then starts after it.
fn next_marker(rest: &mut &[u8]) -> Option<u8> {
    let start = rest.iter().position(|&byte| byte == MARKER)?;
    // A marker may be preceded by any number of the same byte.
    let fill = rest[start..].iter().take_while(|&&byte| byte == MARKER).count();
    let marker = *rest.get(start + fill)?;
    *rest = &rest[start + fill + 1..];
    Some(marker)
}

#[cfg(test)]
mod tests {
    use image::codecs::jpeg::JpegEncoder;
    use image::{Rgb, RgbImage};

    use super::*;

    fn jpeg() -> Vec<u8> {
        let picture = RgbImage::from_fn(40, 40, |x, y| Rgb([(x * y) as u8, x as u8, y as u8]));
        let mut content = Vec::new();
        JpegEncoder::new_with_quality(&mut content, 90).encode_image(&picture).unwrap();
        content
    }

    #[test]
    fn only_a_whole_file_ends() {
        let whole = jpeg();
        assert_eq!(markers(&whole), Markers { ends: true, progressive: false });
        for length in [0, 1, 2, 3, 20, whole.len() / 2, whole.len() - 1] {
            assert!(!markers(&whole[..length]).ends, "{length} of {} bytes", whole.len());
        }
        let mut zeros = whole.clone();
        zeros[whole.len() / 2..].fill(0);
        assert!(!markers(&zeros).ends, "a download that was interrupted leaves zeros");
        assert!(markers(&[&whole[..], b"and more"].concat()).ends);
    }

    #[test]
    fn the_end_of_a_thumbnail_is_not_the_end() {
        let whole = jpeg();
        // An application segment that holds the end of a smaller picture.
        let segment = [0xff, 0xe1, 0, 6, 0xff, 0xd9, 0xff, 0xd9];
        let with = [&whole[..2], &segment, &whole[2..]].concat();
        assert!(markers(&with).ends);
        assert!(!markers(&with[..with.len() - 2]).ends);
    }

    #[test]
    fn a_progressive_frame_is_told() {
        let file = [0xff, 0xd8, 0xff, 0xc2, 0, 2, 0xff, 0xff, 0xd9];
        assert_eq!(markers(&file), Markers { ends: true, progressive: true });
    }
}
