"""Makes loss-references.json: loss, gradient and Hessian-vector product of small linear models, by PyTorch in float64.

Numbers are those of numbers() in loss-models.ts; parameters follow one another as there. Run: python loss-references.py
"""

import json
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F


def numbers(n, k):
    values = (0.7 * np.sin(1.3 * np.arange(n) + k)).astype(np.float32)
    return torch.tensor(values, dtype=torch.float64)


def linear(classes):
    return [(3, classes), (classes,)]


x = numbers(15, 1).reshape(5, 3)
ids = torch.tensor([[0, 1, 2], [3, 1, 0], [2, 2, 1], [0, 3, 3]])
image = numbers(4 * 2 * 6, 2).reshape(4, 2, 2, 3)
labels = torch.tensor([0, 3, 1, 2, 2])
# One sample has no position that counts.
words = torch.tensor([[1, 4, -100], [-100, -100, -100], [0, 2, 3], [4, -100, 1]])
mask = torch.tensor([0, 1, 2, 255, 1, 1, 2, 2, 0, 255, 255, 1, 0, 0, 2, 1, 1, 255, 2, 0, 1, 0, 2, 2]).reshape(4, 2, 3)
several = torch.tensor([[1, 0, 1, 0], [0, 0, 0, 1], [1, 1, 1, 0], [0, 1, 0, 0], [1, 1, 0, 1]]).double()
weights = torch.tensor([1, 0.25, 2, 0.5], dtype=torch.float64)


def logits(w, b):
    return x @ w + b


def language(table, w):
    return table[ids] @ w


def segments(w):
    return torch.einsum("oc,nchw->nohw", w[:, :, 0, 0], image)


def words_of(**options):
    return lambda p, q: F.cross_entropy(language(p, q).transpose(1, 2), words, **options)


vocabulary = [(4, 2), (2, 5)]
cases = {
    "classifier": (linear(4), lambda w, b: F.cross_entropy(logits(w, b), labels)),
    "class weights": (linear(4), lambda w, b: F.cross_entropy(logits(w, b), labels, weight=weights)),
    "label smoothing": (linear(4), lambda w, b: F.cross_entropy(logits(w, b), labels, label_smoothing=0.1)),
    "weights, smoothing and an ignored class": (
        linear(4),
        lambda w, b: F.cross_entropy(logits(w, b), labels, weight=weights, label_smoothing=0.2, ignore_index=2),
    ),
    "one class": (linear(1), lambda w, b: F.cross_entropy(logits(w, b), labels * 0)),
    "segmentation": ([(3, 2, 1, 1)], lambda w: F.cross_entropy(segments(w), mask, ignore_index=255)),
    "weighted segmentation": (
        [(3, 2, 1, 1)],
        lambda w: F.cross_entropy(segments(w), mask, ignore_index=255, weight=weights[:3], label_smoothing=0.1),
    ),
    "language model": (vocabulary, words_of()),
    "smoothed language model": (vocabulary, words_of(label_smoothing=0.1)),
    "several labels": (linear(4), lambda w, b: F.binary_cross_entropy_with_logits(logits(w, b), several)),
    "two classes by one number": (
        linear(1),
        lambda w, b: F.binary_cross_entropy_with_logits(logits(w, b)[:, 0], several[:, 0]),
    ),
    "regression": (linear(4), lambda w, b: F.mse_loss(logits(w, b), several)),
    "own loss": (linear(4), lambda w, b: (logits(w, b) - several).pow(4).mean()),
}


def solve(shapes, loss):
    parameters = [numbers(int(np.prod(s)), 3 + i).reshape(s).requires_grad_() for i, s in enumerate(shapes)]
    value = loss(*parameters)
    gradient = torch.autograd.grad(value, parameters, create_graph=True)
    flat = torch.cat([g.flatten() for g in gradient])
    v = torch.cos(0.7 * torch.arange(flat.numel(), dtype=torch.float64))
    if flat.requires_grad:
        hv = torch.autograd.grad(flat @ v, parameters, materialize_grads=True)
        product = torch.cat([h.flatten() for h in hv])
    else:
        product = torch.zeros_like(flat)
    short = lambda t: [float(f"{a:.9g}") + 0.0 for a in t.tolist()]
    return {"loss": short(value.reshape(1))[0], "gradient": short(flat), "hv": short(product)}


found = {name: solve(shapes, loss) for name, (shapes, loss) in cases.items()}
Path(__file__).with_name("loss-references.json").write_text(
    "{\n" + ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in found.items()) + "\n}\n"
)
