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

export const resamplingCases: readonly Case[] = [...resizing];
