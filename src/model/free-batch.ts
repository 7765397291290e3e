import { type Graph, type Node, Value } from "../onnx/graph.ts";
import { transformGraph } from "../onnx/index.ts";
import { ancestors } from "../ops/builder.ts";
import { type BoundModel, bindModel } from "./bind.ts";
import type { Checkpoint } from "./checkpoint.ts";
import type { Warning } from "./preflight-check.ts";
import { batchType, PRIMES, tracedBatch } from "./traced-batch.ts";

/**
 * A model that was exported for batches of one size takes any, where its samples cannot see one another: then the
 * inputs' first axis becomes free. Otherwise it stays as it is, with a warning. One that is said to take any batch, but
 * was traced with the sizes of one, gets that.
 */
export function freeBatch(checkpoint: Checkpoint): Checkpoint {
  const { inputs, own } = checkpoint;
  const [size, ...others] = inputs.map((v) => v.shape?.[0]);
  // A loss or a gradient of its own is that of the batch it was made for.
  if (own || inputs.length === 0) return checkpoint;
  if (typeof size === "number") {
    if (others.some((n) => n !== size)) return checkpoint;
    return PRIMES.every((n) => isPerSample(checkpoint, n))
      ? withBatch(checkpoint, null)
      : fixedTo(checkpoint, size);
  }
  const traced = tracedBatch(checkpoint);
  return traced === null ? checkpoint : fixedTo(withBatch(checkpoint, traced), traced);
}

/** Operators that look along an axis at other elements, and keep its length. */
const ALONG_AXIS =
  /^(Softmax|LogSoftmax|Hardmax|CumSum|TopK|LpNormalization|ReverseSequence|Slice|Gather\w*|Scatter\w*|Concat)$/;

/** Whether the model can be bound to `n` samples and each of them has rows of its own, from input to output. */
function isPerSample(checkpoint: Checkpoint, n: number): boolean {
  try {
    const { graph, data, output } = boundTo(checkpoint, n);
    const dependent = new Set<Value>(data);
    for (const node of ancestors([output]).nodes) {
      if (!node.inputs.some((v) => v !== null && dependent.has(v))) continue;
      if (node.outputs.some((y) => !hasRows(y, n)) || looksAcross(node, dependent)) return false;
      for (const y of node.outputs) dependent.add(y);
    }
    return output.dims[0] === n && graph.outputs.length > 0;
  } catch {
    // Whatever does not fit another batch size is not free of it.
    return false;
  }
}

function boundTo(checkpoint: Checkpoint, n: number): BoundModel {
  return bindModel(checkpoint, new Map(checkpoint.inputs.map((v) => [v.name, batchType(v, n)])));
}

/** Rows of one sample lie together: a multiple of the batch on the first axis, and no loop over samples elsewhere. */
function hasRows(value: Value, n: number): boolean {
  const [rows] = value.dims;
  return rows !== undefined && rows > 0 && rows % n === 0;
}

function looksAcross(node: Node, dependent: ReadonlySet<Value>): boolean {
  if (!ALONG_AXIS.test(node.op)) return false;
  if (node.op === "Slice") return node.x(0).dims[0] !== node.outputs[0]?.dims[0] || slicesFirst(node);
  // Picking by the data's own indices out of a table of weights is per sample.
  if (/^Gather/.test(node.op) && !dependent.has(node.x(0))) return false;
  const rank = node.x(0).dims.length;
  const otherwise = /^(Gather|Scatter|Concat)/.test(node.op) ? 0 : -1;
  const axis = node.op === "CumSum" ? 0 : node.int("axis", otherwise);
  return (axis + rank) % rank === 0;
}

function slicesFirst(node: Node): boolean {
  const axes = node.inputs[3]?.tensor;
  if (axes === undefined) return true;
  const rank = node.x(0).dims.length;
  return Array.from(axes.data as ArrayLike<number | bigint>, Number).some((a) => (a + rank) % rank === 0);
}

function withBatch(checkpoint: Checkpoint, n: number | null): Checkpoint {
  const freed = new Map(
    checkpoint.inputs.map((v) => [v, new Value("input", v.name, v.type, [n, ...(v.shape ?? []).slice(1)])]),
  );
  const source: Graph = { ...checkpoint.graph, outputs: [checkpoint.output, ...checkpoint.graph.outputs] };
  const graph = transformGraph(source, () => undefined, { bindings: freed });
  const [output, ...outputs] = graph.outputs;
  const inputs = checkpoint.graph.inputs.map((v) => freed.get(v) ?? v);
  return {
    ...checkpoint,
    graph: { ...graph, inputs, outputs },
    inputs: checkpoint.inputs.map((v) => freed.get(v) as Value),
    output: output as Value,
  };
}

function fixedTo(checkpoint: Checkpoint, n: number): Checkpoint {
  const input = checkpoint.inputs[0]?.name ?? "";
  const warning: Warning = {
    code: "STATIC_BATCH",
    message: `the model was exported for batches of ${n} and depends on it: data must come in multiples of ${n}. Export with dynamic_shapes={"${input}": {0: "batch"}} (or dynamic_axes) for any number`,
  };
  return { ...checkpoint, warnings: [...checkpoint.warnings, warning] };
}
