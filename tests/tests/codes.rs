//! Every error code of the native program has a test that names it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Rust files below a folder, with their texts.
fn sources(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() && !["target", "node_modules"].contains(&name.as_str()) {
            sources(&path, found);
        } else if name.ends_with(".rs") {
            let text = fs::read_to_string(&path).expect("a source");
            found.push((path, text));
        }
    }
}

/// Quoted words in capitals.
fn words(text: &str) -> BTreeSet<&str> {
    let is_code = |word: &&str| {
        word.len() > 2 && word.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
    };
    text.lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .flat_map(|line| line.split('"').skip(1).step_by(2))
        .filter(is_code)
        .collect()
}

/// What an error's method `code` gives.
fn codes(text: &str) -> BTreeSet<&str> {
    let bodies = text.split("fn code(&self) -> &").skip(1);
    bodies.flat_map(|rest| words(rest.split("\n    }\n").next().unwrap_or_default())).collect()
}

/// What of a crate's file is test: all of a file of tests, else what follows the mark.
fn tests<'a>(path: &Path, text: &'a str) -> &'a str {
    let is_test = |part: std::path::Component<'_>| {
        let name = part.as_os_str().to_string_lossy();
        name == "tests" || name == "tests.rs"
    };
    match path.components().any(is_test) {
        true => text,
        false => text.split_once("#[cfg(test)]").map_or("", |(_, tests)| tests),
    }
}

#[test]
fn every_code_has_a_test_that_names_it() {
    let mut files = Vec::new();
    for folder in ["crates", "tests/cli", "tests/tests"] {
        sources(&root().join(folder), &mut files);
    }
    let mut all = BTreeMap::new();
    let mut tested = BTreeSet::new();
    for (path, text) in &files {
        let path = path.strip_prefix(root()).expect("a file of this repository");
        if path.starts_with("tests") {
            tested.extend(words(text));
            continue;
        }
        all.extend(codes(text).into_iter().map(|code| (code, path)));
        tested.extend(words(tests(path, text)));
    }
    assert!(all.len() > 70, "errors give their codes in `fn code`: {all:?}");
    all.retain(|code, _| !tested.contains(code));
    assert!(all.is_empty(), "no test names these codes, which the files give: {all:?}");
}
