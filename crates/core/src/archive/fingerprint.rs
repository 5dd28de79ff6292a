//! Short names of weights.

use super::Archive;

/// Fowler, Noll and Vo's start and factor for 64 bits.
const FNV_BASIS: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0100_0000_01b3;

impl Archive {
    /// A short name for the weights under `prefix`: equal for equal weights and, but for chance,
    /// for no others. 16 hexadecimal digits (FNV-1a over names, shapes and numbers).
    pub fn fingerprint(&self, prefix: &str) -> String {
        let mut hash = FNV_BASIS;
        let mut eat = |bytes: &[u8]| {
            for &byte in bytes {
                hash = (hash ^ u64::from(byte)).wrapping_mul(FNV_PRIME);
            }
        };
        for name in self.names_below(prefix) {
            // What cannot be decoded is no weight.
            let Ok(stored) = self.get(name) else { continue };
            eat(name.as_bytes());
            stored.shape.iter().for_each(|&size| eat(&(size as u64).to_le_bytes()));
            stored.values.iter().for_each(|value| eat(&value.to_le_bytes()));
        }
        format!("{hash:016x}")
    }
}
