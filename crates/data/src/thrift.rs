//! Thrift's compact protocol, as far as it takes to find the numbers in it.

/// Structs within structs that are followed.
const DEEPEST: usize = 32;
/// Bytes of a number of 64 bits, seven bits each.
const LONGEST: usize = 10;

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Bool,
    Byte,
    /// Of 16, 32 or 64 bits, which take the same bytes.
    Number,
    Double,
    Binary,
    /// A set has the bytes of a list.
    List,
    Struct,
    Uuid,
}

impl Kind {
    /// By the number of a type; none for a map, of which Parquet has none.
    fn of(number: u8) -> Option<Self> {
        Some(match number {
            1 | 2 => Self::Bool,
            3 => Self::Byte,
            4..=6 => Self::Number,
            7 => Self::Double,
            8 => Self::Binary,
            9 | 10 => Self::List,
            12 => Self::Struct,
            13 => Self::Uuid,
            _ => return None,
        })
    }
}

/// Tells the numbers of a struct, each with the fields that lead to it, and the lengths of its
/// lists; gives the bytes that the struct takes. None where it ends too early, is none, or has a field of
/// a type that does not fit by the fields that lead to it.
///
/// Elements of a list have the path of the list.
pub(crate) fn numbers(
    bytes: &[u8],
    fits: &dyn Fn(&[i16], Kind) -> bool,
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
    fits: &'a dyn Fn(&[i16], Kind) -> bool,
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
            let kind = Kind::of(head & 0xf)?;
            (self.fits)(&self.path, kind).then_some(())?;
            // The type of a field that is true or false is its value.
            if kind != Kind::Bool {
                self.value(kind)?;
            }
            self.path.pop();
        }
    }

    fn value(&mut self, kind: Kind) -> Option<()> {
        match kind {
            Kind::Bool | Kind::Byte => self.skip(1),
            Kind::Number => {
                let number = self.signed()?;
                (self.tell)(&self.path, number);
                Some(())
            }
            Kind::Double => self.skip(8),
            Kind::Binary => {
                let length = self.unsigned()?;
                self.skip(length)
            }
            Kind::List => self.list(),
            Kind::Struct if self.path.len() < DEEPEST => self.fields(),
            Kind::Struct => None,
            Kind::Uuid => self.skip(16),
        }
    }

    fn list(&mut self) -> Option<()> {
        let head = self.byte()?;
        let length = match head >> 4 {
            15 => self.unsigned()?,
            short => short.into(),
        };
        (self.tell)(&self.path, i64::try_from(length).ok()?);
        // Some write an empty list as one of no type.
        if length == 0 {
            return Some(());
        }
        // Parquet has no lists of lists, which would follow each other unboundedly, nor of bools, for which
        // its reader takes no bytes.
        let kind = Kind::of(head & 0xf).filter(|kind| !matches!(kind, Kind::List | Kind::Bool))?;
        for _ in 0..length {
            self.value(kind)?;
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(bytes: &[u8]) -> (Option<usize>, Vec<(Vec<i16>, i64)>) {
        let mut told = Vec::new();
        let taken =
            numbers(bytes, &|_, _| true, &mut |path, number| told.push((path.to_vec(), number)));
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
        assert_eq!(told(&[0x19, 0xf1, 0xff, 0xff, 0x7f, 1, 0]).0, None, "lists of bools");
        assert_eq!(told(&[0x19, 0, 0]).0, Some(3), "an empty list of no type");
        assert_eq!(told(&[0x18, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]).0, None);
        assert_eq!(told(&[&[0x15][..], &[0xff; 20]].concat()).0, None);
    }
}
