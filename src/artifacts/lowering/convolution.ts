import { sizeOf } from "../../onnx/tensor.ts";
import { misfit, operand, sameDims } from "../../ops/typing.ts";
import { type Lowering, type LoweringTable, reverse } from "./lowering.ts";

/**
 * (dY, X, W) → (dX, dW, dB): those of the forward operator. (onnxruntime-training's own kernel takes pads of 0
 * where auto_pad says otherwise, and then gives another dW.)
 */
function byOperands(op: "Conv" | "ConvTranspose"): Lowering {
  return (b, call) => {
    const [dy, x, w] = [operand(call, 0), operand(call, 1), operand(call, 2)];
    // The rule for a bias looks at its shape alone.
    const bias = b.filled({ type: dy.static.type, dims: [dy.dims[1] ?? 0] }, 0);
    const forward = { op, inputs: [x, w, bias], attributes: call.attributes };
    return reverse(b, forward, dy, [0, 1, 2].slice(0, call.numOutputs));
  };
}

/**
 * (dY, Indices): each is added where its maximum lay. The shape of X is that of the MaxPool that gave the
 * indices, which freezing holds still together with it.
 */
const maxPoolGrad: Lowering = (b, call) => {
  const [dy, indices] = [operand(call, 0), operand(call, 1)];
  const pool = indices.producer;
  if (pool?.op !== "MaxPool" || !sameDims(dy.dims, indices.dims))
    throw misfit(call, "dY, and as its indices the second output of a MaxPool");
  if (pool.int("storage_order", 0) !== 0)
    throw misfit(call, "a MaxPool that counts its indices row by row", "UNSUPPORTED_OP");
  const x = pool.x(0);
  const flat = [sizeOf(dy.dims)];
  const zeros = b.filled({ type: x.static.type, dims: [sizeOf(x.dims)] }, 0);
  const updates = [b.reshape(indices, flat), b.reshape(dy, flat)];
  const dx = b.call("ScatterElements", [zeros, ...updates], { axis: 0, reduction: "add" });
  return [b.reshape(dx, x.dims)];
};

/** (dY, X): the file has dY alone, `lowerTraining` adds the X of the forward node. */
const averagePoolGrad: Lowering = (b, call) =>
  reverse(
    b,
    { op: "AveragePool", inputs: [operand(call, 1)], attributes: call.attributes },
    operand(call, 0),
    [0],
  );

export const convolution: LoweringTable = {
  "com.microsoft::ConvGrad": byOperands("Conv"),
  "com.microsoft::ConvTransposeGrad": byOperands("ConvTranspose"),
  MaxPoolGrad: maxPoolGrad,
  AveragePoolGrad: averagePoolGrad,
};
