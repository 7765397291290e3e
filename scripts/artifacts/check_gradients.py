"""Checks our lowering of training models against onnxruntime-training and PyTorch, on models made here.

    python scripts/artifacts/check_gradients.py [NAME ...]

Each case is a small network around some operators. It is exported, made into training artifacts, and
 1. `gradient FOLDER` is compared with the gradient of onnxruntime-training's own step (relative, 1e-5; where the
    CPU build has no kernel or is wrong, with PyTorch in float64 alone);
 2. `hvp FOLDER`, exact and by frozen differences, with PyTorch's double backward in float64 (1e-4).
Needs scripts/artifacts/requirements.txt and the built project (npm run build).
"""
import contextlib
import io
import json
import math
import os
import subprocess
import sys
import tempfile
import warnings

import numpy as np
import onnx
import onnxruntime as ort
import torch
import torch.nn.functional as F
from onnxruntime.training import artifacts, onnxblock
from onnxruntime.training.api import CheckpointState, Module
from torch import nn

warnings.filterwarnings("ignore")
ort.set_default_logger_severity(3)
CLI = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "dist", "cli.js")
CLASSES = 3


class Around(nn.Module):
    """f(h, k) between two linear layers, with a parameter k of its own."""

    def __init__(self, f):
        super().__init__()
        self.inner, self.k, self.outer, self.f = nn.Linear(6, 8), nn.Parameter(torch.rand(8) + 0.5), nn.Linear(8, CLASSES), f

    def forward(self, x):
        return self.outer(self.f(self.inner(x), self.k) + 0.1 * self.k)


class Image(nn.Module):
    """Layers over images, then a linear layer."""

    def __init__(self, features, *layers):
        super().__init__()
        self.layers, self.outer = nn.Sequential(*layers), nn.Linear(features, CLASSES)

    def forward(self, x):
        return self.outer(self.layers(x).flatten(1))


class Language(nn.Module):
    """One causal attention head over tokens; a class for each position."""

    def __init__(self, d=8, heads=2):
        super().__init__()
        self.tokens, self.norm, self.qkv = nn.Embedding(11, d), nn.LayerNorm(d), nn.Linear(d, 3 * d)
        self.proj, self.outer, self.heads = nn.Linear(d, d), nn.Linear(d, CLASSES, bias=False), heads

    def forward(self, ids):
        x = self.tokens(ids)
        b, t, d = x.shape
        q, k, v = (z.reshape(b, t, self.heads, -1).transpose(1, 2) for z in self.qkv(self.norm(x)).chunk(3, -1))
        future = torch.tril(torch.ones(t, t)) == 0
        scores = (q @ k.transpose(-1, -2) / math.sqrt(d // self.heads)).masked_fill(future, -1e9)
        x = x + self.proj((scores.softmax(-1) @ v).transpose(1, 2).reshape(b, t, d))
        return self.outer(x).reshape(-1, CLASSES)


class Indexed(nn.Module):
    """Embedding, Gather by row, GatherND, GatherElements and TopK."""

    def __init__(self):
        super().__init__()
        self.inner, self.table, self.block = nn.Linear(6, 8), nn.Embedding(5, 4), nn.Parameter(torch.randn(5, 3, 2) * 0.3)
        self.outer = nn.Linear(12, CLASSES)

    def forward(self, x, i):
        h = self.inner(x)
        parts = [torch.topk(h, 4, dim=1)[0], torch.gather(h, 1, i.expand(-1, 4)), self.table(i).squeeze(1)]
        return self.outer(torch.cat(parts, 1)) + self.block[i[:, 0], torch.tensor([0, 2, 1, 0, 1, 2, 2])].sum(1, keepdim=True)


class Weight(np.ndarray):
    """onnxblock asks whether it is given weights by their truth."""

    def __bool__(self):
        return True


ELEMENTWISE = {
    "relu": lambda h, k: F.relu(h), "relu6": lambda h, k: F.relu6(h), "leaky": lambda h, k: F.leaky_relu(h, 0.2),
    "gelu": lambda h, k: F.gelu(h), "tanh-gelu": lambda h, k: F.gelu(h, approximate="tanh"),
    "quick-gelu": lambda h, k: h * torch.sigmoid(1.702 * h), "silu": lambda h, k: F.silu(h),
    "glu": lambda h, k: F.glu(torch.cat([h, h * k], 1), 1), "logsigmoid": lambda h, k: F.logsigmoid(h * k),
    "softmax": lambda h, k: torch.softmax(h * k, 1), "softmax-0": lambda h, k: torch.softmax(h * k, 0),
    "log-softmax": lambda h, k: torch.log_softmax(h * k, 1), "logsumexp": lambda h, k: h + h.logsumexp(1, keepdim=True),
    "norm": lambda h, k: h / (h.norm(dim=1, keepdim=True) + 1), "divide": lambda h, k: h / k + k / (2 + torch.cos(h)),
    "extrema": lambda h, k: torch.maximum(h, k) - torch.minimum(h, k * 0.5), "clamp": lambda h, k: h.clamp(-0.3, 0.5) * k,
    "where": lambda h, k: torch.where(h > 0.2, h * h, torch.sin(h)), "cube": lambda h, k: h**3 * 0.1,
    "rsqrt": lambda h, k: torch.rsqrt(h * h + k), "abs": lambda h, k: torch.reciprocal(h.abs() + k),
    "split": lambda h, k: torch.cat(torch.split(h, [3, 5], 1)[::-1], 1),
    "slice": lambda h, k: torch.cat([h[:, 1:7:2], h[:, 3:8]], 1), "pad": lambda h, k: F.pad(h[:, :6], (1, 1), value=0.5),
    "stack": lambda h, k: torch.stack([h, h * k], 1).transpose(1, 2).sum(2), "tril": lambda h, k: torch.tril(h.reshape(7, 2, 4)).flatten(1),
    "layer-norm": lambda h, k: F.layer_norm(h, (8,), k, k * 0.5),
    "rms-norm": lambda h, k: k * (h * torch.rsqrt(h.pow(2).mean(-1, keepdim=True) + 1e-5)),
    "scatter-add": lambda h, k: torch.zeros_like(h).scatter_add(1, torch.tensor([[0, 1, 1, 2, 3, 4, 4, 7]] * 7), h),
}


def vectors(*dims):
    return torch.from_numpy(np.random.default_rng(1).standard_normal(dims).astype(np.float32))


def labels(n):
    return np.random.default_rng(2).integers(0, CLASSES, n).astype(np.int64)


def case(module, inputs, **more):
    """`loss` changes onnxblock's cross-entropy, `torch_loss` PyTorch's; no `kernel`: its own step is no reference."""
    count = more.pop("positions", len(inputs[0]))
    return {"module": module, "inputs": inputs, "labels": labels(count), "opset": 16, "kernel": True, "loss": {}, "torch_loss": {}, **more}


def cases():
    made = {name: lambda f=f: case(Around(f), [vectors(7, 6)]) for name, f in ELEMENTWISE.items()}
    relu, x = ELEMENTWISE["relu"], [vectors(7, 6)]
    image, small = [vectors(3, 2, 8, 8)], [vectors(3, 2, 4, 4)]
    weight, missing = np.array([0.5, 2, 1], np.float32), labels(7)
    missing[[2, 5]] = -100
    classes = {"weight": torch.from_numpy(weight)}
    made |= {
        # onnxruntime-training gives one gradient for each copy of k, in its own step too.
        "where-broadcast": lambda: case(Around(lambda h, k: torch.where(h > k * 0.2, h * k, k)), x, kernel=False),
        # Its ConvGrad does not heed auto_pad.
        "conv-same": lambda: case(Image(2 * 64, nn.Conv2d(2, 2, 3, padding="same")), image, kernel=False),
        "softmax-12": lambda: case(Around(ELEMENTWISE["softmax"]), x, opset=12),
        "log-softmax-12": lambda: case(Around(ELEMENTWISE["log-softmax"]), x, opset=12),
        "weighted": lambda: case(Around(relu), x, loss={"weight": weight.view(Weight)}, torch_loss=classes),
        "summed": lambda: case(Around(relu), x, loss={"reduction": "sum"}, torch_loss={"reduction": "sum"}),
        "ignored": lambda: case(Around(relu), x, labels=missing, loss={"ignore_index": -100}, torch_loss={"ignore_index": -100}),
        "weighted-ignored": lambda: case(Around(relu), x, loss={"weight": weight.view(Weight), "ignore_index": 1}, torch_loss={**classes, "ignore_index": 1}),
        "indexed": lambda: case(Indexed(), [vectors(7, 6), torch.from_numpy(np.random.default_rng(3).integers(0, 5, (7, 1)))]),
        "language": lambda: case(Language(), [torch.from_numpy(np.random.default_rng(3).integers(0, 11, (2, 5)))], positions=10),
        "conv-1d": lambda: case(Image(8, nn.Conv1d(2, 4, 3, padding=2, dilation=2), nn.ReLU(), nn.MaxPool1d(3, 2, 1), nn.Conv1d(4, 4, 2, groups=2), nn.AvgPool1d(2, 2, 1, count_include_pad=False)), [vectors(3, 2, 8)]),
        "conv-2d": lambda: case(Image(16, nn.Conv2d(2, 4, 3, 2, 1, bias=False), nn.Tanh(), nn.Conv2d(4, 4, 3, padding=1, groups=4), nn.Sigmoid(), nn.AvgPool2d(2)), image),
        "conv-3d": lambda: case(Image(2, nn.Conv3d(1, 2, 2), nn.ReLU(), nn.MaxPool3d(2, ceil_mode=True), nn.AdaptiveAvgPool3d(1)), [vectors(2, 1, 5, 5, 5)]),
        "global-max": lambda: case(Image(4, nn.Conv2d(2, 4, 3), nn.AdaptiveMaxPool2d(1)), image),
        "batch-norm": lambda: case(Image(4, nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4, eps=1e-2), nn.ReLU(), nn.AdaptiveAvgPool2d(1)), image, statistics=True),
        "batch-norm-1d": lambda: case(Image(4, nn.Flatten(), nn.Linear(128, 4), nn.BatchNorm1d(4)), image, statistics=True),
        "conv-transpose": lambda: case(Image(3 * 7 * 7, nn.ConvTranspose2d(2, 3, 3, 2, 1), nn.Tanh()), small, kernel=False),
        "bilinear": lambda: case(Image(2 * 8 * 8, nn.Conv2d(2, 2, 1), nn.Upsample(scale_factor=2, mode="bilinear")), small, kernel=False),
        "nearest": lambda: case(Image(2 * 8 * 8, nn.Conv2d(2, 2, 1), nn.Upsample(scale_factor=2)), small, kernel=False),
    }
    return made


def moved(module):
    """No bias 0, no scale 1, no statistics of nothing: equal constants would be merged by the exporter."""
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for value in [*module.parameters(), *module.buffers()]:
            if value.dtype == torch.float32:
                value.add_(0.1 * torch.rand(value.shape, generator=generator))
    return module


def make_artifacts(c, folder):
    """Writes the folder and gives the names of the trained parameters in the order of the training model."""
    module, inputs = c["module"].eval(), c["inputs"]
    path = os.path.join(folder, "forward.onnx")
    names = [f"x{i}" for i in range(len(inputs))]
    torch.onnx.export(module, tuple(inputs), path, dynamo=False, opset_version=c["opset"], input_names=names,
                      do_constant_folding=False, training=torch.onnx.TrainingMode.PRESERVE)
    model = onnx.load(path)
    wanted = {name for name, _ in module.named_parameters()}
    trained = [i.name for i in model.graph.initializer if i.name in wanted]
    assert len(trained) == len(wanted), wanted - set(trained)
    out = os.path.join(folder, "artifacts")
    os.mkdir(out)
    with contextlib.redirect_stdout(io.StringIO()):
        artifacts.generate_artifacts(model, requires_grad=trained, loss=onnxblock.loss.CrossEntropyLoss(**c["loss"]), artifact_directory=out)
    arrays = {name: value.numpy() for name, value in zip(names, inputs)}
    np.savez(os.path.join(folder, "data.npz"), y=c["labels"], **arrays)
    return trained


def their_gradient(c, folder, trained):
    """The gradient of one training step of onnxruntime-training."""
    state = CheckpointState.load_checkpoint(os.path.join(folder, "artifacts", "checkpoint"))
    options = ort.SessionOptions()
    options.log_severity_level = 3
    module = Module(os.path.join(folder, "artifacts", "training_model.onnx"), state, session_options=options)
    module.train()
    module(*[x.numpy() for x in c["inputs"]], c["labels"])
    return np.concatenate([np.array(state.parameters[name].grad).ravel() for name in trained])


def reference(c, trained, v):
    """Gradient and Hessian-vector product of PyTorch in float64."""
    module = c["module"].double().train(c.get("statistics", False))
    theta = [dict(module.named_parameters())[name] for name in trained]
    inputs = [x.double() if x.dtype == torch.float32 else x for x in c["inputs"]]
    options = {k: o.double() if isinstance(o, torch.Tensor) else o for k, o in c["torch_loss"].items()}
    loss = F.cross_entropy(module(*inputs), torch.from_numpy(c["labels"]), **options)
    gradient = torch.autograd.grad(loss, theta, create_graph=True)
    flat = torch.cat([g.reshape(-1) for g in gradient])
    hv = torch.autograd.grad(flat @ torch.from_numpy(v).double(), theta, allow_unused=True)
    hv = [torch.zeros_like(p) if h is None else h for h, p in zip(hv, theta)]
    return flat.detach().numpy(), torch.cat([h.reshape(-1) for h in hv]).numpy()


def cli(folder, command, key, *words):
    out = os.path.join(folder, "out.npz")
    line = ["node", CLI, command, os.path.join(folder, "artifacts"), "--data", os.path.join(folder, "data.npz"), "--gradient", "artifact", "--json", "--npz", out]
    done = subprocess.run([*line, *words], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(json.loads(done.stdout)["error"]["message"] if done.stdout else done.stderr)
    return np.load(out)[key]


def distance(found, expected):
    return np.linalg.norm(found - expected) / np.linalg.norm(expected)


def check(c):
    moved(c["module"])
    with tempfile.TemporaryDirectory() as folder:
        trained = make_artifacts(c, folder)
        theirs = their_gradient(c, folder, trained) if c["kernel"] else None
        shape = sum(p.numel() for p in c["module"].parameters())
        v = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
        np.savez(os.path.join(folder, "v.npz"), v=v)
        gradient, hv = reference(c, trained, v)
        vector = ("--vector", f"{os.path.join(folder, 'v.npz')}:v")
        found = cli(folder, "gradient", "gradient")
        yield "gradient", distance(found, gradient if theirs is None else theirs), 1e-5
        for method in ("exact", "fd"):
            yield method, distance(cli(folder, "hvp", "hv", *vector, "--method", method), hv), 1e-4


def main():
    torch.manual_seed(0)
    every = cases()
    chosen, failures = sys.argv[1:] or list(every), 0
    for name in chosen:
        try:
            found = list(check(every[name]()))
            bad = any(not d < bound for _, d, bound in found)
            text = "  ".join(f"{what} {d:.1e}" for what, d, _ in found)
        except Exception as error:
            bad, text = True, str(error)[-300:]
        failures += bad
        print(f"{'FAILED' if bad else 'ok'}: {name}: {text}", flush=True)
    print(f"onnxruntime-training {ort.__version__}: {len(chosen)} cases, {failures} failures")
    sys.exit(1 if failures else 0)


main()
