"""python jax_functions.py OUT_DIR — pip install jax jax2onnx"""
import sys

import jax
import numpy as np

out = sys.argv[1]
r = np.random.default_rng(0)
params = [r.standard_normal(s).astype(np.float32) / 3 for s in ((8, 16), (16,), (16, 4), (4,))]
np.savez(f"{out}/train.npz", x=r.standard_normal((16, 8)).astype(np.float32), y=r.integers(0, 4, 16))

# [jax]
import onnx
from jax2onnx import to_onnx


def logits(x):  # the trained arrays are closed over: they become initializers
    w1, b1, w2, b2 = params
    return jax.nn.relu(x @ w1 + b1) @ w2 + b2


onnx.save(to_onnx(logits, [("B", 8)], opset=18), f"{out}/model.onnx")
# [end]
