import type { Graph, Node, Value } from "../onnx/graph.ts";
import { isFloat } from "../onnx/tensor.ts";
import type { GraphBuilder } from "../ops/builder.ts";
import type { RecordLookup } from "../ops/record.ts";
import { rewrite } from "../ops/rewrite.ts";

/** The decisions of a graph's piecewise operators, by node. */
export type Decisions = ReadonlyMap<Node, readonly Value[]>;

/**
 * Emits `graph` into `b` at the bound point and gives the decision of every operator with kinks or
 * choices that depends on `theta`: a frozen form's own, or the output itself where it is no float
 * (comparisons, indices, casts to bool).
 */
export function decide(
  graph: Graph,
  b: GraphBuilder,
  bindings: ReadonlyMap<Value, Value>,
  theta: readonly Value[],
  records: RecordLookup,
): Decisions {
  const dependent = dependentNodes(graph, theta);
  const decisions = new Map<Node, readonly Value[]>();
  rewrite(graph, b, bindings, (call, node) => {
    if (!dependent.has(node)) return undefined;
    const frozen = records(node.domain, node.op)?.freeze;
    const decided = frozen?.decide(b, call) ?? [];
    if (decided.length > 0) decisions.set(node, decided);
    else if (node.outputs.every((y) => y.type !== undefined && !isFloat(y.type))) {
      const outputs = b.emit(call);
      decisions.set(node, outputs);
      return outputs;
    }
    return undefined;
  });
  return decisions;
}

/**
 * Emits `graph` into `b` with its decisions given: smooth in everything else, and equal to the graph
 * wherever the decisions are its own. Returns what each value became.
 */
export function smooth(
  graph: Graph,
  b: GraphBuilder,
  bindings: ReadonlyMap<Value, Value>,
  decisions: Decisions,
  records: RecordLookup,
): Map<Value, Value> {
  return rewrite(graph, b, bindings, (call, node) => {
    const decided = decisions.get(node);
    if (decided === undefined) return undefined;
    const frozen = records(node.domain, node.op)?.freeze;
    return frozen ? frozen.apply(b, call, decided) : decided;
  });
}

/** Nodes that depend on any of `theta`, along edges of floats: what is computed from decisions follows from them. */
function dependentNodes(graph: Graph, theta: readonly Value[]): Set<Node> {
  const values = new Set<Value>(theta);
  const nodes = new Set<Node>();
  for (const node of graph.nodes) {
    if (!node.inputs.some((x) => x !== null && values.has(x))) continue;
    nodes.add(node);
    for (const y of node.outputs) if (y.type === undefined || isFloat(y.type)) values.add(y);
  }
  return nodes;
}
