import { float32Tensor, int64Tensor } from "../../src/onnx/tensor.ts";
import { type AttributeInit, float } from "../../src/ops/builder.ts";
import type { Case, Operand } from "../support/case.ts";
import type { Sampler } from "../support/sample.ts";

/** Rows of scikit-learn's operators: their numbers are attributes, their results float32. */

function x(dims: readonly number[], sample: Sampler = "default"): Operand {
  return { dims, sample };
}

const floats = (...value: number[]): AttributeInit => ({ kind: "floats", value });

function row(op: string, inputs: Case["inputs"], rest: Partial<Case> = {}): Case {
  return { op, domain: "ai.onnx.ml", inputs, type: "float32", ...rest };
}

const coefficients = floats(0.5, -1, 0.25, 1, 0.75, -0.5);

export const scikitCases: readonly Case[] = [
  row("Scaler", [x([3, 2])], { attrs: { offset: floats(1, -2), scale: floats(0.5, 3) }, linear: true }),
  row("Scaler", [x([3, 2])], { attrs: { offset: floats(1), scale: floats(0.5) }, linear: true }),
  row("Scaler", [int64Tensor([1, 2], [3, -4])], { attrs: { offset: floats(1, 2), scale: floats(2, 2) } }),
  row("Normalizer", [x([3, 4], "awayFromZero")], { attrs: { norm: "L1" } }),
  row("Normalizer", [x([3, 4])], { attrs: { norm: "L2" } }),
  row("Normalizer", [x([3, 4], "positive")], { attrs: { norm: "L1" } }),
  row("LinearRegressor", [x([3, 3])], {
    attrs: { coefficients, intercepts: floats(0.1, 0.2), targets: 2 },
    linear: true,
  }),
  row("LinearRegressor", [x([3, 6])], { attrs: { coefficients }, linear: true }),
  ...["NONE", "SOFTMAX", "LOGISTIC"].map((post_transform) =>
    row("LinearClassifier", [x([4, 2])], {
      attrs: {
        coefficients,
        intercepts: floats(0.1, 0.2, -0.3),
        classlabels_ints: [7, 3, 5],
        multi_class: 1,
        post_transform,
      },
      outputs: 2,
    }),
  ),
  row("ArrayFeatureExtractor", [x([2, 4]), int64Tensor([1, 3], [2, 0, 2])], { linear: true }),
  row("ArrayFeatureExtractor", [x([4]), int64Tensor([2], [3, 1])], { linear: true }),
  row("Imputer", [x([2, 3])], {
    attrs: { imputed_value_floats: floats(1, 2, 3), replaced_value_float: float(Number.NaN) },
    linear: true,
  }),
  row("Imputer", [float32Tensor([2, 2], [1.5, -1, 0.5, 1.5])], {
    attrs: { imputed_value_floats: floats(0.25), replaced_value_float: float(1.5) },
  }),
  row("Imputer", [int64Tensor([2, 2], [1, 7, 7, 3])], {
    attrs: { imputed_value_int64s: [4, 5], replaced_value_int64: 7 },
  }),
  row("FeatureVectorizer", [x([2, 3]), x([2, 1])], {
    attrs: { inputdimensions: [3, 1] },
    linear: true,
  }),
  row("FeatureVectorizer", [int64Tensor([2, 1], [4, -1])], { attrs: { inputdimensions: [1] } }),
  row("OneHotEncoder", [int64Tensor([2, 2], [3, 1, 9, 2])], { attrs: { cats_int64s: [1, 2, 3] } }),
  row("OneHotEncoder", [float32Tensor([3], [2, 1, 5])], { attrs: { cats_int64s: [1, 2] } }),
  row("Binarizer", [x([2, 3], "awayFromZero")], { attrs: { threshold: 0.25 } }),
];
