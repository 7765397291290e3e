# Runs a gradient graph that "onnx-landscape gradient models/fcnn2.onnx … --emit FILE" wrote.
import sys

import numpy as np
import onnxruntime as ort

options = ort.SessionOptions()
# Parameters are inputs with defaults; of each onnxruntime warns that it cannot treat it as a constant.
options.log_severity_level = 3
session = ort.InferenceSession(sys.argv[1], options)

x = (np.arange(50, dtype=np.float32) / 32 - 0.75).reshape(50, 1)
loss, *gradients = session.run(None, {"input": x, "y": x})
names = [o.name.removesuffix("_grad") for o in session.get_outputs()[1:]]
by_parameter = dict(zip(names, gradients))
print(loss, np.sqrt(sum((g.astype(float) ** 2).sum() for g in by_parameter.values())))

# The gradient at another point: any parameter can be fed.
moved, *_ = session.run(["loss"], {"input": x, "y": x, "6.bias": np.float32([3])})
print(moved)
