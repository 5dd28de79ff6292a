#!/usr/bin/env bash
# Seconds of a training step of the Keras examples' network, beside peers that take `BATCH SIDE WIDTH STEPS` and
# print `median SECONDS s`, and of larger encoders beside PyTorch, if python3 (or KITH_PYTHON) has it:
#   KITH_PEERS=FOLDER/step_tensorflow.py:FOLDER/step_pytorch.py [KITH_PYTHON=python3] tests/bench/step.sh
# Only the ratio means something, and only on a quiet machine: all take turns, three times each.
set -euo pipefail
cd "$(dirname "$0")/../.."
cargo build --release --workspace --examples --quiet
step="${CARGO_TARGET_DIR:-target}/release/examples/step"
IFS=: read -ra peers <<<"${KITH_PEERS:-}"

# As the program itself has it: crates/cli/src/allocator.rs.
own() { # SIZES...
    GLIBC_TUNABLES=glibc.malloc.mmap_threshold=4294967295:glibc.malloc.trim_threshold=4294967295:glibc.malloc.hugetlb=1 "$step" "$@"
}
median_of() { # COMMAND...
    "$@" | awk '/^median/ { print $2 }'
}
middle() { # the middle of three numbers
    sort -g | sed -n 2p
}

printf '%5s %4s %5s  %-20s %9s %12s\n' batch side width what seconds 'kith / this'
for sizes in '32 96 128' '64 32 128'; do
    declare -A seconds=()
    for _ in 1 2 3; do
        # shellcheck disable=SC2086
        seconds[kith]+="$(median_of own $sizes 8) "
        for peer in "${peers[@]}"; do
            # shellcheck disable=SC2086
            seconds[$peer]+="$(median_of "${KITH_PYTHON:-python3}" "$peer" $sizes 8) "
        done
    done
    own=$(tr ' ' '\n' <<<"${seconds[kith]% }" | middle)
    for what in kith "${peers[@]}"; do
        its=$(tr ' ' '\n' <<<"${seconds[$what]% }" | middle)
        # shellcheck disable=SC2086
        printf '%5s %4s %5s  %-20s %9s %12s\n' $sizes "$(basename "$what" .py)" "$its" \
            "$(awk -v own="$own" -v its="$its" 'BEGIN { printf "%.2f", own / its }')"
    done
done

if ! python=$(.ci/has torch); then
    echo "LEFT OUT, because there is no PyTorch with torchvision and timm: steps of larger encoders beside it"
    exit 0
fi
printf '\n%5s %4s  %-10s %9s %9s %15s %15s\n' batch side encoder kith PyTorch 'channels last' 'kith / the best'
while IFS='|' read -r name batch side encoder; do
    own='' plain='' last=''
    for _ in 1 2 3; do
        own+="$(median_of own "$batch" "$side" "$encoder" 6)"$'\n'
        peer=("$python" tests/bench/step_encoder_torch.py "$batch" "$side" "$name" 6)
        plain+="$(median_of "${peer[@]}")"$'\n'
        last+="$(median_of "${peer[@]}" channels_last)"$'\n'
    done
    own=$(middle <<<"${own%$'\n'}") plain=$(middle <<<"${plain%$'\n'}") last=$(middle <<<"${last%$'\n'}")
    printf '%5s %4s  %-10s %9s %9s %15s %15s\n' "$batch" "$side" "$name" "$own" "$plain" "$last" \
        "$(awk -v own="$own" -v a="$plain" -v b="$last" 'BEGIN { printf "%.2f", own / (a < b ? a : b) }')"
done <<'ENCODERS'
resnet18|64|32|{kind="resnet",depth=18,stem="cifar"}
vit_tiny|64|32|{kind="vit",size="tiny",patch=4}
mobilenet|32|96|{kind="mobilenet",width_multiplier=1.0}
ENCODERS
