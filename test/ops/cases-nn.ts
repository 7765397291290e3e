import { int64Tensor, sizeOf, type Tensor } from "../../src/onnx/tensor.ts";
import { type AttributeInit, float } from "../../src/ops/builder.ts";
import type { Case, Operand } from "../support/case.ts";
import type { Sampler } from "../support/sample.ts";

/** Rows of the operators that networks are made of: products, convolutions, pools, normalisations. */

function x(dims: readonly number[], sample: Sampler = "default"): Operand {
  return { dims, sample };
}

type Attributes = Readonly<Record<string, AttributeInit>>;

/** A row of an operator that is linear in each operand: checked with step 1. */
function linear(op: string, dims: readonly (readonly number[])[], attrs: Attributes = {}, note = ""): Case {
  return { op, inputs: dims.map((d) => x(d)), attrs, linear: true, note };
}

/** Far from singular: a difference of float32 numbers is good enough. */
const matrices: Operand = {
  dims: [2, 3, 3],
  sample: {
    values: [2, 0.3, -0.4, 0.6, -1.5, 0.2, 0.1, 0.7, 1.8, -1.6, 0.5, 0.2, -0.3, 1.9, 0.4, 0.8, -0.2, 2.1],
  },
};

const squares: readonly Case[] = [
  { op: "Det", inputs: [matrices] },
  { op: "Det", inputs: [{ dims: [2, 2], sample: { values: [1.5, 0.4, -0.6, 1.2] } }] },
  { op: "Inverse", domain: "com.microsoft", inputs: [matrices] },
];

const products: readonly Case[] = [
  linear("MatMul", [
    [2, 3],
    [3, 4],
  ]),
  linear("MatMul", [[3], [3]]),
  linear("MatMul", [[3], [3, 2]]),
  linear("MatMul", [[2, 3], [3]]),
  linear("MatMul", [[3], [2, 3, 2]]),
  linear("MatMul", [[2, 2, 3], [3]]),
  linear("MatMul", [
    [2, 2, 3],
    [3, 4],
  ]),
  linear("MatMul", [
    [2, 1, 2, 3],
    [1, 1, 3, 2],
  ]),
  linear("MatMul", [
    [2, 3],
    [1, 3, 2],
  ]),
  linear("MatMul", [
    [2, 3],
    [2, 3, 2],
  ]),
  linear("MatMul", [
    [2, 1, 2, 3],
    [2, 3, 2],
  ]),
  ...[0, 1].flatMap((transA) =>
    [0, 1].map((transB) =>
      linear("Gemm", [transA ? [3, 2] : [2, 3], transB ? [4, 3] : [3, 4], [4]], {
        transA,
        transB,
        alpha: 0.5,
        beta: 1.5,
      }),
    ),
  ),
  linear("Gemm", [
    [2, 3],
    [3, 4],
    [2, 4],
  ]),
  linear("Gemm", [
    [2, 3],
    [3, 4],
    [2, 1],
  ]),
  linear("Gemm", [[2, 3], [3, 4], []]),
  linear("Gemm", [
    [2, 3],
    [3, 4],
  ]),
  ...[0, 1].flatMap((transA) =>
    [0, 1].map(
      (transB): Case => ({
        ...linear("FusedMatMul", [transA ? [2, 3, 2] : [2, 2, 3], transB ? [2, 4, 3] : [2, 3, 4]], {
          transA,
          transB,
          alpha: 0.5,
        }),
        domain: "com.microsoft",
      }),
    ),
  ),
  {
    ...linear(
      "FusedMatMul",
      [
        [3, 2, 2],
        [3, 2, 2],
      ],
      { transBatchA: 1, transBatchB: 1, transB: 1 },
    ),
    domain: "com.microsoft",
  },
  {
    ...linear(
      "TransposeMatMul",
      [
        [3, 2],
        [3, 4],
      ],
      { transA: 1, alpha: 0.5 },
    ),
    domain: "com.microsoft",
  },
  ...(
    [
      ["Relu", {}],
      ["Tanh", {}],
      ["Sigmoid", {}],
      ["Softplus", {}],
      ["LeakyRelu", { activation_alpha: 0.25 }],
      ["Elu", { activation_alpha: 0.75 }],
      ["Selu", { activation_alpha: 1.5, activation_gamma: 1.25 }],
    ] as const
  ).map(
    ([activation, parameters]): Case => ({
      op: "FusedGemm",
      domain: "com.microsoft",
      inputs: [x([2, 3]), x([4, 3]), x([4])],
      attrs: { transB: 1, alpha: 0.5, activation, ...parameters },
    }),
  ),
  ...(
    [
      ["ij,jk->ik", [2, 3], [3, 4]],
      ["ij,jk", [2, 3], [3, 4]],
      ["bhid,bhjd->bhij", [2, 2, 3, 2], [2, 2, 4, 2]],
      ["bhwc,hkc->bhwk", [2, 2, 3, 2], [2, 4, 2]],
      ["...ij,...jk->...ik", [2, 1, 2, 3], [2, 3, 3, 2]],
      ["i,j->ij", [2], [3]],
      ["i,i->", [3], [3]],
      ["ij->ji", [2, 3]],
      ["ij->i", [2, 3]],
      ["ii->i", [3, 3]],
      ["ii", [3, 3]],
      ["ij,k->jk", [2, 3], [2]],
      ["ij , jk , kl -> il", [2, 3], [3, 2], [2, 2]],
      ["ab,b...->a...", [2, 3], [3, 2, 2]],
      ["...a,a", [2, 2, 3], [3]],
      ["ij,ij->ij", [2, 3], [1, 3]],
    ] as const
  ).map(([equation, ...dims]) => ({ ...linear("Einsum", dims, { equation }), linear: dims.length < 3 })),
];

interface Variant {
  readonly x: readonly number[];
  readonly w: readonly number[];
  readonly attrs?: Attributes;
  readonly bias?: boolean;
}

const convVariants: readonly Variant[] = [
  { x: [2, 3, 5], w: [4, 3, 3] },
  { x: [2, 3, 6], w: [4, 3, 3], attrs: { strides: [2], pads: [1, 0], dilations: [2] } },
  { x: [2, 2, 5, 4], w: [3, 2, 3, 3], attrs: { pads: [1, 1, 1, 1] }, bias: true },
  // Few channels at a large plane: the products are summed over the batch.
  { x: [2, 1, 8, 9], w: [2, 1, 3, 3], attrs: { pads: [1, 1, 1, 1] } },
  { x: [2, 2, 8, 8], w: [1, 2, 3, 2], attrs: { pads: [2, 0, 1, 1], dilations: [1, 2] } },
  // Many channels at a small plane: the batch is merged into the product.
  { x: [2, 6, 3, 3], w: [5, 6, 3, 3], attrs: { pads: [1, 1, 1, 1] } },
  { x: [3, 4, 3, 4], w: [4, 4, 2, 3], attrs: { pads: [0, 2, 1, 1] } },
  { x: [2, 4, 5, 5], w: [4, 4, 5, 5], attrs: { pads: [2, 2, 2, 2] } },
  { x: [2, 4, 4, 4], w: [4, 4, 3, 3], attrs: { pads: [2, 2, 2, 2], dilations: [2, 2] } },
  { x: [1, 2, 4, 4], w: [3, 2, 3, 3] },
  { x: [2, 4, 5, 5], w: [6, 2, 3, 3], attrs: { group: 2, pads: [1, 1, 1, 1] }, bias: true },
  { x: [2, 3, 5, 5], w: [3, 1, 3, 3], attrs: { group: 3, pads: [1, 1, 1, 1] } },
  { x: [2, 3, 6, 5], w: [6, 1, 3, 3], attrs: { group: 3, pads: [1, 1, 1, 1], strides: [2, 2] } },
  { x: [2, 4, 6, 6], w: [4, 2, 3, 3], attrs: { group: 2, strides: [2, 1] } },
  { x: [2, 2, 7, 6], w: [3, 2, 3, 3], attrs: { strides: [2, 2], pads: [1, 1, 1, 1] } },
  { x: [2, 2, 7, 6], w: [3, 2, 3, 3], attrs: { strides: [2, 2], dilations: [2, 1] } },
  { x: [2, 2, 9, 9], w: [3, 2, 7, 7], attrs: { strides: [2, 2], pads: [3, 3, 3, 3] } },
  { x: [2, 4, 9, 9], w: [2, 2, 7, 7], attrs: { strides: [2, 2], pads: [3, 3, 3, 3], group: 2 } },
  { x: [2, 3, 4, 3], w: [4, 3, 1, 1], bias: true },
  { x: [2, 4, 4, 3], w: [4, 2, 1, 1], attrs: { group: 2 } },
  { x: [2, 3, 5, 5], w: [4, 3, 1, 1], attrs: { strides: [2, 2] } },
  { x: [2, 3, 3, 3], w: [4, 3, 1, 1], attrs: { pads: [1, 1, 1, 1] } },
  { x: [2, 2, 6, 4], w: [3, 2, 3, 2], attrs: { strides: [3, 2] } },
  { x: [2, 1, 3, 3], w: [2, 1, 2, 2], attrs: { pads: [3, 0, 2, 3] } },
  ...["SAME_UPPER", "SAME_LOWER", "VALID"].map((auto_pad) => ({
    x: [1, 2, 5, 6],
    w: [2, 2, 2, 3],
    attrs: { auto_pad, strides: [2, 1] },
  })),
  { x: [1, 2, 3, 4, 3], w: [2, 2, 2, 3, 2], attrs: { pads: [1, 1, 0, 0, 1, 1] } },
  { x: [2, 2, 4, 4, 4], w: [2, 1, 2, 2, 2], attrs: { group: 2, strides: [2, 1, 2], dilations: [1, 2, 1] } },
  { x: [2, 2, 2, 3, 2], w: [3, 2, 1, 1, 1] },
];

const transposedVariants: readonly Variant[] = [
  { x: [2, 3, 4], w: [3, 2, 3] },
  { x: [2, 2, 3, 4], w: [2, 3, 3, 3], attrs: { pads: [1, 1, 1, 1] }, bias: true },
  {
    x: [2, 2, 3, 3],
    w: [2, 3, 3, 3],
    attrs: { strides: [2, 2], pads: [1, 1, 1, 1], output_padding: [1, 1] },
  },
  { x: [2, 4, 3, 3], w: [4, 1, 2, 2], attrs: { strides: [2, 2], group: 2 }, bias: true },
  { x: [1, 2, 3, 3], w: [2, 2, 3, 3], attrs: { strides: [2, 3], dilations: [2, 1] } },
  { x: [1, 2, 3, 3], w: [2, 2, 3, 3], attrs: { strides: [2, 2], output_shape: [6, 6] } },
  { x: [1, 2, 3, 3], w: [2, 2, 3, 3], attrs: { strides: [2, 2], output_shape: [7, 8] } },
  ...["SAME_UPPER", "SAME_LOWER", "VALID"].map((auto_pad) => ({
    x: [1, 2, 3, 3],
    w: [2, 2, 3, 4],
    attrs: { auto_pad, strides: [2, 2] },
  })),
  { x: [1, 2, 2, 2, 3], w: [2, 2, 2, 3, 2], attrs: { strides: [1, 2, 1] } },
  // Whole windows cut off.
  { x: [1, 2, 4, 4], w: [2, 2, 2, 2], attrs: { pads: [2, 1, 0, 3] }, bias: true },
  { x: [1, 4, 3], w: [4, 2, 3], attrs: { group: 2, strides: [2], dilations: [2], output_padding: [1] } },
];

const columns: readonly Case[] = [
  { op: "Col2Im", inputs: [x([2, 8, 6]), ints(3, 4), ints(2, 2)], linear: true },
  {
    op: "Col2Im",
    inputs: [x([1, 12, 4]), ints(5, 5), ints(2, 3)],
    attrs: { pads: [0, 1, 1, 0], strides: [2, 2], dilations: [2, 1] },
    linear: true,
  },
];

/** Activations with biases that put one channel on each side of a kink, further than any step reaches. */
const activations: readonly (readonly [string, readonly [number, number], (readonly number[])?])[] = [
  ["Relu", [3, -3]],
  ["Tanh", [0.5, -0.5]],
  ["LeakyRelu", [3, -3], [0.25]],
  ["HardSigmoid", [0.4, 6], [0.25, 0.4]],
  ["Clip", [0, 5], [-2, 2]],
];

const fusedConvs: readonly Case[] = [
  ...activations.map(
    ([activation, biases, parameters]): Case => ({
      op: "FusedConv",
      domain: "com.microsoft",
      inputs: [x([1, 2, 4, 4], [0.1, 0.5]), x([2, 2, 3, 3], [-0.05, 0.05]), x([2], { values: biases })],
      attrs: {
        activation,
        pads: [1, 1, 1, 1],
        ...(parameters && { activation_params: { kind: "floats", value: parameters } }),
      },
    }),
  ),
  {
    op: "FusedConv",
    domain: "com.microsoft",
    inputs: [x([1, 2, 3, 3]), x([2, 1, 3, 3]), x([2]), x([1, 2, 1, 1])],
    attrs: { activation: "Sigmoid", group: 2 },
  },
];

function ints(...values: number[]): Tensor {
  return int64Tensor([values.length], values);
}

function convRows(op: string, variants: readonly Variant[]): Case[] {
  return variants.map((v) => {
    const channels = op === "Conv" ? v.w[0]! : v.w[1]! * Number(v.attrs?.["group"] ?? 1);
    return linear(op, [v.x, v.w, ...(v.bias ? [[channels]] : [])], v.attrs);
  });
}

function normal(op: string, inputs: Case["inputs"], rest: Partial<Case> = {}): Case {
  return { op, inputs, ...rest };
}

/** 1, 2, 3 … */
function counted(dims: readonly number[]): Tensor {
  return { type: "float32", dims, data: new Float32Array(sizeOf(dims)).map((_, i) => i + 1) };
}

const microsoft = { domain: "com.microsoft" };

const normalizing: readonly Case[] = [
  ...[
    [2, 3, 2, 2],
    [4, 3],
    [2, 3, 4],
  ].map((dims) =>
    normal("BatchNormalization", [x(dims), x([3]), x([3]), x([3]), x([3], "positive")], {
      attrs: { epsilon: 0.01 },
    }),
  ),
  // Constants alone, so that only the value is checked: its statistics are the batch's, and there is no rule.
  normal("BatchNormalization", [counted([2, 3, 2]), ...[1, 2, 3, 4].map(() => counted([3]))], {
    attrs: { training_mode: 1, momentum: 0.5 },
    outputs: 3,
  }),
  // One sample, shaped for it: a weight, whose statistics are its own.
  normal("BatchNormalization", [x([1, 3, 4]), x([3]), x([3]), x([3]), x([3], "positive")], {
    attrs: { training_mode: 1, momentum: 0.25, epsilon: 0.01 },
    outputs: 3,
  }),
  normal("LayerNormalization", [x([2, 3, 4]), x([4]), x([4])], { attrs: { epsilon: 0.01 } }),
  normal("LayerNormalization", [x([2, 3, 4]), x([3, 4])], { attrs: { axis: 1 } }),
  normal("LayerNormalization", [x([2, 3, 4]), x([4]), x([4])], { outputs: 3 }),
  normal("InstanceNormalization", [x([2, 3, 4]), x([3]), x([3])]),
  normal("InstanceNormalization", [x([2, 3, 2, 2]), x([3]), x([3])], { attrs: { epsilon: 0.1 } }),
  normal("GroupNormalization", [x([2, 4, 3]), x([4]), x([4])], { attrs: { num_groups: 2 }, opset: 21 }),
  normal("GroupNormalization", [x([2, 4, 2, 2]), x([4]), x([4])], {
    attrs: { num_groups: 4, epsilon: 0.1 },
    opset: 21,
  }),
  normal("RMSNormalization", [x([2, 3, 4]), x([4])], { attrs: { epsilon: 0.01 }, opset: 23 }),
  normal("SimplifiedLayerNormalization", [x([2, 3, 4]), x([4])], { attrs: { epsilon: 0.01 } }),
  normal("SkipLayerNormalization", [x([2, 3, 4]), x([2, 3, 4]), x([4]), x([4]), x([4])], {
    ...microsoft,
    attrs: { epsilon: 0.01 },
  }),
  normal("SkipLayerNormalization", [x([2, 3, 4]), x([2, 3, 4]), x([4])], microsoft),
  ...[
    [1, 3, 4],
    [3, 4],
  ].map((skip) => normal("SkipLayerNormalization", [x([2, 3, 4]), x(skip), x([4])], microsoft)),
  normal("SkipSimplifiedLayerNormalization", [x([2, 3, 4]), x([2, 3, 4]), x([4]), x([4])], {
    ...microsoft,
    attrs: { epsilon: 0.01 },
  }),
  normal("MeanVarianceNormalization", [x([2, 3, 2, 2])]),
  normal("MeanVarianceNormalization", [x([2, 3, 4])], { attrs: { axes: [0, 2] } }),
  normal("LpNormalization", [x([3, 4])], { attrs: { axis: 0 } }),
  normal("LpNormalization", [x([3, 4], "awayFromZero")], { attrs: { p: 1 } }),
  normal("LRN", [x([2, 5, 2, 2])], { attrs: { size: 3, alpha: 0.5, bias: 1.5 } }),
];

const pool = (op: string, dims: readonly number[], attrs: Attributes, rest: Partial<Case> = {}): Case => ({
  op,
  inputs: [x(dims, op === "MaxPool" ? "distinct" : "default")],
  attrs,
  ...rest,
});

const kernels: readonly (readonly [readonly number[], Attributes])[] = [
  [[2, 2, 6], { kernel_shape: [3] }],
  [[2, 2, 6], { kernel_shape: [3], strides: [2], pads: [1, 1] }],
  [[2, 2, 4, 6], { kernel_shape: [2, 2], strides: [2, 2] }],
  [[2, 2, 5, 5], { kernel_shape: [2, 2], strides: [2, 2] }],
  [[2, 2, 5, 5], { kernel_shape: [2, 2], strides: [2, 2], ceil_mode: 1 }],
  [[1, 2, 5, 6], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }],
  [[1, 2, 6, 6], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 0, 1, 0], ceil_mode: 1 }],
  // The last window would start in the padding at the end.
  [[1, 1, 4, 4], { kernel_shape: [2, 2], strides: [3, 3], pads: [1, 1, 1, 1], ceil_mode: 1 }],
  [[1, 2, 5, 5], { kernel_shape: [3, 2], pads: [2, 1, 1, 0] }],
  [[1, 2, 6, 6], { kernel_shape: [2, 2], strides: [3, 3] }],
  [[1, 2, 3, 4, 3], { kernel_shape: [2, 2, 2], strides: [1, 2, 1], pads: [1, 0, 0, 0, 1, 1] }],
  ...["SAME_UPPER", "SAME_LOWER", "VALID"].map(
    (auto_pad) => [[1, 2, 5, 6], { kernel_shape: [2, 3], strides: [2, 1], auto_pad }] as const,
  ),
];

const pools: readonly Case[] = [
  ...kernels.map(([dims, attrs]) => pool("MaxPool", dims, attrs)),
  pool("MaxPool", [1, 2, 7, 6], { kernel_shape: [2, 3], dilations: [3, 2], pads: [1, 1, 0, 1] }),
  pool("MaxPool", [2, 2, 3, 4], { kernel_shape: [2, 2] }, { outputs: 2 }),
  pool("MaxPool", [2, 2, 3, 4], { kernel_shape: [2, 2], storage_order: 1 }, { outputs: 2 }),
  {
    ...pool("MaxPool", [1, 1, 2, 4], { kernel_shape: [2, 2] }),
    inputs: [x([1, 1, 2, 4], [1, 1])],
    atKink: true,
  },
  ...kernels.flatMap(([dims, attrs]) =>
    [0, 1].map((count_include_pad) =>
      pool("AveragePool", dims, { ...attrs, count_include_pad }, { linear: true }),
    ),
  ),
  ...[0, 1].map((count_include_pad) =>
    pool(
      "AveragePool",
      [1, 2, 7, 6],
      { kernel_shape: [2, 3], dilations: [3, 2], pads: [1, 1, 0, 1], count_include_pad },
      { linear: true, opset: 19 },
    ),
  ),
  pool("GlobalAveragePool", [2, 3, 4], {}, { linear: true }),
  pool("GlobalAveragePool", [2, 3, 2, 2], {}, { linear: true }),
  { ...pool("GlobalMaxPool", [2, 3, 2, 3], {}), inputs: [x([2, 3, 2, 3], "distinct")] },
  {
    op: "MaxUnpool",
    inputs: [x([1, 2, 2, 2]), int64Tensor([1, 2, 2, 2], [0, 3, 8, 14, 17, 22, 25, 31])],
    attrs: { kernel_shape: [2, 2], strides: [2, 2] },
    linear: true,
  },
  {
    op: "MaxUnpool",
    inputs: [x([1, 1, 2, 2]), int64Tensor([1, 1, 2, 2], [0, 3, 12, 18]), ints(1, 1, 5, 5)],
    attrs: { kernel_shape: [2, 2], strides: [2, 2] },
    linear: true,
  },
  pool("LpPool", [2, 2, 5, 4], { kernel_shape: [3, 2], strides: [2, 1], pads: [1, 0, 1, 1] }),
  {
    ...pool("LpPool", [2, 2, 5], { kernel_shape: [2], p: 3 }),
    inputs: [x([2, 2, 5], "awayFromZero")],
    // Beyond 0 the frozen sum of cubes would be negative, and have no root.
    reach: 0.4,
  },
  pool("GlobalLpPool", [2, 3, 2, 2], {}),
  { ...pool("GlobalLpPool", [2, 3, 4], { p: 1 }), inputs: [x([2, 3, 4], "awayFromZero")] },
];

const old = (op: string, dims: readonly number[], attrs: Attributes): Case => ({
  op,
  inputs: [x(dims)],
  attrs,
  opset: 7,
});

const experimental: readonly Case[] = [
  ...["Affine", "ScaledTanh", "ParametricSoftplus"].map((op) =>
    old(op, [2, 3], { alpha: float(1.5), beta: float(0.75) }),
  ),
  old("Scale", [2, 3], { scale: float(0.3) }),
  old("ImageScaler", [1, 2, 2, 3], { scale: float(0.3), bias: { kind: "floats", value: [0.5, -1] } }),
  old("Crop", [1, 2, 4, 5], { border: [1, 0, 2, 1] }),
  old("Crop", [1, 2, 4, 5], { border: [1, 0, 2, 1], scale: [2, 3] }),
];

export const nnCases: readonly Case[] = [
  ...squares,
  ...products,
  ...convRows("Conv", convVariants),
  ...convRows("ConvTranspose", transposedVariants),
  ...columns,
  ...fusedConvs,
  ...normalizing,
  ...pools,
  ...experimental,
];
