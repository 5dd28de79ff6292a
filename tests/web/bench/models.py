"""Writes kith's conv4 encoder, with the weights of a checkpoint, and a nearest-neighbour search as ONNX.

    pip install onnx numpy safetensors
    python3 models.py encoder CHECKPOINT SIDE OUT.onnx
    python3 models.py search ROWS.f32 DIM K OUT.onnx
"""
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import load_file


def save(nodes, tensors, inputs, outputs, path):
    value = lambda name, kind, shape: helper.make_tensor_value_info(name, kind, shape)
    graph = helper.make_graph(
        nodes,
        "kith",
        [value(*own) for own in inputs],
        [value(*own) for own in outputs],
        [numpy_helper.from_array(array, name) for name, array in tensors.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 9
    onnx.checker.check_model(model)
    onnx.save(model, path)


def encoder(checkpoint, side, path):
    own = {name: array for name, array in load_file(checkpoint).items() if name.startswith("encoder.")}
    nodes, x = [], "images"
    for depth in range(4):
        weight, bias = (f"encoder.convs.{depth}.{kind}" for kind in ("weight", "bias"))
        conv, maps = f"conv{depth}", f"maps{depth}"
        nodes.append(helper.make_node("Conv", [x, weight, bias], [conv], strides=[2, 2], kernel_shape=[3, 3]))
        nodes.append(helper.make_node("Relu", [conv], [maps]))
        x = maps
    nodes.append(helper.make_node("Flatten", [x], ["flat"]))
    dense = ["flat", "encoder.dense.weight", "encoder.dense.bias"]
    nodes.append(helper.make_node("Gemm", dense, ["sums"], transB=1))
    nodes.append(helper.make_node("Relu", ["sums"], ["features"]))
    width = own["encoder.dense.bias"].size
    images = ("images", TensorProto.FLOAT, ["n", 3, int(side), int(side)])
    save(nodes, own, [images], [("features", TensorProto.FLOAT, ["n", width])], path)


def search(rows, dim, k, path):
    bank = np.fromfile(rows, np.float32).reshape(-1, int(dim))
    tensors = {"columns": np.ascontiguousarray(bank.T), "k": np.array([int(k)], np.int64)}
    nodes = [
        helper.make_node("MatMul", ["queries", "columns"], ["all"]),
        helper.make_node("TopK", ["all", "k"], ["similarities", "places"]),
    ]
    outputs = [
        ("similarities", TensorProto.FLOAT, ["n", int(k)]),
        ("places", TensorProto.INT64, ["n", int(k)]),
    ]
    save(nodes, tensors, [("queries", TensorProto.FLOAT, ["n", int(dim)])], outputs, path)


{"encoder": encoder, "search": search}[sys.argv[1]](*sys.argv[2:])
