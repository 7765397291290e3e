import type { Value } from "../../src/onnx/graph.ts";
import { int64Tensor, type Tensor } from "../../src/onnx/tensor.ts";
import { type AttributeInit, float, type GraphBuilder } from "../../src/ops/builder.ts";
import type { Operand } from "../support/case.ts";
import type { Sampler } from "../support/sample.ts";
import { lowered, type Row } from "./lowering-check.ts";

type Attributes = Readonly<Record<string, AttributeInit>>;

function x(dims: readonly number[], sample: Sampler = "default"): Operand {
  return { dims, sample };
}

/** A constant that takes the type of the others. */
function numbers(b: GraphBuilder, like: Value, dims: readonly number[], values: readonly number[]): Value {
  const tensor: Tensor = { type: "float64", dims, data: Float64Array.from(values) };
  return b.cast(b.constant(tensor), like.static.type);
}

function ints(b: GraphBuilder, dims: readonly number[], values: readonly number[]): Value {
  return b.constant(int64Tensor(dims, values));
}

const MS = { domain: "com.microsoft" };

/** An operator of one input whose gradient operator takes its input, or its output. */
function unary(
  op: string,
  grad: string,
  by: "x" | "y",
  rest: {
    attrs?: Attributes;
    sample?: Sampler;
    dims?: readonly number[];
    domain?: string;
    kinked?: boolean;
  } = {},
): Row {
  const { attrs = {}, sample, dims = [3, 4], domain = "", kinked = false } = rest;
  return {
    op: grad,
    note: `by ${by} ${JSON.stringify(attrs)}`,
    x: [x(dims, sample)],
    forward: (b, [v]) => [b.call(op, [v as Value], attrs, { domain })],
    inputs: (dy, [v], [y]) => [dy, (by === "x" ? v : y) as Value],
    attrs,
    kinked,
  };
}

/** A GELU of x + bias, of which the gradient operator gives dX. */
function biased(op: string, grad: string): Row {
  return {
    op: grad,
    x: [x([2, 3, 4]), x([4])],
    forward: (b, [v, bias]) => [b.call(op, [v as Value, bias as Value], {}, MS)],
    inputs: (dy, [v, bias]) => [dy, v as Value, bias as Value],
    outputs: [0],
  };
}

/** Softmax before opset 13: over all axes from `axis` on. */
function flattened(op: string, axis: number): Row {
  const rows = axis === 0 ? [1, 24] : axis === 1 ? [2, 12] : [6, 4];
  return {
    op: `com.microsoft::${op}Grad`,
    note: `axis=${axis}`,
    x: [x([2, 3, 4])],
    forward: (b, [v]) => [b.reshape(b.call(op, [b.reshape(v as Value, rows)], { axis: 1 }), [2, 3, 4])],
    inputs: (dy, _x, [y]) => [dy, y as Value],
    attrs: { axis },
  };
}

const activations: readonly Row[] = [
  unary("Relu", "com.microsoft::ReluGrad", "x", { sample: "awayFromZero", kinked: true }),
  unary("Relu", "com.microsoft::ReluGrad", "y", { sample: "awayFromZero", kinked: true }),
  unary("Relu", "com.microsoft::ReluGrad", "y", {
    dims: [5],
    sample: { values: [0, -0, 1, -1, 1e-30] },
    kinked: true,
  }),
  unary("Relu", "com.microsoft::ReluGrad", "x", {
    dims: [5],
    sample: { values: [0, -0, 1, -1, 1e-30] },
    kinked: true,
  }),
  unary("LeakyRelu", "com.microsoft::LeakyReluGrad", "y", { sample: "awayFromZero", kinked: true }),
  unary("LeakyRelu", "com.microsoft::LeakyReluGrad", "y", { attrs: { alpha: 0.25 }, kinked: true }),
  unary("LeakyRelu", "com.microsoft::LeakyReluGrad", "y", {
    attrs: { alpha: 0.25 },
    dims: [3],
    sample: { values: [0, 1, -1] },
    kinked: true,
  }),
  unary("Sigmoid", "com.microsoft::SigmoidGrad", "y"),
  unary("Tanh", "com.microsoft::TanhGrad", "y"),
  unary("Gelu", "com.microsoft::GeluGrad", "x", MS),
  unary("FastGelu", "com.microsoft::FastGeluGrad", "x", MS),
  unary("QuickGelu", "com.microsoft::QuickGeluGrad", "x", MS),
  unary("QuickGelu", "com.microsoft::QuickGeluGrad", "x", { ...MS, attrs: { alpha: 0.75 } }),
  biased("BiasGelu", "com.microsoft::BiasGeluGrad_dX"),
  biased("FastGelu", "com.microsoft::BiasFastGeluGrad_dX"),
  ...[-1, 0, 1].flatMap((axis) => [
    unary("Softmax", "com.microsoft::SoftmaxGrad_13", "y", { attrs: { axis }, dims: [2, 3, 4] }),
    unary("LogSoftmax", "com.microsoft::LogSoftmaxGrad_13", "y", { attrs: { axis }, dims: [2, 3, 4] }),
    flattened("Softmax", Math.abs(axis)),
    flattened("LogSoftmax", axis + 1),
  ]),
];

/** A convolution and its gradient operator; without a bias it has two outputs. */
function convolution(op: string, dims: readonly (readonly number[])[], attrs: Attributes = {}): Row {
  return {
    op: `com.microsoft::${op}Grad`,
    note: `${dims.map((d) => `[${d}]`).join(" ")} ${JSON.stringify(attrs)}`,
    x: dims.map((d) => x(d)),
    forward: (b, v) => [b.call(op, v, attrs)],
    inputs: (dy, [v, w]) => [dy, v as Value, w as Value],
    attrs,
  };
}

/** A MaxPool and what its gradient operator is given. */
function maxPool(dims: readonly number[], attrs: Attributes, sample: Sampler = "distinct"): Row {
  return {
    op: "MaxPoolGrad",
    note: JSON.stringify({ ...attrs, dims }),
    x: [x(dims, sample)],
    forward: (b, [v]) => b.calls("MaxPool", [v as Value], attrs, { outputs: 2 }),
    inputs: (dy, _x, [, indices]) => [dy, indices as Value],
    attrs,
    kinked: true,
  };
}

function averagePool(dims: readonly number[], attrs: Attributes): Row {
  return {
    op: "AveragePoolGrad",
    note: JSON.stringify({ ...attrs, dims }),
    x: [x(dims)],
    forward: (b, [v]) => [b.call("AveragePool", [v as Value], attrs)],
    inputs: (dy, [v]) => [dy, v as Value],
    attrs,
  };
}

const convolutions: readonly Row[] = [
  convolution("Conv", [[2, 3, 7], [4, 3, 3], [4]]),
  convolution("Conv", [[2, 3, 6, 5], [4, 3, 3, 2], [4]], { pads: [1, 0, 1, 1], kernel_shape: [3, 2] }),
  convolution(
    "Conv",
    [
      [2, 3, 7, 8],
      [4, 3, 3, 3],
    ],
    { strides: [2, 3], pads: [1, 1, 1, 1] },
  ),
  convolution("Conv", [[2, 4, 7, 7], [4, 2, 3, 3], [4]], { dilations: [2, 2], group: 2 }),
  convolution(
    "Conv",
    [
      [1, 3, 6, 6],
      [3, 1, 2, 2],
    ],
    { group: 3, strides: [2, 2] },
  ),
  convolution("Conv", [[1, 2, 5, 6], [3, 2, 3, 3], [3]], { auto_pad: "SAME_UPPER", strides: [2, 2] }),
  convolution(
    "Conv",
    [
      [1, 2, 5, 6],
      [3, 2, 2, 2],
    ],
    { auto_pad: "SAME_LOWER" },
  ),
  convolution("Conv", [[1, 2, 4, 4, 3], [2, 2, 2, 2, 2], [2]]),
  convolution("ConvTranspose", [[2, 3, 5], [3, 2, 3], [2]]),
  convolution(
    "ConvTranspose",
    [
      [2, 3, 4, 4],
      [3, 2, 3, 3],
    ],
    { strides: [2, 2], pads: [1, 1, 1, 1], output_padding: [1, 1] },
  ),
  convolution("ConvTranspose", [[1, 4, 3, 3], [4, 2, 2, 2], [4]], { group: 2, dilations: [2, 1] }),
];

const pools: readonly Row[] = [
  maxPool([2, 3, 8], { kernel_shape: [2], strides: [2] }),
  maxPool([2, 2, 6, 6], { kernel_shape: [2, 2], strides: [2, 2], storage_order: 0 }),
  maxPool([1, 2, 7, 6], { kernel_shape: [3, 2], strides: [2, 1], pads: [1, 0, 1, 1] }),
  maxPool([1, 2, 7, 7], { kernel_shape: [2, 2], strides: [3, 3], ceil_mode: 1 }),
  maxPool([1, 1, 7, 7], { kernel_shape: [2, 2], dilations: [2, 2] }),
  maxPool([1, 1, 5, 5], { kernel_shape: [3, 3], auto_pad: "SAME_UPPER" }),
  // Ties: the first.
  maxPool([1, 1, 4], { kernel_shape: [2], strides: [2] }, { values: [1, 1, 0, 0] }),
  averagePool([2, 3, 8], { kernel_shape: [2], strides: [2] }),
  averagePool([2, 2, 6, 6], { kernel_shape: [2, 2], strides: [2, 2], count_include_pad: 1 }),
  averagePool([1, 2, 7, 6], { kernel_shape: [3, 2], strides: [2, 1], pads: [1, 0, 1, 1] }),
  averagePool([1, 2, 7, 6], {
    kernel_shape: [3, 2],
    strides: [2, 1],
    pads: [1, 0, 1, 1],
    count_include_pad: 1,
  }),
  averagePool([1, 2, 7, 7], { kernel_shape: [2, 2], strides: [3, 3], ceil_mode: 1 }),
  averagePool([1, 1, 5, 5], { kernel_shape: [3, 3], auto_pad: "SAME_LOWER" }),
];

interface LossOptions {
  readonly reduction?: string;
  readonly ignore?: number;
  readonly weighted?: boolean;
  readonly dims?: readonly number[];
  readonly labels?: readonly number[];
}

const SCORES = { dims: [4, 3], labels: [2, 0, 1, 2] };
const SEGMENTS = { dims: [2, 3, 2, 2], labels: [0, 1, 2, 0, 2, 2, 1, 0] };

/** SoftmaxCrossEntropyLoss with its gradient operator, or the internal pair of both. */
function classLoss(internal: boolean, options: LossOptions): Row {
  const { reduction, ignore, weighted, dims = SCORES.dims, labels = SCORES.labels } = options;
  const perPosition = dims.toSpliced(1, 1);
  const name = `com.microsoft::SoftmaxCrossEntropyLoss${internal ? "Internal" : ""}`;
  const attrs: Attributes = {
    ...(reduction === undefined ? {} : { reduction }),
    ...(ignore === undefined || internal ? {} : { ignore_index: ignore }),
  };
  const more = (b: GraphBuilder, like: Value) => [
    ints(b, perPosition, labels),
    weighted ? numbers(b, like, [3], [0.5, 2, 1.25]) : null,
    ...(internal && ignore !== undefined ? [ints(b, [], [ignore])] : []),
  ];
  return {
    op: `${name}Grad`,
    note: JSON.stringify(options),
    x: [x(dims)],
    forward: (b, [scores]) => {
      const inputs = [scores as Value, ...more(b, scores as Value)];
      return internal
        ? lowered(b, name, inputs, attrs, 2)
        : b.calls("SoftmaxCrossEntropyLoss", inputs, attrs, { outputs: 2 });
    },
    inputs: (dy, [scores], [, logp], b) => [dy, logp as Value, ...more(b, scores as Value)],
    attrs,
  };
}

/** The older losses, with the classes on the last axis. */
function oldLoss(prefix: string, sparse: boolean, reduction: string, weighted = false): Row {
  const name = `${prefix}${sparse ? "Sparse" : ""}SoftmaxCrossEntropy`;
  const more = (b: GraphBuilder, like: Value) => {
    if (sparse)
      return [ints(b, [2, 2], [2, 0, 1, 2]), weighted ? numbers(b, like, [2, 2], [0.5, 2, 1.25, 0]) : null];
    return [numbers(b, like, [2, 2, 3], [0, 0, 1, 0.25, 0.25, 0.5, 1, 0, 0, 0, 1, 0])];
  };
  return {
    op: `${name}Grad`,
    note: `${reduction}${weighted ? " weighted" : ""}`,
    x: [x([2, 2, 3])],
    forward: (b, [scores]) =>
      lowered(b, name, [scores as Value, ...more(b, scores as Value)], { reduction }, 2),
    inputs: (dy, [scores], [, logp], b) => [dy, logp as Value, ...more(b, scores as Value)],
    attrs: { reduction },
  };
}

const losses: readonly Row[] = [
  ...[false, true].flatMap((internal) => [
    classLoss(internal, {}),
    ...["mean", "sum", "none"].flatMap((reduction) => [
      classLoss(internal, { reduction, ...SEGMENTS }),
      classLoss(internal, { reduction, weighted: true }),
      classLoss(internal, { reduction, ignore: 2 }),
      classLoss(internal, { reduction, ignore: -100, weighted: true, labels: [2, -100, 1, 0] }),
    ]),
    classLoss(internal, { ignore: 0, weighted: true, ...SEGMENTS }),
  ]),
  ...["mean", "sum"].flatMap((reduction) => [
    oldLoss("", false, reduction),
    oldLoss("com.microsoft::", false, reduction),
    oldLoss("", true, reduction),
    oldLoss("", true, reduction, true),
  ]),
];

/** Batch norm with the statistics of the batch. */
function batchNorm(dims: readonly number[], attrs: Attributes = {}): Row {
  const c = dims[1] as number;
  return {
    op: "com.microsoft::BatchNormalizationGrad",
    note: JSON.stringify({ ...attrs, dims }),
    x: [x(dims), x([c], "positive"), x([c])],
    forward: (b, [v, scale, bias]) => {
      const statistics = [0, 1].map((s) => numbers(b, v as Value, [c], new Array(c).fill(s)));
      const inputs = [v as Value, scale as Value, bias as Value, ...statistics];
      return lowered(b, "com.microsoft::BatchNormInternal", inputs, { ...attrs, training_mode: 1 }, 5);
    },
    inputs: (dy, [v, scale], y) => [dy, v as Value, scale as Value, y[3] as Value, y[4] as Value],
    attrs,
  };
}

/** Layer norms over the axes from `axis` on; `given` picks what the gradient operator is given. */
function layerNorm(kind: "" | "Simplified" | "Invertible", axis: number, epsilon = 1e-5): Row {
  const dims = [2, 3, 4];
  const scale = dims.slice(axis < 0 ? axis + 3 : axis);
  const simplified = kind === "Simplified";
  const attrs = { axis, epsilon: float(epsilon) };
  return {
    op: `com.microsoft::${kind}LayerNormalizationGrad`,
    note: `axis=${axis} epsilon=${epsilon}`,
    x: [x(dims), x(scale, "positive"), ...(simplified ? [] : [x(scale)])],
    forward: (b, v) =>
      simplified
        ? b.calls("SimplifiedLayerNormalization", v, attrs, { outputs: 2 })
        : b.calls("LayerNormalization", v, attrs, { outputs: 3 }),
    inputs: (dy, [v, s, bias], [y, m, inverse]) => {
      if (kind === "Invertible") return [dy, y as Value, s as Value, bias as Value, inverse as Value];
      if (simplified) return [dy, v as Value, s as Value, m as Value];
      return [dy, v as Value, s as Value, m as Value, inverse as Value];
    },
    attrs,
  };
}

const normalizations: readonly Row[] = [
  batchNorm([4, 3]),
  batchNorm([3, 2, 4]),
  batchNorm([2, 3, 3, 2], { epsilon: 0.125 }),
  ...(["", "Simplified", "Invertible"] as const).flatMap((kind) => [
    layerNorm(kind, -1),
    layerNorm(kind, 1),
    layerNorm(kind, 0),
    layerNorm(kind, 2, 0.25),
  ]),
];

function gather(
  dims: readonly number[],
  indexDims: readonly number[],
  index: readonly number[],
  axis: number,
): Row {
  return {
    op: "com.microsoft::GatherGrad",
    note: `[${dims}] at [${indexDims}] axis=${axis}`,
    x: [x(dims)],
    forward: (b, [v]) => [b.gather(v as Value, ints(b, indexDims, index), axis)],
    inputs: (dy, _x, _y, b) => [b.ints(dims), ints(b, indexDims, index), dy],
    attrs: { axis },
  };
}

function gatherNd(
  dims: readonly number[],
  indexDims: readonly number[],
  index: readonly number[],
  batch_dims = 0,
): Row {
  return {
    op: "com.microsoft::GatherNDGrad",
    note: `[${dims}] at [${indexDims}] batch_dims=${batch_dims}`,
    x: [x(dims)],
    forward: (b, [v]) => [b.call("GatherND", [v as Value, ints(b, indexDims, index)], { batch_dims })],
    inputs: (dy, _x, _y, b) => [b.ints(dims), ints(b, indexDims, index), dy],
    attrs: { batch_dims },
  };
}

function slice(
  dims: readonly number[],
  starts: readonly number[],
  ends: readonly number[],
  axes?: readonly number[],
  steps?: readonly number[],
): Row {
  const more = (b: GraphBuilder) => [
    b.ints(starts),
    b.ints(ends),
    axes ? b.ints(axes) : null,
    steps ? b.ints(steps) : null,
  ];
  return {
    op: "com.microsoft::SliceGrad",
    note: `[${dims}] ${starts} to ${ends} ${axes ?? ""} ${steps ?? ""}`,
    x: [x(dims)],
    forward: (b, [v]) => [b.call("Slice", [v as Value, ...more(b)])],
    inputs: (dy, _x, _y, b) => [dy, b.ints(dims), ...more(b)],
  };
}

const indexing: readonly Row[] = [
  gather([5, 3], [4], [0, 2, 2, 4], 0),
  gather([5, 3], [2, 2], [0, -1, 2, 2], 0),
  gather([2, 5, 3], [3], [4, 1, 1], 1),
  gather([2, 5], [], [3], 1),
  gather([2, 3, 5], [2], [-1, -5], -1),
  gatherNd([3, 4], [2, 2], [0, 1, 2, 3]),
  gatherNd([3, 4], [2, 1], [1, 1]),
  gatherNd([2, 3, 4], [2, 2, 1], [0, 2, 1, 1], 1),
  {
    op: "com.microsoft::GatherElementsGrad",
    note: "of GatherElements",
    x: [x([3, 4])],
    forward: (b, [v]) => [
      b.call("GatherElements", [v as Value, ints(b, [2, 4], [0, 1, 1, 2, 2, 1, 0, 2])], { axis: 0 }),
    ],
    inputs: (dy, _x, _y, b) => [dy, b.ints([3, 4]), ints(b, [2, 4], [0, 1, 1, 2, 2, 1, 0, 2])],
    attrs: { axis: 0 },
  },
  ...[0, -1].map(
    (axis): Row => ({
      op: "com.microsoft::GatherElementsGrad",
      note: `of TopK axis=${axis}`,
      x: [x([3, 4], "distinct")],
      forward: (b, [v]) => b.calls("TopK", [v as Value, b.ints([2])], { axis }, { outputs: 2 }),
      inputs: (dy, _x, [, index], b) => [dy, b.ints([3, 4]), index as Value],
      attrs: { axis },
      kinked: true,
    }),
  ),
  slice([5, 4], [1], [4], [0]),
  slice([5, 4], [0, 1], [-1, 3]),
  slice([6, 5], [0, -1], [6, -6], [0, 1], [2, -2]),
  slice([6], [1], [2 ** 40], [0], [3]),
];

/** Operands of a quotient; `outputs` picks the gradients asked for. */
function quotient(a: readonly number[], b: readonly number[]): Row {
  return {
    op: "com.microsoft::DivGrad",
    note: `[${a}] [${b}]`,
    x: [x(a), x(b, "awayFromZero")],
    forward: (builder, [p, q]) => [builder.div(p as Value, q as Value)],
    inputs: (dy, [p, q]) => [dy, p as Value, q as Value],
  };
}

/** With nothing dropped its gradient operator passes dY on. */
function dropout(name: string, grad: string): Row {
  const inputs = (b: GraphBuilder, v: Value): Value[] => [
    v,
    numbers(b, v, [], [0.5]),
    b.constant({ type: "bool", dims: [], data: Uint8Array.of(1) }),
  ];
  return {
    op: grad,
    x: [x([3, 4])],
    forward: (b, [v]) => lowered(b, name, inputs(b, v as Value), {}, 2),
    inputs: (dy, [v], [, mask], b) => [dy, mask as Value, ...inputs(b, v as Value).slice(1)],
  };
}

const softmaxDropout: Row = {
  op: "com.microsoft::SoftmaxDropoutGrad",
  x: [x([2, 3, 4]), x([2, 1, 4])],
  forward: (b, [v, bias]) => {
    const inputs = [v as Value, bias as Value, numbers(b, v as Value, [], [0.5])];
    return lowered(b, "com.microsoft::BiasSoftmaxDropout", inputs, { axis: 2 }, 3);
  },
  inputs: (dy, [v], [, mask, y], b) => [dy, y as Value, mask as Value, numbers(b, v as Value, [], [0.5])],
  attrs: { axis: 2 },
  outputs: [0],
};

const others: readonly Row[] = [
  quotient([2, 3], [2, 3]),
  quotient([2, 3], [3]),
  quotient([3], [2, 3]),
  quotient([2, 3], []),
  quotient([2, 1], [1, 3]),
  dropout("Dropout", "com.microsoft::DropoutGrad"),
  dropout("com.microsoft::BitmaskDropout", "com.microsoft::BitmaskDropoutGrad"),
  softmaxDropout,
];

/** Resize by scales or by sizes. */
function resize(
  dims: readonly number[],
  to: { scales?: readonly number[]; sizes?: readonly number[] },
  attrs: Attributes,
): Row {
  const scales = (b: GraphBuilder) =>
    to.scales
      ? b.constant({ type: "float32", dims: [to.scales.length], data: Float32Array.from(to.scales) })
      : null;
  return {
    op: "com.microsoft::ResizeGrad",
    note: JSON.stringify({ dims, ...to, ...attrs }),
    x: [x(dims)],
    forward: (b, [v]) => [
      b.call("Resize", [v as Value, null, scales(b), to.sizes ? b.ints(to.sizes) : null], attrs),
    ],
    inputs: (dy, [v], _y, b) => [dy, v as Value, null, scales(b)],
    attrs,
  };
}

const resampling: readonly Row[] = [
  resize(
    [1, 2, 3, 4],
    { scales: [1, 1, 2, 2] },
    { mode: "nearest", coordinate_transformation_mode: "asymmetric" },
  ),
  resize([1, 2, 5, 4], { scales: [1, 1, 0.6, 1.5] }, { mode: "nearest", nearest_mode: "floor" }),
  resize([1, 2, 3, 4], { scales: [1, 1, 2, 1.5] }, { mode: "linear" }),
  resize(
    [1, 2, 3, 4],
    { sizes: [1, 2, 5, 7] },
    { mode: "linear", coordinate_transformation_mode: "align_corners" },
  ),
  resize([2, 3, 4], { sizes: [5] }, { mode: "linear", axes: [1] }),
  resize([1, 1, 6, 5], { sizes: [1, 1, 4, 7] }, { mode: "cubic" }),
];

/** Every gradient operator over its variants. */
export const rows: readonly Row[] = [
  ...activations,
  ...convolutions,
  ...pools,
  ...losses,
  ...normalizations,
  ...indexing,
  ...others,
  ...resampling,
];
