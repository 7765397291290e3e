"""Emits the gradient graph of every fixture with float64 references and runs it in Python's onnxruntime.

    python scripts/artifacts/check_emitted.py FIXTURES [PATTERN …]

FIXTURES holds `zoo` and `frameworks`. For each model: the mean over the graph's batches of loss and gradient, by onnxruntime,
against the reference (relative, 1e-5 and 1e-4), and what the tool makes of the graph as MODEL against what it makes of the model
(1e-5, the accuracy 1e-6). Needs: pip install onnx onnxruntime numpy, and the built project (npm run build).
"""
import fnmatch
import json
import os
import subprocess
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime as ort

CLI = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "dist", "cli.js")
TYPES = {"tensor(float)": np.float32, "tensor(int64)": np.int64, "tensor(int32)": np.int32, "tensor(bool)": np.bool_}


def tool(*words):
    done = subprocess.run(["node", CLI, *words, "--json", "--quiet"], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError((done.stderr or done.stdout).strip().splitlines()[-1][:300])
    return json.loads(done.stdout)


def loss_words(case):
    options = case.get("loss_options", {})
    kind = options.get("output") or options.get("logits")
    return [
        *["--loss", case["loss"]],
        *(["--logits", kind] if kind else []),
        *([f"--ignore-index={options['ignore_index']}"] if "ignore_index" in options else []),
        *([f"--class-axis={options['class_axis']}"] if "class_axis" in options else []),
        *(["--output", case["output_name"]] if case.get("output_name") else []),
    ]


def by_onnxruntime(path, data):
    """Means of loss and gradients over the batches; gradients by parameter."""
    metadata = {p.key: p.value for p in onnx.load(path).metadata_props}
    options = ort.SessionOptions()
    options.log_severity_level = 4
    session = ort.InferenceSession(path, options)
    batch = int(metadata["batch"])
    total = max(len(x) for x in data.values())
    found = []
    for start in range(0, total, batch):
        feeds = {}
        for i in session.get_inputs():
            name = i.name if i.name in data else "y" if i.name == metadata.get("target") else "x"
            x = data[name]
            # Of a fixed size: no batch of samples, it goes in whole.
            part = x if x.size == np.prod(i.shape, dtype=int) else x[start : start + batch]
            feeds[i.name] = part.astype(TYPES[i.type]).reshape(i.shape)
        found.append(session.run(None, feeds))
        if all(f.size == data[n].size for n, f in feeds.items() if n in data):
            break
    loss, *gradients = [np.mean([f[k] for f in found], axis=0) for k in range(len(found[0]))]
    return float(loss), dict(zip(json.loads(metadata["parameters"]), gradients))


def distance(a, b):
    return float(np.linalg.norm(a - b) / np.linalg.norm(b))


def check(folder, work):
    case = json.load(open(os.path.join(folder, "case.json")))
    data, reference = dict(np.load(os.path.join(folder, "data.npz"))), np.load(os.path.join(folder, "ref.npz"))
    words = ["--data", os.path.join(folder, "data.npz"), "--device", "cpu"]
    graph, first, second = (os.path.join(work, f) for f in ("g.onnx", "first.npz", "second.npz"))
    of = tool("gradient", os.path.join(folder, "model.onnx"), *words, *loss_words(case), "--emit", graph, "--npz", first)
    on = tool("gradient", graph, *words, "--npz", second)
    loss, gradients = by_onnxruntime(graph, data)
    flat = np.concatenate([gradients[p["name"]].ravel() for p in case["parameters"]]).astype(float)
    row = {
        "loss": abs(loss / case["loss_value"] - 1),
        "gradient": distance(flat, reference["grad"]),
        "as a model": distance(np.load(second)["gradient"], np.load(first)["gradient"]),
    }
    good = row["loss"] < 1e-5 and row["gradient"] < 1e-4 and row["as a model"] < 1e-5
    # Shares of right yes or no are summed in another order.
    shares = [-1 if found["accuracy"] is None else found["accuracy"] for found in (of, on)]
    return good and abs(shares[0] - shares[1]) < 1e-6, row


def main():
    root, *patterns = sys.argv[1:]
    failed = 0
    for family in ("zoo", "frameworks"):
        for name in sorted(os.listdir(os.path.join(root, family))):
            folder = os.path.join(root, family, name)
            wanted = not patterns or any(fnmatch.fnmatch(name, p) for p in patterns)
            if not wanted or not os.path.exists(os.path.join(folder, "ref.npz")):
                continue
            with tempfile.TemporaryDirectory() as work:
                try:
                    good, row = check(folder, work)
                    text = "  ".join(f"{key} {value:.1e}" for key, value in row.items())
                except Exception as e:
                    good, text = False, f"{type(e).__name__}: {e}"
            failed += not good
            print(f"{'ok' if good else 'FAILED'}: {name}: {text}", flush=True)
    print(f"onnxruntime {ort.__version__}: {failed} failures")
    sys.exit(1 if failed else 0)


main()
