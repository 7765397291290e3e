"""Trains an image classifier of the paper on CIFAR-10 and writes it as ONNX.

    python scripts/paper/train_classifier.py NAME CIFAR OUT [--epochs N] [--device cuda] [--seed 0] …

CIFAR is the folder of the binary version (data_batch_1.bin … test_batch.bin). A killed training started again with the same
OUT goes on after its last whole epoch. The default recipes are those of the public repositories whose architectures these
are (README.md); the paper trains its own way, so expect its accuracies to a percent, not its digits.
"""
import argparse
import os
import time

import numpy as np
import torch
import torch.nn.functional as F

from architectures import build, networks
from export import example, export

MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2471, 0.2435, 0.2616)  # as `reproduce` normalises


def steps(rate):
    """A tenth at 1/2, 3/4 and 11/12 of the training."""
    return lambda at: rate * 0.1 ** sum(at >= share for share in (1 / 2, 3 / 4, 11 / 12))


def cosine(rate):
    return lambda at: rate * (1 + np.cos(np.pi * at)) / 2


def warm_cosine(rate):
    """Rises over the first 30 %, then falls on a cosine."""
    return lambda at: rate * (at / 0.3 if at < 0.3 else (1 + np.cos(np.pi * (at - 0.3) / 0.7)) / 2)


residual = {"epochs": 300, "batch": 128, "rate": 0.1, "decay": 5e-4, "nesterov": True, "schedule": steps}
dense = {"epochs": 200, "batch": 128, "rate": 0.1, "decay": 5e-4, "nesterov": False, "schedule": cosine}
light = {"epochs": 100, "batch": 256, "rate": 1e-2, "decay": 1e-2, "nesterov": True, "schedule": warm_cosine}
recipes = {
    "resnet56": residual,
    "resnet56-noskip": residual,
    "densenet121": dense,
    "mobilenetv2": light,
    "googlenet": light,
}


def cifar(folder, part, device):
    """Normalised images [n, 3, 32, 32] and labels [n]."""
    files = [f"data_batch_{k}.bin" for k in range(1, 6)] if part == "train" else ["test_batch.bin"]
    records = np.concatenate([np.fromfile(os.path.join(folder, f), np.uint8).reshape(-1, 3073) for f in files])
    x = torch.from_numpy(records[:, 1:].reshape(-1, 3, 32, 32)).to(device)
    mean, std = (torch.tensor(v, device=device).view(1, 3, 1, 1) for v in (MEAN, STD))
    return (x / 255 - mean) / std, torch.from_numpy(records[:, 0].astype(np.int64)).to(device)


def augment(x, random):
    """A crop of the image with 4 pixels of padding, and half of all images mirrored."""
    n, device = len(x), x.device
    draw = lambda high: torch.randint(high, (n,), generator=random).to(device)  # noqa: E731
    rows = draw(9)[:, None] + torch.arange(32, device=device)
    columns = draw(9)[:, None] + torch.arange(32, device=device)
    columns = torch.where(draw(2)[:, None] > 0, columns.flip(1), columns)
    images = torch.arange(n, device=device)[:, None, None]
    padded = F.pad(x, (4, 4, 4, 4)).permute(0, 2, 3, 1)
    return padded[images, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


@torch.no_grad()
def evaluate(model, x, y):
    model.eval()
    output = torch.cat([model(part) for part in x.split(500)])
    return F.cross_entropy(output, y).item(), (output.argmax(1) == y).float().mean().item()


def train_epoch(model, optimizer, x, y, batch, rate_at, random):
    """One pass; `rate_at` gives the rate from the share of this epoch that is done."""
    model.train()
    order = torch.randperm(len(x), generator=random).to(x.device)
    starts = range(0, len(x) - batch + 1, batch)
    for k, start in enumerate(starts):
        for group in optimizer.param_groups:
            group["lr"] = rate_at((k + 0.5) / len(starts))
        chosen = order[start:start + batch]
        optimizer.zero_grad()
        F.cross_entropy(model(augment(x[chosen], random)), y[chosen]).backward()
        optimizer.step()


def main(o):
    recipe = recipes[o.name]
    epochs, batch = o.epochs or recipe["epochs"], o.batch or recipe["batch"]
    rate = recipe["schedule"](o.rate or recipe["rate"])
    model = build(o.name, o.seed).to(o.device)
    optimizer = torch.optim.SGD(model.parameters(), lr=o.rate or recipe["rate"], momentum=0.9,
                                weight_decay=recipe["decay"], nesterov=recipe["nesterov"])
    saved = os.path.join(o.out, f"{o.name}.pt")
    begin = 0
    if os.path.exists(saved):
        state = torch.load(saved, map_location=o.device, weights_only=True)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        begin = state["epoch"]
        print(f"continuing after epoch {begin}")
    train, test = (cifar(o.cifar, part, o.device) for part in ("train", "test"))
    for epoch in range(begin, epochs):
        started = time.time()
        random = torch.Generator().manual_seed(o.seed * 1_000_003 + epoch)  # the same after a restart
        train_epoch(model, optimizer, *train, batch, lambda done: rate((epoch + done) / epochs), random)
        state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch + 1}
        torch.save(state, saved + ".part")
        os.replace(saved + ".part", saved)
        loss, accuracy = evaluate(model, *test)
        print(f"epoch {epoch + 1}/{epochs}: test loss {loss:.4f}, accuracy {accuracy:.4f}, {time.time() - started:.0f} s", flush=True)
    for part, (x, y) in (("train", train), ("test", test)):
        loss, accuracy = evaluate(model, x, y)
        print(f"{o.name}, {part}: loss {loss:.4f}, accuracy {100 * accuracy:.2f} %")
    export(model, example(o.name), os.path.join(o.out, f"{o.name}.onnx"))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("name", choices=recipes)
    parser.add_argument("cifar")
    parser.add_argument("out")
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--batch", type=int)
    parser.add_argument("--rate", type=float)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    o = parser.parse_args()
    os.makedirs(o.out, exist_ok=True)
    main(o)
