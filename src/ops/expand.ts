import type { Graph, Value } from "../onnx/graph.ts";
import { GraphBuilder } from "./builder.ts";
import type { RecordLookup } from "./record.ts";
import { rewrite } from "./rewrite.ts";

// Expansions may use operators that expand themselves (HardSwish → HardSigmoid → Clip): bounded, since a cycle is our bug.
const MAX_ROUNDS = 8;

/** Rewrites every operator that is defined by others (`OpRecord.expand`) into them. Inputs stay the same values. */
export function expandGraph(graph: Graph, records: RecordLookup): Graph {
  let now = graph;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    if (!now.nodes.some((node) => records(node.domain, node.op)?.expand)) return now;
    now = rewriteCalls(now, records, "expand");
  }
  throw new Error("internal: expansion of operators does not end");
}

/** Rewrites every call whose record has the rule `rule` by it; the rest is emitted again as it is. */
export function rewriteCalls(graph: Graph, records: RecordLookup, rule: "expand" | "lower"): Graph {
  const b = new GraphBuilder(records);
  const same = new Map<Value, Value>(graph.inputs.map((v) => [v, v]));
  const became = rewrite(graph, b, same, (call) => records(call.domain, call.op)?.[rule]?.(b, call));
  return b.build(
    graph.name,
    graph.inputs,
    graph.outputs.map((v) => became.get(v) as Value),
  );
}
