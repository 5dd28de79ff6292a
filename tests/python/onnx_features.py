"""Computes what ONNX files give in onnxruntime, and how far that is from kith's own numbers, as JSON:
the largest difference of each output, relative to its largest number, over batches of 1 and of all.

Arguments come in groups of three: file.onnx, pixels.npy (bytes, [n, 3, side, side]), output=expected.npy.
"""

import json
import sys

import numpy as np
import onnx
import onnxruntime

apart = []
words = sys.argv[1:]
for path, pixels, expected in zip(words[::3], words[1::3], words[2::3]):
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    output, expected = expected.split("=")
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    name, images = session.get_inputs()[0].name, np.load(pixels)
    if name == "pixels":
        images = images.transpose(0, 2, 3, 1)
        opacity = np.full(images.shape[:3] + (1,), 7, np.uint8)
        images = np.concatenate([images, opacity], 3)
    else:
        images = images.astype(np.float32) / 255
    expected = np.load(expected)
    together = session.run([output], {name: images})[0]
    alone = np.concatenate([session.run([output], {name: images[i : i + 1]})[0] for i in range(3)])
    assert together.shape == expected.shape, f"{path}: {together.shape}, expected {expected.shape}"
    scale = np.abs(expected).max()
    far = max(np.abs(together - expected).max(), np.abs(alone - expected[:3]).max()) / scale
    types = sorted({onnx.TensorProto.DataType.Name(t.data_type) for t in model.graph.initializer})
    note = {p.key: p.value for p in model.metadata_props}["kith"]
    opset = [(o.domain, o.version) for o in model.opset_import]
    assert opset == [("", 17)] and model.ir_version == 8, opset
    apart.append({"file": path, "far": float(far), "types": types, "note": json.loads(note)})
print(json.dumps(apart))
