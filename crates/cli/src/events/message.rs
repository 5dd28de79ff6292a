//! An event as protobuf encodes it: the fields of `TensorFlow`'s `event.proto` and `summary.proto`
//! that scalars need.

/// What an event says of the format: readers take the file for one of today's.
const VERSION: &str = "brain.Event:2";

/// Fields of an `Event`.
const WALL_TIME: u64 = 1;
const STEP: u64 = 2;
const FILE_VERSION: u64 = 3;
const SUMMARY: u64 = 5;
const SESSION_LOG: u64 = 7;
/// The only field of a `Summary`: a value.
const VALUE: u64 = 1;
/// Fields of a value.
const TAG: u64 = 1;
const SIMPLE_VALUE: u64 = 2;
/// The field of a `SessionLog` that says what happened, and that it was a start.
const STATUS: u64 = 1;
const STARTED: u64 = 1;

/// How a field is encoded: the low bits of its key.
const VARINT: u64 = 0;
const EIGHT_BYTES: u64 = 1;
const COUNTED: u64 = 2;
const FOUR_BYTES: u64 = 5;
/// Bits of a key that say so.
const WIRE_BITS: u32 = 3;
/// Bits of a number in a byte of it, and the bit that says that more bytes follow.
const VARINT_BITS: u32 = 7;
const MORE: u8 = 0x80;

/// Something that happened at a step.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Event {
    /// Seconds since 1970.
    pub(crate) wall_time: f64,
    /// Steps done.
    pub(crate) step: u64,
    pub(crate) what: What,
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum What {
    /// The file began.
    Version,
    /// A process began to write: whatever earlier files have from this step on counts no more.
    Start,
    /// Numbers by their tags.
    Scalars(Vec<(String, f32)>),
    /// What kith does not write.
    Other,
}

impl Event {
    /// In protobuf's encoding.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = key(WALL_TIME, EIGHT_BYTES);
        bytes.extend(self.wall_time.to_le_bytes());
        bytes.extend(number(STEP, self.step));
        bytes.extend(match &self.what {
            What::Version => counted(FILE_VERSION, VERSION.as_bytes()),
            What::Start => counted(SESSION_LOG, &number(STATUS, STARTED)),
            What::Scalars(scalars) => {
                let values =
                    scalars.iter().map(|(tag, value)| counted(VALUE, &scalar(tag, *value)));
                counted(SUMMARY, &values.collect::<Vec<_>>().concat())
            }
            What::Other => Vec::new(),
        });
        bytes
    }

    /// From protobuf's encoding; none of bytes that are not.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut event = Self { wall_time: 0.0, step: 0, what: What::Other };
        for field in Fields(bytes) {
            match field? {
                (WALL_TIME, Value::Eight(bits)) => event.wall_time = f64::from_bits(bits),
                (STEP, Value::Number(step)) => event.step = step,
                (FILE_VERSION, Value::Bytes(_)) => event.what = What::Version,
                (SESSION_LOG, Value::Bytes(_)) => event.what = What::Start,
                (SUMMARY, Value::Bytes(bytes)) => event.what = What::Scalars(scalars(bytes)?),
                _ => {}
            }
        }
        Some(event)
    }
}

fn scalar(tag: &str, value: f32) -> Vec<u8> {
    let number = [&key(SIMPLE_VALUE, FOUR_BYTES)[..], &value.to_le_bytes()].concat();
    [counted(TAG, tag.as_bytes()), number].concat()
}

fn scalars(summary: &[u8]) -> Option<Vec<(String, f32)>> {
    let mut found = Vec::new();
    for field in Fields(summary) {
        let (VALUE, Value::Bytes(value)) = field? else { continue };
        let (mut tag, mut number) = (None, None);
        for field in Fields(value) {
            match field? {
                (TAG, Value::Bytes(bytes)) => tag = String::from_utf8(bytes.to_vec()).ok(),
                (SIMPLE_VALUE, Value::Four(bits)) => number = Some(f32::from_bits(bits)),
                _ => {}
            }
        }
        found.extend(tag.zip(number));
    }
    Some(found)
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= u64::from(MORE) {
        bytes.push(value as u8 | MORE);
        value >>= VARINT_BITS;
    }
    bytes.push(value as u8);
    bytes
}

fn key(field: u64, wire: u64) -> Vec<u8> {
    varint(field << WIRE_BITS | wire)
}

fn number(field: u64, value: u64) -> Vec<u8> {
    [key(field, VARINT), varint(value)].concat()
}

fn counted(field: u64, bytes: &[u8]) -> Vec<u8> {
    [&key(field, COUNTED)[..], &varint(bytes.len() as u64), bytes].concat()
}

/// A field's value.
enum Value<'a> {
    Number(u64),
    Eight(u64),
    Four(u32),
    Bytes(&'a [u8]),
}

/// The fields of a message one after another, each with its number; none where bytes are no field,
/// and nothing after that.
struct Fields<'a>(&'a [u8]);

impl<'a> Iterator for Fields<'a> {
    type Item = Option<(u64, Value<'a>)>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_none() {
            self.0 = &[];
        }
        Some(field)
    }
}

impl<'a> Fields<'a> {
    fn field(&mut self) -> Option<(u64, Value<'a>)> {
        let key = self.varint()?;
        let value = match key & ((1 << WIRE_BITS) - 1) {
            VARINT => Value::Number(self.varint()?),
            EIGHT_BYTES => Value::Eight(u64::from_le_bytes(self.take(8)?.try_into().ok()?)),
            FOUR_BYTES => Value::Four(u32::from_le_bytes(self.take(4)?.try_into().ok()?)),
            COUNTED => {
                let count = self.varint()?;
                Value::Bytes(self.take(usize::try_from(count).ok()?)?)
            }
            _ => return None,
        };
        Some((key >> WIRE_BITS, value))
    }

    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..u64::BITS).step_by(VARINT_BITS as usize) {
            let byte = *self.take(1)?.first()?;
            value |= u64::from(byte & !MORE) << shift;
            if byte & MORE == 0 {
                return Some(value);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bytes that protobuf's own Python package writes of these events.
    #[test]
    fn the_encoding_is_protobufs() {
        let event = |step, what| Event { wall_time: 2.0, step, what };
        let start = event(300, What::Start).encode();
        let time = [0x09, 0, 0, 0, 0, 0, 0, 0, 0x40];
        assert_eq!(start, [&time[..], &[0x10, 0xac, 0x02, 0x3a, 2, 8, 1]].concat());
        let scalars = event(1, What::Scalars(vec![("a".into(), 1.0)])).encode();
        let value = [0x0a, 1, b'a', 0x15, 0, 0, 0x80, 0x3f];
        let expected = [&time[..], &[0x10, 1, 0x2a, 10, 0x0a, 8], &value].concat();
        assert_eq!(scalars, expected);
    }

    #[test]
    fn fields_of_others_are_passed_over_and_bytes_that_are_none_refused() {
        let mut bytes = Event { wall_time: 2.0, step: 7, what: What::Version }.encode();
        bytes.extend(number(99, u64::MAX));
        bytes.extend(counted(98, b"x"));
        let event = Event::decode(&bytes).unwrap();
        assert_eq!((event.step, event.what), (7, What::Version));
        for wrong in [&[0x0b][..], &[0x12, 5, 1], &[0xff; 12], &[0x2a, 2, 0x0a, 9]] {
            assert_eq!(Event::decode(wrong), None, "{wrong:?}");
        }
    }
}
