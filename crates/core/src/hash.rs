//! Short names of bytes: FNV-1a of Fowler, Noll and Vo, 64 bits.

const BASIS: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0100_0000_01b3;

/// A hash of what it is fed: equal for equal bytes and, but for chance, for no others. It is no
/// protection from somebody who wants two to be alike.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hash(u64);

impl Hash {
    /// Of nothing yet.
    pub(crate) fn new() -> Self {
        Self(BASIS)
    }

    /// Goes on with some bytes.
    pub(crate) fn eat(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(PRIME);
        }
    }

    /// 16 hexadecimal digits.
    pub(crate) fn digits(self) -> String {
        format!("{:016x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of the authors' test suite (isthe.com/chongo/tech/comp/fnv).
    #[test]
    fn it_is_fnv_1a() {
        for (text, digits) in
            [("", "cbf29ce484222325"), ("a", "af63dc4c8601ec8c"), ("foobar", "85944171f73967e8")]
        {
            let mut hash = Hash::new();
            hash.eat(text.as_bytes());
            assert_eq!(hash.digits(), digits, "{text}");
        }
    }
}
