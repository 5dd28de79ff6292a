"""Seconds of SimCLR training steps in PyTorch: views, loss and optimizer of the example `step`."""

import statistics
import time

import torch
from torch.nn.functional import cross_entropy, normalize


def print_median(network, shape, steps, skipped, words=()):
    """Without the first steps; `shape` is that of a view, `[batch, 3, side, side]`; `words` may name channels_last
    and bf16."""
    layout = torch.channels_last if "channels_last" in words else torch.contiguous_format
    network = network.to(memory_format=layout)
    parameters = list(network.parameters())
    device = parameters[0].device
    optimizer = torch.optim.Adam(parameters)
    batch = shape[0]
    labels = torch.arange(batch, device=device)

    def step():
        views = [torch.rand(shape, device=device) for _ in range(2)]
        images = torch.cat(views).to(memory_format=layout)
        if device.type == "cuda":
            torch.cuda.synchronize()
        start = time.perf_counter()
        with torch.autocast(device.type, torch.bfloat16, enabled="bf16" in words):
            rows = normalize(network(images), dim=1).float()
        similarities = rows[:batch] @ rows[batch:].T / 0.1
        loss = (cross_entropy(similarities, labels) + cross_entropy(similarities.T, labels)) / 2
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        loss.item()
        return time.perf_counter() - start

    print(f"median {statistics.median([step() for _ in range(steps)][skipped:]):.4f} s")
