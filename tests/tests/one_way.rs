//! Data walks one way: a module uses only those that stand above it, in `lib.rs` for the modules of
//! a crate, in a folder's own file for those of a folder.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::slice::from_ref;

const CRATES: [&str; 4] = ["core", "data", "cli", "wasm"];
/// Folders whose modules do not stand in such an order yet.
const UNORDERED: [&str; 6] = [
    "core::augment",
    "core::encoder",
    "core::method::relational",
    "core::probe",
    "core::semi",
    "core::trainer",
];

fn source(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../crates").join(name).join("src")
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

/// Code without its comments.
fn code(text: &str) -> String {
    let lines = body(text).lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.map(|line| format!("{line}\n")).collect()
}

type Place = Vec<String>;

/// A file of source.
struct Module {
    text: String,
    /// The modules that it declares, in their order.
    children: Vec<String>,
}

impl Module {
    fn read(file: &Path) -> Self {
        let read = fs::read_to_string(file);
        let text = code(&read.unwrap_or_else(|e| panic!("{}: {e}", file.display())));
        let children = text.lines().filter_map(|line| {
            let (before, rest) = line.trim().split_once("mod ")?;
            let is_public = before.is_empty() || before.starts_with("pub");
            rest.strip_suffix(';').filter(|_| is_public).map(ToOwned::to_owned)
        });
        Self { children: children.collect(), text }
    }

    /// The child that a name comes from: a module, or what is re-exported from one.
    fn child(&self, name: &str) -> Option<usize> {
        let position = |wanted: &str| self.children.iter().position(|child| child == wanted);
        position(name).or_else(|| {
            let exports = self.text.split("use ").skip(1).flat_map(|rest| tree(rest, &[]));
            let own =
                exports.filter(|path| path.len() > 1 && path.last().is_some_and(|n| n == name));
            own.filter_map(|path| position(path.iter().find(|part| *part != "self")?)).next()
        })
    }
}

/// All modules of a crate by their places.
fn modules(source: &Path) -> BTreeMap<Place, Module> {
    let mut found = BTreeMap::new();
    let mut pending = vec![(Place::new(), source.join("lib.rs"), source.to_owned())];
    while let Some((place, file, folder)) = pending.pop() {
        let module = Module::read(&file);
        for child in &module.children {
            let inner = folder.join(child);
            let alone = folder.join(format!("{child}.rs"));
            let file = if alone.exists() { alone } else { inner.join("mod.rs") };
            pending.push(([&place[..], from_ref(child)].concat(), file, inner));
        }
        found.insert(place, module);
    }
    found
}

fn is_of_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The paths of a tree of `use`, or the one path that a text begins with.
fn tree(text: &str, before: &[String]) -> Vec<Place> {
    let text = text.trim_start();
    if let Some(inner) = text.strip_prefix('{') {
        return branches(inner).into_iter().flat_map(|branch| tree(branch, before)).collect();
    }
    let end = text.find(|c| !is_of_name(c)).unwrap_or(text.len());
    let here = [before, &[text[..end].to_owned()]].concat();
    match text[end..].strip_prefix("::") {
        Some(rest) if rest.starts_with(|c| is_of_name(c) || c == '{') => tree(rest, &here),
        _ if end == 0 => Vec::new(),
        _ => vec![here],
    }
}

/// What stands between the commas of braces, the first of which was taken away.
fn branches(text: &str) -> Vec<&str> {
    let (mut depth, mut start, mut found) = (0, 0, Vec::new());
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            '}' => {
                found.push(&text[start..at]);
                return found;
            }
            ',' if depth == 0 => {
                found.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    found
}

/// Every path from `crate`, `super` or `self` on that a module's text names, from the crate on.
fn used(text: &str, own: &[String]) -> Vec<Place> {
    let roots = text.match_indices("::").filter_map(|(at, _)| {
        let start = text[..at].rfind(|c| !is_of_name(c)).map_or(0, |end| end + 1);
        let is_root = ["crate", "super", "self"].contains(&&text[start..at]);
        (is_root && !text[..start].ends_with("::")).then(|| &text[start..])
    });
    roots.flat_map(|text| tree(text, &[])).map(|path| from_crate(path, own)).collect()
}

/// A path from the crate on.
fn from_crate(path: Place, own: &[String]) -> Place {
    let mut place = if path[0] == "crate" { Place::new() } else { own.to_vec() };
    for part in path {
        match part.as_str() {
            "crate" | "self" => {}
            "super" => _ = place.pop(),
            _ => place.push(part),
        }
    }
    place
}

/// The folder in which a path leaves a module's own, with what it uses, if that stands below.
fn against(modules: &BTreeMap<Place, Module>, own: &Place, path: &[String]) -> Option<Place> {
    let shared = own.iter().zip(path).take_while(|(a, b)| a == b).count();
    let (mine, theirs) = (own.get(shared)?, path.get(shared)?);
    let folder = &modules[&own[..shared]];
    let (mine, theirs) = (folder.child(mine)?, folder.child(theirs)?);
    (theirs > mine).then(|| own[..shared].to_vec())
}

/// What the modules of a crate use that stands below them.
fn wrong(name: &str) -> Vec<String> {
    let modules = modules(&source(name));
    assert!(modules.len() > 5, "{name} declares its modules");
    let uses = modules
        .iter()
        .flat_map(|(own, module)| used(&module.text, own).into_iter().map(move |path| (own, path)));
    let wrong = uses.filter_map(|(own, path)| {
        let folder = against(&modules, own, &path)?;
        let folder = [&[name.to_owned()], &folder[..]].concat().join("::");
        let (own, path) = (own.join("::"), path.join("::"));
        let words = format!("{name}::{own} uses {path}, which stands below it in {folder}");
        (!UNORDERED.contains(&folder.as_str())).then_some(words)
    });
    wrong.collect()
}

#[test]
fn modules_use_only_what_stands_above_them() {
    let mut wrong: Vec<String> = CRATES.into_iter().flat_map(wrong).collect();
    wrong.dedup();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn core_leaves_the_choice_of_device_to_its_caller() {
    for path in files(&source("core")) {
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
            "{} has {lines} lines before its tests: it is two modules",
            path.display()
        );
    }
}
