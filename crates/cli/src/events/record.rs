//! Records of a `TFRecord` file: a length, bytes, and a checksum of either.

/// Bytes of a length.
const LENGTH: usize = 8;
/// Bytes of a checksum.
const SUM: usize = 4;
/// What a checksum is rotated by and what is added to it, so that a checksum of bytes that hold
/// checksums stays good (`TensorFlow`, `tsl/lib/hash/crc32c.h`).
const MASK: (u32, u32) = (15, 0xa282_ead8);

/// The masked CRC-32C of some bytes, little end first.
fn sum(bytes: &[u8]) -> [u8; SUM] {
    let (rotation, delta) = MASK;
    crc32c::crc32c(bytes).rotate_right(rotation).wrapping_add(delta).to_le_bytes()
}

/// Bytes as a record.
pub(super) fn frame(bytes: &[u8]) -> Vec<u8> {
    let length = (bytes.len() as u64).to_le_bytes();
    [&length[..], &sum(&length), bytes, &sum(bytes)].concat()
}

/// The bytes of each record, up to the first that is not whole or whose checksums are not its own.
pub(super) fn whole(file: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = file;
    std::iter::from_fn(move || {
        let (record, after) = first(rest)?;
        rest = after;
        Some(record)
    })
}

/// The first record's bytes, and what stands after it.
fn first(file: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = file.split_at_checked(LENGTH)?;
    let (length_sum, rest) = rest.split_at_checked(SUM)?;
    if sum(length) != length_sum {
        return None;
    }
    let count = u64::from_le_bytes(length.try_into().ok()?);
    let (bytes, rest) = rest.split_at_checked(usize::try_from(count).ok()?)?;
    let (bytes_sum, rest) = rest.split_at_checked(SUM)?;
    (sum(bytes) == bytes_sum).then_some((bytes, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// CRC-32C bit by bit (Castagnoli's polynomial, reflected).
    fn naive(bytes: &[u8]) -> u32 {
        let bit = |sum: u32, _| (sum >> 1) ^ if sum & 1 == 1 { 0x82f6_3b78 } else { 0 };
        !bytes.iter().fold(u32::MAX, |sum, &byte| (0..8).fold(sum ^ u32::from(byte), bit))
    }

    #[test]
    fn a_checksum_is_the_masked_crc() {
        assert_eq!(naive(b"123456789"), 0xe306_9283, "the check value of its catalogue");
        for bytes in [&b""[..], b"123456789", &[0; 33]] {
            let crc = u64::from(naive(bytes));
            let masked = ((crc >> 15 | crc << 17) as u32).wrapping_add(0xa282_ead8);
            assert_eq!(u32::from_le_bytes(sum(bytes)), masked);
        }
    }

    #[test]
    fn a_length_that_no_file_has_ends_the_file() {
        let length = u64::MAX.to_le_bytes();
        let file = [&length[..], &sum(&length), b"abc"].concat();
        assert_eq!(whole(&file).count(), 0);
    }
}
