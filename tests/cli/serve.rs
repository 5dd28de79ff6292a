//! The page is served with a run's checkpoint and report, and nothing else.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Stdio};

use serde_json::Value;

use crate::common::{kith, refused, trained};

/// A server that ends with the test.
struct Server {
    child: Child,
    url: String,
}

impl Server {
    fn start(folder: &Path, words: &[&str]) -> Self {
        let mut command = kith(folder, &[&["serve", "--port", "0", "--json"], words].concat());
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the program starts");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("it prints");
        BufReader::new(stdout).read_line(&mut line).expect("it says where it listens");
        let said: Value = serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line}"));
        Self { child, url: said["url"].as_str().expect("an address").to_owned() }
    }

    /// Status, media type and bytes of a path.
    fn get(&self, path: &str) -> (u16, String, Vec<u8>) {
        let root = self.url.split('#').next().expect("an address has a first part");
        let agent: ureq::Agent =
            ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let mut answer = agent.get(format!("{root}{path}")).call().expect("it answers");
        let kind = answer.headers().get("content-type").map(|kind| kind.to_str().expect("text"));
        let kind = kind.unwrap_or_default().to_owned();
        let mut bytes = Vec::new();
        answer.body_mut().as_reader().read_to_end(&mut bytes).expect("a body");
        (answer.status().as_u16(), kind, bytes)
    }

    fn port(&self) -> u16 {
        let digits = self.url.split(':').nth(2).and_then(|rest| rest.split('/').next());
        digits.and_then(|digits| digits.parse().ok()).expect("a port")
    }

    /// Status and all else of an answer to a request as it is given, but for its last lines.
    fn ask(&self, request: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port())).expect("it listens");
        let request = format!("{request}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("it reads");
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).expect("it answers");
        let answer = String::from_utf8_lossy(&bytes).into_owned();
        let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
        (status.unwrap_or_else(|| panic!("{request}: {answer}")), answer)
    }

    /// The same for a method and a path, by the server's own name, with more headers.
    fn ask_by_name(&self, first: &str, more: &str) -> (u16, String) {
        self.ask(&format!("{first} HTTP/1.1\r\nHost: 127.0.0.1:{}{more}", self.port()))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().expect("it can be ended");
        self.child.wait().expect("it ends");
    }
}

fn page(folder: &Path) {
    let dist = folder.join("www/dist");
    fs::create_dir_all(&dist).expect("a folder can be made");
    fs::write(dist.join("index.html"), "<title>kith</title>").expect("a file can be written");
    fs::write(dist.join("kith_cpu_bg.wasm"), b"\0asm").expect("a file can be written");
}

#[test]
fn a_run_is_served_beside_the_page() {
    let folder = tempfile::tempdir().expect("a folder");
    page(folder.path());
    trained(folder.path());
    let server = Server::start(folder.path(), &["--run", "run"]);
    assert!(server.url.starts_with("http://127.0.0.1:"), "{}", server.url);
    assert!(server.url.ends_with("checkpoint=run/checkpoint.safetensors"), "{}", server.url);
    let (status, kind, bytes) = server.get("");
    assert_eq!(
        (status, kind.as_str(), &bytes[..]),
        (200, "text/html", &b"<title>kith</title>"[..])
    );
    assert_eq!(server.get("kith_cpu_bg.wasm").1, "application/wasm");
    let (status, _, bytes) = server.get("run/checkpoint.safetensors");
    let checkpoint = fs::read(folder.path().join("run/checkpoint.safetensors")).expect("a file");
    assert!(status == 200 && bytes == checkpoint, "the checkpoint is served as it is");
    assert_eq!(server.get("run/report.html").0, 200);
    assert_eq!(server.get("run/state.safetensors").0, 404, "the rest of a run stays private");
    assert_eq!(server.get("run/..%2f..%2fCargo.toml").0, 404);
}

#[test]
fn what_cannot_be_served_is_said() {
    let folder = tempfile::tempdir().expect("a folder");
    let (status, code, text) = refused(folder.path(), &["serve", "--page", "nowhere"]);
    assert_eq!((status, code.as_str()), (3, "NO_PAGE"), "{text}");
    page(folder.path());
    let (status, code, text) = refused(folder.path(), &["serve", "--run", "nowhere"]);
    assert_eq!(status, 4, "{code}: {text}");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = taken.local_addr().expect("an address").port().to_string();
    let (status, code, text) = refused(folder.path(), &["serve", "--port", &port]);
    assert_eq!((status, code.as_str()), (5, "PORT"), "{text}");
}

#[test]
fn only_this_machine_is_answered_and_only_by_this_servers_name() {
    let folder = tempfile::tempdir().expect("a folder");
    page(folder.path());
    let server = Server::start(folder.path(), &[]);
    let port = server.port();
    for own in ["127.0.0.1", "localhost", "LocalHost", "[::1]"] {
        let (status, answer) = server.ask(&format!("GET / HTTP/1.1\r\nHost: {own}:{port}"));
        assert_eq!(status, 200, "{own}: {answer}");
    }
    let rebound = format!("evil.example:{port}");
    let begins_alike = format!("localhost:{port}.evil.example");
    for other in [&rebound, &begins_alike, "evil.example", "127.0.0.1", "localhost:1", "", "\u{e9}"]
    {
        let (status, answer) = server.ask(&format!("GET / HTTP/1.1\r\nHost: {other}"));
        assert!(status == 421 && !answer.contains("kith</title>"), "{other}: {answer}");
    }
    let (status, answer) = server.ask("GET / HTTP/1.0");
    assert!(status == 421 && answer.contains("expected 127.0.0.1"), "without a name: {answer}");
    // Who listened to all addresses would be reached by this one, too.
    #[cfg(target_os = "linux")]
    TcpStream::connect(("127.0.0.2", port)).expect_err("it listens to 127.0.0.1 alone");
}

#[test]
fn pages_of_other_sites_neither_write_nor_read() {
    let folder = tempfile::tempdir().expect("a folder");
    page(folder.path());
    let server = Server::start(folder.path(), &[]);
    for method in ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND"] {
        let (status, answer) = server.ask_by_name(&format!("{method} /index.html"), "");
        // `CONNECT` is refused before it comes so far.
        assert!([400, 405].contains(&status), "{method}: {answer}");
    }
    let port = server.port();
    let own = format!("\r\nOrigin: http://127.0.0.1:{port}\r\nSec-Fetch-Site: same-origin");
    for (more, expected) in [
        (own.as_str(), 200),
        ("\r\nSec-Fetch-Site: none\r\nSec-Fetch-Mode: navigate", 200),
        ("\r\nSec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate", 200),
        ("\r\nSec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors", 403),
        ("\r\nSec-Fetch-Site: same-site\r\nSec-Fetch-Mode: cors", 403),
        ("\r\nOrigin: http://evil.example", 403),
        ("\r\nOrigin: https://127.0.0.1", 403),
        ("\r\nOrigin: null", 403),
    ] {
        let (status, answer) = server.ask_by_name("GET /", more);
        assert_eq!(status, expected, "{more}: {answer}");
        let answer = answer.to_lowercase();
        assert!(!answer.contains("access-control-allow"), "no other site may read: {answer}");
        for header in ["nosniff", "frame-ancestors 'none'", "resource-policy: same-origin"] {
            assert!(answer.contains(header), "{header}: {answer}");
        }
    }
}

#[test]
fn no_path_leaves_the_page() {
    let folder = tempfile::tempdir().expect("a folder");
    page(folder.path());
    let dist = folder.path().join("www/dist");
    for secret in ["www/secret.txt", "secret.txt"] {
        fs::write(folder.path().join(secret), "a secret").expect("written");
    }
    #[cfg(unix)]
    std::os::unix::fs::symlink(folder.path(), dist.join("out")).expect("a link");
    let server = Server::start(folder.path(), &[]);
    let absolute = folder.path().join("secret.txt").display().to_string();
    let doubled = format!("/{absolute}");
    for path in [
        "/../secret.txt",
        "/../../secret.txt",
        "/a/../../secret.txt",
        "/%2e%2e/secret.txt",
        "/%2e%2e%2fsecret.txt",
        "/..%2fsecret.txt",
        "/..%5csecret.txt",
        "/.%2e/secret.txt",
        "/%252e%252e/secret.txt",
        "/..;/secret.txt",
        "/index.html/../../secret.txt",
        "/run/../../secret.txt",
        "/%00/../secret.txt",
        "/out/secret.txt",
        &absolute,
        &doubled,
    ] {
        let (status, answer) = server.ask_by_name(&format!("GET {path}"), "");
        assert!(!answer.contains("a secret"), "{path}: {answer}");
        assert!((400..500).contains(&status), "{path}: {answer}");
    }
}
