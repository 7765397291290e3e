import type { Value } from "../../src/onnx/graph.ts";
import { int64Tensor, type Tensor } from "../../src/onnx/tensor.ts";
import { type AttributeInit, float, type GraphBuilder } from "../../src/ops/builder.ts";
import type { Case, Operand } from "../support/case.ts";
import type { Sampler } from "../support/sample.ts";

/** Rows of onnxruntime's own operators, besides attention. */

type Attributes = Readonly<Record<string, AttributeInit>>;

function x(dims: readonly number[], sample: Sampler = "default"): Operand {
  return { dims, sample };
}

function ints(...values: number[]): Tensor {
  return int64Tensor([values.length], values);
}

const microsoft = (
  op: string,
  inputs: Case["inputs"],
  attrs: Attributes = {},
  rest: Partial<Case> = {},
): Case => ({
  op,
  domain: "com.microsoft",
  inputs,
  attrs,
  ...rest,
});

/** Image, scale and shift as standard operators normalise them: mean and variance of each group by themselves. */
function normalized(b: GraphBuilder, image: Value, gamma: Value, beta: Value, groups: number): Value {
  const [n, channels, ...space] = image.dims as [number, number, ...number[]];
  const size = (channels * space.reduce((p, d) => p * d, 1)) / groups;
  const ones = b.filled({ type: "float32", dims: [groups] }, 1);
  const zeros = b.filled({ type: "float32", dims: [groups] }, 0);
  const grouped = b.reshape(image, [n, groups, size]);
  const normal = b.reshape(b.call("InstanceNormalization", [grouped, ones, zeros]), image.dims);
  const spread = (v: Value) => b.reshape(v, [1, channels, 1, 1]);
  return b.add(b.mul(normal, spread(gamma)), spread(beta));
}

const silu = (b: GraphBuilder, v: Value): Value => b.mul(v, b.unary("Sigmoid", v));
const NHWC = [0, 2, 3, 1];
const NCHW = [0, 3, 1, 2];

const normalizing: readonly Case[] = [
  microsoft(
    "GroupNorm",
    [x([2, 2, 3, 4]), x([4]), x([4])],
    { groups: 2, activation: 1 },
    {
      means: (b, [v, gamma, beta]) => [
        b.transpose(silu(b, normalized(b, b.transpose(v!, NCHW), gamma!, beta!, 2)), NHWC),
      ],
    },
  ),
  microsoft(
    "GroupNorm",
    [x([2, 4, 2, 3]), x([4]), x([4])],
    { groups: 1, activation: 0, channels_last: 0 },
    {
      means: (b, [v, gamma, beta]) => [normalized(b, v!, gamma!, beta!, 1)],
    },
  ),
  ...[
    [2, 2, 3, 4],
    [2, 4],
    [2, 1, 1, 4],
  ].map((skip) =>
    microsoft(
      "SkipGroupNorm",
      [x([2, 2, 3, 4]), x([4]), x([4]), x(skip), x([4])],
      { groups: 2, activation: 1 },
      {
        outputs: 2,
        means: (b, [v, gamma, beta, added, bias]) => {
          const planes = b.reshape(added!, skip.length === 2 ? [2, 1, 1, 4] : skip);
          const sum = b.add(b.add(v!, planes), bias!);
          return [b.transpose(silu(b, normalized(b, b.transpose(sum, NCHW), gamma!, beta!, 2)), NHWC), sum];
        },
      },
    ),
  ),
];

const biased: readonly Case[] = [
  microsoft(
    "BiasAdd",
    [x([2, 3, 4]), x([4]), x([2, 3, 4])],
    {},
    {
      linear: true,
      means: (b, [v, bias, skip]) => [b.call("Sum", [v!, bias!, skip!])],
    },
  ),
  microsoft(
    "BiasSplitGelu",
    [x([2, 3, 4]), x([4])],
    {},
    {
      means: (b, [v, bias]) => {
        const [left, right] = b.calls(
          "Split",
          [b.add(v!, bias!), b.ints([2, 2])],
          { axis: -1 },
          { outputs: 2 },
        );
        const erf = b.unary("Erf", b.div(right!, Math.SQRT2));
        return [b.mul(left!, b.mul(b.mul(right!, 0.5), b.add(erf, 1)))];
      },
    },
  ),
  ...[
    [-1, [2, 1, 4]],
    [1, [1, 3, 4]],
  ].map(([axis, bias]) =>
    microsoft(
      "BiasSoftmax",
      [x([2, 3, 4]), x(bias as number[])],
      { axis: axis as number, is_inner_broadcast: 0 },
      {
        means: (b, [v, added]) => {
          const e = b.unary("Exp", b.add(v!, added!));
          return [b.div(e, b.reduceSum(e, axis === 1 ? [1, 2] : [2]))];
        },
      },
    ),
  ),
];

const others: readonly Case[] = [
  microsoft("CDist", [x([3, 2]), x([4, 2])], { metric: "euclidean" }),
  microsoft("CDist", [x([3, 2]), x([4, 2])], { metric: "sqeuclidean" }),
  ...[[], [0]].map((extra) =>
    microsoft(
      "ConvTransposeWithDynamicPads",
      [x([1, 2, 3, 3]), x([2, 2, 3, 2]), ints(1, 0, 0, 1), ...extra.map(() => x([2]))],
      { strides: [2, 1] },
      { linear: true },
    ),
  ),
  microsoft(
    "ExpandDims",
    [x([2, 3]), { type: "int32", dims: [], data: Int32Array.from([-1]) }],
    {},
    { linear: true },
  ),
  microsoft("GatherND", [x([2, 3, 2]), int64Tensor([2, 2], [1, 2, 0, 1])], {}, { linear: true }),
  microsoft("Pad", [x([2, 3]), ints(1, 0, 0, 2), x([1])], {}, { linear: true }),
  microsoft("Pad", [x([2, 4]), ints(0, 2, 1, 1)], { mode: "reflect" }, { linear: true }),
  microsoft("Range", [int64Tensor([], [1]), int64Tensor([], [7]), int64Tensor([], [2])]),
  microsoft("Range", [int64Tensor([], [1]), int64Tensor([], [4])]),
  microsoft("Trilu", [x([2, 3, 4])], { upper: 0 }, { linear: true }),
  microsoft("Trilu", [x([3, 3]), int64Tensor([], [1])], {}, { linear: true }),
  microsoft("UnfoldTensor", [x([2, 5, 2])], { dim: 1, size: 3, step: 2 }, { linear: true }),
];

/** 3 positions, 3 experts of 4 inner elements; the router is sure of its choice. */
const router: Operand = x([3, 3], { values: [0.9, -0.6, 0.1, -0.8, 0.7, 1.6, 0.2, 1.3, -0.9] });
const mixture = (inner: number, attrs: Attributes, dims: readonly number[] = [3, 2]): Case =>
  microsoft(
    "MoE",
    [
      x(dims),
      router,
      x([3, inner, 2]),
      x([3, inner]),
      x([3, 2, attrs["activation_type"] === "swiglu" ? inner / 2 : inner]),
      x([3, 2]),
    ],
    attrs,
    { note: "experts" },
  );

const mixing: readonly Case[] = [
  mixture(4, { k: 1, activation_type: "silu" }),
  mixture(4, { k: 2, activation_type: "gelu", normalize_routing_weights: 1 }, [1, 3, 2]),
  mixture(4, { k: 2, activation_type: "identity" }),
  mixture(4, { k: 2, activation_type: "relu" }),
  mixture(4, {
    k: 2,
    activation_type: "swiglu",
    swiglu_fusion: 1,
    activation_alpha: float(1.7),
    activation_beta: float(0.5),
  }),
  mixture(4, { k: 3, activation_type: "swiglu", swiglu_fusion: 1, swiglu_limit: float(0.6) }),
];

export const microsoftCases: readonly Case[] = [...normalizing, ...biased, ...others, ...mixing];
