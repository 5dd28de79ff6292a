#!/usr/bin/env bash
# Pictures a second of the data pipeline alone, from files of STL-10's shape (2.8 GB, removed afterwards),
# and the most memory that it held.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cargo build --release --workspace --examples --quiet
pipeline="${CARGO_TARGET_DIR:-target}/release/examples/pipeline"
"$pipeline" make-stl10 "$folder"
for _ in 1 2 3; do "$pipeline" "stl10:$folder"; done
