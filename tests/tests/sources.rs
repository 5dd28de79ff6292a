//! Everything that kith is built from comes from a registry, of one exact version, with a checksum.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

fn json(path: &str) -> Value {
    serde_json::from_str(&read(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

#[test]
fn crates_come_from_one_registry_with_checksums() {
    let lock: toml::Table = read("Cargo.lock").parse().expect("a lock file is TOML");
    let packages = lock["package"].as_array().expect("packages");
    assert!(packages.len() > 100, "the lock file lists what is built");
    let mut sources = BTreeSet::new();
    for package in packages {
        let name = package["name"].as_str().expect("a name");
        let Some(source) = package.get("source").and_then(toml::Value::as_str) else {
            assert!(name.starts_with("kith-"), "{name} comes from a folder of this machine");
            continue;
        };
        assert!(source.starts_with("registry+"), "{name} comes from {source}");
        let sum = package.get("checksum").and_then(toml::Value::as_str).unwrap_or_default();
        assert!(sum.len() == 64, "{name} has no checksum");
        sources.insert(source);
    }
    assert_eq!(sources.len(), 1, "one registry: {sources:?}");
}

const NPM: [&str; 4] = ["web", "www", "tests", "tests/web/consumers"];

#[test]
fn npm_packages_come_with_checksums() {
    for folder in NPM {
        let lock = json(&format!("{folder}/package-lock.json"));
        let packages = lock["packages"].as_object().expect("packages");
        for (place, package) in packages {
            // The folder itself, one of this repository beside it, and what its package brings along.
            let is_own = !place.contains("node_modules/") || package["link"] == true;
            if is_own || package["inBundle"] == true {
                continue;
            }
            let sum = package["integrity"].as_str().unwrap_or_default();
            assert!(sum.starts_with("sha512-"), "{folder}: {place} has no checksum");
        }
    }
}

#[test]
fn npm_packages_are_of_one_version() {
    for folder in NPM {
        let package = json(&format!("{folder}/package.json"));
        for kind in ["dependencies", "devDependencies"] {
            for (name, version) in package[kind].as_object().into_iter().flatten() {
                let version = version.as_str().unwrap_or_default();
                // A package under another name has its own before its version.
                let renamed = version.strip_prefix("npm:").and_then(|own| own.rsplit_once('@'));
                let version = renamed.map_or(version, |(_, version)| version);
                let is_exact = version.starts_with(|c: char| c.is_ascii_digit())
                    && !version.contains([' ', 'x', '*', '|']);
                let is_own = version.starts_with("file:");
                assert!(is_exact || is_own, "{folder}: {name} may be any of {version}");
            }
        }
    }
}

#[test]
fn an_image_is_built_by_the_compiler_that_the_project_names() {
    let toolchain: toml::Table = read("rust-toolchain.toml").parse().expect("TOML");
    let channel = toolchain["toolchain"]["channel"].as_str().expect("a version");
    let image = format!("FROM rust:{channel}-slim-");
    assert!(
        read("Dockerfile").contains(&image),
        "the Dockerfile has another compiler than {channel}"
    );
}
