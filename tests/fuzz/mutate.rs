//! Damage: what disks, editors and people with bad intent do to files.

use std::io::{Cursor, Read, Write};

use kith_core::rng::Stream;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

/// Numbers at which sizes and counts go wrong.
const EDGES: [u64; 12] = [
    0,
    1,
    0x7f,
    0x80,
    0xff,
    0x7fff,
    0xffff,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    0x7fff_ffff_ffff_ffff,
    u64::MAX,
];
/// Numbers as texts have them.
const WORDS: [&str; 12] = [
    "0",
    "-1",
    "1e999",
    "-0.0",
    "1e-320",
    "null",
    "[]",
    "{}",
    "\"\"",
    "99999999999999999999",
    "4294967296",
    "18446744073709551615",
];
/// Bytes at either end of a file, where formats keep their sizes.
const EDGE_BYTES: usize = 512;
/// What is read of a file in an archive.
const MOST_CONTENT: u64 = 1 << 20;
/// The longest piece that is cut out, copied or put in.
const PIECE: usize = 64;

/// How a kind of file is damaged, so that more than its first lines are read.
#[derive(Clone, Copy)]
pub(crate) enum Form {
    /// As bytes.
    Bytes,
    /// Often in the header alone, whose length is then set right.
    Safetensors,
    /// Often in one file of the archive, whose checksum is then set right.
    Zip,
}

/// One of the seeds, damaged in one to four places.
pub(crate) fn mutate(form: Form, seeds: &[Vec<u8>], random: &mut Stream) -> Vec<u8> {
    let seed = &seeds[random.below(seeds.len())];
    let form = if random.chance(0.3) { Form::Bytes } else { form };
    within(form, seed, |bytes| damaged(bytes, seeds, random))
}

/// Bytes, damaged in one to four places.
pub(crate) fn damaged(bytes: &[u8], others: &[Vec<u8>], random: &mut Stream) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..=random.below(2) * random.below(4) {
        let other = &others[random.below(others.len())];
        damage(&mut bytes, other, random);
    }
    bytes
}

/// An input whose innermost bytes were changed, and what is around them set right; of one that has no such
/// form, all bytes were.
pub(crate) fn within(
    form: Form,
    input: &[u8],
    mut change: impl FnMut(&[u8]) -> Vec<u8>,
) -> Vec<u8> {
    let inner = match form {
        Form::Bytes => None,
        Form::Safetensors => with_header(input, &mut change),
        Form::Zip => repacked(input, &mut change),
    };
    inner.unwrap_or_else(|| change(input))
}

/// Safetensors with another header.
fn with_header(input: &[u8], change: impl FnOnce(&[u8]) -> Vec<u8>) -> Option<Vec<u8>> {
    let (length, rest) = input.split_first_chunk()?;
    let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
    let (header, tensors) = rest.split_at_checked(length)?;
    let header = change(header);
    Some([&(header.len() as u64).to_le_bytes()[..], &header, tensors].concat())
}

/// A zip archive with other pickles.
fn repacked(input: &[u8], mut change: impl FnMut(&[u8]) -> Vec<u8>) -> Option<Vec<u8>> {
    let mut archive = ZipArchive::new(Cursor::new(input)).ok()?;
    let mut written = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for place in 0..archive.len() {
        let mut entry = archive.by_index(place).ok()?;
        let name = entry.name().ok()?.into_owned();
        let mut content = Vec::new();
        (&mut entry).take(MOST_CONTENT).read_to_end(&mut content).ok()?;
        if name.ends_with(".pkl") {
            content = change(&content);
        }
        written.start_file(name, options).ok()?;
        written.write_all(&content).ok()?;
    }
    Some(written.finish().ok()?.into_inner())
}

/// A place, most often near an end.
fn place(length: usize, random: &mut Stream) -> usize {
    let near = random.below(length.min(EDGE_BYTES) + 1).min(length);
    match random.below(3) {
        0 => near,
        1 => length - near,
        _ => random.below(length + 1),
    }
}

fn damage(bytes: &mut Vec<u8>, other: &[u8], random: &mut Stream) {
    let at = place(bytes.len(), random);
    let end = (at + 1 + random.below(PIECE)).min(bytes.len());
    match random.below(10) {
        0 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
        1 if at < bytes.len() => bytes[at] = random.below(256) as u8,
        2 | 3 => write_edge(bytes, at, random),
        4 => drop(bytes.drain(at..end)),
        5 => {
            let piece = bytes[at..end].to_vec();
            let to = place(bytes.len(), random);
            bytes.splice(to..to, piece);
        }
        6 => bytes.truncate(at),
        7 => {
            let from = place(other.len(), random);
            let piece = &other[from..(from + PIECE).min(other.len())];
            let over = if random.chance(0.5) { end } else { at };
            bytes.splice(at..over, piece.iter().copied());
        }
        _ => replace_number(bytes, at, random),
    }
}

/// Writes a number of one to eight bytes over what is there.
fn write_edge(bytes: &mut [u8], at: usize, random: &mut Stream) {
    let width = 1 << random.below(4);
    let value =
        EDGES[random.below(EDGES.len())].wrapping_add(random.below(3) as u64).wrapping_sub(1);
    let (little, big) = (value.to_le_bytes(), value.to_be_bytes());
    let written = if random.chance(0.5) { &little[..width] } else { &big[8 - width..] };
    for (byte, new) in bytes.iter_mut().skip(at).zip(written) {
        *byte = *new;
    }
}

/// Puts another word in the place of the next number of a text.
fn replace_number(bytes: &mut Vec<u8>, at: usize, random: &mut Stream) {
    let is_digit = |byte: &u8| byte.is_ascii_digit();
    let Some(start) = bytes[at..].iter().position(is_digit).map(|place| at + place) else { return };
    let end = start + bytes[start..].iter().take_while(|byte| is_digit(byte)).count();
    let word = WORDS[random.below(WORDS.len())];
    bytes.splice(start..end, word.bytes());
}
