"""Gradients and exact Hessian-vector products of the networks in networks.py, against PyTorch in float64.

    python scripts/coverage/small_networks.py [NAME …] [--exporters dynamo,dynamo-optimized,torchscript] [--tool DIR]

An exporter may name an opset ("torchscript@11"). One line per network and exporter: relative errors (2-norm) over the
tensors that have a counterpart in the module, how many have none, and what `inspect` warns of.
"""
import argparse
import copy
import logging
import os
import sys
import tempfile
import types
import warnings

import numpy as np
import torch
import torch.nn.functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

import sweep
from networks import networks


def loss_of(logits, y, loss, axis):
    if loss == "cross-entropy":
        return F.cross_entropy(logits.movedim(axis, -1).flatten(0, -2), y.flatten())
    return F.mse_loss(logits, y) if loss == "mse" else logits.mean()


class Reference:
    """Loss, gradient and products in float64."""

    def __init__(self, model, inputs, y, loss, axis):
        self.model = copy.deepcopy(model).double()
        sweep.compose_weight_norm(self.model)
        wide = lambda v: v.double() if v.is_floating_point() else v
        self.inputs, self.y, self.loss, self.axis = [wide(v) for v in inputs], None if y is None else wide(y), loss, axis
        self.parameters = {k: p for k, p in self.model.named_parameters() if p.requires_grad}

    def gradient(self, v=None):
        """The gradient or, with directions `v` by name, H·v: exact, or by differences where PyTorch has no second derivative."""
        p = list(self.parameters.values())
        with sdpa_kernel(SDPBackend.MATH):
            value = loss_of(self.model(*self.inputs), self.y, self.loss, self.axis)
            grads = torch.autograd.grad(value, p, create_graph=v is not None, allow_unused=True)
            if v is not None:
                slope = sum((g * torch.from_numpy(v[k])).sum() for k, g in zip(self.parameters, grads) if k in v and g is not None)
                try:
                    grads = torch.autograd.grad(slope, p, allow_unused=True)
                except RuntimeError:
                    return self.difference(v)
        return float(value), {k: (torch.zeros_like(q) if g is None else g).detach().numpy() for (k, q), g in zip(self.parameters.items(), grads)}

    def difference(self, v, step=1e-5):
        sides = []
        for t in (step, -step):
            for sign in (1, -1):
                with torch.no_grad():
                    for k in v:
                        self.parameters[k].add_(torch.from_numpy(v[k]), alpha=sign * t)
                if sign == 1:
                    sides.append(self.gradient()[1])
        return None, {k: (sides[0][k] - sides[1][k]) / (2 * step) for k in self.parameters}


def relative(ours, wanted, pairs):
    off = sum(((ours[name] - change(wanted[source])) ** 2).sum() for name, source, change, _ in pairs)
    return float(np.sqrt(off / max(sum((change(wanted[source]) ** 2).sum() for _, source, change, _ in pairs), 1e-300)))


def compare(model, inputs, y, loss, axis, exporter, options, folder):
    file, data, vectors, out = (os.path.join(folder, f) for f in ("model.onnx", "data.npz", "v.npz", "out.npz"))
    weights = {k: p.detach().numpy().copy() for k, p in model.named_parameters() if p.requires_grad}
    reference = Reference(model, inputs, y, loss, axis)
    value, wanted = reference.gradient()
    named = {f"x{i}": v for i, v in enumerate(inputs)}
    try:
        sweep.export(model.train().eval(), named, exporter, file)
    except Exception as e:  # exporters fail with whatever error they meet
        return f"not exported ({type(e).__name__})"
    seen = sweep.run(options, "inspect", file)
    arrays = {i["name"]: v.numpy() for i, v in zip(seen["inputs"], inputs)}
    np.savez(data, **arrays, **({} if y is None else {"y": y.numpy()}))
    how = ["--data", data, "--loss", loss, "--workers", "1", *(["--class-axis", str(axis)] if loss == "cross-entropy" else [])]
    found = sweep.run(options, "gradient", file, *how, "--npz", out)
    arrays = np.load(out)
    ours, theta = (sweep.split(arrays[k], found["parameters"]) for k in ("gradient", "theta"))
    pairs = list(sweep.matches(theta, weights, sweep.aliases(model)))
    pairs = [p for p in pairs if sum(q[1] == p[1] for q in pairs) == 1]
    error = relative(ours, wanted, pairs)
    v = np.random.default_rng(0).standard_normal(sum(p["size"] for p in found["parameters"]))
    parts, compared = sweep.split(v, found["parameters"]), {p[0] for p in pairs}
    for name, part in parts.items():
        if name not in compared:
            part[...] = 0
    np.savez(vectors, v=v)
    sweep.run(options, "hvp", file, *how, "--method", "exact", "--vector", f"{vectors}:v", "--npz", out)
    hv = sweep.split(np.load(out)["hv"], found["parameters"])
    products = reference.gradient({source: np.ascontiguousarray(back(parts[name])) for name, source, _, back in pairs})[1]
    codes = " ".join(w["code"] for w in seen["warnings"])
    others = len(ours) - len(pairs)
    return f"loss {abs(found['loss'] / value - 1):.0e}  gradient {error:.0e}  Hv {relative(hv, products, pairs):.0e}  without counterpart {others}  {codes}"


def main():
    a = argparse.ArgumentParser(usage=__doc__)
    a.add_argument("names", nargs="*")
    a.add_argument("--exporters", default="dynamo,dynamo-optimized,torchscript")
    a.add_argument("--tool", default=sweep.TOOL)
    options = a.parse_args(namespace=types.SimpleNamespace(seconds=200))
    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    torch.set_num_threads(1)
    torch.manual_seed(0)
    for name, model, inputs, y, loss, axis in networks():
        if options.names and name not in options.names:
            continue
        torch.manual_seed(1)
        model = sweep.randomise(model.eval(), {str(i): v for i, v in enumerate(inputs)})
        for exporter in options.exporters.split(","):
            with tempfile.TemporaryDirectory() as folder:
                try:
                    result = compare(model, inputs, y, loss, axis, exporter, options, folder)
                except RuntimeError as e:
                    result = f"failed: {e}"
            print(f"{name:12} {exporter:17} {result}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
