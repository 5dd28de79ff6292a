#!/usr/bin/env bash
# Times kith-web beside onnxruntime-web and TensorFlow.js in one run of headless Chromium; all take
# turns. Arguments go to run.mjs (--only TEXT, --device webgpu, --rounds N, --serve for a browser).
set -euo pipefail
cd "$(dirname "$0")/../web/bench"
../../../.ci/npm tests/web/bench
"${KITH_PYTHON:-python3}" -c 'import onnx' 2>/dev/null ||
    "${KITH_PYTHON:-python3}" -m pip install --quiet onnx safetensors
cargo build --release --workspace --examples --quiet
exec node run.mjs "$@"
