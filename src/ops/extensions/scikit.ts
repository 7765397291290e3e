import type { Call, Value } from "../../onnx/graph.ts";
import { float32Tensor, int64Tensor, type Tensor, type TensorType } from "../../onnx/tensor.ts";
import type { GraphBuilder } from "../builder.ts";
import type { OpRecord, RuleTable } from "../record.ts";
import { misfit, tensorType, typeOf } from "../typing.ts";

/**
 * Operators of the domain ai.onnx.ml that stand before or after a network in scikit-learn's exports. Their numbers
 * are attributes: none of them is trained here.
 */

const NUMERIC = ["float32", "float64", "int64", "int32"];

/** A matrix of numbers; results are float32, as the domain's operators give. */
function numericMatrix(call: Call): readonly number[] {
  const { type, dims } = typeOf(call, 0);
  if (!NUMERIC.includes(type) || dims.length !== 2) throw misfit(call, "a matrix of numbers [N, F]");
  return dims;
}

function floatMatrix(b: GraphBuilder, call: Call): Value {
  return b.cast(call.x(0), "float32");
}

/** An attribute with one float for each of `n` columns, or one for all. */
function perColumn(call: Call, name: string, n: number, otherwise: number): Tensor {
  const list = call.floats(name) ?? [otherwise];
  if (list.length !== n && list.length !== 1) throw misfit(call, `${name} of 1 or ${n} floats`);
  return float32Tensor([list.length], list);
}

/** (x − offset)·scale. */
const scaler: OpRecord = {
  wrt: [0],
  infer: (call) => {
    const dims = numericMatrix(call);
    for (const name of ["offset", "scale"]) perColumn(call, name, dims[1]!, 0);
    return [tensorType(call, "float32", dims)];
  },
  expand: (b, call) => {
    const n = call.x(0).dims[1]!;
    const centred = b.sub(floatMatrix(b, call), b.constant(perColumn(call, "offset", n, 0)));
    return [b.mul(centred, b.constant(perColumn(call, "scale", n, 1)))];
  },
};

const NORMS: Readonly<Record<string, string>> = { MAX: "ReduceMax", L1: "ReduceL1", L2: "ReduceL2" };

/** Rows over their norm; rows of norm 0 stay. */
const normalizer: OpRecord = {
  wrt: [0],
  infer: (call) => {
    if (NORMS[call.string("norm", "MAX")] === undefined) throw misfit(call, "a norm of MAX, L1 or L2");
    return [tensorType(call, "float32", numericMatrix(call))];
  },
  expand: (b, call) => {
    const x = floatMatrix(b, call);
    const norm = b.call(NORMS[call.string("norm", "MAX")] as string, [x, b.ints([1])], { keepdims: 1 });
    return [b.div(x, b.where(b.equal(norm, 0), 1, norm))];
  },
};

/** Coefficients as [rows, F], and intercepts as [rows]. */
function linearAttributes(
  call: Call,
  rows: number,
  intercepts: string,
): { weight: Tensor; bias: Tensor | null } {
  const features = numericMatrix(call)[1]!;
  const weight = call.floats("coefficients") ?? [];
  const bias = call.floats(intercepts) ?? [];
  if (rows < 1 || weight.length !== rows * features || (bias.length !== rows && bias.length !== 0))
    throw misfit(call, `${rows}·${features} coefficients and ${rows} intercepts`);
  return {
    weight: float32Tensor([rows, features], weight),
    bias: bias.length > 0 ? float32Tensor([rows], bias) : null,
  };
}

function linear(b: GraphBuilder, call: Call, rows: number, intercepts: string): Value {
  const { weight, bias } = linearAttributes(call, rows, intercepts);
  const y = b.matmul(floatMatrix(b, call), b.transposeLast(b.constant(weight)));
  return bias ? b.add(y, b.constant(bias)) : y;
}

const POST_TRANSFORMS = ["NONE", "SOFTMAX", "LOGISTIC"];

function postTransformed(b: GraphBuilder, call: Call, scores: Value): Value {
  const kind = call.string("post_transform", "NONE");
  if (kind === "SOFTMAX") return b.call("Softmax", [scores], { axis: 1 });
  return kind === "LOGISTIC" ? b.unary("Sigmoid", scores) : scores;
}

function assertPostTransform(call: Call): void {
  const kind = call.string("post_transform", "NONE");
  if (!POST_TRANSFORMS.includes(kind))
    throw misfit(
      call,
      `a post_transform among ${POST_TRANSFORMS.join(", ")}, not "${kind}"`,
      "UNSUPPORTED_OP",
    );
}

const linearRegressor: OpRecord = {
  wrt: [0],
  infer: (call) => {
    assertPostTransform(call);
    const rows = call.int("targets", 1);
    linearAttributes(call, rows, "intercepts");
    return [tensorType(call, "float32", [numericMatrix(call)[0]!, rows])];
  },
  expand: (b, call) => [postTransformed(b, call, linear(b, call, call.int("targets", 1), "intercepts"))],
};

/** The names of the classes, in the order of the scores. */
function classLabels(call: Call): Tensor {
  const ints = call.ints("classlabels_ints");
  const strings = call.attributes.get("classlabels_strings");
  if (ints !== undefined) return int64Tensor([ints.length], ints);
  if (strings?.kind !== "strings") throw misfit(call, "labels of the classes");
  return { type: "string", dims: [strings.value.length], data: [...strings.value] };
}

/** One row of coefficients for each class; the label is that of the largest score. */
const linearClassifier: OpRecord = {
  wrt: [0],
  infer: (call) => {
    assertPostTransform(call);
    const [n] = numericMatrix(call);
    const { type, dims } = classLabels(call);
    linearAttributes(call, dims[0]!, "intercepts");
    const types: TensorType[] = [{ type, dims: [n!] }, tensorType(call, "float32", [n!, dims[0]!])];
    return types.slice(0, call.numOutputs);
  },
  expand: (b, call) => {
    const labels = classLabels(call);
    const scores = linear(b, call, labels.dims[0]!, "intercepts");
    const best = b.call("ArgMax", [scores], { axis: 1, keepdims: 0 });
    const outputs = [b.gather(b.constant(labels), best, 0), postTransformed(b, call, scores)];
    return outputs.slice(0, call.numOutputs);
  },
};

/** Columns by constant or computed index. */
const arrayFeatureExtractor: OpRecord = {
  wrt: [0],
  infer: (call) => {
    const { type, dims } = typeOf(call, 0);
    const index = typeOf(call, 1);
    if (dims.length === 0 || index.type !== "int64") throw misfit(call, "an array and int64 indices");
    const count = index.dims.reduce((p, d) => p * d, 1);
    return [tensorType(call, type, [...(dims.length === 1 ? [1] : dims.slice(0, -1)), count])];
  },
  expand: (b, call) => {
    const x = call.x(0);
    const rows = x.dims.length === 1 ? b.reshape(x, [1, ...x.dims]) : x;
    const count = call.x(1).dims.reduce((p, d) => p * d, 1);
    return [b.gather(rows, b.reshape(call.x(1), [count]), rows.dims.length - 1)];
  },
};

/** 1 above the threshold, else 0: a step. */
const binarizer: OpRecord = {
  wrt: [],
  infer: (call) => [typeOf(call, 0)],
  expand: (b, call) => [b.cast(b.greater(call.x(0), call.float("threshold", 0)), call.x(0).static.type)],
};

/** Missing numbers replaced by one for each column, or for all. */
const imputer: OpRecord = {
  wrt: [0],
  infer: (call) => {
    const x = typeOf(call, 0);
    const dims = numericMatrix(call);
    if (x.type !== "int64") perColumn(call, "imputed_value_floats", dims[1]!, 0);
    else if (![1, dims[1]].includes(call.ints("imputed_value_int64s")?.length))
      throw misfit(call, "imputed_value_int64s for all columns or for each");
    return [x];
  },
  expand: (b, call) => {
    const x = call.x(0);
    if (x.static.type === "int64") {
      const missing = b.equal(x, b.scalar(call.int("replaced_value_int64", 0), "int64"));
      return [b.where(missing, b.ints(call.ints("imputed_value_int64s") ?? []), x)];
    }
    const replaced = call.float("replaced_value_float", 0);
    const missing = Number.isNaN(replaced) ? b.unary("IsNaN", x) : b.equal(x, Math.fround(replaced));
    const values = b.constant(perColumn(call, "imputed_value_floats", x.dims[1]!, 0));
    return [b.where(missing, b.cast(values, x.static.type), x)];
  },
};

/** Matrices side by side. */
const featureVectorizer: OpRecord = {
  wrt: "all",
  infer: (call) => {
    const matrices = call.inputs.map((_, i) => typeOf(call, i));
    const [rows] = numericMatrix(call);
    const fits = matrices.every(
      ({ type, dims }) => NUMERIC.includes(type) && dims.length === 2 && dims[0] === rows,
    );
    const widths = matrices.map(({ dims }) => dims[1]!);
    if (!fits || `${call.ints("inputdimensions")}` !== `${widths}`)
      throw misfit(call, "matrices of as many rows, and inputdimensions as their columns");
    return [tensorType(call, "float32", [rows!, widths.reduce((sum, n) => sum + n, 0)])];
  },
  expand: (b, call) => [
    b.concat(
      call.inputs.map((_, i) => b.cast(call.x(i), "float32")),
      1,
    ),
  ],
};

/** 1 at the category that a number is, along a new last axis. */
const oneHotEncoder: OpRecord = {
  wrt: [],
  infer: (call) => {
    const { type, dims } = typeOf(call, 0);
    const categories = call.ints("cats_int64s");
    if (categories === undefined || !NUMERIC.includes(type))
      throw misfit(call, "numbers, and categories that are numbers", "UNSUPPORTED_OP");
    return [tensorType(call, "float32", [...dims, categories.length])];
  },
  expand: (b, call) => {
    const x = b.cast(call.x(0), "int64");
    const categories = b.ints(call.ints("cats_int64s") ?? []);
    return [b.cast(b.call("Equal", [b.reshape(x, [...x.dims, 1]), categories]), "float32")];
  },
};

export const scikit: RuleTable = {
  "ai.onnx.ml::Scaler": scaler,
  "ai.onnx.ml::Normalizer": normalizer,
  "ai.onnx.ml::LinearRegressor": linearRegressor,
  "ai.onnx.ml::LinearClassifier": linearClassifier,
  "ai.onnx.ml::ArrayFeatureExtractor": arrayFeatureExtractor,
  "ai.onnx.ml::Binarizer": binarizer,
  "ai.onnx.ml::FeatureVectorizer": featureVectorizer,
  "ai.onnx.ml::Imputer": imputer,
  "ai.onnx.ml::OneHotEncoder": oneHotEncoder,
};
