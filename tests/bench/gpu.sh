#!/usr/bin/env bash
# Milliseconds of a SimCLR training step on this machine's GPU, beside PyTorch's where KITH_PYTHON (or
# python3) has it with CUDA: the same network, batch, loss and Adam. Medians of one run after another.
set -euo pipefail
cd "$(dirname "$0")/../.."
python=${KITH_PYTHON:-python3}
cargo build --release --workspace --example step
step=${CARGO_TARGET_DIR:-target}/release/examples/step

hows=('' tf32 'tf32 channels_last' 'bf16 channels_last')
if ! "$python" -c 'import torch; assert torch.cuda.is_available()' 2>/dev/null; then
    echo "LEFT OUT, because $python has no PyTorch with CUDA (KITH_PYTHON names another): PyTorch's rows"
    hows=()
fi

printf '%-16s %-26s %10s\n' 'batch side width' what ms
row() { printf '%-16s %-26s %10s\n' "$sizes" "$1" "$(sed -n 's/^median \([0-9.]*\) s.*/\1/p' | awk '{ printf "%.1f", $1 * 1000 }')"; }
for sizes in '525 96 128' '256 96 128' '512 32 128'; do
    # shellcheck disable=SC2086
    "$step" $sizes 40 gpu | row kith
    for how in ${hows[@]+"${hows[@]}"}; do
        # shellcheck disable=SC2086
        "$python" tests/bench/step_torch.py $sizes 60 $how | row "PyTorch ${how:-fp32}"
    done
done
