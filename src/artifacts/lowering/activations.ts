import type { Call, Value } from "../../onnx/graph.ts";
import { sizeOf } from "../../onnx/tensor.ts";
import type { GraphBuilder } from "../../ops/builder.ts";
import { axisOf, floatOperand, operand } from "../../ops/typing.ts";
import { type Lowering, type LoweringTable, reverse } from "./lowering.ts";

const ROOT_TWO_OVER_PI = Math.sqrt(2 / Math.PI);
const CUBIC = 0.044715;

/** dy·derivative(x), for gradient operators (dY, X). */
function byInput(derivative: (b: GraphBuilder, x: Value, call: Call) => Value): Lowering {
  return (b, call) => {
    floatOperand(call, 1);
    return [b.mul(operand(call, 0), derivative(b, operand(call, 1), call))];
  };
}

/** As `byInput` at X + B, for (dY, X, B). */
function byBiased(derivative: (b: GraphBuilder, x: Value) => Value): Lowering {
  return (b, call) => {
    floatOperand(call, 1);
    return [b.mul(operand(call, 0), derivative(b, b.add(operand(call, 1), operand(call, 2))))];
  };
}

/** For (dY, Y): the forward operator's rule in terms of its output. */
function byOutput(op: string): Lowering {
  return (b, call) => {
    const y = operand(call, 1);
    return reverse(b, { op, inputs: [y], attributes: call.attributes, y }, operand(call, 0), [0]);
  };
}

// Φ(x) + x·φ(x)
function geluDerivative(b: GraphBuilder, x: Value): Value {
  const cdf = b.mul(b.add(b.unary("Erf", b.mul(x, Math.SQRT1_2)), 1), 0.5);
  const density = b.mul(b.unary("Exp", b.mul(b.mul(x, x), -0.5)), 1 / Math.sqrt(2 * Math.PI));
  return b.add(cdf, b.mul(x, density));
}

// ½(1 + t) + ½x·(1 − t²)·u′, t = tanh u, u = √(2/π)·(x + 0.044715x³)
function fastGeluDerivative(b: GraphBuilder, x: Value): Value {
  const squares = b.mul(x, x);
  const inner = b.mul(b.mul(x, b.add(b.mul(squares, CUBIC), 1)), ROOT_TWO_OVER_PI);
  const t = b.unary("Tanh", inner);
  const slope = b.mul(b.add(b.mul(squares, 3 * CUBIC), 1), ROOT_TWO_OVER_PI);
  const moving = b.mul(b.mul(x, b.sub(1, b.mul(t, t))), slope);
  return b.mul(b.add(b.add(t, 1), moving), 0.5);
}

// s·(1 + αx·(1 − s)), s = σ(αx)
function quickGeluDerivative(b: GraphBuilder, x: Value, call: Call): Value {
  const scaled = b.mul(x, Math.fround(call.float("alpha", 1.702)));
  const s = b.unary("Sigmoid", scaled);
  return b.mul(s, b.add(b.mul(scaled, b.sub(1, s)), 1));
}

/**
 * The second input is the forward operator's X or Y, both are seen. Relu(Y) = Y, so that Y is right in either
 * case; emitting it merges with the forward node, and the mask with the mask that freezing decides there.
 */
const reluGrad: Lowering = (b, call) => {
  const given = operand(call, 1);
  const y = given.producer?.op === "Relu" ? given : b.unary("Relu", given);
  return reverse(b, { op: "Relu", inputs: [given], y }, operand(call, 0), [0]);
};

/** Y > 0 where X > 0. Where the forward node is there, its X is taken: freezing then decides once. */
const leakyReluGrad: Lowering = (b, call) => {
  const y = operand(call, 1);
  const x = y.producer?.op === "LeakyRelu" ? y.producer.x(0) : y;
  return reverse(b, { op: "LeakyRelu", inputs: [x], attributes: call.attributes, y }, operand(call, 0), [0]);
};

/** Before opset 13 a softmax is over all axes from `axis` on, as one. */
function flattened(op: string): Lowering {
  return (b, call) => {
    const { dims } = operand(call, 1);
    const axis = axisOf(call, call.int("axis", 1), dims.length);
    const rows = [sizeOf(dims.slice(0, axis)), sizeOf(dims.slice(axis))];
    const y = b.reshape(operand(call, 1), rows);
    const [dx] = reverse(b, { op, inputs: [y], y }, b.reshape(operand(call, 0), rows), [0]);
    return [b.reshape(dx as Value, dims)];
  };
}

export const activations: LoweringTable = {
  "com.microsoft::ReluGrad": reluGrad,
  "com.microsoft::LeakyReluGrad": leakyReluGrad,
  "com.microsoft::SigmoidGrad": byOutput("Sigmoid"),
  "com.microsoft::TanhGrad": byOutput("Tanh"),
  // The second input is named X, but is the output.
  "com.microsoft::SoftmaxGrad_13": byOutput("Softmax"),
  "com.microsoft::LogSoftmaxGrad_13": byOutput("LogSoftmax"),
  "com.microsoft::SoftmaxGrad": flattened("Softmax"),
  "com.microsoft::LogSoftmaxGrad": flattened("LogSoftmax"),
  "com.microsoft::GeluGrad": byInput(geluDerivative),
  "com.microsoft::FastGeluGrad": byInput(fastGeluDerivative),
  "com.microsoft::QuickGeluGrad": byInput(quickGeluDerivative),
  "com.microsoft::BiasGeluGrad_dX": byBiased(geluDerivative),
  "com.microsoft::BiasFastGeluGrad_dX": byBiased(fastGeluDerivative),
};
