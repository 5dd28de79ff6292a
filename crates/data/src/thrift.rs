//! Thrift's compact protocol, as far as it takes to find the numbers in it.

/// Structs within structs that are followed.
const DEEPEST: usize = 32;
/// Bytes of a number of 64 bits, seven bits each.
const LONGEST: usize = 10;

/// Tells the numbers of a struct, each with the fields that lead to it, and the lengths of its
/// lists; gives the bytes that the struct takes. None where it ends too early or is none.
///
/// Elements of a list have the path of the list.
pub(crate) fn numbers(bytes: &[u8], tell: &mut dyn FnMut(&[i16], i64)) -> Option<usize> {
    numbers_of(bytes, &|_, _| true, tell)
}

/// As `numbers`; none, too, where a field is of a type that does not fit, by the fields that lead to it.
pub(crate) fn numbers_of(
    bytes: &[u8],
    fits: &dyn Fn(&[i16], u8) -> bool,
    tell: &mut dyn FnMut(&[i16], i64),
) -> Option<usize> {
    let mut walk = Walk { bytes, at: 0, path: Vec::new(), fits, tell };
    walk.fields()?;
    Some(walk.at)
}

struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
    path: Vec<i16>,
    fits: &'a dyn Fn(&[i16], u8) -> bool,
    tell: &'a mut dyn FnMut(&[i16], i64),
}

impl Walk<'_> {
    fn byte(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    fn skip(&mut self, count: u64) -> Option<()> {
        let left = (self.bytes.len() - self.at) as u64;
        (count <= left).then(|| self.at += count as usize)
    }

    fn unsigned(&mut self) -> Option<u64> {
        let mut value = 0;
        for place in 0..LONGEST {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << (7 * place);
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    fn signed(&mut self) -> Option<i64> {
        let value = self.unsigned()?;
        Some((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    fn fields(&mut self) -> Option<()> {
        let mut field = 0_i16;
        loop {
            let head = self.byte()?;
            if head == 0 {
                return Some(());
            }
            field = match i16::from(head >> 4) {
                0 => self.signed()?.try_into().ok()?,
                step => field.checked_add(step)?,
            };
            self.path.push(field);
            // The type of a field that is true or false is its value.
            let kind = head & 0xf;
            (self.fits)(&self.path, kind).then_some(())?;
            if !matches!(kind, 1 | 2) {
                self.value(kind)?;
            }
            self.path.pop();
        }
    }

    fn value(&mut self, kind: u8) -> Option<()> {
        match kind {
            1..=3 => self.skip(1),
            4..=6 => {
                let number = self.signed()?;
                (self.tell)(&self.path, number);
                Some(())
            }
            7 => self.skip(8),
            8 => {
                let length = self.unsigned()?;
                self.skip(length)
            }
            9 | 10 => self.list(),
            12 if self.path.len() < DEEPEST => self.fields(),
            13 => self.skip(16),
            _ => None,
        }
    }

    fn list(&mut self) -> Option<()> {
        let head = self.byte()?;
        let length = match head >> 4 {
            15 => self.unsigned()?,
            short => short.into(),
        };
        (self.tell)(&self.path, i64::try_from(length).ok()?);
        // Lists of lists are in none of Parquet's structs, and would follow each other unboundedly.
        (!matches!(head & 0xf, 9 | 10)).then_some(())?;
        for _ in 0..length {
            self.value(head & 0xf)?;
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(bytes: &[u8]) -> (Option<usize>, Vec<(Vec<i16>, i64)>) {
        let mut told = Vec::new();
        let taken = numbers(bytes, &mut |path, number| told.push((path.to_vec(), number)));
        (taken, told)
    }

    /// Fields 1: 7, 2: true, 4: "ab", 5: { 1: -3 }, 6: [{ 2: 300 }, {}], 20: 1.
    const BYTES: [u8; 22] = [
        0x15, 14, 0x11, 0x28, 2, b'a', b'b', 0x1c, 0x15, 5, 0, 0x19, 0x2c, 0x25, 0xd8, 4, 0, 0,
        0x05, 40, 2, 0,
    ];

    #[test]
    fn numbers_have_the_fields_that_lead_to_them() {
        let expected = [(vec![1], 7), (vec![5, 1], -3), (vec![6], 2), (vec![6, 2], 300)];
        let (taken, told) = told(&[&BYTES[..], &[9, 9]].concat());
        assert_eq!(taken, Some(BYTES.len()));
        assert_eq!(told[..4], expected);
        assert_eq!(told[4..], [(vec![20], 1)]);
    }

    #[test]
    fn what_ends_too_early_is_none() {
        for end in 0..BYTES.len() {
            assert_eq!(told(&BYTES[..end]).0, None, "{end}");
        }
        assert_eq!(told(&[0x1c; 1000]).0, None, "structs without an end");
        assert_eq!(told(&[0x19; 1000]).0, None, "lists without an end");
        assert_eq!(told(&[0x18, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]).0, None);
        assert_eq!(told(&[&[0x15][..], &[0xff; 20]].concat()).0, None);
    }
}
