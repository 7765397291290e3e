import { Call, type Graph, type Node, type Value } from "../onnx/graph.ts";
import type { GraphBuilder } from "./builder.ts";

/**
 * Emits every node of `graph` again into `b`, with inputs replaced. `visit` may emit something else
 * for a node by returning its outputs; it gets the node and the same call on the new inputs.
 * `bindings` says what the inputs (and, if wanted, initializers or inner values) become; other
 * initializers stay constants. Returns what each old value became.
 */
export function rewrite(
  graph: Graph,
  b: GraphBuilder,
  bindings: ReadonlyMap<Value, Value>,
  visit: (call: Call, node: Node) => readonly Value[] | undefined = () => undefined,
): Map<Value, Value> {
  const became = new Map<Value, Value>(bindings);
  const find = (value: Value): Value => {
    let now = became.get(value);
    if (now === undefined) {
      if (value.tensor === undefined) throw new Error(`internal: "${value.name}" is not bound`);
      now = b.constant(value.tensor, value.name);
      became.set(value, now);
    }
    return now;
  };
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((v) => (v === null ? null : find(v)));
    const call = new Call(node.op, inputs, node.attributes, node.domain, node.numOutputs);
    const outputs = visit(call, node) ?? b.emit(call, node.outputs[0]?.name);
    for (const [k, value] of node.outputs.entries()) {
      const now = outputs[k];
      if (now !== undefined && !became.has(value)) became.set(value, now);
    }
  }
  for (const output of graph.outputs) find(output);
  return became;
}
