"""Trains a function approximator of the paper (appendix D) and writes it with its data.

    python scripts/paper/train_approximator.py fcnn2|fcnn10 OUT [--epochs N] [--rate 0.1] [--seed 0] [--points 50]

f(x) = log(sin 10x + 2) + sin x on [−1, 1]; 50 points, mean squared error, SGD on all of them with rate 0.1, 100,000 epochs
for fcnn2 and 50,000 for fcnn10. The parameters of the lowest loss on the way are kept. About two minutes on one core.
"""
import argparse
import copy
import os

import numpy as np
import torch

from architectures import build
from export import export

EPOCHS = {"fcnn2": 100_000, "fcnn10": 50_000}


def data(points, rng):
    x = np.float32(rng.uniform(-1, 1, (points, 1)))
    wide = x.astype(np.float64)
    return x, np.float32(np.log(np.sin(10 * wide) + 2) + np.sin(wide))


def train(model, x, y, rate, epochs):
    """Gradient descent; returns the lowest loss, whose parameters the model then has."""
    parameters = list(model.parameters())
    best, kept = float("inf"), copy.deepcopy(parameters)
    for epoch in range(epochs + 1):
        loss = torch.mean((model(x) - y) ** 2)
        if loss.item() < best:
            best = loss.item()
            with torch.no_grad():
                torch._foreach_copy_(kept, parameters)
        if not torch.isfinite(loss):
            raise SystemExit(f"the loss is {loss.item()} in epoch {epoch}: lower --rate")
        if epoch % 5000 == 0:
            print(f"epoch {epoch}: {loss.item():.3e}, lowest {best:.3e}", flush=True)
        gradients = torch.autograd.grad(loss, parameters)
        with torch.no_grad():
            torch._foreach_add_(parameters, gradients, alpha=-rate)
    with torch.no_grad():
        torch._foreach_copy_(parameters, kept)
    return best


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("name", choices=EPOCHS)
    parser.add_argument("out")
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--rate", type=float, default=0.1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--points", type=int, default=50)
    o = parser.parse_args()
    torch.set_num_threads(1)  # 50 points are too few for more
    os.makedirs(o.out, exist_ok=True)
    rng = np.random.default_rng(o.seed)
    for part, points in (("train", o.points), ("test", 1000)):
        x, y = data(points, rng)
        np.savez(os.path.join(o.out, f"fcnn-{part}.npz"), x=x, y=y)
    train_set = np.load(os.path.join(o.out, "fcnn-train.npz"))
    x, y = torch.from_numpy(train_set["x"]), torch.from_numpy(train_set["y"])
    model = build(o.name, o.seed)
    print(f"{o.name}: training loss {train(model, x, y, o.rate, o.epochs or EPOCHS[o.name]):.4e}")
    export(model, x, os.path.join(o.out, f"{o.name}.onnx"))
