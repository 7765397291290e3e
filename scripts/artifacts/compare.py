"""Runs an emitted gradient graph in Python's onnxruntime and compares it with what the tool found on the same data.

    onnx-landscape gradient MODEL --data DATA.npz [--normalize MEAN,STD] --emit G.onnx --npz FOUND.npz
    python compare.py G.onnx DATA.npz FOUND.npz [MEAN,STD]
"""

import json
import sys

import numpy as np
import onnx
import onnxruntime as ort

graph, data, found = sys.argv[1:4]
normalize = [float(x) for x in sys.argv[4].split(",")] if len(sys.argv) > 4 else None

metadata = {p.key: p.value for p in onnx.load(graph, load_external_data=False).metadata_props}
options = ort.SessionOptions()
options.log_severity_level = 3
session = ort.InferenceSession(graph, options)
arrays = np.load(data)
inputs = [i.name for i in session.get_inputs()]
types = {"tensor(float)": np.float32, "tensor(int64)": np.int64, "tensor(int32)": np.int32}


def fed(name, kind):
    if name not in arrays:
        name = "y" if name == metadata.get("target") else "x"
    x = arrays[name][: int(metadata["batch"])]
    if normalize and x.dtype == np.uint8:
        x = (x / 255 - normalize[0]) / normalize[1]
    return x.astype(types[kind])


loss, *gradients = session.run(None, {i.name: fed(i.name, i.type) for i in session.get_inputs()})
expected = [f"{p}_grad" for p in json.loads(metadata["parameters"])]
assert [o.name for o in session.get_outputs()] == ["loss", *expected]
flat = np.concatenate([g.ravel() for g in gradients]).astype(float)
tool = np.load(found)["gradient"]
error = np.linalg.norm(flat - tool) / np.linalg.norm(tool)
print(f"loss {loss}, gradient norm {np.linalg.norm(flat):.7g}, relative difference of the gradients {error:.2g}")
# Two float32 sums of one gradient; a ReLU whose input is within rounding of 0 may fall on either side.
sys.exit(0 if error < 1e-4 else 1)
