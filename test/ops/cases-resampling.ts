import { int64Tensor, type Tensor } from "../../src/onnx/tensor.ts";
import { type AttributeInit, float } from "../../src/ops/builder.ts";
import type { Case, Operand } from "../support/case.ts";
import type { Sampler } from "../support/sample.ts";

/** Rows of the operators that read images at other places than their elements. */

type Attributes = Readonly<Record<string, AttributeInit>>;

function x(dims: readonly number[], sample: Sampler = "default"): Operand {
  return { dims, sample };
}

function floats(...values: number[]): Tensor {
  return { type: "float32", dims: [values.length], data: Float32Array.from(values) };
}

function ints(...values: number[]): Tensor {
  return int64Tensor([values.length], values);
}

function scaled(dims: readonly number[], scales: readonly number[], attrs: Attributes): Case {
  return { op: "Resize", inputs: [x(dims), null, floats(...scales)], attrs, linear: true };
}

function sized(dims: readonly number[], sizes: readonly number[], attrs: Attributes): Case {
  return { op: "Resize", inputs: [x(dims), null, null, ints(...sizes)], attrs, linear: true };
}

const coordinates = [
  "half_pixel",
  "half_pixel_symmetric",
  "pytorch_half_pixel",
  "align_corners",
  "asymmetric",
];

const resizing: readonly Case[] = [
  ...coordinates.flatMap((coordinate_transformation_mode) => [
    ...["nearest", "linear", "cubic"].flatMap((mode) => [
      scaled([1, 2, 3, 4], [1, 1, 2, 1.6], { mode, coordinate_transformation_mode }),
      sized([1, 2, 5, 4], [1, 2, 3, 7], { mode, coordinate_transformation_mode }),
    ]),
  ]),
  ...["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"].flatMap((nearest_mode) =>
    ["asymmetric", "half_pixel", "tf_half_pixel_for_nn"].map((coordinate_transformation_mode) =>
      scaled([1, 1, 4, 6], [1, 1, 2.5, 0.5], { nearest_mode, coordinate_transformation_mode }),
    ),
  ),
  scaled([2, 3, 2, 2], [1, 1, 2, 2], { coordinate_transformation_mode: "asymmetric", nearest_mode: "floor" }),
  sized([2, 3, 5], [2, 3, 9], { mode: "linear" }),
  sized([1, 1, 2, 3, 2], [1, 1, 4, 3, 3], {
    mode: "linear",
    coordinate_transformation_mode: "align_corners",
  }),
  sized([1, 2, 1, 1], [1, 2, 3, 2], { mode: "linear", coordinate_transformation_mode: "align_corners" }),
  sized([1, 2, 4, 4], [1, 2, 1, 1], { mode: "linear", coordinate_transformation_mode: "pytorch_half_pixel" }),
  scaled([1, 1, 4, 5], [1, 1, 0.7, 1.4], { mode: "cubic", cubic_coeff_a: -0.5, exclude_outside: 1 }),
  ...["linear", "cubic"].flatMap((mode) =>
    [0, 1].flatMap((exclude_outside) => [
      sized([1, 2, 7, 8], [1, 2, 3, 5], { mode, antialias: 1, exclude_outside }),
      sized([1, 1, 5, 9], [1, 1, 8, 2], {
        mode,
        antialias: 1,
        exclude_outside,
        coordinate_transformation_mode: "pytorch_half_pixel",
      }),
    ]),
  ),
  sized([1, 2, 4, 4], [6, 3], { mode: "linear", axes: [2, 3] }),
  sized([1, 2, 4, 4], [6, 7], { axes: [3, 2], coordinate_transformation_mode: "asymmetric" }),
  ...["not_larger", "not_smaller"].map((keep_aspect_ratio_policy) =>
    sized([1, 1, 3, 4], [7, 6], { mode: "linear", axes: [2, 3], keep_aspect_ratio_policy }),
  ),
  ...["nearest", "linear"].map(
    (mode): Case => ({
      op: "Resize",
      inputs: [x([1, 1, 4, 4]), floats(0, 0, 0.4, 0.6, 1, 1, 0.6, 0.8), null, ints(1, 1, 3, 3)],
      attrs: { mode, coordinate_transformation_mode: "tf_crop_and_resize" },
      linear: true,
    }),
  ),
  {
    op: "Resize",
    inputs: [x([1, 1, 4, 4]), floats(0, 0, 0.4, 0.6, 1, 1, 1.2, 1.7), null, ints(1, 1, 3, 3)],
    attrs: {
      mode: "linear",
      coordinate_transformation_mode: "tf_crop_and_resize",
      extrapolation_value: float(10),
    },
    linear: true,
  },
];

/** Places to read at, apart from the edges between elements, inside the image and beyond. */
const grid = { values: [-1.31, -0.83, 0.11, 0.37, 0.72, 1.45, -0.19, -1.13, 0.93, -0.47, 1.17, 0.58] };

const samplingRows: readonly Case[] = [
  ...["nearest", "bilinear", "bicubic"].flatMap((mode) =>
    ["zeros", "border", "reflection"].flatMap((padding_mode) =>
      [0, 1].map(
        (align_corners): Case => ({
          op: "GridSample",
          inputs: [x([1, 2, 4, 5]), x([1, 2, 3, 2], grid)],
          attrs: { mode, padding_mode, align_corners },
          // What the frozen polynomials make of places far away is large, and so is its rounding.
          reach: 0.5,
        }),
      ),
    ),
  ),
  { op: "GridSample", inputs: [x([2, 1, 3, 3]), x([2, 3, 1, 2], grid)], opset: 20 },
  {
    op: "GridSample",
    inputs: [x([1, 1, 1, 3]), x([1, 2, 3, 2], grid)],
    attrs: { padding_mode: "reflection", align_corners: 1 },
    opset: 20,
  },
  ...["nearest", "linear"].map(
    (mode): Case => ({
      op: "GridSample",
      inputs: [x([1, 2, 2, 3, 4]), x([1, 2, 1, 2, 3], grid)],
      attrs: { mode },
      reach: 0.5,
      opset: 20,
    }),
  ),
  { op: "GridSample", domain: "com.microsoft", inputs: [x([1, 2, 4, 5]), x([1, 2, 3, 2], grid)], reach: 0.5 },
  ...[0, 1].flatMap((align_corners) => [
    {
      op: "AffineGrid",
      inputs: [x([2, 2, 3]), ints(2, 1, 3, 4)],
      attrs: { align_corners },
      linear: true,
      opset: 20,
    },
    {
      op: "AffineGrid",
      inputs: [x([1, 3, 4]), ints(1, 1, 2, 3, 2)],
      attrs: { align_corners },
      linear: true,
      opset: 20,
    },
  ]),
];

/** Regions: within, over the edge, and smaller than an element; samples apart from the edges between elements. */
const corners = [0.3, 0.7, 4.1, 3.9, -2.7, 0.4, 2.3, 6.8, 2.1, 3.2, 2.6, 3.6];
const align = (rois: Operand | Tensor, attrs: Attributes, rest: Partial<Case> = {}): Case => ({
  op: "RoiAlign",
  inputs: [x([2, 2, 5, 6], "distinct"), rois, ints(0, 1, 0)],
  attrs: { output_height: 2, output_width: 3, spatial_scale: float(0.9), ...attrs },
  reach: 0.5,
  ...rest,
});
const known: Tensor = { type: "float32", dims: [3, 4], data: Float32Array.from(corners) };

const regionRows: readonly Case[] = [
  ...["half_pixel", "output_half_pixel"].flatMap((coordinate_transformation_mode) => [
    ...["avg", "max"].flatMap((mode) => [
      align(x([3, 4], { values: corners }), { mode, coordinate_transformation_mode, sampling_ratio: 2 }),
      align(known, { mode, coordinate_transformation_mode }),
    ]),
  ]),
  ...["avg", "max"].map((mode) =>
    align(
      { ...known, data: Float32Array.from([3, 2, 1, 4, 1, 3, 4, 2, 2, 2, 2, 2]) },
      { mode },
      { note: "inside out" },
    ),
  ),
  align(x([3, 4], { values: corners }), {}),
  align(known, { sampling_ratio: 1 }, { linear: true }),
  {
    op: "RoiAlign",
    inputs: [x([2, 2, 5, 6]), { type: "float32", dims: [0, 4], data: new Float32Array(0) }, ints()],
    note: "no regions",
  },
  ...[
    [2, 2],
    [3, 1],
  ].map(
    (pooled_shape): Case => ({
      op: "MaxRoiPool",
      inputs: [
        x([2, 2, 5, 6], "distinct"),
        {
          type: "float32",
          dims: [3, 5],
          data: Float32Array.from([0, 0.3, 0.7, 4.1, 3.9, 1, 1.6, 3.3, 2.3, 8.8, 0, 9, 9, 12, 12]),
        },
      ],
      attrs: { pooled_shape, spatial_scale: float(0.9) },
    }),
  ),
  {
    op: "MaxRoiPool",
    inputs: [
      x([1, 2, 5, 6], "distinct"),
      { type: "float32", dims: [2, 5], data: Float32Array.from([0, -3, -1, 5, 9, 0, -1, -5, 3, 7]) },
    ],
    attrs: { pooled_shape: [3, 2], spatial_scale: float(0.5) },
    note: "halves below 0",
  },
];

/** Offsets away from whole numbers, some that lead outside. */
const offsets = (n: number) => ({
  values: Array.from({ length: n }, (_, i) => ((i * 7) % 11) / 3 - 1.6 + (i % 3) / 10),
});

const deformed = (
  parts: { channels?: number; filters?: number; mask?: boolean; bias?: boolean },
  attrs: Attributes,
): Case => {
  const { channels = 2, filters = 2, mask = true, bias = true } = parts;
  const group = Number(attrs["group"] ?? 1);
  const places = Number(attrs["offset_group"] ?? 1) * 4;
  const inputs = [
    x([2, channels, 4, 5]),
    x([filters, channels / group, 2, 2]),
    x([2, 2 * places, 2, 3], offsets(24 * places)),
    bias ? x([filters]) : null,
    mask ? x([2, places, 2, 3]) : null,
  ];
  const used = inputs.slice(0, inputs.findLastIndex((v) => v !== null) + 1);
  return { op: "DeformConv", inputs: used, attrs: { kernel_shape: [2, 2], ...attrs }, opset: 19, reach: 0.5 };
};

const deforming: readonly Case[] = [
  deformed({}, { dilations: [2, 2] }),
  deformed({ mask: false }, { strides: [2, 2], pads: [0, 1, 0, 1] }),
  deformed({ channels: 4, filters: 4, bias: false }, { group: 2, offset_group: 2, dilations: [2, 2] }),
  deformed({ mask: false, bias: false }, { strides: [3, 2], pads: [1, 1, 1, 0] }),
];

const fourier: readonly Case[] = [
  { op: "STFT", inputs: [x([2, 9]), int64Tensor([], [2]), x([4])] },
  { op: "STFT", inputs: [x([2, 9, 1]), int64Tensor([], [3]), x([4])], attrs: { onesided: 0 } },
  { op: "STFT", inputs: [x([1, 7, 1]), int64Tensor([], [1]), null, int64Tensor([], [5])], linear: true },
  { op: "DFT", inputs: [x([2, 5, 1])], linear: true },
  { op: "DFT", inputs: [x([2, 4, 3, 2])], attrs: { axis: 2 }, linear: true },
  { op: "DFT", inputs: [x([2, 4, 2])], attrs: { inverse: 1 }, linear: true },
  { op: "DFT", inputs: [x([2, 5, 1])], attrs: { onesided: 1 }, linear: true },
  { op: "DFT", inputs: [x([2, 3, 1]), int64Tensor([], [5])], linear: true },
  { op: "DFT", inputs: [x([2, 6, 2]), int64Tensor([], [4])], linear: true },
  { op: "DFT", inputs: [x([2, 4, 2])], attrs: { inverse: 1, onesided: 1 }, linear: true },
  {
    op: "DFT",
    inputs: [x([1, 4, 2]), int64Tensor([], [7])],
    attrs: { inverse: 1, onesided: 1 },
    linear: true,
  },
  {
    op: "DFT",
    inputs: [x([2, 4, 3, 2]), int64Tensor([], [4])],
    attrs: { inverse: 1, onesided: 1, axis: 2 },
    linear: true,
  },
  {
    op: "DFT",
    inputs: [x([4, 3, 2]), null, int64Tensor([], [-3])],
    linear: true,
    opset: 20,
  },
];

export const resamplingCases: readonly Case[] = [
  ...resizing,
  ...samplingRows,
  ...regionRows,
  ...deforming,
  ...fourier,
];
