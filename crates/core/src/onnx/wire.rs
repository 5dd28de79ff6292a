//! Protocol buffers, as much as an ONNX file needs: fields one after the other, messages within messages.

/// A message under construction.
#[derive(Clone, Debug, Default)]
pub(super) struct Message(Vec<u8>);

/// How a field is written.
#[derive(Clone, Copy)]
enum Kind {
    Varint = 0,
    Bytes = 2,
    Fixed32 = 5,
}

impl Message {
    /// Its bytes.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// A whole number; a negative one takes ten bytes.
    pub(super) fn integer(mut self, field: u64, value: i64) -> Self {
        self.key(field, Kind::Varint);
        self.varint(value as u64);
        self
    }

    /// Several whole numbers under one field.
    pub(super) fn integers(self, field: u64, values: &[i64]) -> Self {
        values.iter().fold(self, |message, &value| message.integer(field, value))
    }

    /// A number of four bytes.
    pub(super) fn float(mut self, field: u64, value: f32) -> Self {
        self.key(field, Kind::Fixed32);
        self.0.extend(value.to_le_bytes());
        self
    }

    /// Bytes as they are.
    pub(super) fn bytes(mut self, field: u64, bytes: &[u8]) -> Self {
        self.key(field, Kind::Bytes);
        self.varint(bytes.len() as u64);
        self.0.extend(bytes);
        self
    }

    /// Text in UTF-8.
    pub(super) fn text(self, field: u64, text: &str) -> Self {
        self.bytes(field, text.as_bytes())
    }

    /// Several texts under one field.
    pub(super) fn texts<'a>(self, field: u64, texts: impl IntoIterator<Item = &'a str>) -> Self {
        texts.into_iter().fold(self, |message, text| message.text(field, text))
    }

    /// A message within.
    pub(super) fn message(self, field: u64, inner: &Self) -> Self {
        self.bytes(field, &inner.0)
    }

    /// Several messages under one field.
    pub(super) fn messages<'a>(
        self,
        field: u64,
        inner: impl IntoIterator<Item = &'a Self>,
    ) -> Self {
        inner.into_iter().fold(self, |message, inner| message.message(field, inner))
    }

    fn key(&mut self, field: u64, kind: Kind) {
        /// Bits of a kind, below the field's number.
        const BITS: u64 = 3;
        self.varint(field << BITS | kind as u64);
    }

    /// Seven bits a byte, the lowest first; the eighth says that more follow.
    fn varint(&mut self, mut value: u64) {
        const MORE: u8 = 0x80;
        const BITS: u32 = 7;
        while value >= u64::from(MORE) {
            self.0.push(value as u8 | MORE);
            value >>= BITS;
        }
        self.0.push(value as u8);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of protobuf.dev's page on encoding.
    #[test]
    fn fields_are_written_as_the_encodings_authors_write_them() {
        let bytes = |message: Message| message.into_bytes();
        assert_eq!(bytes(Message::default().integer(1, 150)), [0x08, 0x96, 0x01]);
        let text = Message::default().text(2, "testing");
        assert_eq!(bytes(text), *b"\x12\x07testing");
        let inner = Message::default().integer(1, 150);
        assert_eq!(bytes(Message::default().message(3, &inner)), [0x1a, 0x03, 0x08, 0x96, 0x01]);
        let minus_two = [&[0x08, 0xfe][..], &[0xff; 8], &[0x01]].concat();
        assert_eq!(bytes(Message::default().integer(1, -2)), minus_two);
        assert_eq!(bytes(Message::default().float(2, 1.0)), [0x15, 0, 0, 0x80, 0x3f]);
        assert_eq!(bytes(Message::default().integers(1, &[1, 2])), [0x08, 1, 0x08, 2]);
        assert_eq!(bytes(Message::default().integer(16, 1)), [0x80, 0x01, 0x01]);
    }
}
