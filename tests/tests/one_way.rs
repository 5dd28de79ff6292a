//! Data walks one way: a module of core uses only those that stand above it in `lib.rs`.

use std::fs;
use std::path::{Path, PathBuf};

/// Modules in the order of `lib.rs`.
fn order(source: &Path) -> Vec<String> {
    let lib = fs::read_to_string(source.join("lib.rs")).expect("core has a lib.rs");
    lib.lines()
        .filter_map(|line| line.trim_start_matches("pub ").strip_prefix("mod "))
        .map(|rest| rest.trim_end_matches(';').to_owned())
        .collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder of source");
    let mut found: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry").path())
        .flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] })
        .collect();
    found.sort();
    found
}

/// What stands before the tests of a file.
fn body(text: &str) -> &str {
    text.split("#[cfg(test)]").next().unwrap_or(text)
}

/// Modules that a text names as `crate::module`.
fn used(text: &str) -> impl Iterator<Item = &str> {
    text.split("crate::").skip(1).map(|rest| {
        let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
        &rest[..end]
    })
}

#[test]
fn modules_use_only_what_stands_above_them() {
    let source = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../crates/core/src");
    let order = order(&source);
    assert!(order.len() > 10, "lib.rs lists its modules: {order:?}");
    let place = |name: &str| order.iter().position(|known| known == name);
    for path in files(&source) {
        let inside = path.strip_prefix(&source).expect("below the source");
        let room = inside.iter().next().expect("a name").to_string_lossy();
        let Some(own) = place(room.trim_end_matches(".rs")) else { continue };
        let text = fs::read_to_string(&path).expect("source is text");
        for other in used(body(&text)) {
            let Some(there) = place(other) else { continue };
            assert!(
                there <= own,
                "{} uses `{other}`, which stands below it in lib.rs",
                inside.display()
            );
        }
    }
}

#[test]
fn core_leaves_the_choice_of_device_to_its_caller() {
    let source = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../crates/core/src");
    for path in files(&source) {
        let text = fs::read_to_string(&path).expect("source is text");
        assert!(!text.contains("Device::default()"), "{} takes any device", path.display());
    }
}

#[test]
fn files_stay_small() {
    let crates = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../crates");
    for path in files(&crates).iter().filter(|path| path.extension().is_some_and(|e| e == "rs")) {
        let text = fs::read_to_string(path).expect("source is text");
        let lines = body(&text).lines().count();
        assert!(
            lines <= 300,
            "{} has {lines} lines before its tests: it is two rooms",
            path.display()
        );
    }
}
