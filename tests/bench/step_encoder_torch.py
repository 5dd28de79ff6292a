"""Seconds of one SimCLR training step in PyTorch on the CPU, of the encoders that step.sh names.

step_encoder_torch.py BATCH SIDE NAME STEPS [channels_last]: NAME is resnet18, mobilenet or vit_tiny. Loss, head and
optimizer are those of the example `step`. Prints the median of all steps but the first.
"""

import sys

import torch
from torch import nn

from simclr_torch import print_median

batch, side, name, steps = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
torch.manual_seed(0)


def resnet18():  # with the stem for small images
    import torchvision

    network = torchvision.models.resnet18(num_classes=1)
    network.conv1 = nn.Conv2d(3, 64, 3, padding=1, bias=False)
    network.maxpool = network.fc = nn.Identity()
    return network, 512


def mobilenet():  # v1, which torchvision does not have
    def layer(inputs, outputs, kernel, stride, groups=1):
        convolution = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
        return [convolution, nn.BatchNorm2d(outputs), nn.ReLU6(inplace=True)]

    pairs = [(1, 64), (2, 128), (1, 128), (2, 256), (1, 256), (2, 512)] + [(1, 512)] * 5 + [(2, 1024), (1, 1024)]
    layers, inputs = layer(3, 32, 3, 2), 32
    for stride, outputs in pairs:
        layers += layer(inputs, inputs, 3, stride, inputs) + layer(inputs, outputs, 1, 1)
        inputs = outputs
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten()), inputs


def vit_tiny():  # patches of an eighth of the side: 65 tokens
    import timm

    return timm.create_model("vit_tiny_patch16_224", img_size=side, patch_size=side // 8, num_classes=0), 192


network, features = {"resnet18": resnet18, "mobilenet": mobilenet, "vit_tiny": vit_tiny}[name]()
head = nn.Sequential(nn.Linear(features, 512), nn.ReLU(), nn.Linear(512, 128))
print_median(nn.Sequential(network, head), [batch, 3, side, side], steps, 1, sys.argv[5:])
