import { int64Tensor, type Tensor } from "../../src/onnx/tensor.ts";
import { float, ONNX_TYPE_CODES } from "../../src/ops/builder.ts";
import type { Case, Operand } from "../support/case.ts";
import type { Sampler } from "../support/sample.ts";
import { attentionCases } from "./cases-attention.ts";
import { microsoftCases } from "./cases-microsoft.ts";
import { nnCases } from "./cases-nn.ts";
import { recurrentCases } from "./cases-recurrent.ts";
import { resamplingCases } from "./cases-resampling.ts";
import { scikitCases } from "./cases-scikit.ts";

/** The table that the gradient and value tests loop over: every record has a row. */

function x(dims: readonly number[], sample: Sampler = "default"): Operand {
  return { dims, sample };
}

function ints(...values: number[]): Tensor {
  return int64Tensor([values.length], values);
}

function scalarInt(value: number): Tensor {
  return int64Tensor([], [value]);
}

function floats(dims: readonly number[], values: readonly number[]): Tensor {
  return { type: "float32", dims, data: Float32Array.from(values) };
}

function bools(dims: readonly number[], values: readonly number[]): Tensor {
  return { type: "bool", dims, data: Uint8Array.from(values) };
}

function bytes(...values: number[]): Tensor {
  return { type: "uint8", dims: [values.length], data: Uint8Array.from(values) };
}

const number = (value: number): Tensor => floats([], [value]);

/** The ways in which two shapes broadcast: equal, scalar, trailing, leading, inner, both, ones, empty rank. */
export const SHAPE_PAIRS: readonly (readonly [readonly number[], readonly number[]])[] = [
  [
    [2, 3, 2, 2],
    [2, 3, 2, 2],
  ],
  [[2, 3, 2, 2], []],
  [[2, 3, 2, 2], [2]],
  [
    [2, 2],
    [2, 3, 2, 2],
  ],
  [
    [1, 2, 2],
    [2, 3, 1, 1],
  ],
  [
    [3, 2, 2],
    [2, 1, 1, 1],
  ],
  [
    [1, 1],
    [2, 3],
  ],
  [[], [4]],
];

function pairs(op: string, samples: readonly [Sampler, Sampler], rest: Partial<Case> = {}): Case[] {
  return SHAPE_PAIRS.map(([a, b]) => ({ op, inputs: [x(a, samples[0]), x(b, samples[1])], ...rest }));
}

const smooth = (op: string, sample: Sampler = "default", attrs: Case["attrs"] = {}): Case => ({
  op,
  inputs: [x([3, 4], sample)],
  attrs,
});

const arithmetic: readonly Case[] = [
  ...pairs("Add", ["default", "default"], { linear: true }),
  ...pairs("Sub", ["default", "default"], { linear: true }),
  ...pairs("Mul", ["default", "default"], { linear: true }),
  ...pairs("Div", ["default", "awayFromZero"]),
  ...pairs("Pow", ["positive", "default"]),
  // Distinct numbers of both operands: no step makes the other one win.
  ...pairs("Max", ["distinct", [0.12, 0.2]]),
  ...pairs("Min", [[0.12, 0.2], "distinct"]),
  {
    op: "Max",
    inputs: [x([4], { values: [1, 2, -1, 3] }), x([4], { values: [1, 5, -1, 0] })],
    atKink: true,
    note: "ties",
  },
  { op: "Max", inputs: [x([2, 3], "distinct"), x([3], [0.12, 0.2]), x([], [-3, -2])] },
  { op: "Min", inputs: [x([3])], linear: true },
  { op: "Pow", inputs: [x([3, 2], "awayFromZero"), number(2)] },
  { op: "Pow", inputs: [x([3, 2], "awayFromZero"), number(3)] },
  { op: "Pow", inputs: [x([3, 2], "positive"), number(-0.5)] },
  { op: "Pow", inputs: [x([3, 2]), number(1)], linear: true },
  { op: "Pow", inputs: [x([3, 2], "awayFromZero"), number(0)] },
  { op: "Pow", inputs: [x([3], "awayFromZero"), floats([3], [0, 1, 2])] },
  { op: "Pow", inputs: [x([3], "awayFromZero"), ints(1, 2, 3)] },
  {
    op: "Mod",
    inputs: [x([2, 3], { values: [2.3, -1.4, 0.7, 3.9, -3.3, 1.2] }), x([3], { values: [1, 0.9, -2] })],
    attrs: { fmod: 1 },
  },
  smooth("Neg"),
  smooth("Reciprocal", "awayFromZero"),
  smooth("Sqrt", "positive"),
  smooth("Exp"),
  smooth("Log", "positive"),
  smooth("Sin"),
  smooth("Cos"),
  smooth("Tan", [-1, 1]),
  smooth("Asin", [-0.9, 0.9]),
  smooth("Acos", [-0.9, 0.9]),
  smooth("Atan"),
  smooth("Sinh"),
  smooth("Cosh"),
  smooth("Asinh"),
  smooth("Acosh", [1.2, 3]),
  smooth("Atanh", [-0.6, 0.6]),
  smooth("Erf"),
  smooth("Abs", "awayFromZero"),
  smooth("Sign", "awayFromZero"),
  smooth("Floor", [0.2, 0.8]),
  smooth("Ceil", [0.2, 0.8]),
  { op: "Round", inputs: [x([6], { values: [0.5, 1.5, -0.5, 2.5, -1.2, 1.7] })] },
  { op: "Sum", inputs: [x([2, 3]), x([3]), x([])], linear: true },
  { op: "Sum", inputs: [x([2, 3]), x([1, 3])], linear: true },
  { op: "Mean", inputs: [x([2, 3]), x([3]), x([2, 1])], linear: true },
];

const activations: readonly Case[] = [
  smooth("Relu", "awayFromZero"),
  ...["Relu", "LeakyRelu", "Abs", "Elu", "Softsign"].map((op) => ({
    op,
    inputs: [x([4], { values: [0, 1, -1, 0] })],
    atKink: true,
    reach: 0.9,
    note: "at 0",
  })),
  smooth("LeakyRelu", "awayFromZero"),
  smooth("LeakyRelu", "awayFromZero", { alpha: 0.3 }),
  { op: "PRelu", inputs: [x([2, 3, 4], "awayFromZero"), x([3, 1])] },
  { op: "PRelu", inputs: [x([3], { values: [0, 1, -1] }), x([3])], atKink: true, note: "at 0" },
  { op: "PRelu", inputs: [x([2, 3], "awayFromZero"), x([2, 3])] },
  smooth("Elu", "awayFromZero"),
  smooth("Elu", "awayFromZero", { alpha: 0.4 }),
  smooth("Selu", "awayFromZero"),
  smooth("Celu", "awayFromZero", { alpha: 0.7 }),
  smooth("ThresholdedRelu", [1.3, 2], { alpha: 0.8 }),
  smooth("ThresholdedRelu", [-1, 0.5]),
  smooth("Shrink", [-2, -0.6]),
  smooth("Shrink", [-0.3, 0.3]),
  {
    op: "Shrink",
    inputs: [x([5], { values: [-2, -0.6, 0.1, 0.9, 2] })],
    attrs: { lambd: float(0.8), bias: float(0.3) },
  },
  smooth("HardSigmoid", [-2, 2]),
  {
    op: "HardSigmoid",
    inputs: [x([6], { values: [-4, -3, -1, 1, 4, 5] })],
    attrs: { alpha: float(0.3), beta: float(0.4) },
  },
  { op: "HardSwish", inputs: [x([6], { values: [-4, -3.5, -1, 1, 4, 5] })] },
  { op: "HardSwish", inputs: [x([3, 4])] },
  smooth("Mish"),
  smooth("Softplus", [-4, 4]),
  // Frozen it is x/(1 ± x), whose pole lies 1 beyond the kink.
  { ...smooth("Softsign", "awayFromZero"), reach: 0.9 },
  smooth("Tanh"),
  smooth("Sigmoid", [-4, 4]),
  { ...smooth("Swish"), opset: 24 },
  { ...smooth("Swish", "default", { alpha: float(1.7) }), opset: 24 },
  { ...smooth("Gelu"), opset: 20 },
  { ...smooth("Gelu", "default", { approximate: "tanh" }), opset: 20 },
  { ...smooth("Gelu"), domain: "com.microsoft" },
  { op: "BiasGelu", domain: "com.microsoft", inputs: [x([2, 3]), x([3])] },
  { op: "FastGelu", domain: "com.microsoft", inputs: [x([2, 3])] },
  { op: "FastGelu", domain: "com.microsoft", inputs: [x([2, 3]), x([3])] },
  { ...smooth("QuickGelu", "default", { alpha: 1.5 }), domain: "com.microsoft" },
  { op: "Clip", inputs: [x([6], { values: [-2, -1.5, -0.4, 0.4, 1.5, 2] }), number(-1), number(1)] },
  {
    op: "Clip",
    inputs: [x([6], { values: [-2, -1.5, -0.4, 0.4, 1.5, 2] }), x([], [-1.1, -0.9]), x([], [0.9, 1.1])],
  },
  {
    op: "Clip",
    inputs: [x([4], { values: [-2, -1, 1, 1.5] }), number(-1), number(1)],
    atKink: true,
    note: "at the bounds",
  },
  { op: "Clip", inputs: [x([4], { values: [-2, -1.5, -0.4, 0.4] }), number(-1)] },
  { op: "Clip", inputs: [x([4], { values: [-2, -1.5, -0.4, 0.4] }), null, number(-1)] },
  { op: "Clip", inputs: [x([4])], linear: true },
];

const comparisons: readonly Case[] = [
  ...["Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Equal"].map((op) => ({
    op,
    inputs: [x([2, 3], { values: [1, 2, 3, 4, 5, 6] }), x([3], { values: [1, 5, 3] })],
    atKink: true,
  })),
  ...["And", "Or", "Xor"].map((op) => ({ op, inputs: [bools([4], [0, 1, 0, 1]), bools([2, 1], [0, 1])] })),
  { op: "Not", inputs: [bools([2], [0, 1])] },
  ...["BitwiseAnd", "BitwiseOr", "BitwiseXor"].map((op) => ({
    op,
    inputs: [ints(12, 10, -1), int64Tensor([2, 1], [6, 3])],
  })),
  { op: "BitwiseNot", inputs: [ints(5, -1)] },
  { op: "BitShift", inputs: [bytes(1, 2, 200), bytes(1)], attrs: { direction: "LEFT" } },
  { op: "BitShift", inputs: [bytes(1, 2, 200), bytes(1, 0, 3)], attrs: { direction: "RIGHT" } },
  { op: "IsNaN", inputs: [floats([3], [Number.NaN, 1, Infinity])] },
  { op: "IsInf", inputs: [floats([4], [Number.NaN, 1, Infinity, -Infinity])] },
  { op: "IsInf", inputs: [floats([3], [1, Infinity, -Infinity])], attrs: { detect_negative: 0 } },
  ...pairs("", ["default", "default"], { linear: true }).map((c) => ({
    ...c,
    op: "Where",
    inputs: [bools([1], [1]), ...c.inputs],
  })),
  { op: "Where", inputs: [bools([3, 1], [1, 0, 1]), x([3, 2]), x([2])], linear: true },
  { op: "Where", inputs: [bools([], [1]), x([2]), x([3, 1])], linear: true },
  { op: "Cast", inputs: [x([2, 3])], attrs: { to: ONNX_TYPE_CODES.float64 }, linear: true, type: "float32" },
  { op: "Cast", inputs: [ints(1, 0, -2)], attrs: { to: ONNX_TYPE_CODES.bool } },
  { op: "Cast", inputs: [floats([4], [1.7, -1.7, 0, 2.5])], attrs: { to: ONNX_TYPE_CODES.int64 } },
  { op: "Cast", inputs: [ints(1, 0, -2)], attrs: { to: ONNX_TYPE_CODES.float32 } },
  { op: "CastLike", inputs: [ints(1, 0, -2), floats([1], [0])] },
  { op: "Identity", inputs: [x([2])], linear: true },
  { op: "Dropout", inputs: [x([2, 3])], linear: true },
  { op: "Dropout", inputs: [x([2, 3]), number(0.3), bools([], [0])], linear: true },
];

/** The ways to name axes of a [2, 3, 4]. */
function reductions(op: string, sample: Sampler, linear = false): Case[] {
  const row = (axes: Tensor | null, attrs: Case["attrs"] = {}): Case => ({
    op,
    inputs: [x([2, 3, 4], sample), axes],
    attrs,
    linear,
  });
  return [
    row(null),
    row(ints(1), { keepdims: 0 }),
    row(ints(-1, 0)),
    row(ints(2, 0), { keepdims: 0 }),
    { op, inputs: [x([2, 1, 3], sample), ints(1)], attrs: { keepdims: 0 }, linear },
  ];
}

const reducing: readonly Case[] = [
  ...reductions("ReduceSum", "default", true),
  { op: "ReduceSum", inputs: [x([2, 3])], attrs: { noop_with_empty_axes: 1 }, linear: true },
  ...reductions("ReduceMean", "default", true),
  ...reductions("ReduceMax", "distinct"),
  ...reductions("ReduceMin", "distinct"),
  {
    op: "ReduceMax",
    inputs: [x([2, 3], { values: [1, 1, 0, 2, 2, 2] }), ints(1)],
    atKink: true,
    note: "ties",
  },
  ...reductions("ReduceProd", "awayFromZero"),
  { op: "ReduceProd", inputs: [x([2, 3], { values: [1, 0, 2, 0, 0, 3] }), ints(1)], note: "zeros" },
  ...reductions("ReduceL1", "awayFromZero"),
  ...reductions("ReduceL2", "default"),
  ...reductions("ReduceSumSquare", "default"),
  ...reductions("ReduceLogSum", "positive"),
  ...reductions("ReduceLogSumExp", "default"),
  { op: "ArgMax", inputs: [x([2, 3], "distinct")], attrs: { axis: 1 } },
  { op: "ArgMin", inputs: [x([2, 3], "distinct")], attrs: { axis: -2, keepdims: 0 } },
  { op: "CumSum", inputs: [x([2, 3]), scalarInt(1)], linear: true },
  { op: "CumSum", inputs: [x([2, 3]), scalarInt(-2)], attrs: { exclusive: 1 }, linear: true },
  { op: "CumSum", inputs: [x([2, 3]), scalarInt(1)], attrs: { exclusive: 1, reverse: 1 }, linear: true },
  ...[0, 1].flatMap((exclusive) =>
    [0, 1].map(
      (reverse): Case => ({
        op: "CumProd",
        inputs: [x([2, 4]), scalarInt(reverse)],
        attrs: { exclusive, reverse },
        opset: 26,
      }),
    ),
  ),
];

const shaping: readonly Case[] = [
  { op: "Reshape", inputs: [x([2, 3, 4]), ints(4, 6)], linear: true },
  { op: "Reshape", inputs: [x([2, 3, 4]), ints(0, -1)], linear: true },
  { op: "Reshape", inputs: [x([2, 3, 4]), ints(2, -1)], attrs: { allowzero: 1 }, linear: true },
  { op: "Reshape", inputs: [x([0, 3]), ints(3, 0)], attrs: { allowzero: 1 }, linear: true },
  { op: "Reshape", inputs: [x([]), ints(1, 1)], linear: true },
  { op: "Flatten", inputs: [x([2, 3, 4])], linear: true },
  { op: "Flatten", inputs: [x([2, 3, 4])], attrs: { axis: 0 }, linear: true },
  { op: "Flatten", inputs: [x([2, 3, 4])], attrs: { axis: -1 }, linear: true },
  { op: "Flatten", inputs: [x([2, 3])], attrs: { axis: 2 }, linear: true },
  { op: "Squeeze", inputs: [x([1, 3, 1])], linear: true },
  { op: "Squeeze", inputs: [x([1, 3, 1]), ints(-1)], linear: true },
  { op: "Unsqueeze", inputs: [x([3, 2]), ints(0, -1)], linear: true },
  { op: "Transpose", inputs: [x([2, 3, 4])], linear: true },
  { op: "Transpose", inputs: [x([2, 3, 4])], attrs: { perm: [1, 2, 0] }, linear: true },
  { op: "Transpose", inputs: [x([2, 1, 4])], attrs: { perm: [1, 0, 2] }, linear: true },
  { op: "Shape", inputs: [x([2, 3])] },
  { op: "Shape", inputs: [x([2, 3, 4])], attrs: { start: -2, end: -1 } },
  { op: "Size", inputs: [x([2, 3])] },
  {
    op: "ConstantOfShape",
    inputs: [ints(2, 3)],
    attrs: { value: { kind: "tensor", value: floats([1], [1.5]) } },
  },
  { op: "ConstantOfShape", inputs: [ints(2)] },
  { op: "Range", inputs: [scalarInt(7), scalarInt(0), scalarInt(-2)] },
  { op: "Range", inputs: [number(0), number(1), number(0.3)] },
  ...["HannWindow", "HammingWindow", "BlackmanWindow"].flatMap((op) =>
    [0, 1].map((periodic): Case => ({ op, inputs: [scalarInt(7)], attrs: { periodic } })),
  ),
  {
    op: "MelWeightMatrix",
    inputs: [scalarInt(5), scalarInt(16), scalarInt(8000), number(0), number(4000)],
  },
  { op: "EyeLike", inputs: [floats([2, 3], [0, 0, 0, 0, 0, 0])], attrs: { k: 1 } },
  { op: "Trilu", inputs: [x([2, 3, 3])], linear: true },
  { op: "Trilu", inputs: [x([3, 4]), scalarInt(-1)], attrs: { upper: 0 }, linear: true },
  { op: "DepthToSpace", inputs: [x([1, 8, 2, 3])], attrs: { blocksize: 2 }, linear: true },
  { op: "DepthToSpace", inputs: [x([2, 4, 1, 2])], attrs: { blocksize: 2, mode: "CRD" }, linear: true },
  { op: "SpaceToDepth", inputs: [x([1, 2, 4, 2])], attrs: { blocksize: 2 }, linear: true },
];

const assembling: readonly Case[] = [
  { op: "Concat", inputs: [x([2, 1]), x([2, 3]), x([2, 2])], attrs: { axis: 1 }, linear: true },
  { op: "Concat", inputs: [x([2, 1, 3]), x([2, 1, 3])], attrs: { axis: -3 }, linear: true },
  { op: "Split", inputs: [x([2, 6]), ints(1, 3, 2)], attrs: { axis: 1 }, outputs: 3, linear: true },
  { op: "Split", inputs: [x([5, 2])], attrs: { num_outputs: 2 }, outputs: 2, linear: true },
  { op: "Slice", inputs: [x([4, 5]), ints(1), ints(3)], linear: true },
  { op: "Slice", inputs: [x([4, 5]), ints(-4, 0), ints(-1, 1000), ints(1, 0), ints(2, 3)], linear: true },
  { op: "Slice", inputs: [x([4, 5]), ints(-1), ints(-1000), ints(1), ints(-1)], linear: true },
  { op: "Slice", inputs: [x([7, 2]), ints(5), ints(0), ints(0), ints(-2)], linear: true },
  { op: "Slice", inputs: [x([7, 2]), ints(0), ints(7), ints(0), ints(3)], linear: true },
  { op: "Pad", inputs: [x([2, 3]), ints(1, 0, 2, 1)], linear: true },
  { op: "Pad", inputs: [x([2, 3]), ints(1, -1, 0, 1), number(2)], linear: true },
  { op: "Pad", inputs: [x([2, 3]), ints(1, -1, 0, 2), x([])], linear: true },
  { op: "Pad", inputs: [x([2, 3]), ints(2, 1), null, ints(-1)], linear: true },
  ...["reflect", "edge", "wrap"].map((mode) => ({
    op: "Pad",
    inputs: [x([2, 4]), ints(1, 3, 0, 2)],
    attrs: { mode },
    linear: true,
    // Wrapping exists from opset 19 on.
    opset: mode === "wrap" ? 19 : 18,
  })),
  { op: "CenterCropPad", inputs: [x([5, 2, 4]), ints(2, 5, 4)], linear: true },
  { op: "CenterCropPad", inputs: [x([3, 4, 6]), ints(6, 1)], attrs: { axes: [0, -1] }, linear: true },
  { op: "Expand", inputs: [x([3, 1]), ints(2, 1, 4)], linear: true },
  { op: "Expand", inputs: [x([]), ints(2)], linear: true },
  { op: "Expand", inputs: [x([2]), ints(1, 1)], linear: true },
  { op: "Tile", inputs: [x([2, 3]), ints(2, 3)], linear: true },
];

const indexing: readonly Case[] = [
  { op: "Gather", inputs: [x([4, 3]), ints(0, -1, 0)], linear: true },
  {
    op: "Gather",
    inputs: [x([2, 4, 3]), int64Tensor([2, 2], [3, 1, 1, 0])],
    attrs: { axis: 1 },
    linear: true,
  },
  { op: "Gather", inputs: [x([2, 4, 3]), scalarInt(-2)], attrs: { axis: 1 }, linear: true },
  { op: "GatherElements", inputs: [x([3, 2]), int64Tensor([2, 2], [0, 2, 2, -1])], linear: true },
  {
    op: "GatherElements",
    inputs: [x([2, 3]), int64Tensor([2, 1], [2, 0])],
    attrs: { axis: 1 },
    linear: true,
  },
  { op: "GatherND", inputs: [x([2, 3, 2]), int64Tensor([3, 2], [0, 1, 1, -1, 0, 1])], linear: true },
  {
    op: "GatherND",
    inputs: [x([2, 3, 2]), int64Tensor([2, 1], [1, 0])],
    attrs: { batch_dims: 1 },
    linear: true,
  },
  {
    op: "GatherND",
    inputs: [x([2, 2, 3]), int64Tensor([2, 2, 1], [1, 0, 2, 2])],
    attrs: { batch_dims: 2 },
    linear: true,
  },
  { op: "ScatterElements", inputs: [x([3, 2]), int64Tensor([2, 2], [0, 2, 2, 1]), x([2, 2])], linear: true },
  {
    op: "ScatterElements",
    inputs: [x([3, 4]), int64Tensor([2, 3], [1, -3, 1, 3, 3, -1]), x([2, 3])],
    attrs: { axis: 1 },
    linear: true,
    note: "the last of equal indices wins",
  },
  {
    op: "ScatterElements",
    inputs: [x([2, 3]), int64Tensor([2, 2], [0, 0, 2, 1]), x([2, 2])],
    attrs: { axis: 1, reduction: "add" },
    linear: true,
  },
  { op: "TensorScatter", inputs: [x([2, 4, 3]), x([2, 2, 3])], linear: true, opset: 24 },
  {
    op: "TensorScatter",
    inputs: [x([2, 3, 4]), x([2, 3, 2]), ints(2, 1)],
    attrs: { axis: -1 },
    linear: true,
    opset: 24,
  },
  {
    op: "TensorScatter",
    inputs: [x([2, 2, 4, 3]), x([2, 2, 3, 3]), ints(3, 0)],
    attrs: { mode: "circular" },
    linear: true,
    opset: 24,
  },
  { op: "ScatterND", inputs: [x([4, 2]), int64Tensor([2, 1], [3, 1]), x([2, 2])], linear: true },
  {
    op: "ScatterND",
    inputs: [x([3, 4, 2]), int64Tensor([2, 2, 2], [2, 1, 0, 3, -1, -3, 0, 0]), x([2, 2, 2])],
    linear: true,
    note: "the last of equal indices wins",
  },
  {
    op: "ScatterND",
    inputs: [x([4, 2]), int64Tensor([2, 1], [1, 1]), x([2, 2])],
    attrs: { reduction: "add" },
    linear: true,
  },
  ...["mul", "min", "max"].flatMap((reduction): Case[] => [
    {
      op: "ScatterElements",
      inputs: [x([4, 3], "distinct"), int64Tensor([3, 2], [0, 2, 2, 1, -4, 1]), x([3, 2], [-0.24, 0.24])],
      attrs: { reduction },
    },
    {
      op: "ScatterElements",
      inputs: [x([2, 3], "distinct"), int64Tensor([2, 2], [0, 0, 2, 1]), x([2, 2], [0.26, 0.3])],
      attrs: { axis: 1, reduction },
    },
    {
      op: "ScatterND",
      inputs: [x([4, 2], "distinct"), int64Tensor([3, 1], [1, -1, 1]), x([3, 2], [-0.24, 0.24])],
      attrs: { reduction },
    },
    {
      op: "ScatterND",
      inputs: [x([2, 3, 2], "distinct"), int64Tensor([2, 2], [1, 2, 0, 1]), x([2, 2], [-0.24, 0.24])],
      attrs: { reduction },
    },
    {
      op: "ScatterElements",
      inputs: [x([3], { values: [0, 2, 1] }), ints(0, 0, 1), x([3], { values: [0, 1, 2] })],
      attrs: { reduction },
      atKink: reduction !== "mul",
      note: "zeros and ties",
    },
  ]),
  { op: "ReverseSequence", inputs: [x([4, 2, 3]), ints(3, 4)], linear: true },
  {
    op: "ReverseSequence",
    inputs: [x([2, 4]), ints(0, 3)],
    attrs: { time_axis: 1, batch_axis: 0 },
    linear: true,
  },
  { op: "NonZero", inputs: [floats([2, 3], [0, 1, 0, 2, 0, 3])] },
  { op: "Compress", inputs: [x([3, 2]), bools([3], [1, 0, 1])], attrs: { axis: 0 }, linear: true },
  { op: "Compress", inputs: [x([3, 2]), bools([4], [0, 1, 1, 0])], linear: true },
  { op: "TopK", inputs: [x([2, 4], "distinct"), ints(2)], outputs: 2, linear: false },
  { op: "TopK", inputs: [x([4, 2], "distinct"), ints(3)], attrs: { axis: 0, largest: 0 }, outputs: 2 },
  { op: "OneHot", inputs: [ints(0, 2, -1), ints(3), floats([2], [0, 1])] },
  { op: "OneHot", inputs: [ints(0, 2), ints(3), floats([2], [-1, 2])], attrs: { axis: 0 } },
  { op: "OneHot", inputs: [int64Tensor([2, 2], [0, 2, -3, 5]), ints(3), ints(7, 9)], attrs: { axis: 1 } },
];

const labels = (dims: readonly number[], values: readonly number[]): Tensor => int64Tensor(dims, values);

function losses(op: string): Case[] {
  const scores = x([3, 4]);
  const y = labels([3], [1, 0, 3]);
  const weights = floats([4], [0.5, 1, 2, 1.5]);
  return [
    { op, inputs: [scores, y] },
    { op, inputs: [scores, y, weights] },
    { op, inputs: [scores, y], attrs: { reduction: "none" } },
    { op, inputs: [scores, y, weights], attrs: { reduction: "sum" } },
    { op, inputs: [scores, labels([3], [1, -100, 3])], attrs: { ignore_index: -100 } },
    {
      op,
      inputs: [x([2, 3, 2]), labels([2, 2], [0, 2, 1, 7]), floats([3], [0.5, 1, 2])],
      attrs: { ignore_index: 7 },
    },
  ];
}

const classification: readonly Case[] = [
  { op: "Softmax", inputs: [x([2, 3, 4])] },
  { op: "Softmax", inputs: [x([2, 3, 4])], attrs: { axis: 1 } },
  { op: "LogSoftmax", inputs: [x([2, 3])] },
  { op: "LogSoftmax", inputs: [x([3, 2, 2])], attrs: { axis: 0 } },
  { op: "Hardmax", inputs: [x([2, 3, 4], "distinct")], attrs: { axis: 1 } },
  ...losses("SoftmaxCrossEntropyLoss"),
  ...losses("NegativeLogLikelihoodLoss"),
  { op: "SoftmaxCrossEntropyLoss", inputs: [x([3, 4]), labels([3], [1, 0, 3])], outputs: 2 },
];

export const cases: readonly Case[] = [
  ...arithmetic,
  ...activations,
  ...comparisons,
  ...reducing,
  ...shaping,
  ...assembling,
  ...indexing,
  ...classification,
  ...nnCases,
  ...attentionCases,
  ...resamplingCases,
  ...scikitCases,
  ...microsoftCases,
  ...recurrentCases,
];
