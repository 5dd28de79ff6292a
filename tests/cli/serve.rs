//! The page is served with a run's checkpoint and report, and nothing else.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Stdio};

use serde_json::Value;

use crate::common::{SMALL, done, kith, refused};

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
    done(folder.path(), &[&["pretrain", "--run", "run"][..], &SMALL].concat());
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
