//! Every way a server can behave, against a real one on the loopback.

mod archives;
mod changed;

use md5::{Digest, Md5};
use tempfile::TempDir;

use super::server::{Server, announcing, reply, rest, whole};
use super::*;

/// A folder to fetch into, and what came of it.
struct Trial {
    folder: TempDir,
    result: Result<Outcome, FetchError>,
    requests: Vec<String>,
    watched: Vec<(Stage, u64, Option<u64>)>,
}

impl Trial {
    fn code(&self) -> &'static str {
        self.result.as_ref().map_or_else(FetchError::code, |_| "OK")
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(self.folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

fn body() -> Vec<u8> {
    (0..200_000_u64).map(|i| (i * i % 251) as u8).collect()
}

fn sum(bytes: &[u8]) -> String {
    Md5::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn files_of(content: &[u8]) -> Dataset {
    Dataset {
        folder: ".".into(),
        base: "http://no.invalid".into(),
        hosts: Vec::new(),
        files: vec![Remote { name: "a.bin".into(), md5: vec![sum(content)] }],
        form: Form::Files,
        contents: Vec::new(),
    }
}

fn settings(mirror: &str) -> Settings {
    let [backoff, silence] = [1, 2_000].map(Duration::from_millis);
    Settings { mirror: Some(mirror.into()), attempts: 3, backoff, silence }
}

fn try_in(folder: TempDir, dataset: &Dataset, replies: Vec<Vec<u8>>) -> Trial {
    let server = Server::start(replies);
    let mut watched = Vec::new();
    let result = fetch(dataset, folder.path(), &settings(&server.base), &mut |progress| {
        watched.push((progress.stage, progress.done, progress.total));
    });
    Trial { folder, result, requests: server.requests(), watched }
}

fn trial(dataset: &Dataset, replies: Vec<Vec<u8>>) -> Trial {
    try_in(tempfile::tempdir().unwrap(), dataset, replies)
}

#[test]
fn a_good_download_arrives_and_is_not_fetched_again() {
    let body = body();
    let first = trial(&files_of(&body), vec![whole(&body)]);
    assert_eq!(first.code(), "OK");
    assert_eq!(first.names(), ["a.bin"]);
    assert_eq!(fs::read(first.folder.path().join("a.bin")).unwrap(), body);
    let all = body.len() as u64;
    assert!(first.watched.contains(&(Stage::Download, all, Some(all))), "{:?}", first.watched);
    let again = try_in(first.folder, &files_of(&body), vec![]);
    assert!(matches!(again.result, Ok(Outcome::AlreadyThere(_))), "{:?}", again.result);
}

#[test]
fn a_broken_download_goes_on_where_it_stopped() {
    let body = body();
    let replies = vec![announcing(body.len(), &body[..70_000]), rest(&body, 70_000)];
    let trial = trial(&files_of(&body), replies);
    assert_eq!(trial.code(), "OK");
    assert!(!trial.requests[0].contains("range:"));
    assert!(trial.requests[1].contains("\nrange: bytes=70000-"), "{}", trial.requests[1]);
    assert!(trial.requests[1].contains("\nif-range: \"one\""), "{}", trial.requests[1]);
    assert_eq!(fs::read(trial.folder.path().join("a.bin")).unwrap(), body);
    assert_eq!(trial.names(), ["a.bin"]);
}

#[test]
fn a_later_run_goes_on_where_the_earlier_one_gave_up() {
    let body = body();
    let broken = || announcing(body.len(), &body[..70_000]);
    let nothing = || reply("503 Later", &[], b"");
    let first = trial(&files_of(&body), vec![broken(), nothing(), nothing()]);
    assert_eq!(first.code(), "HTTP_STATUS");
    assert_eq!(first.names(), ["a.bin.part", "a.bin.part.tag"]);
    let second = try_in(first.folder, &files_of(&body), vec![rest(&body, 70_000)]);
    assert_eq!(second.code(), "OK");
    assert!(second.requests[0].contains("\nrange: bytes=70000-"), "{}", second.requests[0]);
}

#[test]
fn a_server_that_ignores_ranges_makes_a_clean_start() {
    let body = body();
    let replies = vec![announcing(body.len(), &body[..70_000]), whole(&body)];
    let trial = trial(&files_of(&body), replies);
    assert_eq!(trial.code(), "OK");
    assert_eq!(fs::read(trial.folder.path().join("a.bin")).unwrap(), body);
}

#[test]
fn a_range_that_was_not_asked_for_makes_a_clean_start() {
    let body = body();
    let replies = vec![announcing(body.len(), &body[..70_000]), rest(&body, 60_000), whole(&body)];
    assert_eq!(trial(&files_of(&body), replies).code(), "OK");
}

#[test]
fn a_part_that_was_whole_already_needs_no_more_bytes() {
    let body = body();
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.bin.part"), &body).unwrap();
    let range = [format!("Content-Range: bytes */{}", body.len())];
    let trial = try_in(folder, &files_of(&body), vec![reply("416 No", &range, b"")]);
    assert_eq!(trial.code(), "OK");
    assert_eq!(trial.names(), ["a.bin"]);
}

#[test]
fn a_body_shorter_than_announced_is_never_accepted() {
    let body = body();
    let short = || announcing(body.len() + 1, &body);
    let range = [format!("Content-Range: bytes {0}-{0}/{1}", body.len(), body.len() + 1)];
    let empty = || reply("206 Partial", &range, b"");
    let trial = trial(&files_of(&body), vec![short(), empty(), empty()]);
    assert_eq!(trial.code(), "INCOMPLETE");
    let error = trial.result.unwrap_err().to_string();
    assert!(error.contains("200000") && error.contains("200001"), "{error}");
}

#[test]
fn a_body_longer_than_announced_has_a_wrong_checksum() {
    let body = body();
    let trial = trial(&files_of(&body), vec![announcing(body.len() - 1, &body)]);
    assert_eq!(trial.code(), "CHECKSUM");
    assert!(trial.names().is_empty(), "{:?}", trial.names());
}

#[test]
fn a_wrong_checksum_deletes_the_download_and_names_both_sums() {
    let body = body();
    let trial = trial(&files_of(b"other"), vec![whole(&body)]);
    assert_eq!(trial.code(), "CHECKSUM");
    assert!(trial.names().is_empty(), "{:?}", trial.names());
    let error = trial.result.unwrap_err().to_string();
    assert!(error.contains(&sum(b"other")) && error.contains(&sum(&body)), "{error}");
}

#[test]
fn a_web_page_is_not_a_file_whatever_its_status_says() {
    let page = b" <!DOCTYPE html><p>Log in first";
    let typed = reply("200 OK", &["Content-Type: text/html; charset=utf-8".into()], b"x");
    for answer in [whole(page), typed, whole(b"<HTML>")] {
        let trial = trial(&files_of(&body()), vec![answer]);
        assert_eq!(trial.code(), "WEB_PAGE");
        assert!(trial.names().is_empty(), "{:?}", trial.names());
    }
}

#[test]
fn a_missing_file_is_not_asked_for_twice() {
    let trial = trial(&files_of(&body()), vec![reply("404 Not Found", &[], b"")]);
    assert_eq!(trial.code(), "NOT_FOUND");
    assert!(trial.names().is_empty(), "{:?}", trial.names());
}

#[test]
fn a_server_in_trouble_is_asked_again() {
    let body = body();
    let trial = trial(&files_of(&body), vec![reply("500 Oh", &[], b"<html>"), whole(&body)]);
    assert_eq!(trial.code(), "OK");
}

#[test]
fn a_refused_connection_is_told_with_its_address() {
    let folder = tempfile::tempdir().unwrap();
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let settings = settings(&format!("http://{nobody}"));
    let error = fetch(&files_of(b""), folder.path(), &settings, &mut |_| {}).unwrap_err();
    assert_eq!(error.code(), "UNREACHABLE");
    assert!(error.to_string().contains(&nobody.to_string()), "{error}");
}

#[test]
fn a_silent_server_counts_as_gone() {
    let folder = tempfile::tempdir().unwrap();
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mirror = format!("http://{}", silent.local_addr().unwrap());
    let settings = Settings { silence: Duration::from_millis(5), ..settings(&mirror) };
    let error = fetch(&files_of(b""), folder.path(), &settings, &mut |_| {}).unwrap_err();
    assert_eq!(error.code(), "UNREACHABLE");
}

#[test]
fn an_address_without_a_scheme_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let error = fetch(&files_of(b""), folder.path(), &settings("mirror/x"), &mut |_| {});
    assert_eq!(error.unwrap_err().code(), "BAD_URL");
}

#[test]
fn a_second_download_of_the_same_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let first = fs::File::create(folder.path().join("a.bin.part")).unwrap();
    first.lock().unwrap();
    assert_eq!(try_in(folder, &files_of(b""), vec![]).code(), "BUSY");
}

#[test]
fn a_folder_below_a_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), b"").unwrap();
    let into = folder.path().join("file/data");
    let error = fetch(&files_of(b""), &into, &settings("http://x"), &mut |_| {}).unwrap_err();
    assert_eq!(error.code(), "NOT_A_DIRECTORY");
}

#[cfg(unix)]
#[test]
fn a_file_that_is_linked_to_another_disk_is_put_there() {
    let (folder, body) = (tempfile::tempdir().unwrap(), body());
    fs::create_dir(folder.path().join("disk")).unwrap();
    let link = folder.path().join("a.bin");
    std::os::unix::fs::symlink("disk/real.bin", &link).unwrap();
    let trial = try_in(folder, &files_of(&body), vec![whole(&body)]);
    assert_eq!(trial.code(), "OK");
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink(), "the link stays");
    let inside = fs::read_dir(trial.folder.path().join("disk")).unwrap();
    let inside: Vec<_> = inside.map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(inside, ["real.bin"], "the file alone, without a part of it");
    assert_eq!(fs::read(trial.folder.path().join("disk/real.bin")).unwrap(), body);
}
