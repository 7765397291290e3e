import type { Graph, Value } from "../onnx/graph.ts";
import { operandsOf, subgraphs } from "../onnx/index.ts";
import { isFloat, sizeOf } from "../onnx/tensor.ts";
import type { RecordLookup } from "../ops/record.ts";
import {
  isCounting,
  isEquidistant,
  isFilterBank,
  isGeometric,
  isTrigonometric,
  isWindowedFourier,
} from "./computed-tables.ts";
import { computedFrom } from "./computed-weights.ts";
import {
  foldedFrom,
  followedUses,
  isBarring,
  isBinary,
  isOnInput,
  isPenalty,
  isTriangular,
  isWeightUse,
  isWhole,
  notedKind,
  numbersIn,
  type Use,
  uniform,
} from "./initializer-evidence.ts";
import { hasGeneratedName, isLiteResult, isStatePath, isTensorflowConstant } from "./names.ts";

/** What was decided about one initializer, and why. */
export interface InitializerVerdict {
  readonly value: Value;
  readonly isParameter: boolean;
  readonly reason: string;
  /** The trained weight that the exporter computed it from. */
  readonly computedFrom?: Value;
}

export interface ParameterSelection {
  /** Globs of names that are parameters (all others are not), and of names that are not. */
  readonly params: readonly string[];
  readonly freeze: readonly string[];
}

/**
 * Says of each initializer whether it is a trained parameter: a float tensor with a differentiable path
 * to `output`, unless something shows otherwise. A missed one would make the Hessian wrong, one too many is
 * only listed; so nothing is taken away on suspicion. A name given in full by --params overrules the evidence.
 * `trained`: names of the module's parameters, where the file lists them.
 */
export function judgeInitializers(
  graph: Graph,
  output: Value,
  records: RecordLookup,
  selection: ParameterSelection,
  trained: readonly string[] = [],
): InitializerVerdict[] {
  const reached = differentiablyReached(output, records);
  const uses = followedUses(graph);
  const isFed = graph.inputs.length > 0;
  const judged = (isEmbedded: boolean) =>
    allInitializers(graph).map((value) =>
      judge({ value, reached, uses: uses(value), isFed, trained, isEmbedded }),
    );
  const found = judged(false);
  const verdicts = found.some((v) => v.isParameter) ? found : judged(true);
  return withoutComputed(verdicts).map((verdict) => select(verdict, reached, selection));
}

/** Initializers of a graph and of its subgraphs. */
function allInitializers(graph: Graph): Value[] {
  const inner = graph.nodes.flatMap((node) => subgraphs(node).flatMap(allInitializers));
  return [...graph.initializers, ...inner];
}

function select(
  verdict: InitializerVerdict,
  reached: ReadonlySet<Value>,
  { params, freeze }: ParameterSelection,
): InitializerVerdict {
  const { value } = verdict;
  const float = value.type !== undefined && isFloat(value.type) && sizeOf(value.dims) > 0;
  const named = params.includes(value.name) && float && reached.has(value);
  if (!verdict.isParameter && !named) return verdict;
  if (freeze.some((g) => matchesGlob(value.name, g))) return no(value, "frozen by --freeze");
  if (named) return { value, isParameter: true, reason: "named by --params" };
  if (params.length > 0 && !params.some((g) => matchesGlob(value.name, g)))
    return no(value, "not matched by --params");
  return verdict;
}

interface Evidence {
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

interface Exclusion {
  readonly reason: string;
  readonly holds: (e: Evidence, numbers: () => Float32Array | undefined) => boolean;
}

const CONSTANT = "a constant of the graph";

const usedOnly = (e: Evidence, where: (use: Use) => boolean) => e.uses.length > 0 && e.uses.every(where);

/** A tensor where weights stand, or named as they are, in a file without others: some exporters write all as Constant nodes. */
function isEmbeddedWeight({ value, uses, isEmbedded }: Evidence): boolean {
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
const STRUCTURAL: readonly Exclusion[] = [
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
const SUSPICIONS: readonly Exclusion[] = [
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

/** Buffers of well-known layers: rotary and relative positions, caches, statistics, spectral norms, image normalisation. */
const STATE_NAMES =
  /(^|[./_])((original_)?inv_freq|(sin|cos)_(cached|emb)|running_(mean|var)|num_batches_tracked|masked_bias|relative_coords_table|(weight|bias)_[uv]|\d+\._[uv]|causal_mask|attn_mask|attention_mask|(pixel|image|input)_(mean|std)|eps(ilon)?(_\d+)?|reduce_window_\w+_\d+)$/;

/**
 * Fitted to the data rather than trained: means and deviations, what MATLAB and skl2onnx call theirs and their projections,
 * and what belongs to Keras's layers Rescaling and Normalization.
 */
const STATISTIC_NAMES =
  /(^|[./_])(mean|std|Mean|StdDev|AvgImg|Mulcst\d*|Addcst\d*|transform_matrix)$|(^|\/)(rescaling|normalization)(_\d+)*\//;

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

function judge(evidence: Evidence): InitializerVerdict {
  const { value } = evidence;
  if (value.type === undefined || !isFloat(value.type))
    return no(value, `not floating point (${value.type})`);
  let numbers: Float32Array | undefined;
  const read = () => {
    numbers ??= numbersIn(value);
    return numbers;
  };
  const asked = notedKind(value) === "PARAMETER" ? STRUCTURAL : [...STRUCTURAL, ...SUSPICIONS];
  const against = asked.find(({ holds }) => holds(evidence, read));
  if (against) return no(value, against.reason);
  return { value, isParameter: true, reason: reasonFor(evidence) };
}

function reasonFor(evidence: Evidence): string {
  const { value, uses } = evidence;
  if (isEmbeddedWeight(evidence)) return "a weight stored as a Constant node";
  const [source, ...more] = foldedFrom(value);
  const from = source === undefined || more.length > 0 ? "" : `, "${source}" transposed`;
  if (notedKind(value) === "PARAMETER") return "a parameter of the PyTorch module";
  const where = uses.find(isWeightUse);
  return where
    ? `a weight of ${where.node.op}${from}`
    : `floating point, on a differentiable path to the output${from}`;
}

/** A norm, a fraction or a square that the exporter computed from a weight, and keeps beside it, was not trained. */
function withoutComputed(verdicts: readonly InitializerVerdict[]): readonly InitializerVerdict[] {
  const trained = new Set(verdicts.filter((v) => v.isParameter).map((v) => v.value));
  return verdicts.map((verdict) => {
    const { value } = verdict;
    const found = computedFrom(value, verdict.isParameter, trained);
    if (found === undefined) return verdict;
    // The inverse of an inverse must not take both away.
    trained.delete(value);
    const { source, what } = found;
    return { ...no(value, `${what} of "${source.name}", computed by the exporter`), computedFrom: source };
  });
}

function no(value: Value, reason: string): InitializerVerdict {
  return { value, isParameter: false, reason };
}

/** Values with a path to `output` along differentiable edges; operators without a record pass all edges. */
function differentiablyReached(output: Value, records: RecordLookup): Set<Value> {
  const reached = new Set<Value>();
  const stack: Value[] = [];
  const enter = (value: Value | null | undefined) => {
    if (value == null || reached.has(value)) return;
    reached.add(value);
    stack.push(value);
  };
  enter(output);
  for (let value = stack.pop(); value !== undefined; value = stack.pop()) {
    const node = value.producer;
    if (node === undefined) continue;
    const record = records(node.domain, node.op);
    const edges = record === undefined || record.wrt === "all" ? undefined : record.wrt;
    for (const x of edges ? edges.map((i) => node.inputs[i]) : operandsOf(node)) enter(x);
    // What a subgraph gives comes from inside.
    for (const inner of subgraphs(node)) for (const end of inner.outputs) enter(end);
  }
  return reached;
}

/** Shell-like matching: `*` any characters, `?` one. */
export function matchesGlob(name: string, glob: string): boolean {
  const pattern = glob
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replace(/\*/g, ".*")
    .replace(/\?/g, ".");
  return new RegExp(`^${pattern}$`, "s").test(name);
}
