"""Writes a network of the paper as ONNX, in evaluation mode, as `onnx-landscape reproduce` expects it.

    python scripts/paper/export.py NAME WEIGHTS.pt OUT.onnx

WEIGHTS.pt is a state dict of the same architecture, by any author: tensors are taken in their order, names do not matter.
"""
import argparse
import copy
import logging
import warnings

import torch

from architectures import build, networks

warnings.filterwarnings("ignore")
logging.getLogger("torch.onnx").setLevel(logging.ERROR)


def export(model, example, path):
    """One file, a dynamic batch, BatchNorm with its own parameters (optimize=False)."""
    torch.onnx.export(
        copy.deepcopy(model).cpu().eval(), (example.cpu(),), path,
        dynamo=True, optimize=False, external_data=False, opset_version=18, verbose=False,
        input_names=["input"], output_names=["output"],
        dynamic_shapes=({0: torch.export.Dim("batch")},),
    )


def load(model, state):
    """Tensors in the order of their definition; an architecture that differs has other shapes somewhere."""
    own = {k: v for k, v in model.state_dict().items() if not k.endswith("num_batches_tracked")}
    given = [v for k, v in state.items() if not k.endswith("num_batches_tracked")]
    if [v.shape for v in own.values()] != [v.shape for v in given]:
        raise SystemExit("these weights are of another architecture: their shapes, in order, are not those of the network")
    model.load_state_dict(dict(zip(own, given)), strict=False)
    return model


def example(name):
    """Two inputs of the network's shape."""
    return torch.randn(2, 1) if networks[name].classes is None else torch.randn(2, 3, 32, 32)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("name", choices=networks)
    parser.add_argument("weights")
    parser.add_argument("out")
    o = parser.parse_args()
    state = torch.load(o.weights, map_location="cpu", weights_only=True)
    for key in ("model", "net", "state_dict"):  # where training scripts keep it
        state = state.get(key, state)
    export(load(build(o.name), state), example(o.name), o.out)
