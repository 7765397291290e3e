"""The networks of Böttcher and Wheeler's paper, with exactly its numbers of parameters.

`networks` names them as `onnx-landscape reproduce` expects the files. Images are CIFAR-10's, 3×32×32.
"""
from dataclasses import dataclass
from typing import Callable

import torch
import torch.nn.functional as F
from torch import nn


@dataclass(frozen=True)
class Network:
    parameters: int
    build: Callable[[], nn.Module]
    classes: int | None  # None: a function of one number


def fully_connected(middle):
    """1-100-…-100-1 with ReLU; `middle` weight matrices are 100×100."""
    layers = [nn.Linear(1, 100), nn.ReLU()]
    for _ in range(middle):
        layers += [nn.Linear(100, 100), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(100, 1))


def convolution(inputs, outputs, kernel, stride=1, groups=1, eps=1e-5):
    """Convolution that keeps the size (up to the stride), then BatchNorm; BN's shift stands for the bias."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs, eps=eps),
    )


# ResNet-56 (He et al. 2015, section 4.2): 6n + 2 layers, n = 9. A 1×1 convolution with BatchNorm where the shape changes:
# 855,770 parameters. The parameterless shortcut of that section has the 853,018 of the net without skips.

class ResidualBlock(nn.Module):
    def __init__(self, inputs, outputs, stride, skips):
        super().__init__()
        self.first = convolution(inputs, outputs, 3, stride)
        self.second = convolution(outputs, outputs, 3)
        self.skips = skips
        changes = stride != 1 or inputs != outputs
        self.shortcut = convolution(inputs, outputs, 1, stride) if skips and changes else nn.Identity()

    def forward(self, x):
        y = self.second(F.relu(self.first(x)))
        return F.relu(y + self.shortcut(x) if self.skips else y)


class ResNet56(nn.Module):
    def __init__(self, skips=True):
        super().__init__()
        self.stem = convolution(3, 16, 3)
        blocks, inputs = [], 16
        for outputs in (16, 32, 64):
            for k in range(9):
                blocks.append(ResidualBlock(inputs, outputs, 2 if k == 0 and outputs > 16 else 1, skips))
                inputs = outputs
        self.blocks = nn.Sequential(*blocks)
        self.classifier = nn.Linear(64, 10)

    def forward(self, x):
        return self.classifier(self.blocks(F.relu(self.stem(x))).mean((2, 3)))


# DenseNet-121 (Huang et al. 2016): growth 32, bottlenecks of 128, half of the channels go on. For 32×32 images the first
# convolution is 3×3 without a stride and without a pool behind it; without its BatchNorm too, whose 128 parameters would be
# more than the paper's.

class DenseLayer(nn.Module):
    def __init__(self, inputs):
        super().__init__()
        self.norm1, self.conv1 = nn.BatchNorm2d(inputs), nn.Conv2d(inputs, 128, 1, bias=False)
        self.norm2, self.conv2 = nn.BatchNorm2d(128), nn.Conv2d(128, 32, 3, padding=1, bias=False)

    def forward(self, x):
        new = self.conv2(F.relu(self.norm2(self.conv1(F.relu(self.norm1(x))))))
        return torch.cat([new, x], 1)


def transition(inputs):
    return nn.Sequential(
        nn.BatchNorm2d(inputs), nn.ReLU(), nn.Conv2d(inputs, inputs // 2, 1, bias=False), nn.AvgPool2d(2)
    )


class DenseNet121(nn.Module):
    def __init__(self):
        super().__init__()
        layers, channels = [nn.Conv2d(3, 64, 3, padding=1, bias=False)], 64
        for block, depth in enumerate((6, 12, 24, 16)):
            if block > 0:
                layers.append(transition(channels))
                channels //= 2
            for _ in range(depth):
                layers.append(DenseLayer(channels))
                channels += 32
        self.features = nn.Sequential(*layers, nn.BatchNorm2d(channels), nn.ReLU())
        self.classifier = nn.Linear(channels, 10)

    def forward(self, x):
        return self.classifier(self.features(x).mean((2, 3)))


# MobileNetV2 (Sandler et al. 2018, table 2), with strides of 1 in the first two stages for 32×32 images.

class InvertedResidual(nn.Module):
    def __init__(self, inputs, outputs, stride, expand):
        super().__init__()
        hidden = inputs * expand
        widen = [*convolution(inputs, hidden, 1), nn.ReLU6()] if expand > 1 else []
        depthwise = [*convolution(hidden, hidden, 3, stride, groups=hidden), nn.ReLU6()]
        self.path = nn.Sequential(*widen, *depthwise, *convolution(hidden, outputs, 1))
        self.skips = stride == 1 and inputs == outputs

    def forward(self, x):
        return x + self.path(x) if self.skips else self.path(x)


class MobileNetV2(nn.Module):
    stages = ((1, 16, 1, 1), (6, 24, 2, 1), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))

    def __init__(self):
        super().__init__()
        layers, inputs = [*convolution(3, 32, 3), nn.ReLU6()], 32
        for expand, outputs, count, stride in self.stages:
            for k in range(count):
                layers.append(InvertedResidual(inputs, outputs, stride if k == 0 else 1, expand))
                inputs = outputs
        self.features = nn.Sequential(*layers, *convolution(inputs, 1280, 1), nn.ReLU6())
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(1280, 10))

    def forward(self, x):
        return self.classifier(self.features(x).mean((2, 3)))


# GoogLeNet (Szegedy et al. 2014) with BatchNorm, 3×3 in place of 5×5 as in torchvision, no auxiliary classifiers; for 32×32
# images one convolution of 192 channels stands for all layers before the first inception module.

def rectified(inputs, outputs, kernel):
    return nn.Sequential(*convolution(inputs, outputs, kernel, eps=1e-3), nn.ReLU())


class Inception(nn.Module):
    def __init__(self, inputs, one, reduce3, three, reduce5, five, pool):
        super().__init__()
        self.branches = nn.ModuleList([
            rectified(inputs, one, 1),
            nn.Sequential(rectified(inputs, reduce3, 1), rectified(reduce3, three, 3)),
            nn.Sequential(rectified(inputs, reduce5, 1), rectified(reduce5, five, 3)),
            nn.Sequential(nn.MaxPool2d(3, 1, 1), rectified(inputs, pool, 1)),
        ])

    def forward(self, x):
        return torch.cat([branch(x) for branch in self.branches], 1)


class GoogLeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            rectified(3, 192, 3),
            Inception(192, 64, 96, 128, 16, 32, 32),
            Inception(256, 128, 128, 192, 32, 96, 64),
            nn.MaxPool2d(3, 2, 1),
            Inception(480, 192, 96, 208, 16, 48, 64),
            Inception(512, 160, 112, 224, 24, 64, 64),
            Inception(512, 128, 128, 256, 24, 64, 64),
            Inception(512, 112, 144, 288, 32, 64, 64),
            Inception(528, 256, 160, 320, 32, 128, 128),
            nn.MaxPool2d(3, 2, 1),
            Inception(832, 256, 160, 320, 32, 128, 128),
            Inception(832, 384, 192, 384, 48, 128, 128),
        )
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(1024, 10))

    def forward(self, x):
        return self.classifier(self.features(x).mean((2, 3)))


networks = {
    "fcnn2": Network(20_501, lambda: fully_connected(2), None),
    "fcnn10": Network(101_301, lambda: fully_connected(10), None),
    "resnet56": Network(855_770, ResNet56, 10),
    "resnet56-noskip": Network(853_018, lambda: ResNet56(skips=False), 10),
    "densenet121": Network(6_956_298, DenseNet121, 10),
    "mobilenetv2": Network(2_236_682, MobileNetV2, 10),
    "googlenet": Network(5_490_986, GoogLeNet, 10),
}


def build(name, seed=0):
    """An untrained network in PyTorch's own initialisation; its number of parameters is the paper's or it is an error."""
    torch.manual_seed(seed)
    model = networks[name].build()
    count = sum(p.numel() for p in model.parameters())
    assert count == networks[name].parameters, f"{name} has {count} parameters, the paper's {networks[name].parameters}"
    return model
