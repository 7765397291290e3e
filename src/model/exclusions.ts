import type { Value } from "../onnx/graph.ts";
import { sizeOf } from "../onnx/tensor.ts";
import {
  isCounting,
  isEquidistant,
  isFilterBank,
  isGeometric,
  isTrigonometric,
  isWindowedFourier,
} from "./computed-tables.ts";
import {
  foldedFrom,
  isBarring,
  isBinary,
  isOnInput,
  isPenalty,
  isTriangular,
  isWeightUse,
  isWhole,
  notedKind,
  type Use,
  uniform,
} from "./initializer-evidence.ts";
import { hasGeneratedName, isLiteResult, isStatePath, isTensorflowConstant } from "./names.ts";

/** What shows that a float tensor of a graph is no trained weight: its use, its name, its numbers. */

/** What is known of an initializer before its numbers are read. */
export interface Evidence {
  readonly value: Value;
  readonly reached: ReadonlySet<Value>;
  readonly uses: readonly Use[];
  /** Whether the model takes anything in. */
  readonly isFed: boolean;
  /** Names of the module's parameters, where the file lists them. */
  readonly trained: readonly string[];
  /** Whether weights may be Constant nodes. */
  readonly isEmbedded: boolean;
}

export interface Exclusion {
  readonly reason: string;
  readonly holds: (e: Evidence, numbers: () => Float32Array | undefined) => boolean;
}

const CONSTANT = "a constant of the graph";

const usedOnly = (e: Evidence, where: (use: Use) => boolean) => e.uses.length > 0 && e.uses.every(where);

/** A tensor where weights stand, or named as they are, in a file without others: some exporters write all as Constant nodes. */
export function isEmbeddedWeight({ value, uses, isEmbedded }: Evidence): boolean {
  const isWeight = isStatePath(value.name) || (sizeOf(value.dims) > 1 && uses.some(isWeightUse));
  return isEmbedded && value.fromConstant && isWeight;
}

/** Of an operator that quantises, or multiplied by the scale that one found. */
function isQuantiserNumber({ node, input }: Use): boolean {
  if (/[Qq]uantizeLinear$/.test(node.op)) return input >= 1;
  if (node.op === "DynamicQuantizeLSTM") return input >= 8;
  return node.op === "Mul" && node.inputs[1 - input]?.producer?.op === "DynamicQuantizeLinear";
}

/** What shows that a float tensor is no trained weight whatever its exporter notes, in the order in which it is asked. */
export const STRUCTURAL: readonly Exclusion[] = [
  { reason: CONSTANT, holds: (e) => e.value.fromConstant && !isEmbeddedWeight(e) },
  {
    reason: "running statistic of a BatchNormalization",
    holds: (e) => usedOnly(e, (u) => u.node.op === "BatchNormalization" && u.input >= 3),
  },
  {
    reason: "scale or zero point of a quantiser",
    holds: (e) => usedOnly(e, isQuantiserNumber),
  },
  {
    reason: "has no differentiable path to the output",
    holds: ({ value, reached }) => !reached.has(value),
  },
  { reason: "empty", holds: ({ value }) => sizeOf(value.dims) === 0 },
  { reason: "the numbers 0, 1, 2, …", holds: (_e, x) => isCounting(x() ?? new Float32Array()) },
  {
    reason: "the C of a Gemm with beta 0",
    holds: (e) => usedOnly(e, (u) => u.node.op === "Gemm" && u.input === 2 && u.node.float("beta", 1) === 0),
  },
];

/** The same, where the exporter notes nothing of what the tensor was. */
export const SUSPICIONS: readonly Exclusion[] = [
  {
    reason: "a buffer of the PyTorch module",
    holds: ({ value }) => notedKind(value) === "BUFFER",
  },
  {
    reason: "a constant of the PyTorch module",
    holds: ({ value }) => notedKind(value) === "CONSTANT_TENSOR",
  },
  {
    reason: "computed by the exporter from constants alone",
    holds: ({ value, trained }) => {
      const sources = foldedFrom(value);
      return trained.length > 0 && sources.length > 0 && !sources.some((name) => trained.includes(name));
    },
  },
  {
    reason: "named as state or a table that is not trained",
    holds: ({ value }) => STATE_NAMES.test(value.name),
  },
  {
    // Zero, −∞ or a colour; a module with a border of its own is the exception.
    reason: "the number around a Pad",
    holds: (e) => usedOnly(e, (u) => u.node.op === "Pad" && u.input === 2),
  },
  {
    reason: "a statistic of the data, by which the input is normalised",
    holds: (e) => STATISTIC_NAMES.test(e.value.name) && usedOnly(e, isOnInput),
  },
  {
    reason: "frequencies of a position encoding",
    holds: (e, x) => !e.uses.some(isWeightUse) && isGeometric(x() ?? new Float32Array()),
  },
  {
    reason: "a table of sines and cosines",
    holds: ({ value }, x) => isTrigonometric(x() ?? new Float32Array(), value.dims),
  },
  {
    reason: "cosines and sines of a Fourier transform",
    holds: ({ value }, x) => isWindowedFourier(x() ?? new Float32Array(), value.dims),
  },
  {
    reason: "bands of a spectrum",
    holds: ({ value }, x) => isFilterBank(x() ?? new Float32Array(), value.dims),
  },
  {
    reason: "whole numbers with a made-up name, not where weights stand",
    holds: (e, x) =>
      hasGeneratedName(e.value.name) && !e.uses.some(isWeightUse) && isWhole(x() ?? new Float32Array()),
  },
  {
    reason: "equidistant numbers with a made-up name, not where weights stand",
    holds: (e, x) =>
      hasGeneratedName(e.value.name) && !e.uses.some(isWeightUse) && isEquidistant(x() ?? new Float32Array()),
  },
  {
    reason: "the whole exponent of a power",
    holds: (e, x) =>
      sizeOf(e.value.dims) === 1 &&
      !isStatePath(e.value.name) &&
      usedOnly(e, (u) => u.node.op === "Pow" && u.input === 1) &&
      Number.isInteger(x()?.[0]),
  },
  {
    reason: "a mask",
    // Without inputs there is nothing to mask.
    holds: (e, x) => {
      const numbers = x() ?? new Float32Array();
      const isWeight = e.uses.some(isWeightUse);
      // A mask of scores stands where a bias after a product does, but is no vector.
      const isPlace = !isWeight || e.value.dims.length > 1;
      const isMask =
        isBarring(numbers) || (isPenalty(numbers) && isPlace) || (isBinary(numbers) && !isWeight);
      return e.isFed && isMask;
    },
  },
  {
    reason: "sums or means over what is past",
    holds: (e, x) => isTriangular(x() ?? new Float32Array(), e.value.dims),
  },
  { reason: "a single number, with a name as constants have", holds: isConstantNumber },
  {
    reason: "filled with one number, and not where weights stand",
    holds: (e, x) =>
      sizeOf(e.value.dims) > 1 &&
      !isStatePath(e.value.name) &&
      !e.uses.some((u) => isWeightUse(u) && !isFillerOfNorm(u, e.value.name)) &&
      uniform(x() ?? Float32Array.of(0, 1)) !== undefined,
  },
];

/**
 * Buffers of well-known layers (rotary and relative positions, caches, statistics, spectral norms, image normalisation), and
 * what scikit-learn's one-against-rest and votes of support vectors divide by.
 */
const STATE_NAMES =
  /(^|[./_])((original_)?inv_freq|(sin|cos)_(cached|emb)|running_(mean|var)|num_batches_tracked|masked_bias|relative_coords_table|(weight|bias)_[uv]|\d+\._[uv]|causal_mask|attn_mask|attention_mask|(pixel|image|input)_(mean|std)|eps(ilon)?(_\d+)?|num_classes|cst\d+|reduce_window_\w+_\d+)$/;

/**
 * Fitted to the data rather than trained: means and deviations, what MATLAB and skl2onnx call theirs and their projections,
 * and what belongs to Keras's layers Rescaling and Normalization.
 */
const STATISTIC_NAMES =
  /(^|[./_])(mean|std|Mean|StdDev|AvgImg|Mulcst\d*|Addcst\d*|(\w+_)?Powcst\d*|transform_matrix)$|(^|\/)(rescaling|normalization)(_\d+)*\//;

/**
 * Where weights stand a number may be trained, unless it is a scalar with a made-up name (1 + log σ² after a product, the
 * scale of a norm without weights); elsewhere 0, ½, 1, 2 and made-up names are constants.
 */
function isConstantNumber(e: Evidence, x: () => Float32Array | undefined): boolean {
  const { value, uses } = e;
  if (sizeOf(value.dims) !== 1) return false;
  const isGenerated = hasGeneratedName(value.name) || isTensorflowConstant(value.name);
  if (uses.some(isWeightUse)) return isGenerated && value.dims.length === 0;
  if (isGenerated || (value.dims.length === 0 && isLiteResult(value.name))) return true;
  const number = x()?.[0] ?? 0;
  return !isStatePath(value.name) && ([0, 0.5, 1, 2].includes(Math.abs(number)) || !Number.isFinite(number));
}

/** Exporters write a norm without weights as one with made-up ones and zeros. */
function isFillerOfNorm({ node }: Use, name: string): boolean {
  return /Normalization$/.test(node.op) && hasGeneratedName(name);
}
