//! Short names of weights.

use super::Archive;
use crate::hash::Hash;

impl Archive {
    /// A short name for the weights under `prefix`: equal for equal weights and, but for chance,
    /// for no others. 16 hexadecimal digits (FNV-1a over names, shapes and numbers).
    pub fn fingerprint(&self, prefix: &str) -> String {
        let mut hash = Hash::new();
        for name in self.names_below(prefix) {
            // What cannot be decoded is no weight.
            let Ok(stored) = self.get(name) else { continue };
            hash.eat(name.as_bytes());
            stored.shape.iter().for_each(|&size| hash.eat(&(size as u64).to_le_bytes()));
            stored.values.iter().for_each(|value| hash.eat(&value.to_le_bytes()));
        }
        hash.digits()
    }
}
