//! `TensorBoard`'s event files: numbers with their steps and times.
//!
//! A file is a sequence of records (`TFRecord`), each an `Event` in protobuf's encoding. Of that
//! kith needs five fields, so they are written here: the crates that do it bring protobuf runtimes of
//! years ago (prost 0.12, protobuf 2) with a compiler or an image library beside them.

mod record;
mod message;

use record::{frame, whole};

pub(crate) use message::{Event, What};

/// An event as it stands in a file.
pub(crate) fn to_record(event: &Event) -> Vec<u8> {
    frame(&event.encode())
}

/// The events of a file, up to the first record that is not whole or not as it was written: what a
/// killed process was writing.
pub(crate) fn read(bytes: &[u8]) -> Vec<Event> {
    whole(bytes).map_while(Event::decode).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events() -> Vec<Event> {
        let scalars = vec![("train/loss".to_owned(), 2.5), ("test/accuracy".to_owned(), -0.125)];
        vec![
            Event { wall_time: 1.5e9, step: 0, what: What::Version },
            Event { wall_time: 1.5e9, step: 300, what: What::Start },
            Event { wall_time: 1.5e9 + 0.25, step: 1 << 40, what: What::Scalars(scalars) },
        ]
    }

    #[test]
    fn events_come_back_as_they_were_written() {
        let bytes = events().iter().map(to_record).collect::<Vec<_>>().concat();
        assert_eq!(read(&bytes), events());
    }

    #[test]
    fn what_was_cut_off_or_damaged_ends_the_file() {
        let records: Vec<Vec<u8>> = events().iter().map(to_record).collect();
        let bytes = records.concat();
        let last = bytes.len() - records[2].len();
        for end in last..bytes.len() {
            assert_eq!(read(&bytes[..end]), events()[..2], "cut off at {end}");
        }
        for place in last..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[place] ^= 0x10;
            assert_eq!(read(&damaged), events()[..2], "damaged at {place}");
        }
    }
}
