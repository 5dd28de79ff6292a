import json, sys
import numpy as np
from safetensors.numpy import load_file
from safetensors import safe_open

path, pictures, out = sys.argv[1:4]                # a checkpoint, pictures.npy, features.npy
note = json.loads(safe_open(path, "np").metadata()["kith"])
w = load_file(path)
x = np.load(pictures).astype(np.float32) / 255     # u8, [n, 3, side, side]
assert x.shape[2:] == (note["side"], note["side"])
for i in range(4):                                 # four 3x3 convolutions of stride 2, with ReLU
    windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3), (2, 3))[:, :, ::2, ::2]
    x = np.einsum("nchwij,ocij->nohw", windows, w[f"encoder.convs.{i}.weight"], optimize=True)
    x = np.maximum(x + w[f"encoder.convs.{i}.bias"][:, None, None], 0)
x = x.reshape(len(x), -1) @ w["encoder.dense.weight"].T + w["encoder.dense.bias"]
np.save(out, np.maximum(x, 0))
