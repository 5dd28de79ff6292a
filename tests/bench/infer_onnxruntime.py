"""Milliseconds an image that ONNX Runtime takes: FILE SIDE BATCH ROUNDS THREADS."""

import statistics
import sys
import time

import numpy
import onnxruntime

file, side, batch, rounds, threads = sys.argv[1], *map(int, sys.argv[2:])
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = threads
session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
name = session.get_inputs()[0].name
images = numpy.random.default_rng(0).random((batch, 3, side, side), dtype=numpy.float32)
times = []
for _ in range(rounds + 1):
    start = time.perf_counter()
    session.run(None, {name: images})
    times.append(time.perf_counter() - start)
print(f"median {statistics.median(times[1:]) / batch * 1e3:.2f} ms")
