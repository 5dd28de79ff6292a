//! Lists the recipes of the folder `recipes`, so that a recipe is one file there and no line here.
#![expect(clippy::disallowed_methods, reason = "a build script reads and writes files")]

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() {
    let root = env::var_os("CARGO_MANIFEST_DIR").expect("cargo says where the crate is");
    let folder = Path::new(&root).join("../../recipes");
    let out = env::var_os("OUT_DIR").expect("cargo says where to write");
    let file = Path::new(&out).join("recipes.rs");
    fs::write(file, list(&folder)).expect("cargo's folder can be written");
    tell_cargo(&folder);
}

/// The recipe for a first look, which stands first; the others follow in the order of their names.
const FIRST: &str = "quick";

/// Name and text of every recipe, as a Rust expression.
fn list(folder: &Path) -> String {
    let entries = fs::read_dir(folder).expect("the repository has recipes");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "toml"));
    paths.sort_by_key(|path| (path.file_stem().is_none_or(|name| name != FIRST), path.clone()));
    let mut list = String::from("&[");
    for path in paths {
        let name = path.file_stem().expect("it has an ending").to_string_lossy();
        let path = path.canonicalize().expect("it was just listed");
        write!(list, "({name:?}, include_str!({path:?})), ").expect("a string takes all");
    }
    list + "]"
}

fn tell_cargo(folder: &Path) {
    println!("cargo:rerun-if-changed={}", folder.display());
}
