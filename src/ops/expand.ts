import type { Call, Graph, Value } from "../onnx/graph.ts";
import { GraphBuilder } from "./builder.ts";
import type { RecordLookup } from "./record.ts";
import { rewrite } from "./rewrite.ts";

// Expansions may use operators that expand themselves (HardSwish → HardSigmoid → Clip): bounded, since a cycle is our bug.
const MAX_ROUNDS = 16;

/** Rewrites every operator that is defined by others (`OpRecord.expand`) into them. Inputs stay the same values. */
export function expandGraph(graph: Graph, records: RecordLookup): Graph {
  let now = graph;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const next = rewriteCalls(now, records, "expand");
    if (next === now) return now;
    now = next;
  }
  throw new Error("internal: expansion of operators does not end");
}

/**
 * Rewrites every call by the rule `rule` of its record; a call for which the rule gives nothing is emitted
 * again as it is. The same graph comes back when no rule gave anything.
 */
export function rewriteCalls(graph: Graph, records: RecordLookup, rule: "expand" | "lower"): Graph {
  const b = new GraphBuilder(records);
  const same = new Map<Value, Value>(graph.inputs.map((v) => [v, v]));
  let rewritten = 0;
  const visit = (call: Call) => {
    const outputs = records(call.domain, call.op)?.[rule]?.(b, call);
    if (outputs !== undefined) rewritten++;
    return outputs;
  };
  const became = rewrite(graph, b, same, visit);
  if (rewritten === 0) return graph;
  return b.build(
    graph.name,
    graph.inputs,
    graph.outputs.map((v) => became.get(v) as Value),
  );
}
