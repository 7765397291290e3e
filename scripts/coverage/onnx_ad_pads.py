"""What onnx-ad 0.3 gives for the gradient of one Conv with equal and with unequal pads, against numpy.

    python scripts/coverage/onnx_ad_pads.py

By the input it is wrong where the pads differ: the ConvTranspose that it emits has both `pads` and `output_shape`, and
by ONNX's definition a given `output_shape` decides the pads anew, in equal parts. Needs: pip install onnx-ad==0.3.0 onnx onnxruntime.
"""
import numpy as np
import onnx
import onnx_ad
import onnxruntime as ort
from onnx import TensorProto, helper

LENGTH, TAPS = 20, 3


def model(dilation, pads, shapes):
    """loss = Σ t · conv(x, w)"""
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], dilations=[dilation], pads=pads, kernel_shape=[TAPS]),
        helper.make_node("Mul", ["c", "t"], ["m"]),
        helper.make_node("ReduceSum", ["m"], ["loss"], keepdims=0),
    ]
    inputs = [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in shapes.items()]
    outputs = [helper.make_tensor_value_info("loss", TensorProto.FLOAT, [])]
    graph = helper.make_graph(nodes, "conv", inputs, outputs)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    return onnx.shape_inference.infer_shapes(made, data_prop=True)


def exact(x, w, t, dilation, pads):
    """By input and by weight, in float64."""
    padded = np.pad(x.astype(float), ((0, 0), (0, 0), pads))
    dx, dw = np.zeros_like(padded), np.zeros(w.shape)
    for k in range(TAPS):
        seen = slice(k * dilation, k * dilation + t.shape[2])
        dw[:, :, k] = np.einsum("bot,bit->oi", t, padded[:, :, seen])
        dx[:, :, seen] += np.einsum("bot,oi->bit", t, w[:, :, k])
    return dx[:, :, pads[0] : pads[0] + LENGTH], dw


def main():
    random = np.random.default_rng(0)
    error = lambda got, want: np.linalg.norm(np.reshape(got, want.shape) - want) / np.linalg.norm(want)
    print(f"{'pads':10}{'dilation':10}{'by input':12}by weight")
    for dilation, pads in [(1, [1, 1]), (4, [4, 4]), (1, [2, 0]), (2, [4, 0]), (4, [8, 0])]:
        long = LENGTH + sum(pads) - dilation * (TAPS - 1)
        shapes = {"x": [2, 3, LENGTH], "w": [4, 3, TAPS], "t": [2, 4, long]}
        feeds = {n: random.standard_normal(s).astype(np.float32) for n, s in shapes.items()}
        derived = onnx_ad.reverse(model(dilation, pads, shapes), inputs=["x", "w"], outputs=["loss"], layout="onnx")
        session = ort.InferenceSession(derived.SerializeToString(), providers=["CPUExecutionProvider"])
        names = [o.name for o in session.get_outputs()]
        found = dict(zip(names, session.run(None, {**feeds, "adj_loss": np.ones(1, np.float32)})))
        dx, dw = exact(**feeds, dilation=dilation, pads=pads)
        print(f"{str(pads):10}{dilation:<10}{error(found['adj_x'], dx):<12.1e}{error(found['adj_w'], dw):.1e}")


if __name__ == "__main__":
    main()
