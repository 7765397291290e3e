"""Exports many architectures, differentiates the files with onnx-landscape and compares with PyTorch in float64.

    python scripts/coverage/sweep.py RESULTS.jsonl [--exporters dynamo,dynamo-optimized,torchscript] [--suites timm,…]
                                     [--only GLOB] [--again] [--hvp 300000] [--static] [--tool DIR]
                                     [--seconds 240] [--gigabytes 8]

One line of RESULTS.jsonl per architecture and exporter; what has a line is not run again (--again: except what worked).
Each runs in a process of its own with limits of time and memory, one after the other. `table.py` makes the table.
--static fixes the batch when dynamo exports, which is several times faster. --tool names another built copy of this
project, which stays the same while this one is edited. The suite model-types runs if it is named.
Needs scripts/coverage/requirements.txt and `npm run build`.
"""
import argparse
import collections
import contextlib
import fnmatch
import gc
import io
import itertools
import json
import logging
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
import warnings

os.environ.setdefault("OMP_NUM_THREADS", "1")
import numpy as np  # noqa: E402
import onnx  # noqa: E402
import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn.attention import SDPBackend, sdpa_kernel  # noqa: E402

import model_types  # noqa: E402
from architectures import BATCH, Refused, entries, timm_smallest  # noqa: E402

TOOL = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")


def randomise(model, inputs):
    """Norm weights off 1, biases and layer scales off 0, running statistics of real passes: no gradient is 0 by symmetry."""
    with torch.no_grad():
        for p in model.parameters():
            if p.dim() < 2 or bool((p == p.flatten()[0]).all()):
                p.add_(0.1 * torch.randn_like(p))
    norms = [m for m in model.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    if norms:
        for m in norms:
            m.train()
            m.momentum = 0.5
        with torch.no_grad(), contextlib.suppress(Exception):  # one value per channel cannot be normalised: statistics stay
            for _ in range(4):
                model(*(torch.randn(8, *v.shape[1:]) if v.is_floating_point() else v for v in inputs.values()))
    return model.eval()


def loss_of(model, inputs, y):
    logits = model(*inputs.values())
    return F.cross_entropy(logits.flatten(0, -2), y.flatten())


def reference(model, inputs, y, dtype):
    model = model.to(dtype)
    inputs = {k: v.to(dtype) if v.is_floating_point() else v for k, v in inputs.items()}
    named = {k: p for k, p in model.named_parameters() if p.requires_grad}
    grads = torch.autograd.grad(loss_of(model, inputs, y), list(named.values()), allow_unused=True)
    return {k: (torch.zeros_like(p) if g is None else g).double().numpy() for (k, p), g in zip(named.items(), grads)}


def compose_weight_norm(model):
    """weight_norm written out: PyTorch's fused one has a wrong second derivative."""
    for m in model.modules():
        if isinstance(m, nn.utils.parametrizations._WeightNorm):
            axes = [i for i in range(9) if m.dim != -1 and i != m.dim]
            m.forward = lambda g, v, axes=axes: v * g / (v**2).sum([i for i in axes if i < v.dim()] or None, keepdim=bool(axes)).sqrt()


def reference_product(model, inputs, y, v):
    """H·v in float64, for v by parameter name; 0 for parameters that v does not hold."""
    model = model.double()
    compose_weight_norm(model)
    inputs = {k: x.double() if x.is_floating_point() else x for k, x in inputs.items()}
    named = {k: p for k, p in model.named_parameters() if k in v and p.requires_grad}
    with sdpa_kernel(SDPBackend.MATH):  # the fused kernels have no second derivative
        grads = torch.autograd.grad(loss_of(model, inputs, y), list(named.values()), create_graph=True, allow_unused=True)
        slope = sum((g * torch.from_numpy(v[k])).sum() for k, g in zip(named, grads) if g is not None)
        products = torch.autograd.grad(slope, list(named.values()), allow_unused=True)
    return {k: (torch.zeros_like(p) if h is None else h).numpy() for (k, p), h in zip(named.items(), products)}


def export(model, inputs, exporter, path, static=False):
    """With a dynamic batch where the exporter manages and it is wanted, else a static one; "torchscript@11" is opset 11."""
    exporter, _, opset = exporter.partition("@")
    given, names = tuple(inputs.values()), list(inputs)
    version = int(opset) if opset else None
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        if exporter == "torchscript":
            axes = {k: {0: "batch"} for k in names}
            torch.onnx.export(model, given, path, dynamo=False, input_names=names, dynamic_axes=axes, opset_version=version)
            return
        same = dict(dynamo=True, input_names=names, optimize=exporter == "dynamo-optimized", opset_version=version)
        if not static:
            with contextlib.suppress(torch.onnx.OnnxExporterError):
                torch.onnx.export(model, given, path, dynamic_shapes=tuple({0: torch.export.Dim.AUTO} for _ in given), **same)
                return
        try:
            torch.onnx.export(model, given, path, **same)
        except torch.onnx.OnnxExporterError:
            if not compose_attention(model):
                raise
            torch.onnx.export(model, given, path, **same)


def compose_attention(model):
    """Attention without scaled_dot_product_attention (and experts without grouped products), of which the exporter takes only some calls; whether that changes anything."""
    fused = [m for m in model.modules() if getattr(m, "fused_attn", False)]  # timm
    switched = [m for m in model.modules() if hasattr(m, "set_attn_implementation")]  # transformers
    for m in fused:
        m.fused_attn = False
    for m in switched:
        m.set_attn_implementation("eager")
        m.set_experts_implementation("batched_mm")  # likewise the products of experts
    return bool(fused or switched)


KINKED = (nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.PReLU, nn.Hardswish, nn.Hardsigmoid, nn.Hardtanh)


def without_kinks(build):
    """Builds the same architecture with SiLU in place of ReLU and its like."""
    model, inputs, smaller = build()
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, KINKED):
                setattr(parent, name, nn.SiLU())
    return model, inputs, smaller


def run(options, command, *arguments):
    """The JSON that a command of the tool prints."""
    line = ["node", os.path.join(options.tool, "dist", "cli.js"), command, *arguments, "--json", "--quiet"]
    done = subprocess.run(line, capture_output=True, text=True, timeout=options.seconds)
    if done.returncode != 0:
        raise RuntimeError((done.stderr or done.stdout).strip().splitlines()[-1][:400])
    return json.loads(done.stdout)


def split(vector, parameters):
    return {p["name"]: vector[p["offset"] : p["offset"] + p["size"]].reshape(p["shape"]) for p in parameters}


def aliases(model):
    """Every name of a parameter → its first name (tied weights have several)."""
    first = {}
    return {k: first.setdefault(id(p), k) for k, p in model.named_parameters(remove_duplicate=False) if p.requires_grad}


def matches(theta, weights, names):
    """Where each tensor of the file comes from: (name here, name in PyTorch, gradient there → here, direction here → there).

    The same values in the same, a reshaped or a transposed order, or one factor per output channel (BatchNorm folded
    into the layer: W' = s·W, so ∂L/∂W' = ∂L/∂W / s, and d' = s·d). Tensors that are none of these have no counterpart.
    """
    by_values = {}
    for name, w in weights.items():
        by_values.setdefault(np.sort(w, axis=None).tobytes(), name)
    for name, t in theta.items():
        if name in names and np.array_equal(weights[names[name]], t):
            yield name, names[name], lambda g: g, lambda d: d
            continue
        bare = name.removeprefix("model.") if name.removeprefix("model.") in names and name not in names else name
        source = by_values.get(np.sort(t, axis=None).tobytes())
        if source is not None:
            w = weights[source]
            if np.array_equal(w.ravel(), t.ravel()):
                yield name, source, lambda g, shape=t.shape: g.reshape(shape), lambda d, shape=w.shape: d.reshape(shape)
                continue
            axes = next((a for a in itertools.permutations(range(w.ndim)) if w.ndim <= 5
                         and np.array_equal(w.transpose(a).ravel(), t.ravel())), None)
            if axes is not None:
                turned = w.transpose(axes).shape
                yield (name, source, lambda g, a=axes, shape=t.shape: g.transpose(a).reshape(shape),
                       lambda d, a=axes, shape=turned: d.reshape(shape).transpose(np.argsort(a)))
                continue
        w = weights.get(names.get(bare))
        if w is not None and w.shape == t.shape and t.ndim > 1:
            rows = w.reshape(len(w), -1)
            s = (rows * t.reshape(rows.shape)).sum(1) / np.maximum((rows * rows).sum(1), 1e-30)
            s = s.reshape(-1, *[1] * (t.ndim - 1))
            if np.allclose(w * s, t, rtol=1e-4, atol=1e-6 * np.abs(t).max()):
                yield name, names[bare], lambda g, s=s: g / s, lambda d, s=s: d / s


def work(entry, exporter, options, again=False):
    """One line of the results; `again` where it is to tell whether another one's error comes from kinks."""
    suite, family, name, build = entry
    row = {"suite": suite, "family": family, "name": name, "exporter": exporter, "stage": "build"}
    torch.manual_seed(0)
    started = time.time()
    try:
        model, inputs, row["smaller"] = build()
        model = randomise(model, inputs)
        with torch.no_grad():
            logits = model(*inputs.values())
        y = torch.randint(0, logits.shape[-1], logits.shape[:-1])
        row["parameters"] = sum(p.numel() for p in model.parameters())
        row["input"] = {k: list(v.shape) for k, v in inputs.items()}
        row["stage"] = "export"
        model.train().eval()  # some layers keep tables of their weights from an earlier pass, and would export those
        names = aliases(model)
        weights = {k: p.detach().numpy().copy() for k, p in model.named_parameters() if p.requires_grad}
        with tempfile.TemporaryDirectory() as folder:
            file, data, out = (os.path.join(folder, f) for f in ("model.onnx", "data.npz", "out.npz"))
            export(model, inputs, exporter, file, options.static)
            onnx.checker.check_model(file)  # some exports are no ONNX
            row["exportSeconds"] = round(time.time() - started, 1)
            graph = onnx.load(file, load_external_data=False).graph
            row["dynamic"] = not all(i.type.tensor_type.shape.dim[0].dim_value for i in graph.input)
            row["operators"] = sorted({n.op_type for n in graph.node})
            store = lambda given: np.savez(data, y=y.numpy(), **{i.name: v.numpy() for i, v in zip(graph.input, given.values())})
            store(inputs)
            row["stage"] = "inspect"
            seen = run(options, "inspect", file)
            row["unsupported"], row["warnings"] = seen["unsupported"], [str(w)[:300] for w in seen["warnings"]]
            row["stage"] = "gradient"
            loss = ["--data", data, "--loss", "cross-entropy", "--workers", "1", "--class-axis", "1" if logits.dim() == 2 else "-1"]
            found = run(options, "gradient", file, *loss, "--npz", out)
            pairs = compare_gradient(row, found, np.load(out), model, inputs, y, weights, names)
            if row["gradient"] > max(1e-4, 3 * row["float32"]) and not again:  # a unit at its kink in float32? Other data would not have it
                inputs2 = {k: torch.randn_like(v.float()) if v.is_floating_point() else v for k, v in inputs.items()}
                store(inputs2)
                other = dict(row)
                compare_gradient(other, run(options, "gradient", file, *loss, "--npz", out), np.load(out), model.float(), inputs2, y, weights, names)
                row["otherData"] = {k: other[k] for k in ("gradient", "float32")}
                if other["gradient"] > max(1e-4, 3 * other["float32"]):  # or one in any data: the same layers, all smooth
                    smooth = work((suite, family, name, lambda: without_kinks(build)), exporter, options, again=True)
                    row["smooth"] = {k: smooth.get(k) for k in ("gradient", "float32", "stage")}
                inputs = inputs2  # the product is compared on these data too
            if row["parameters"] <= options.hvp and not again:
                compare_product(row, found, file, loss, folder, model, inputs, y, pairs, options)
            row["stage"] = "done"
    except Refused as e:
        row["error"] = str(e)[:400]
    except Exception as e:
        row["error"] = f"{type(e).__name__}: {str(e).strip()[:400]}" if not isinstance(e, RuntimeError) or row["stage"] == "export" else str(e)[:400]
    row["seconds"] = round(time.time() - started, 1)
    return row


def compare_gradient(row, found, arrays, model, inputs, y, weights, names):
    ours, theta = split(arrays["gradient"], found["parameters"]), split(arrays["theta"], found["parameters"])
    single = reference(model, inputs, y, torch.float32)
    try:
        wanted = reference(model, inputs, y, torch.float64)
        row["reference"] = "float64"
    except Exception:  # a model that makes float32 tensors of its own
        wanted, row["reference"] = single, "float32"
    size = np.sqrt(sum((g**2).sum() for g in wanted.values()))
    row["float32"] = float(np.sqrt(sum(((single[k] - wanted[k]) ** 2).sum() for k in wanted)) / size)
    pairs = list(matches(theta, weights, names))
    copies = collections.Counter(source for _, source, _, _ in pairs)
    row["twice"] = sorted(k for k, n in copies.items() if n > 1)  # a weight stored twice has two gradients: compared with neither
    pairs = [pair for pair in pairs if copies[pair[1]] == 1]
    off, covered, seen = 0.0, 0.0, set()
    worst = (0.0, None)
    for name, source, change, _ in pairs:
        g = change(wanted[source])
        error = ((ours[name] - g) ** 2).sum()
        off, covered, worst = off + error, covered + (g**2).sum(), max(worst, (float(error), name), key=lambda x: x[0])
        seen.add(source)
    row["gradient"] = float(np.sqrt(off / max(covered, 1e-300)))
    row["worst"] = worst[1]
    row["compared"] = sum(ours[n].size for n, *_ in pairs) / sum(g.size for g in ours.values())
    row["missing"] = sorted(k for k in wanted if k not in seen and k not in copies and np.sqrt((wanted[k] ** 2).sum()) > 1e-6 * size)
    row["extra"] = sorted(set(ours) - {n for n, *_ in pairs})
    row["loss"] = abs(found["loss"] / float(loss_of(model.float(), {k: v.float() if v.is_floating_point() else v for k, v in inputs.items()}, y).detach()) - 1)
    return pairs


def compare_product(row, found, file, loss, folder, model, inputs, y, pairs, options):
    """Exact H·v for one random v over the parameters that both have."""
    row["stage"] = "hvp"
    rng, total = np.random.default_rng(0), sum(p["size"] for p in found["parameters"])
    v, compared = rng.standard_normal(total), {name for name, *_ in pairs}
    parts = split(v, found["parameters"])
    for name, part in parts.items():
        if name not in compared:
            part[:] = 0
    vectors, out = os.path.join(folder, "v.npz"), os.path.join(folder, "hv.npz")
    np.savez(vectors, v=v)
    run(options, "hvp", file, *loss, "--method", "exact", "--vector", f"{vectors}:v", "--npz", out)
    ours = split(np.load(out)["hv"], found["parameters"])
    try:
        wanted = reference_product(model, inputs, y, {source: back(parts[name]) for name, source, _, back in pairs})
    except Exception as e:  # PyTorch has no second derivative of some operators
        row["hvp"] = None
        row["hvpNote"] = f"PyTorch: {str(e)[:200]}"
        return
    changed = {name: change(wanted[source]) for name, source, change, _ in pairs}
    size = np.sqrt(sum((h**2).sum() for h in changed.values()))
    row["hvp"] = float(np.sqrt(sum(((ours[k] - h) ** 2).sum() for k, h in changed.items())) / size)


def apart(task, seconds, gigabytes):
    """The line that task() gives in a process of its own, or None where that was killed."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.setsid()
        gc.disable()  # the exporters make millions of objects that live to the end; the limit of memory holds
        resource.setrlimit(resource.RLIMIT_DATA, (int(gigabytes * 2**30),) * 2)
        os.close(reader)
        with os.fdopen(writer, "w") as pipe:
            json.dump(task(), pipe)
        os._exit(0)
    os.close(writer)
    signal.signal(signal.SIGALRM, lambda *_: os.killpg(child, signal.SIGKILL))
    signal.alarm(int(seconds))
    with os.fdopen(reader) as pipe:
        text = pipe.read()
    signal.alarm(0)
    os.waitpid(child, 0)
    try:
        return json.loads(text)
    except ValueError:
        return None


def main():
    a = argparse.ArgumentParser(usage=__doc__)
    a.add_argument("results")
    a.add_argument("--exporters", default="dynamo,dynamo-optimized,torchscript")
    a.add_argument("--suites", default="torchvision,timm,transformers")
    a.add_argument("--only", default="*")
    a.add_argument("--again", action="store_true")
    a.add_argument("--hvp", type=int, default=300_000, help="exact products of models with at most so many parameters")
    a.add_argument("--static", action="store_true")
    a.add_argument("--tool", default=TOOL)
    a.add_argument("--seconds", type=float, default=240)
    a.add_argument("--gigabytes", type=float, default=8)
    options = a.parse_args()
    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    torch.set_num_threads(1)
    if "torchscript" not in options.exporters:  # what the exporter builds at its first use is shared by all
        with tempfile.TemporaryDirectory() as folder:
            export(nn.Linear(2, 2).eval(), {"x": torch.zeros(2, 2)}, "dynamo", os.path.join(folder, "warm.onnx"))
    kept = options.results + ".timm"
    if not os.path.exists(kept):
        names = list(timm_smallest())
        with open(kept, "w") as file:
            json.dump(names, file)
    timm_names = json.load(open(kept))
    lines = [json.loads(line) for line in open(options.results)] if os.path.exists(options.results) else []
    done = {(r["suite"], r["name"], r["exporter"]) for r in lines if not options.again or r["stage"] == "done"}
    for exporter in options.exporters.split(","):
        for entry in itertools.chain(entries([tuple(n) for n in timm_names]), model_types.entries()):
            suite, family, name, _ = entry
            if suite not in options.suites.split(",") or not fnmatch.fnmatch(name, options.only) or (suite, name, exporter) in done:
                continue
            row = apart(lambda: work(entry, exporter, options), options.seconds, options.gigabytes)
            row = row or {"suite": suite, "family": family, "name": name, "exporter": exporter, "stage": "limit",
                          "error": f"killed: more than {options.seconds:.0f} s or {options.gigabytes} GB"}
            with open(options.results, "a") as file:
                file.write(json.dumps(row) + "\n")
            print(f"{suite:12} {name:36} {exporter:16} {row['stage']:8} {row.get('gradient', float('nan')):8.1e} "
                  f"{row.get('hvp') or float('nan'):8.1e} {row.get('seconds', 0):6.1f} s  {(row.get('error') or ' ').splitlines()[0][:120]}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
