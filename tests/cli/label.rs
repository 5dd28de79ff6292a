//! Labelling: the page is served with a folder's images, and every label is on the disk before it is told.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};

use serde_json::{Value, json};

use crate::common::{done, kith, refused, trained};

/// A server that ends with the test.
struct Server {
    child: Child,
    root: String,
    said: Value,
}

impl Server {
    fn start(folder: &Path, words: &[&str]) -> Self {
        let mut command =
            kith(folder, &[&["label", "photos", "--port", "0", "--json"], words].concat());
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the program starts");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("it prints");
        BufReader::new(stdout).read_line(&mut line).expect("it says where it listens");
        let said: Value = serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line}"));
        let url = said["url"].as_str().expect("an address");
        assert!(url.ends_with("/#label?source=folder"), "{url}");
        let root = url.split('#').next().expect("it has a first part").to_owned();
        Self { child, root, said }
    }

    fn agent() -> ureq::Agent {
        ureq::Agent::config_builder().http_status_as_error(false).build().into()
    }

    fn get(&self, path: &str) -> (u16, String, Vec<u8>) {
        let mut answer =
            Self::agent().get(format!("{}{path}", self.root)).call().expect("it answers");
        let kind = answer.headers().get("content-type").map(|kind| kind.to_str().expect("text"));
        let kind = kind.unwrap_or_default().to_owned();
        (answer.status().as_u16(), kind, answer.body_mut().read_to_vec().expect("a body"))
    }

    fn listing(&self) -> Value {
        serde_json::from_slice(&self.get("label/folder.json").2).expect("an object")
    }

    fn put(&self, image: &str, body: &Value) -> (u16, Value) {
        self.put_with(image, body, None)
    }

    fn put_with(&self, image: &str, body: &Value, origin: Option<&str>) -> (u16, Value) {
        let mut request = Self::agent().put(format!("{}label/images/{image}", self.root));
        if let Some(origin) = origin {
            request = request.header("Origin", origin);
        }
        let mut answer = request.send(body.to_string()).expect("it answers");
        let text = answer.body_mut().read_to_string().expect("a body");
        (answer.status().as_u16(), serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().expect("it can be ended");
        self.child.wait().expect("it ends");
    }
}

/// A page, and a folder with three images of three formats and a stray.
fn prepared() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let dist = folder.path().join("www/dist");
    fs::create_dir_all(&dist).expect("a folder can be made");
    fs::write(dist.join("index.html"), "<title>kith</title>").expect("a file can be written");
    let photos = folder.path().join("photos");
    fs::create_dir_all(photos.join("more")).expect("a folder can be made");
    for name in ["a.png", "more/b.jpg", "more/c.tiff"] {
        let image = image::RgbImage::from_pixel(8, 6, image::Rgb([200, 30, 10]));
        image.save(photos.join(name)).expect("an image can be written");
    }
    fs::write(photos.join("notes.txt"), "no image").expect("a file can be written");
    folder
}

fn table(folder: &Path) -> String {
    fs::read_to_string(folder.join("photos/labels.csv")).expect("the table is there")
}

#[test]
fn labels_are_on_the_disk_before_they_are_told() {
    let folder = prepared();
    let server = Server::start(folder.path(), &[]);
    assert_eq!((&server.said["images"], &server.said["labelled"]), (&json!(3), &json!(0)));
    assert!(server.said["notes"].to_string().contains("1 .txt"), "{}", server.said);
    let listing = server.listing();
    assert_eq!(listing["name"], "photos");
    let files: Vec<&str> = listing["images"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|i| i["file"].as_str())
        .collect();
    assert_eq!(files, ["a.png", "more/b.jpg", "more/c.tiff"]);

    assert_eq!(server.put("0", &json!({ "label": "cat" })).0, 204);
    assert_eq!(table(folder.path()), "file,label,unknown,aside\na.png,cat,,\n");
    assert_eq!(server.put("2", &json!({ "label": null, "unknown": true })).0, 204);
    assert_eq!(server.put("1", &json!({ "label": "dog", "aside": true })).0, 204);
    assert!(table(folder.path()).contains("more/b.jpg,dog,,yes\n"));
    drop(server);

    // Whoever comes back finds everything, and `folder:` has the same labels.
    let server = Server::start(folder.path(), &[]);
    let listing = server.listing();
    assert_eq!(listing["classes"], json!(["cat", "dog"]));
    assert_eq!(listing["images"][2]["unknown"], true);
    assert_eq!(listing["images"][1]["aside"], true);
    assert_eq!(server.put("0", &json!({ "label": null })).0, 204);
    assert!(table(folder.path()).contains("a.png,,,\n"), "a label that is taken back is gone");
}

#[test]
fn images_come_as_browsers_read_them() {
    let folder = prepared();
    let server = Server::start(folder.path(), &[]);
    let kinds: Vec<(u16, String)> = (0..4)
        .map(|n| server.get(&format!("label/images/{n}")))
        .map(|(s, kind, _)| (s, kind))
        .collect();
    assert_eq!(kinds[0], (200, "image/png".to_owned()));
    assert_eq!(kinds[1], (200, "image/jpeg".to_owned()));
    assert_eq!(kinds[2], (200, "image/png".to_owned()), "TIFF is converted");
    assert_eq!(kinds[3].0, 404);
    let bytes = server.get("label/images/0").2;
    assert_eq!(bytes, fs::read(folder.path().join("photos/a.png")).expect("it is there"));
    let converted = image::load_from_memory(&server.get("label/images/2").2).expect("an image");
    assert_eq!(converted.to_rgb8().get_pixel(3, 3), &image::Rgb([200, 30, 10]));
    assert_eq!(server.get("label/checkpoint.safetensors").0, 404, "no network was named");
}

#[test]
fn what_is_no_label_changes_nothing() {
    let folder = prepared();
    let server = Server::start(folder.path(), &[]);
    for (image, body) in [
        ("0", json!({ "label": " " })),
        ("0", json!({ "label": 7 })),
        ("0", json!({ "name": "cat" })),
        ("9", json!({ "label": "cat" })),
    ] {
        let (status, error) = server.put(image, &body);
        assert_eq!(status, 400, "{body}");
        assert!(error["code"].is_string() && error["message"].is_string(), "{error}");
    }
    let (status, _) =
        server.put_with("0", &json!({ "label": "cat" }), Some("http://elsewhere.example"));
    assert_eq!(status, 403, "another site's page may not label");
    let answer = Server::agent().delete(format!("{}label/images/0", server.root)).call();
    assert_eq!(answer.expect("it answers").status().as_u16(), 405);
    let answer = Server::agent().put(format!("{}index.html", server.root)).send("gone");
    assert_eq!(answer.expect("it answers").status().as_u16(), 405);
    assert!(!folder.path().join("photos/labels.csv").exists());

    // Nor does a label replace what another program wrote meanwhile.
    fs::write(folder.path().join("photos/labels.csv"), "file,label\na.png,dog\n").expect("a file");
    let (status, error) = server.put("0", &json!({ "label": "cat" }));
    assert_eq!((status, &error["code"]), (409, &json!("TABLE_CHANGED")));
    assert_eq!(table(folder.path()), "file,label\na.png,dog\n");
}

#[test]
fn folders_and_tables_that_do_not_match_are_told() {
    let folder = prepared();
    let photos = folder.path().join("photos");
    let wrong = |words: &[&str]| refused(folder.path(), &[&["label"], words].concat());
    let (_, code, message) = wrong(&["nowhere"]);
    assert_eq!(code, "NOT_A_DIRECTORY");
    assert!(message.contains("nowhere"), "{message}");
    assert!(wrong(&["photos", "--checkpoint", "none"]).2.contains("none"));
    fs::write(photos.join("labels.csv"), "name,colour\na.png,red\n").expect("a file");
    assert!(wrong(&["photos"]).2.contains("file and label"));
}

#[test]
fn rules_are_compared_where_labels_are_known() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    trained(folder.path());
    let words = |out: &'static str| {
        done(
            folder.path(),
            &[
                "label",
                "--simulate",
                "--data",
                "gallery",
                "--checkpoint",
                "run",
                "--labelled",
                "180",
                "--seeds",
                "2",
                "--counts",
                "10,40",
                "--side",
                "32",
                "--out",
                out,
            ],
        )
    };
    let told = words("rules");
    assert_eq!(told["seeds"], json!([1, 2]));
    for rule in ["random", "uncertain", "representative", "different"] {
        let seeds = told["rules"][rule].as_array().expect("a list a seed");
        assert_eq!(seeds.len(), 2);
        for seed in seeds {
            assert_eq!(seed[1]["labels"], 40);
            let accuracy = seed[1]["accuracy"].as_f64().expect("a share");
            assert!((0.05..=1.0).contains(&accuracy), "{rule}: {accuracy}");
        }
    }
    let (_, code, message) = refused(
        folder.path(),
        &[
            "label",
            "--simulate",
            "--checkpoint",
            "run",
            "--labelled",
            "180",
            "--counts",
            "5000",
            "--out",
            "none",
        ],
    );
    assert_eq!(code, "SETTING");
    assert!(message.contains("180") && message.contains("5000"), "{message}");
    let kept = fs::read_to_string(folder.path().join("rules/labels_needed.json")).expect("a file");
    assert_eq!(serde_json::from_str::<Value>(&kept).expect("an object"), told);
    let report = fs::read_to_string(folder.path().join("rules/report.html")).expect("a report");
    assert!(report.contains("Labels needed on gallery") && report.contains("<svg"));
    assert_eq!(words("again")["rules"], told["rules"], "the same seeds label the same images");
}
