"""Seconds of one SimCLR training step in PyTorch on a GPU: the network, batch and loss of the example `step`.

step_torch.py BATCH SIDE WIDTH STEPS [tf32] [bf16] [channels_last]: prints the median of all steps but the first five.
"""

import sys

import torch
from torch import nn

from simclr_torch import print_median

batch, side, width, steps = map(int, sys.argv[1:5])
how = sys.argv[5:]
torch.manual_seed(0)
torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = "tf32" in how
torch.backends.cudnn.benchmark = True

layers, left = [], side
for layer in range(4):
    layers += [nn.Conv2d(3 if layer == 0 else width, width, 3, stride=2), nn.ReLU()]
    left = (left - 3) // 2 + 1
dense = [nn.Flatten(), nn.Linear(width * left * left, width), nn.ReLU()]
head = [nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width)]
network = nn.Sequential(*layers, *dense, *head).cuda()
print_median(network, [batch, 3, side, side], steps, 5, how)
