//! Builds again when a recipe comes, goes or changes: the compiler sees only those it knew before.

fn main() {
    println!("cargo:rerun-if-changed=../../recipes");
}
