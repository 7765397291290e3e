import type { Graph, Node, Value } from "../onnx/graph.ts";
import { Call } from "../onnx/graph.ts";
import type { GraphBuilder } from "./builder.ts";

/**
 * Emits every node of `graph` again into `b`, with inputs replaced. `visit` may emit something else
 * for a node by returning its outputs. `bindings` says what the inputs (and, if wanted, initializers)
 * become; other initializers stay constants. Returns what each old value became.
 */
export function rewrite(
  graph: Graph,
  b: GraphBuilder,
  bindings: ReadonlyMap<Value, Value>,
  visit: (node: Node, inputs: readonly (Value | null)[]) => readonly Value[] | undefined = () => undefined,
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
    const outputs =
      visit(node, inputs) ??
      b.emit(new Call(node.op, inputs, node.attributes, node.domain, node.numOutputs), node.outputs[0]?.name);
    for (const [k, value] of node.outputs.entries()) {
      const now = outputs[k];
      if (now !== undefined) became.set(value, now);
    }
  }
  for (const output of graph.outputs) find(output);
  return became;
}
