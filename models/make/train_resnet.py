"""Train a CIFAR-style ResNet-20 on the first N Fashion-MNIST training images; export it and some data.

usage: train_resnet.py DATA OUT [--seed 0] [--train 8192] [--epochs 12] [--keep 256]

DATA is a folder with Fashion-MNIST's four idx .gz files. Takes about three minutes.
"""
import argparse
import os
import time

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from common import export, fashion, normalise


class Block(nn.Module):
    def __init__(self, cin, cout, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(cin, cout, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(cout)
        self.conv2 = nn.Conv2d(cout, cout, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(cout)
        self.shortcut = nn.Sequential()
        if stride != 1 or cin != cout:
            self.shortcut = nn.Sequential(nn.Conv2d(cin, cout, 1, stride, bias=False), nn.BatchNorm2d(cout))

    def forward(self, x):
        h = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(h + self.shortcut(x))


class ResNet(nn.Module):
    """Depth 6n+2; 16, 32, 64 channels; projection shortcuts (1x1 convolution and BN)."""

    def __init__(self, n=3, widths=(16, 32, 64)):
        super().__init__()
        self.conv1 = nn.Conv2d(1, widths[0], 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(widths[0])
        blocks, cin = [], widths[0]
        for i, w in enumerate(widths):
            for j in range(n):
                blocks.append(Block(cin, w, 2 if i and j == 0 else 1))
                cin = w
        self.blocks = nn.Sequential(*blocks)
        self.fc = nn.Linear(cin, 10)

    def forward(self, x):
        x = self.blocks(F.relu(self.bn1(self.conv1(x))))
        return self.fc(x.mean((2, 3)))


def train(model, x, y, epochs, batch=128, lr=0.1, decay=5e-4, seed=0):
    """SGD with Nesterov momentum, learning rate on a cosine to zero, no augmentation."""
    opt = torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9, weight_decay=decay, nesterov=True)
    steps = epochs * (len(x) // batch)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(opt, steps)
    rng, t0 = np.random.default_rng(seed), time.time()
    model.to(memory_format=torch.channels_last)      # faster on a CPU; the exported file does not depend on it
    x = x.to(memory_format=torch.channels_last)
    for epoch in range(1, epochs + 1):
        model.train()
        total = 0.0
        for index in rng.permutation(len(x))[:len(x) // batch * batch].reshape(-1, batch):
            opt.zero_grad()
            loss = F.cross_entropy(model(x[index]), y[index])
            loss.backward()
            opt.step()
            schedule.step()
            total += float(loss.detach()) * batch
        print(f'epoch {epoch} mean batch loss {total / len(x):.4f} {time.time() - t0:.0f}s', flush=True)


def evaluate(model, x, y):
    with torch.no_grad():
        out = torch.cat([model.eval()(b) for b in x.split(512)])
    return float(F.cross_entropy(out, y)), float((out.argmax(1) == y).float().mean())


if __name__ == '__main__':
    ap = argparse.ArgumentParser()
    ap.add_argument('data')
    ap.add_argument('out')
    ap.add_argument('--seed', type=int, default=0)
    ap.add_argument('--train', type=int, default=8192)
    ap.add_argument('--epochs', type=int, default=12)
    ap.add_argument('--keep', type=int, default=256)
    o = ap.parse_args()
    for part, name in (('train', 'train'), ('t10k', 'test')):
        x, y = fashion(o.data, part)
        np.savez_compressed(os.path.join(o.out, f'fashion-{name}.npz'), x=x[:o.keep], y=y[:o.keep])
    x, y = fashion(o.data, 'train')
    x, y = torch.from_numpy(normalise(x[:o.train])), torch.from_numpy(y[:o.train])
    xt, yt = fashion(o.data, 't10k')
    xt, yt = torch.from_numpy(normalise(xt)), torch.from_numpy(yt)
    torch.manual_seed(o.seed)
    model = ResNet()
    train(model, x, y, o.epochs, seed=o.seed)
    print('training images: loss, accuracy', evaluate(model, x, y))
    print('test images: loss, accuracy', evaluate(model, xt, yt))
    export(model, x[:4], os.path.join(o.out, 'resnet20.onnx'))
