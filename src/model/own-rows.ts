import type { Node, Value } from "../onnx/graph.ts";
import { ancestors } from "../ops/builder.ts";
import type { BoundModel } from "./bind.ts";

/**
 * Whether each of `n` samples has rows of its own, from input to output, so that it cannot see the others. Told from
 * shapes and operators, by batch sizes that are no factors of the model's own: what is not certain counts as no.
 */
export function hasOwnRows({ data, output }: BoundModel, n: number): boolean {
  const dependent = new Set<Value>(data);
  for (const node of ancestors([output]).nodes) {
    if (!node.inputs.some((v) => v !== null && dependent.has(v))) continue;
    if (node.outputs.some((y) => !isInRows(y, n)) || looksAcross(node, dependent)) return false;
    for (const y of node.outputs) dependent.add(y);
  }
  return output.dims[0] === n;
}

/** Operators that look along an axis at other elements, and keep its length. */
const ALONG_AXIS =
  /^(Softmax|LogSoftmax|Hardmax|CumSum|TopK|LpNormalization|ReverseSequence|Slice|Gather\w*|Scatter\w*|Concat)$/;

/** Rows of one sample lie together: a multiple of the batch on the first axis, and no loop over samples elsewhere. */
function isInRows(value: Value, n: number): boolean {
  const [rows] = value.dims;
  return rows !== undefined && rows > 0 && rows % n === 0;
}

function looksAcross(node: Node, dependent: ReadonlySet<Value>): boolean {
  if (/^(MatMul|Gemm|Einsum)$/.test(node.op)) return multipliesAcross(node, dependent);
  if (!ALONG_AXIS.test(node.op)) return false;
  if (node.op === "Slice") return node.x(0).dims[0] !== node.outputs[0]?.dims[0] || slicesFirst(node);
  // Picking by the data's own indices out of a table of weights is per sample.
  if (/^Gather/.test(node.op) && !dependent.has(node.x(0))) return false;
  const rank = node.x(0).dims.length;
  const otherwise = /^(Gather|Scatter|Concat)/.test(node.op) ? 0 : -1;
  const axis = node.op === "CumSum" ? 0 : node.int("axis", otherwise);
  return (axis + rank) % rank === 0;
}

/** Whether a product of two values that depend on data may sum over samples: unless both have them as a batch of matrices. */
function multipliesAcross(node: Node, dependent: ReadonlySet<Value>): boolean {
  if (node.op === "Einsum") return !keepsFirst(node, dependent);
  const [a, b] = node.inputs.filter((v) => v !== null && dependent.has(v));
  if (a == null) return false;
  if (b == null) return node.inputs[1] === a && a.dims.length < 3;
  return node.op === "Gemm" || a.dims.length < 3 || a.dims.length !== b.dims.length;
}

/** Whether the first axis of all operands that depend on data is one, and the first of the result. */
function keepsFirst(node: Node, dependent: ReadonlySet<Value>): boolean {
  const [operands = "", result = ""] = node.string("equation", "").replaceAll(" ", "").split("->");
  const terms = operands.split(",").filter((_, i) => dependent.has(node.x(i)));
  return [...terms, result].every((term) => term[0] !== undefined && term[0] === result[0]);
}

function slicesFirst(node: Node): boolean {
  const axes = node.inputs[3]?.tensor;
  if (axes === undefined) return true;
  const rank = node.x(0).dims.length;
  return Array.from(axes.data as ArrayLike<number | bigint>, Number).some((a) => (a + rank) % rank === 0);
}
