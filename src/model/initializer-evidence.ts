import type { Graph, Node, Value } from "../onnx/graph.ts";
import { subgraphs, toFloat32 } from "../onnx/index.ts";
import { isFloat, sizeOf } from "../onnx/tensor.ts";

/** Where an initializer is used and what its numbers look like: what `parameters.ts` judges by. */

/** A use of a value as input `input` of `node`. */
export interface Use {
  readonly node: Node;
  readonly input: number;
}

/** Operators that hand a tensor on with the same elements: a use of their result is a use of their operand. */
const HANDS_ON = new Set(
  "Transpose Reshape Cast CastLike Identity Squeeze Unsqueeze Flatten Expand DequantizeLinear".split(" "),
);

/** Uses of every value, in subgraphs too, seen through operators that hand their first operand on. */
export function followedUses(graph: Graph): (value: Value) => readonly Use[] {
  const direct = new Map<Value, Use[]>();
  const visit = (g: Graph): void => {
    for (const node of g.nodes) {
      for (const [input, value] of node.inputs.entries()) {
        if (value === null) continue;
        const list = direct.get(value);
        if (list) list.push({ node, input });
        else direct.set(value, [{ node, input }]);
      }
      for (const inner of subgraphs(node)) visit(inner);
    }
  };
  visit(graph);
  return (value) => {
    const found: Use[] = [];
    const stack = [value];
    for (let now = stack.pop(); now !== undefined; now = stack.pop()) {
      for (const use of direct.get(now) ?? []) {
        const handedOn = use.input === 0 && HANDS_ON.has(use.node.op) && use.node.domain === "";
        if (handedOn) stack.push(...use.node.outputs.slice(0, 1));
        else found.push(use);
      }
    }
    return found;
  };
}

/** Inputs that hold trained weights in every framework, by operator. */
const WEIGHT_INPUTS: Readonly<Record<string, readonly number[]>> = {
  Conv: [1, 2],
  ConvTranspose: [1, 2],
  DeformConv: [1, 3],
  Gemm: [0, 1, 2],
  MatMul: [0, 1],
  Einsum: [0, 1, 2],
  BatchNormalization: [1, 2],
  LayerNormalization: [1, 2],
  InstanceNormalization: [1, 2],
  GroupNormalization: [1, 2],
  GroupNorm: [1, 2],
  SkipGroupNorm: [1, 2],
  RMSNormalization: [1],
  SimplifiedLayerNormalization: [1],
  SkipLayerNormalization: [2, 3, 4],
  PRelu: [1],
  LSTM: [1, 2, 3, 7],
  GRU: [1, 2, 3],
  RNN: [1, 2, 3],
  Gather: [0],
  Attention: [1, 2],
  BiasAdd: [1],
  BiasGelu: [1],
  BiasSplitGelu: [1],
  EmbedLayerNormalization: [2, 3, 4, 5, 6],
  FastGelu: [1],
  FusedConv: [1, 2],
  FusedGemm: [0, 1, 2],
  FusedMatMul: [0, 1],
  MoE: [1, 2, 3, 4, 5],
  MultiHeadAttention: [3],
};

/** Whether the use is the first thing that happens to an input: nothing that is trained comes before. */
export function isOnInput({ node, input }: Use): boolean {
  let other = node.inputs[1 - input];
  while (
    other?.producer &&
    (HANDS_ON.has(other.producer.op) ||
      /^(Scaler|Sub|Div|Mul|Add|Pow|ArrayFeatureExtractor|Slice|Split|Gather)$/.test(other.producer.op))
  )
    other = other.producer.inputs[0];
  return node.inputs.length === 2 && other?.kind === "input";
}

const PRODUCTS = new Set(["Conv", "ConvTranspose", "Gemm", "MatMul", "Einsum", "FusedMatMul"]);

/** Whether the use is one where weights stand: an operand of a product, scale or bias of a norm, a bias after a product. */
export function isWeightUse({ node, input }: Use): boolean {
  if (WEIGHT_INPUTS[node.op]?.includes(input)) return true;
  if (node.op !== "Add") return false;
  let other = node.inputs[1 - input]?.producer;
  while (other !== undefined && HANDS_ON.has(other.op)) other = other.inputs[0]?.producer;
  return other !== undefined && PRODUCTS.has(other.op);
}

/** Larger tensors are no tables and masks that exporters write, and not worth reading twice. */
const MAX_READ = 2 ** 22;

/** The numbers of a float initializer; undefined for what is too large to be worth a look. */
export function numbersIn(value: Value): Float32Array | undefined {
  const { tensor, type } = value;
  if (tensor === undefined || type === undefined || !isFloat(type) || sizeOf(tensor.dims) > MAX_READ)
    return undefined;
  return tensor.type === "float32" ? (tensor.data as Float32Array) : toFloat32(tensor);
}

/** The number that all elements are, if there is one; it may be NaN (the other branch of a variance of one element). */
export function uniform(x: Float32Array): number | undefined {
  const first = x[0];
  return x.every((v) => v === first || (Number.isNaN(v) && Number.isNaN(first))) ? first : undefined;
}

/** No trained number comes near: −∞, or the lowest of the exporter's precision. */
const MINUS_INFINITY = -1e30;

/** Whether some numbers are as good as −∞: the rest may be biases of positions. */
export function isBarring(x: Float32Array): boolean {
  return x.length > 1 && x.some((v) => v <= MINUS_INFINITY);
}

/** Only 0 and one large negative number (−100 in Swin). */
export function isPenalty(x: Float32Array): boolean {
  const barred = x.find((v) => v <= -100);
  return x.length > 1 && barred !== undefined && x.every((v) => v === 0 || v === barred);
}

/** Whole numbers from 0 on: places on a grid. */
export function isWhole(x: Float32Array): boolean {
  return x.length >= 4 && x.includes(0) && uniform(x) === undefined && x.every((v) => v >= 0 && v % 1 === 0);
}

/** Only 0 and 1, with both. */
export function isBinary(x: Float32Array): boolean {
  return x.length >= 4 && x.includes(0) && x.includes(1) && x.every((v) => v === 0 || v === 1);
}

/** 0 on one side of the diagonal of every matrix, and one number in each row on the other: sums or means of what is past. */
export function isTriangular(x: Float32Array, dims: readonly number[]): boolean {
  const [rows, columns] = [dims.at(-2) ?? 0, dims.at(-1) ?? 0];
  if (x.length === 0 || rows < 3 || rows !== columns) return false;
  const lower = x[1] === 0;
  return x.every((v, i) => {
    const [row, column] = [Math.floor(i / columns) % rows, i % columns];
    if (row === column) return v !== 0;
    const before = column < row;
    return before === lower ? v === x[i - column + row] : v === 0;
  });
}

/** Single precision carries seven digits; tables were rounded from other precisions. */
export const CLOSE = 1e-4;

/** What PyTorch's exporter notes of an initializer: PARAMETER, BUFFER or CONSTANT_TENSOR. */
export function notedKind(value: Value): string | undefined {
  return value.metadata["pkg.torch.export.graph_signature.InputSpec.kind"];
}

const PARAMETER = /: PARAMETER target='([^']*)'/g;

/** Names of the module's parameters, which PyTorch's exporter lists in the file. */
export function trainedNames(metadata: Readonly<Record<string, string>>): string[] {
  const signature = metadata["pkg.torch.export.ExportedProgram.graph_signature"] ?? "";
  return [...signature.matchAll(PARAMETER)].map((m) => m[1] as string);
}

/** Names of what PyTorch's optimiser computed an initializer from; one alone for a transposed weight. */
export function foldedFrom(value: Value): readonly string[] {
  const noted = value.metadata["pkg.onnxscript.optimizer.folded_from"] ?? "";
  return [...noted.matchAll(/'([^']*)'/g)].map((m) => m[1] as string);
}
