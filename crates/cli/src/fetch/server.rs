//! A web server for tests: answers each connection with the next of the scripted replies.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::thread::{self, JoinHandle};

/// A server on the loopback that stops after its last reply.
pub(super) struct Server {
    /// Its address.
    pub(super) base: String,
    worker: JoinHandle<Vec<String>>,
}

impl Server {
    /// Starts a server that will give these replies, one a connection, byte for byte.
    pub(super) fn start(replies: Vec<Vec<u8>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let worker = thread::spawn(move || {
            replies
                .iter()
                .map(|reply| {
                    let (mut stream, _) = listener.accept().unwrap();
                    let lines = BufReader::new(&stream).lines().map(Result::unwrap);
                    let head: Vec<_> = lines.take_while(|line| !line.is_empty()).collect();
                    stream.write_all(reply).unwrap();
                    head.join("\n").to_lowercase()
                })
                .collect()
        });
        Self { base, worker }
    }

    /// The heads of the requests that came, in lower case; every reply must have been given.
    pub(super) fn requests(self) -> Vec<String> {
        self.worker.join().unwrap()
    }
}

/// A reply: status line, headers, body.
pub(super) fn reply(status: &str, headers: &[String], body: &[u8]) -> Vec<u8> {
    let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
    let mut reply = format!("HTTP/1.1 {status}\r\nConnection: close\r\n{headers}\r\n").into_bytes();
    reply.extend_from_slice(body);
    reply
}

/// A reply of status 200 that announces `announced` bytes and an `ETag`, and sends the body.
pub(super) fn announcing(announced: usize, body: &[u8]) -> Vec<u8> {
    let headers = [format!("Content-Length: {announced}"), "ETag: \"one\"".into()];
    reply("200 OK", &headers, body)
}

/// An honest reply of status 200.
pub(super) fn whole(body: &[u8]) -> Vec<u8> {
    announcing(body.len(), body)
}

/// An honest reply of status 206 with the body from `start` on.
pub(super) fn rest(body: &[u8], start: usize) -> Vec<u8> {
    let headers = [
        format!("Content-Length: {}", body.len() - start),
        format!("Content-Range: bytes {start}-{}/{}", body.len() - 1, body.len()),
    ];
    reply("206 Partial Content", &headers, &body[start..])
}
