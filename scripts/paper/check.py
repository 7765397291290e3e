"""Every network of the paper, untrained: its number of parameters, and its loss and gradient from the exported file beside PyTorch's in float64.

    npm run build && python scripts/paper/check.py [NAME …] [--images 2]

Exports each network with random weights, runs the built `onnx-landscape gradient` on a few random images (approximators: 50
points) and prints a table. Status 1 where something is off. See README.md for what is allowed and why.
"""
import argparse
import copy
import json
import os
import subprocess
import sys
import tempfile

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from architectures import build, networks
from export import export

CLI = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "dist", "cli.js")


def samples(classes, images, random):
    if classes is None:
        x = 2 * torch.rand(50, 1, generator=random) - 1
        return x, torch.log(torch.sin(10 * x) + 2) + torch.sin(x)
    return torch.randn(images, 3, 32, 32, generator=random), torch.randint(classes, (images,), generator=random)


@torch.no_grad()
def calibrate(model, random):
    """BatchNorm with weights off 1 and running statistics of a real pass. Shifts about 1 keep most units on: about 0, each layer
    would amplify rounding, and without skips float32 gradients of 55 layers were off by 10 %, PyTorch's as ours."""
    norms = [m for m in model.modules() if isinstance(m, nn.BatchNorm2d)]
    for norm in norms:
        norm.weight.uniform_(0.5, 1.5, generator=random)
        norm.bias.normal_(1, 0.2, generator=random)
        norm.momentum = 1.0
    if norms:
        model.train()(torch.randn(8, 3, 32, 32, generator=random))
    return model.eval()


def reference(model, x, y, dtype):
    """Loss and gradient by PyTorch, as float64, by parameter name."""
    model = copy.deepcopy(model).to(dtype)
    output = model(x.to(dtype))
    loss = F.cross_entropy(output, y) if y.dtype == torch.int64 else F.mse_loss(output, y.to(dtype))
    named = dict(model.named_parameters())
    return loss.item(), {k: g.double().numpy().ravel() for k, g in zip(named, torch.autograd.grad(loss, named.values()))}


def ours(folder, model, x, y):
    """The same by the command line, from the exported file."""
    paths = [os.path.join(folder, name) for name in ("model.onnx", "data.npz", "gradient.npz")]
    export(model, x[:2], paths[0])
    np.savez(paths[1], x=x.numpy(), y=y.numpy())
    command = ["node", CLI, "gradient", paths[0], "--data", paths[1], "--npz", paths[2], "--json", "--device", "cpu"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(done.stderr)
    found, flat = json.loads(done.stdout), np.load(paths[2])["gradient"].astype(np.float64)
    return found["loss"], {p["name"]: flat[p["offset"]:p["offset"] + p["size"]] for p in found["parameters"]}


def distance(a, b):
    """‖a − b‖ / ‖b‖ over all tensors."""
    assert a.keys() == b.keys(), sorted(a.keys() ^ b.keys())
    return (sum(((a[k] - b[k]) ** 2).sum() for k in b) / sum((b[k] ** 2).sum() for k in b)) ** 0.5


def check(name, images):
    network, random = networks[name], torch.Generator().manual_seed(0)
    model = calibrate(build(name), random)
    x, y = samples(network.classes, images, random)
    loss, gradient = reference(model, x, y, torch.float64)
    single_loss, single = reference(model, x, y, torch.float32)
    with tempfile.TemporaryDirectory() as folder:
        our_loss, our_gradient = ours(folder, model, x, y)
    count = sum(g.size for g in our_gradient.values())
    errors = [abs(our_loss / loss - 1), abs(single_loss / loss - 1), distance(our_gradient, gradient), distance(single, gradient)]
    # Both round to float32, in another order: the same error but for a factor, and a floor of some units in the last place.
    floor = 16 * np.finfo(np.float32).eps
    good = count == network.parameters and errors[0] <= floor + 10 * errors[1] and errors[2] <= floor + 10 * errors[3]
    return count, loss, *errors, "ok" if good else "FAILED"


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*", default=[], metavar="NAME")
    parser.add_argument("--images", type=int, default=2)
    o = parser.parse_args()
    print("| network | parameters | loss | loss, ours | PyTorch float32 | gradient, ours | PyTorch float32 | |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |")
    failed = False
    for name in o.names or networks:
        count, loss, *errors, verdict = check(name, o.images)
        failed |= verdict != "ok"
        print(f"| {name} | {count:,} | {loss:.5f} | {' | '.join(f'{e:.0e}' for e in errors)} | {verdict} |", flush=True)
    sys.exit(failed)
