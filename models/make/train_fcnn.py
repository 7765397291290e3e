"""Train a ReLU network with two hidden layers of 100 to 100 on f(x) = log(sin(10x) + 2) + sin(x); export to ONNX.

usage: train_fcnn.py OUT [--seed 0] [--lr 0.1] [--epochs 100000]

Full-batch SGD; the parameters of the lowest loss on the way are the result. Takes about two minutes.
Setting: appendix D of Boettcher & Wheeler, Visualizing high-dimensional loss landscapes with Hessian directions.
"""
import argparse
import copy
import os
import time

import numpy as np
import torch
from torch import nn

from common import export


def target(x):
    return np.log(np.sin(10 * x) + 2) + np.sin(x)


def data(seed):
    rng = np.random.default_rng(seed)
    return {part: [a.astype(np.float32)[:, None] for a in (x, target(x))]
            for part, n in (('train', 50), ('test', 1000)) for x in [np.float32(rng.uniform(-1, 1, n)).astype(float)]}


def net(hidden=2):
    layers = [nn.Linear(1, 100), nn.ReLU()]
    for _ in range(hidden):
        layers += [nn.Linear(100, 100), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(100, 1))


def train(model, x, y, lr, epochs, stop=5e-7):
    params = list(model.parameters())
    best, best_epoch, keep, t0 = np.inf, 0, copy.deepcopy(params), time.time()
    for epoch in range(epochs + 1):
        loss = ((model(x) - y) ** 2).mean()
        value = float(loss.detach())
        if value < best:
            best, best_epoch = value, epoch
            with torch.no_grad():
                torch._foreach_copy_(keep, params)
        if value < stop or not np.isfinite(value):
            break
        grads = torch.autograd.grad(loss, params)
        with torch.no_grad():
            torch._foreach_add_(params, grads, alpha=-lr)
        if epoch % 5000 == 0:
            print(epoch, value, best, f'{time.time() - t0:.0f}s', flush=True)
    with torch.no_grad():
        torch._foreach_copy_(params, keep)
    print('best', best, 'at epoch', best_epoch)


if __name__ == '__main__':
    ap = argparse.ArgumentParser()
    ap.add_argument('out')
    ap.add_argument('--seed', type=int, default=0)
    ap.add_argument('--lr', type=float, default=0.1)
    ap.add_argument('--epochs', type=int, default=100_000)
    o = ap.parse_args()
    d = data(o.seed)
    for part in d:
        np.savez(os.path.join(o.out, f'fcnn-{part}.npz'), x=d[part][0], y=d[part][1])
    x, y = (torch.from_numpy(a) for a in d['train'])
    torch.manual_seed(o.seed)
    model = net()
    train(model, x, y, o.lr, o.epochs)
    export(model, x, os.path.join(o.out, 'fcnn2.onnx'))
