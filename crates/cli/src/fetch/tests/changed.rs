//! What is not what it was: a file that its server has changed or moved, and a part that a power cut spoilt.

use super::*;

#[test]
fn another_mark_on_the_rest_of_a_file_makes_a_clean_start() {
    let body = body();
    let other = |headers: Vec<String>| {
        let length = format!("Content-Length: {}", body.len() - 70_000);
        let range = format!("Content-Range: bytes 70000-{}/{}", body.len() - 1, body.len());
        reply("206 Part", &[vec![length, range], headers].concat(), &vec![0; body.len() - 70_000])
    };
    let broken = || announcing(body.len(), &body[..70_000]);
    // A server that heeds no If-Range sends the rest of a file that was changed meanwhile.
    let changed = other(vec!["ETag: \"two\"".into()]);
    let trial = trial(&files_of(&body), vec![broken(), changed, whole(&body)]);
    assert_eq!(trial.code(), "OK");
    assert!(!trial.requests[2].contains("range:"), "{}", trial.requests[2]);
}

#[test]
fn a_part_that_a_power_cut_spoilt_is_fetched_anew_once() {
    let body = body();
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.bin.part"), vec![0; 70_000]).unwrap();
    let trial = try_in(folder, &files_of(&body), vec![rest(&body, 70_000), whole(&body)]);
    assert_eq!(trial.code(), "OK");
    assert_eq!(fs::read(trial.folder.path().join("a.bin")).unwrap(), body);
    // What comes whole and is wrong is wrong.
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.bin.part"), vec![0; 70_000]).unwrap();
    let trial = try_in(folder, &files_of(b"x"), vec![rest(&body, 70_000), whole(&body)]);
    assert_eq!(trial.code(), "CHECKSUM");
    assert!(trial.names().is_empty(), "{:?}", trial.names());
}

#[test]
fn a_server_may_send_on_to_itself_and_to_no_other() {
    let body = body();
    let moved = |to: &str| reply("302 Found", &[format!("Location: {to}")], b"");
    let same = trial(&files_of(&body), vec![moved("/elsewhere/a.bin"), whole(&body)]);
    assert_eq!(same.code(), "OK");
    assert!(same.requests[1].starts_with("get /elsewhere/a.bin "), "{}", same.requests[1]);
    let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let to = format!("http://{}/a.bin", other.local_addr().unwrap());
    let refused = trial(&files_of(&body), vec![moved(&to)]);
    assert_eq!(refused.code(), "REDIRECT");
    assert!(refused.names().is_empty(), "{:?}", refused.names());
    let error = refused.result.unwrap_err().to_string();
    assert!(error.contains(&to) && error.contains("--mirror"), "{error}");
    other.set_nonblocking(true).unwrap();
    assert!(other.accept().is_err(), "the other server was never asked");
    let round = trial(&files_of(&body), (0..6).map(|_| moved("a.bin")).collect());
    assert_eq!(round.code(), "REDIRECT");
}
