#!/usr/bin/env bash
# Milliseconds an image, one at a time, of encoders that people bring, at 224 pixels: kith and ONNX Runtime
# with the same weights take turns on one core, three times. Left out where python3 (or KITH_PYTHON) has no onnxruntime.
# Only the ratio means something, and only on a quiet machine.
set -euo pipefail
cd "$(dirname "$0")/../.."
if ! .ci/has onnxruntime >/dev/null; then
    echo "LEFT OUT, because there is no onnxruntime: the time of features beside it"
    exit 0
fi
cargo build --release --workspace --examples --quiet
infer="${CARGO_TARGET_DIR:-target}/release/examples/infer"
python=$(.ci/has numpy)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export RAYON_NUM_THREADS=1
# As the program itself has it: crates/cli/src/allocator.rs.
tunables=glibc.malloc.mmap_threshold=4294967295:glibc.malloc.trim_threshold=4294967295

median_of() { # COMMAND...
    "$@" | awk '/^median/ { print $2 }'
}
middle() { # of three numbers
    sort -g | sed -n 2p
}

printf '%-20s %8s %12s %18s\n' encoder kith onnxruntime 'kith / onnxruntime'
while IFS='|' read -r name encoder; do
    kith='' peer=''
    for _ in 1 2 3; do
        kith+="$(GLIBC_TUNABLES=$tunables median_of "$infer" "$encoder" 224 1 20 "$folder/network")"$'\n'
        peer+="$(median_of "$python" tests/bench/infer_onnxruntime.py "$folder/network.onnx" 224 1 20 1)"$'\n'
    done
    own=$(middle <<<"${kith%$'\n'}") its=$(middle <<<"${peer%$'\n'}")
    printf '%-20s %8s %12s %18s\n' "$name" "$own" "$its" \
        "$(awk -v own="$own" -v its="$its" 'BEGIN { printf "%.2f", own / its }')"
done <<'ENCODERS'
ResNet-18|{kind="resnet",depth=18,stem="imagenet"}
ViT-Ti/16|{kind="vit",size="tiny",patch=16}
EfficientNet-Lite0|{kind="efficientnet_lite",size="lite0"}
ENCODERS
