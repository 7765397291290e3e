"""Shared by the training scripts: data, export to ONNX."""
import copy
import gzip
import logging
import os
import warnings

import numpy as np
import onnx
import onnxruntime
import torch

torch.set_num_threads(1)
warnings.filterwarnings('ignore')
logging.getLogger('torch.onnx').setLevel(logging.ERROR)

MEAN, STD = 0.2860, 0.3530          # Fashion-MNIST pixel mean and standard deviation


def fashion(folder, part):
    """Raw Fashion-MNIST: uint8 images [n,1,28,28] and int64 labels [n]; part is 'train' or 't10k'."""
    with gzip.open(os.path.join(folder, f'{part}-images-idx3-ubyte.gz')) as f:
        x = np.frombuffer(f.read(), np.uint8, offset=16).reshape(-1, 1, 28, 28)
    with gzip.open(os.path.join(folder, f'{part}-labels-idx1-ubyte.gz')) as f:
        y = np.frombuffer(f.read(), np.uint8, offset=8).astype(np.int64)
    return x, y


def normalise(x):
    """The model's input: computed in float64, then rounded to float32."""
    return ((x.astype(np.float64) / 255 - MEAN) / STD).astype(np.float32)


def strip(path):
    """Drop the exporter's stack traces: bulky, and they name files of the exporting machine."""
    model = onnx.load(path)
    for node in model.graph.node:
        keep = [p for p in node.metadata_props if p.key != 'pkg.torch.onnx.stack_trace']
        del node.metadata_props[:]
        node.metadata_props.extend(keep)
    onnx.checker.check_model(model)
    onnx.save(model, path)


def export(model, x, path):
    """Export in evaluation mode with a dynamic batch, and check onnxruntime against PyTorch."""
    model = copy.deepcopy(model).to(memory_format=torch.contiguous_format).eval()
    x = torch.as_tensor(x)
    torch.onnx.export(model, (x,), path, dynamo=True, optimize=False, external_data=False, opset_version=18,
                      dynamic_shapes=({0: torch.export.Dim('batch')},), verbose=False,
                      input_names=['input'], output_names=['output'])
    strip(path)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    got = onnxruntime.InferenceSession(path, options).run(None, {'input': x.numpy()})[0]
    want = model(x).detach().numpy()
    error = float(np.abs(got - want).max())
    assert error <= 1e-5 * max(1.0, float(np.abs(want).max())), (path, error)
