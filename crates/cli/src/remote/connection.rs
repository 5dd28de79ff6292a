//! One end of a connection: messages, each behind its length, and signs of life between them.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;
use std::time::Duration;

/// How often an end says that it lives, and after how much silence it is gone.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    beat: Duration,
    silence: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self { beat: Duration::from_secs(5), silence: Duration::from_secs(30) }
    }
}

/// The longest message, in bytes.
const MOST: u64 = 4 << 30;
/// Messages that wait to be looked at, at most; further ones wait on the other end.
const WAITING: usize = 16;
/// A message of no bytes.
const SIGN_OF_LIFE: [u8; 8] = [0; 8];

/// One end.
#[derive(Debug)]
pub(super) struct Connection {
    writer: Arc<Mutex<TcpStream>>,
    messages: Mutex<Receiver<io::Result<Vec<u8>>>>,
}

impl Connection {
    /// Listens on a thread of its own, so that neither end waits for the other to be done.
    pub(super) fn new(stream: TcpStream, pace: Pace) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(pace.silence))?;
        let reader = stream.try_clone()?;
        let writer = Arc::new(Mutex::new(stream));
        let beating = Arc::downgrade(&writer);
        thread::Builder::new().spawn(move || beat(&beating, pace))?;
        let (sender, messages) = sync_channel(WAITING);
        thread::Builder::new().spawn(move || listen(reader, &sender))?;
        Ok(Self { writer, messages: Mutex::new(messages) })
    }

    /// Sends a message.
    pub(super) fn send(&self, message: &[u8]) -> io::Result<()> {
        let mut stream = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let length = (message.len() as u64).to_le_bytes();
        let sent = stream.write_all(&length).and_then(|()| stream.write_all(message));
        // What was wrong with the other end tells more than that it is gone.
        sent.map_err(|error| self.fault().unwrap_or(error))
    }

    /// Why the other end is not listened to any more, if that is known.
    fn fault(&self) -> Option<io::Error> {
        let messages = self.messages.lock().unwrap_or_else(PoisonError::into_inner);
        messages.try_iter().find_map(Result::err)
    }

    /// Waits for the next message; none when the other end has closed.
    pub(super) fn receive(&self) -> io::Result<Option<Vec<u8>>> {
        let messages = self.messages.lock().unwrap_or_else(PoisonError::into_inner);
        messages.recv().ok().transpose()
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let stream = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        // It may be closed already.
        let _closed = stream.shutdown(Shutdown::Both);
    }
}

/// Says that this end lives, as long as there is one.
fn beat(writer: &Weak<Mutex<TcpStream>>, pace: Pace) {
    loop {
        thread::sleep(pace.beat);
        let Some(writer) = writer.upgrade() else { return };
        let mut stream = writer.lock().unwrap_or_else(PoisonError::into_inner);
        if stream.write_all(&SIGN_OF_LIFE).is_err() {
            return;
        }
    }
}

/// Passes all messages on, until the other end closes or fails.
fn listen(mut stream: TcpStream, sender: &SyncSender<io::Result<Vec<u8>>>) {
    while let Some(message) = read(&mut stream).transpose() {
        let failed = message.is_err();
        if sender.send(message).is_err() || failed {
            break;
        }
    }
    // Whoever still writes is told.
    let _closed = stream.shutdown(Shutdown::Both);
}

/// The next message; none at an end between two of them.
fn read(stream: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
    loop {
        let mut length = [0; 8];
        if stream.read(&mut length[..1]).map_err(silent)? == 0 {
            return Ok(None);
        }
        stream.read_exact(&mut length[1..]).map_err(silent)?;
        let length = u64::from_le_bytes(length);
        if length > MOST {
            let words = "what it sends is no message of kith's";
            return Err(io::Error::new(io::ErrorKind::InvalidData, words));
        }
        let mut message = Vec::new();
        // Room is made as bytes come, whatever the length says.
        let got = stream.take(length).read_to_end(&mut message).map_err(silent)?;
        if (got as u64) < length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if length > 0 {
            return Ok(Some(message));
        }
    }
}

/// A wait that was too long, in words.
fn silent(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
            io::Error::new(io::ErrorKind::TimedOut, "there was no sign of life for too long")
        }
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn messages_come_whole_and_signs_of_life_between_them_are_passed_over() {
        let frame = |message: &[u8]| [&(message.len() as u64).to_le_bytes(), message].concat();
        let bytes = [&frame(b"one")[..], &SIGN_OF_LIFE, &frame(b"two")].concat();
        let mut whole = &bytes[..];
        assert_eq!(read(&mut whole).unwrap().unwrap(), b"one");
        assert_eq!(read(&mut whole).unwrap().unwrap(), b"two");
        assert!(read(&mut whole).unwrap().is_none(), "the other end has closed");
        for cut in 1..bytes.len() {
            let mut part = &bytes[..cut];
            let mut got = Vec::new();
            let end = loop {
                match read(&mut part) {
                    Ok(Some(message)) => got.push(message),
                    end => break end,
                }
            };
            let is_between = [11, 19].contains(&cut);
            assert_eq!(end.is_ok(), is_between, "{cut} bytes");
            assert!(got.iter().all(|message| message == b"one"));
        }
    }

    #[test]
    fn what_is_no_message_is_refused_before_room_is_made() {
        for bytes in [&b"GET / HTTP/1.1\r\n\r\n"[..], b"POST / HTTP/1.1\r\n", &[255; 40]] {
            let refused = read(&mut &bytes[..]).expect_err("no length is so large");
            assert!(refused.to_string().contains("no message of kith's"), "{refused}");
        }
    }

    #[test]
    fn an_end_that_goes_away_ends_the_other() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let one = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let other = Connection::new(listener.accept().unwrap().0, Pace::default()).unwrap();
        let one = Connection::new(one, Pace::default()).unwrap();
        one.send(b"hello").unwrap();
        assert_eq!(other.receive().unwrap().unwrap(), b"hello");
        drop(one);
        assert!(other.receive().unwrap().is_none());
        let all_fail = (0..100).all(|_| other.send(&vec![1; 1 << 16]).is_ok());
        assert!(!all_fail, "nobody reads it");
    }

    #[test]
    fn an_end_that_is_silent_is_gone_and_one_that_is_busy_is_not() {
        let pace =
            |beat| Pace { beat: Duration::from_millis(beat), silence: Duration::from_secs(1) };
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let connect = || TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let busy = Connection::new(connect(), pace(100)).unwrap();
        let waiting = Connection::new(listener.accept().unwrap().0, pace(100)).unwrap();
        let _silent = connect();
        let abandoned = Connection::new(listener.accept().unwrap().0, pace(100)).unwrap();
        let error = abandoned.receive().expect_err("nobody is there");
        assert!(error.to_string().contains("no sign of life"), "{error}");
        thread::sleep(Duration::from_millis(1500));
        busy.send(b"done").unwrap();
        assert_eq!(waiting.receive().unwrap().unwrap(), b"done");
    }
}
