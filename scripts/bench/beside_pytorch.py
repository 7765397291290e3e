"""Loss, gradient and Hessian-vector product of a CIFAR-style ResNet beside PyTorch, in one run, one thread each.

    python scripts/bench/beside_pytorch.py [--depth 56] [--images 64] [--rounds 5]

Needs torch, onnx, onnxscript and numpy; and the built project (npm run build). Each round measures both sides
one after the other; the medians of the ratios are printed: times of a shared machine mean little alone.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F


class Block(nn.Module):
    def __init__(self, cin, cout, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(cin, cout, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(cout)
        self.conv2 = nn.Conv2d(cout, cout, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(cout)
        self.short = nn.Sequential()
        if stride != 1 or cin != cout:
            self.short = nn.Sequential(nn.Conv2d(cin, cout, 1, stride, bias=False), nn.BatchNorm2d(cout))

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(y)) + self.short(x))


class ResNet(nn.Module):
    def __init__(self, depth):
        super().__init__()
        n = (depth - 2) // 6
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        layers, cin = [], 16
        for width, stride in ((16, 1), (32, 2), (64, 2)):
            for i in range(n):
                layers.append(Block(cin, width, stride if i == 0 else 1))
                cin = width
        self.blocks = nn.Sequential(*layers)
        self.fc = nn.Linear(64, 10)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        return self.fc(F.adaptive_avg_pool2d(self.blocks(x), 1).flatten(1))


def timed(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def torch_times(model, x, y, batch):
    params = list(model.parameters())
    v = [torch.randn_like(p) for p in params]
    batches = list(zip(x.split(batch), y.split(batch)))

    def loss():
        with torch.no_grad():
            for xb, yb in batches:
                F.cross_entropy(model(xb), yb, reduction="sum")

    def gradient():
        for xb, yb in batches:
            torch.autograd.grad(F.cross_entropy(model(xb), yb, reduction="sum"), params)

    def product():
        for xb, yb in batches:
            g = torch.autograd.grad(F.cross_entropy(model(xb), yb, reduction="sum"), params, create_graph=True)
            torch.autograd.grad(sum((a * b).sum() for a, b in zip(g, v)), params)

    return {"loss": timed(loss), "gradient": timed(gradient), "product": timed(product)}


def main():
    ask = argparse.ArgumentParser()
    ask.add_argument("--depth", type=int, default=56)
    ask.add_argument("--images", type=int, default=64)
    ask.add_argument("--rounds", type=int, default=5)
    ask.add_argument("--batch", type=int, default=32, help="PyTorch's batch (the tool chooses its own)")
    args = ask.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(1)
    model = ResNet(args.depth).eval()
    x = torch.randn(args.images, 3, 32, 32)
    y = torch.randint(0, 10, (args.images,))
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.onnx")
        torch.onnx.export(model, (x[:2],), path, input_names=["x"], dynamo=True, optimize=False, verbose=False,
                          external_data=False, dynamic_shapes={"x": {0: torch.export.Dim("n")}})
        np.savez(os.path.join(folder, "data.npz"), x=x.numpy(), y=y.numpy())
        here = os.path.dirname(os.path.abspath(__file__))
        ours = subprocess.Popen(["node", os.path.join(here, "objective-times.js"), folder], stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE, text=True)
        model = model.to(memory_format=torch.channels_last)
        x = x.to(memory_format=torch.channels_last)
        torch_times(model, x, y, args.batch)
        ratios, times = {}, {}
        for r in range(args.rounds + 1):
            theirs = torch_times(model, x, y, args.batch)
            ours.stdin.write("go\n")
            ours.stdin.flush()
            mine = json.loads(ours.stdout.readline())
            if r == 0:
                continue
            for key, value in mine.items():
                base = theirs[key.split(" (")[0]]
                ratios.setdefault(key, []).append(value / base)
                times.setdefault(key, []).append((value * 1e3 / args.images, base * 1e3 / args.images))
        ours.stdin.close()
    print(f"ResNet-{args.depth}, 32x32, {args.images} images, one thread, PyTorch {torch.__version__} channels_last")
    print(f"{'':22}{'ours ms/image':>14}{'PyTorch':>10}{'ratio':>8}{'min':>7}{'max':>7}")
    for key, r in ratios.items():
        mine, theirs = (statistics.median(t[i] for t in times[key]) for i in (0, 1))
        print(f"{key:22}{mine:14.3f}{theirs:10.3f}{statistics.median(r):8.2f}{min(r):7.2f}{max(r):7.2f}")


if __name__ == "__main__":
    sys.exit(main())
