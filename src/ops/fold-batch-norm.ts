import type { Call, Graph, Node, Value } from "../onnx/graph.ts";
import { sizeOf } from "../onnx/tensor.ts";
import { GraphBuilder } from "./builder.ts";
import { expandGraph } from "./expand.ts";
import type { RecordLookup } from "./record.ts";
import { batchNormTerms, isTraining, overChannels } from "./reductions/normalization.ts";
import { rewrite } from "./rewrite.ts";
import { uniformOf } from "./typing.ts";

/** Expands everything but evaluation-mode BatchNormalization, which is to be folded later. */
export function expandButBatchNorm(graph: Graph, records: RecordLookup): Graph {
  return expandGraph(graph, (domain, op) => {
    const record = records(domain, op);
    if (op !== "BatchNormalization" || domain !== "" || !record?.expand) return record;
    const { expand } = record;
    return { ...record, expand: (b, call) => (isTraining(call) ? expand(b, call) : undefined) };
  });
}

/** Folds BatchNormalization where a layer lies before it, and expands the rest of it. */
export function foldAndExpand(graph: Graph, records: RecordLookup): Graph {
  return expandGraph(foldBatchNorm(graph, records), records);
}

/**
 * Rewrites each evaluation-mode BatchNormalization whose input comes from a linear layer alone into that
 * layer with weight W·s and bias (bias − μ)·s + β, s = γ/√(σ² + ε): exact, and as a graph of the small
 * tensors, so that all of them stay differentiable and no gradient of the size of an activation is left.
 */
export function foldBatchNorm(graph: Graph, records: RecordLookup): Graph {
  const b = new GraphBuilder(records);
  const alone = soleConsumers(graph);
  let folded = 0;
  const became = rewrite(graph, b, new Map(graph.inputs.map((v) => [v, v])), (call, node) => {
    if (node.op !== "BatchNormalization" || node.domain !== "" || isTraining(node)) return undefined;
    const y = normalizedLayer(b, call, node, alone);
    if (y !== undefined) folded++;
    return y && [y];
  });
  if (folded === 0) return graph;
  return b.build(
    graph.name,
    graph.inputs,
    graph.outputs.map((v) => became.get(v) as Value),
  );
}

/** Values that one node uses once, and that are no output. */
function soleConsumers(graph: Graph): ReadonlySet<Value> {
  const uses = new Map<Value, number>();
  for (const node of graph.nodes)
    for (const v of node.inputs) if (v !== null) uses.set(v, (uses.get(v) ?? 0) + 1);
  // An output is used by whoever fetches it.
  for (const output of graph.outputs) uses.set(output, 2);
  return new Set([...uses].filter(([, n]) => n === 1).map(([v]) => v));
}

/** The layer before `node`, normalised, emitted anew; undefined when there is none, or others use it too. */
function normalizedLayer(
  b: GraphBuilder,
  call: Call,
  node: Node,
  alone: ReadonlySet<Value>,
): Value | undefined {
  // The old graph says who else uses the layer; the new one has its inputs.
  const before = node.x(0).producer;
  const layer = call.x(0).producer;
  if (before === undefined || layer === undefined || layer.op !== before.op) return undefined;
  if (before.domain !== "" || !alone.has(node.x(0))) return undefined;
  const terms = batchNormTerms(b, call);
  switch (layer.op) {
    case "Conv":
      return withWeight(b, layer, scaledConv(b, layer.x(1), terms.scale), shifted(b, layer.inputs[2], terms));
    case "ConvTranspose": {
      const weight = scaledTransposed(b, layer.x(1), terms.scale, layer.int("group", 1));
      return withWeight(b, layer, weight, shifted(b, layer.inputs[2], terms));
    }
    case "Gemm":
      return normalizedGemm(b, layer, terms);
    case "MatMul":
      return normalizedProduct(b, layer, null, terms);
    case "Add":
      return normalizedSum(b, layer, before, terms, alone);
    default:
      return undefined;
  }
}

interface Terms {
  readonly scale: Value;
  readonly shift: Value;
}

/** Bias after the layer: bias·s + t. Exporters write a bias of zeros where there was none. */
function shifted(b: GraphBuilder, bias: Value | null | undefined, { scale, shift }: Terms): Value {
  return bias && uniformOf(bias) !== 0 ? b.add(b.mul(bias, scale), shift) : shift;
}

function withWeight(b: GraphBuilder, layer: Call, weight: Value, bias: Value): Value {
  return b.call(layer.op, [layer.x(0), weight, bias], layer.attributes);
}

/** [M, C, k…]: the results' channels come first. */
function scaledConv(b: GraphBuilder, w: Value, scale: Value): Value {
  return b.mul(w, b.reshape(scale, [w.dims[0]!, ...w.dims.slice(1).map(() => 1)]));
}

/** [C, M/group, k…]: the operand's channels lie in groups, and each group has results of its own. */
function scaledTransposed(b: GraphBuilder, w: Value, scale: Value, group: number): Value {
  const [c, m, ...kernel] = w.dims as [number, number, ...number[]];
  const grouped = b.reshape(w, [group, c / group, m, ...kernel]);
  const factors = b.reshape(scale, [group, 1, m, ...kernel.map(() => 1)]);
  return b.reshape(b.mul(grouped, factors), w.dims);
}

function normalizedGemm(b: GraphBuilder, layer: Call, terms: Terms): Value | undefined {
  const n = terms.scale.dims[0]!;
  const bias = layer.inputs[2];
  // An addend for each row would be scaled as an activation.
  if (bias && sizeOf(bias.dims) > n) return undefined;
  const transposed = layer.int("transB", 0) !== 0;
  const weight = b.mul(layer.x(1), b.reshape(terms.scale, transposed ? [n, 1] : [1, n]));
  const scaled = bias && b.mul(b.mul(bias, layer.float("beta", 1)), b.reshape(terms.scale, [1, n]));
  const shift = b.reshape(terms.shift, [1, n]);
  const addend = b.reshape(scaled ? b.add(scaled, shift) : shift, [n]);
  const attributes = new Map([...layer.attributes].filter(([name]) => name !== "beta"));
  return b.call("Gemm", [layer.x(0), weight, addend], attributes);
}

/** x·W (+ bias) of matrices, whose columns are the channels. */
function normalizedProduct(
  b: GraphBuilder,
  layer: Call,
  bias: Value | null,
  terms: Terms,
): Value | undefined {
  const [x, w] = [layer.x(0), layer.x(1)];
  if (x.dims.length !== 2 || w.dims.length !== 2) return undefined;
  const weight = b.mul(w, overChannels(b, terms.scale, 2));
  return b.add(b.matmul(x, weight), shifted(b, bias, terms));
}

/** A product and a bias in two nodes. */
function normalizedSum(
  b: GraphBuilder,
  layer: Call,
  before: Call,
  terms: Terms,
  alone: ReadonlySet<Value>,
): Value | undefined {
  const n = terms.scale.dims[0]!;
  for (const i of [0, 1]) {
    const product = layer.x(i).producer;
    const bias = layer.x(1 - i);
    const isBias = sizeOf(bias.dims) === n && bias.dims.at(-1) === n;
    if (product?.op === "MatMul" && product.domain === "" && isBias && alone.has(before.x(i)))
      return normalizedProduct(b, product, b.reshape(bias, [n]), terms);
  }
  return undefined;
}
