"""Checks that onnxruntime-training loads the checkpoints that this project writes, and trains on from them.

    python scripts/artifacts/check_checkpoints.py ARTIFACTS

ARTIFACTS holds folders with training_model.onnx, eval_model.onnx, checkpoint, optimizer_model.onnx, and with
forward.onnx, data.npz and case.json (the model that the artifacts were made of, data, and the name of the
targets' input). Needs scripts/artifacts/requirements.txt and the built project (npm run build).

For each folder:
 1. its checkpoint written again by us (inside one file, and with external data) gives the same losses;
 2. export-checkpoint with other weights gives the losses that it gives when onnxruntime itself sets them;
 3. a checkpoint with optimizer state and properties, written again by us, takes the same next step;
 4. a nominal checkpoint, written again by us, takes parameters from another session.
"The same" is equality of every bit.
"""
import json
import os
import subprocess
import sys
import tempfile

import numpy as np
import onnxruntime as ort
from onnxruntime.training.api import CheckpointState, Module, Optimizer

ort.set_default_logger_severity(3)
HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))


def node(*words):
    done = subprocess.run(["node", *words], capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(words)}: {done.stderr}")
    return done.stdout


def rewrite(source, target, *size):
    node(os.path.join(HERE, "rewrite-checkpoint.js"), source, target, *size)


def cli(*words):
    return json.loads(node(os.path.join(ROOT, "dist", "cli.js"), *words, "--json"))


def options():
    so = ort.SessionOptions()
    so.intra_op_num_threads = 1
    so.log_severity_level = 3
    return so


class Set:
    """One folder of artifacts."""

    def __init__(self, folder):
        self.folder = folder
        self.name = os.path.basename(folder)
        case = json.load(open(self.path("case.json")))
        data = np.load(self.path("data.npz"))
        self.feeds = [data[name] for name in case["input_names"]] + [data["y"]]

    def path(self, name):
        return os.path.join(self.folder, name)

    def module(self, state):
        return Module(self.path("training_model.onnx"), state, self.path("eval_model.onnx"), session_options=options())

    def loss(self, state):
        module = self.module(state)
        module.eval()
        return first(module(*self.feeds))


def first(found):
    """The loss: the first output, as a number."""
    return np.ravel(found[0] if isinstance(found, (list, tuple)) else found)[0]


def values(state):
    return {name: np.array(p.data) for name, p in state.parameters}


def same(a, b):
    return a.keys() == b.keys() and all(np.array_equal(a[k].view(np.uint8), b[k].view(np.uint8)) for k in a)


def check(name, condition, failures):
    print(f"{'ok' if condition else 'FAILED'}: {name}")
    if not condition:
        failures.append(name)


def written_again(s, tmp, failures):
    original = CheckpointState.load_checkpoint(s.path("checkpoint"))
    for label, size in (("in one file", ()), ("with external data", ("0",))):
        again = os.path.join(tmp, label.replace(" ", "-"))
        rewrite(s.path("checkpoint"), again, *size)
        state = CheckpointState.load_checkpoint(again)
        equal = same(values(state), values(original)) and s.loss(state) == s.loss(original)
        check(f"{s.name} {label}", equal, failures)


def nominal(s, tmp, failures):
    """Parameters are sent into a session that was made from our copy of the names."""
    again = os.path.join(tmp, "nominal")
    rewrite(s.path("nominal_checkpoint"), again)
    state = CheckpointState.load_checkpoint(again)
    module = s.module(state)
    original = CheckpointState.load_checkpoint(s.path("checkpoint"))
    source = s.module(original)
    module.copy_buffer_to_parameters(source.get_contiguous_parameters(trainable_only=False), trainable_only=False)
    module.eval()
    check(f"{s.name} nominal", first(module(*s.feeds)) == s.loss(original), failures)


def other_weights(s, tmp, failures, label, model, *words):
    """Exported from `model`, the file or the folder itself, whose parameters are then those that are trained."""
    slots = cli("inspect", model)["parameters"]
    n = sum(p["size"] for p in slots)
    theta = np.random.default_rng(1).standard_normal(n).astype(np.float32) / 5
    npz, exported = os.path.join(tmp, "w.npz"), os.path.join(tmp, "exported")
    np.savez(npz, theta=theta)
    cli("export-checkpoint", model, "--weights", f"{npz}:theta", "--to", exported, *words)
    expected = CheckpointState.load_checkpoint(s.path("checkpoint"))
    module = s.module(expected)  # parameters can be set as long as it lives
    offset = 0
    for p in slots:
        expected.parameters[p["name"]].data = theta[offset:offset + p["size"]].reshape(p["shape"])
        offset += p["size"]
    del module
    found = CheckpointState.load_checkpoint(exported)
    loss = s.loss(found)
    before = s.loss(CheckpointState.load_checkpoint(s.path("checkpoint")))
    equal = same(values(found), values(expected)) and loss == s.loss(expected) and loss != before
    check(f"{s.name} other weights from the {label}, loss {before:.6f} -> {loss:.6f}", equal, failures)


def next_step(s, path):
    """Loss and weights after two more steps from the checkpoint at `path`."""
    state = CheckpointState.load_checkpoint(path)
    module = s.module(state)
    optimizer = Optimizer(s.path("optimizer_model.onnx"), module)
    module.train()
    for _ in range(2):
        found = module(*s.feeds)
        optimizer.step()
        module.lazy_reset_grad()
    return first(found), values(state)


def training_goes_on(s, tmp, failures):
    state = CheckpointState.load_checkpoint(s.path("checkpoint"))
    module = s.module(state)
    optimizer = Optimizer(s.path("optimizer_model.onnx"), module)
    module.train()
    for _ in range(2):
        module(*s.feeds)
        optimizer.step()
        module.lazy_reset_grad()
    state.properties["epoch"], state.properties["lr"], state.properties["note"] = 2, 0.25, "ünïcode"
    saved, again = os.path.join(tmp, "saved"), os.path.join(tmp, "saved-again")
    CheckpointState.save_checkpoint(state, saved, include_optimizer_state=True)
    rewrite(saved, again)
    bag = dict((k, v) for k, v in CheckpointState.load_checkpoint(again).properties)
    check(f"{s.name} properties", bag == {"epoch": 2, "lr": 0.25, "note": "ünïcode"}, failures)
    (loss, after), (loss_again, after_again) = next_step(s, saved), next_step(s, again)
    if b"DropoutGrad" in open(s.path("training_model.onnx"), "rb").read():
        print(f"skipped: {s.name} next step (dropout draws new masks)")
        return
    check(f"{s.name} next step, loss {loss:.6f}", loss == loss_again and same(after, after_again), failures)


def main():
    root = sys.argv[1]
    failures = []
    folders = sorted(f for f in os.listdir(root) if os.path.exists(os.path.join(root, f, "forward.onnx")))
    for folder in folders:
        s = Set(os.path.join(root, folder))
        with tempfile.TemporaryDirectory() as tmp:
            written_again(s, tmp, failures)
            other_weights(s, tmp, failures, "model", s.path("forward.onnx"), "--checkpoint", s.path("checkpoint"))
            other_weights(s, tmp, failures, "folder", s.folder)
            training_goes_on(s, tmp, failures)
            if os.path.exists(s.path("nominal_checkpoint")):
                nominal(s, tmp, failures)
    print(f"onnxruntime-training {ort.__version__}: {len(folders)} sets, {len(failures)} failures")
    sys.exit(1 if failures or not folders else 0)


main()
