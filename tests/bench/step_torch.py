"""Seconds of one SimCLR training step in PyTorch on a GPU: the network, batch and loss of the example `step`.

step_torch.py BATCH SIDE WIDTH STEPS [tf32] [bf16] [channels_last]: prints the median of all steps but the first five.
"""

import statistics
import sys
import time

import torch
from torch import nn
from torch.nn.functional import cross_entropy, normalize

batch, side, width, steps = map(int, sys.argv[1:5])
how = set(sys.argv[5:])
torch.manual_seed(0)
torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = "tf32" in how
torch.backends.cudnn.benchmark = True

layers, left = [], side
for layer in range(4):
    layers += [nn.Conv2d(3 if layer == 0 else width, width, 3, stride=2), nn.ReLU()]
    left = (left - 3) // 2 + 1
dense = [nn.Flatten(), nn.Linear(width * left * left, width), nn.ReLU()]
head = [nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width)]
layout = torch.channels_last if "channels_last" in how else torch.contiguous_format
network = nn.Sequential(*layers, *dense, *head).cuda().to(memory_format=layout)
optimizer = torch.optim.Adam(network.parameters())
labels = torch.arange(batch, device="cuda")


def step():
    views = [torch.rand(batch, 3, side, side, device="cuda") for _ in range(2)]
    images = torch.cat(views).to(memory_format=layout)
    torch.cuda.synchronize()
    start = time.perf_counter()
    with torch.autocast("cuda", torch.bfloat16, enabled="bf16" in how):
        rows = normalize(network(images), dim=1).float()
    similarities = rows[:batch] @ rows[batch:].T / 0.1
    loss = (cross_entropy(similarities, labels) + cross_entropy(similarities.T, labels)) / 2
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    loss.item()
    return time.perf_counter() - start


print(f"median {statistics.median([step() for _ in range(steps)][5:]):.4f} s")
