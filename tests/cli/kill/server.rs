//! A web server on the loopback that sends files, or what is missing of them, and takes its time.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::{sleep, spawn};
use std::time::Duration;

/// Bytes that are sent at once.
const CHUNK: usize = 32 * 1024;
/// The pause after each, so that there is time to be killed in.
const PAUSE: Duration = Duration::from_millis(2);

/// Serves files by their names for as long as the tests run; gives its address.
pub(super) fn serve(files: Vec<(&'static str, Vec<u8>)>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    let files = Arc::new(files);
    spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let files = Arc::clone(&files);
            // Whoever was killed takes nothing more.
            spawn(move || answer(stream, &files).ok());
        }
    });
    address
}

fn answer(mut stream: TcpStream, files: &[(&str, Vec<u8>)]) -> io::Result<()> {
    let lines = BufReader::new(&stream).lines().map_while(Result::ok);
    let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
    let path = head.first().and_then(|line| line.split(' ').nth(1)).unwrap_or_default();
    let Some((name, bytes)) = files.iter().find(|(name, _)| path.ends_with(name)) else {
        return stream.write_all(b"HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n");
    };
    let range = head.iter().find_map(|line| {
        let (_, start) = line
            .to_lowercase()
            .split_once("range: bytes=")
            .map(|(a, b)| (a.to_owned(), b.to_owned()))?;
        start.trim_end_matches('-').parse::<usize>().ok()
    });
    let (all, start) = (bytes.len(), range.unwrap_or_default());
    let status = match range {
        Some(start) if start >= all => {
            let head = format!(
                "HTTP/1.1 416 No\r\nConnection: close\r\nContent-Range: bytes */{all}\r\n\r\n"
            );
            return stream.write_all(head.as_bytes());
        }
        Some(_) => format!("206 Part\r\nContent-Range: bytes {start}-{}/{all}", all - 1),
        None => "200 OK".to_owned(),
    };
    let length = all - start;
    let head = format!(
        "HTTP/1.1 {status}\r\nConnection: close\r\nETag: \"{name}\"\r\nContent-Length: {length}\r\n\r\n"
    );
    stream.write_all(head.as_bytes())?;
    for chunk in bytes[start..].chunks(CHUNK) {
        stream.write_all(chunk)?;
        sleep(PAUSE);
    }
    Ok(())
}
