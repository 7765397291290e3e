import type { LandscapeError } from "../errors.ts";
import type { Graph, Node, Value } from "../onnx/graph.ts";
import { operandsOf, subgraphs } from "../onnx/index.ts";
import { ancestors } from "../ops/builder.ts";
import type { OpRecord, RecordLookup } from "../ops/record.ts";
import type { Checkpoint } from "./checkpoint.ts";

export interface UnsupportedOperator {
  readonly op: string;
  readonly domain: string;
  readonly nodes: string[];
  /** Why there is no gradient, where it is more than that there is no rule. */
  readonly reason?: string;
}

/**
 * Operators that stand in the way of a gradient, all at once: unknown ones that the output needs, and known
 * ones without a rule between a parameter and the output.
 */
export function unsupportedOperators(
  { graph, output, own, parameters }: Checkpoint,
  records: RecordLookup,
): UnsupportedOperator[] {
  // A training graph with operators that cannot be lowered is not taken in the first place.
  if (own?.training) return [];
  const needed = new Set(ancestors([output]).nodes);
  const active = new Set<Value>(parameters.map((p) => p.value));
  const found = new Map<string, UnsupportedOperator>();
  for (const node of graph.nodes.filter((n) => needed.has(n))) {
    for (const [inner, reason] of obstacles(node, active, records)) {
      const key = `${inner.domain}::${inner.op}`;
      const entry = found.get(key) ?? {
        op: inner.op,
        domain: inner.domain,
        nodes: [],
        ...(reason && { reason }),
      };
      entry.nodes.push(inner.name || (inner.outputs[0]?.name ?? ""));
      found.set(key, entry);
    }
  }
  return [...found.values()];
}

/** The nodes in the way, `node` or inside it, with a reason; what `node` gives becomes active if an operand is. */
function obstacles(node: Node, active: Set<Value>, records: RecordLookup): [Node, (string | undefined)?][] {
  const record = records(node.domain, node.op);
  if (record === undefined) return [[node]];
  // Random numbers make every loss another one, wherever they are drawn.
  const drawn = record.impure ? record.refuses?.(node) : undefined;
  if (drawn !== undefined) return [[node, drawn]];
  const isActive = activeOperands(node, record).some((v) => active.has(v));
  if (!isActive) return unknownInside(node, records);
  for (const y of node.outputs) active.add(y);
  if (record.resolve) return unknownInside(node, records);
  const reason = record.refuses?.(node);
  return reason !== undefined || !(record.vjp || record.expand) ? [[node, reason]] : [];
}

function activeOperands(node: Node, record: OpRecord): Value[] {
  const operands = record.wrt === "all" ? operandsOf(node) : record.wrt.map((i) => node.inputs[i] ?? null);
  return operands.filter((v) => v !== null);
}

/** Unknown operators in subgraphs, whichever branch is taken. */
function unknownInside(node: Node, records: RecordLookup): [Node][] {
  const visit = (g: Graph): [Node][] =>
    g.nodes.flatMap((n) =>
      records(n.domain, n.op) === undefined ? [[n] satisfies [Node]] : subgraphs(n).flatMap(visit),
    );
  return subgraphs(node).flatMap(visit);
}

/** What needs losses alone, as it is typed. */
export const WORKS_WITHOUT_GRADIENT: readonly string[] = [
  "evaluate",
  "surface --directions random",
  "surface --directions filter",
  "surface --x F.npz:KEY --y F.npz:KEY",
  "profile --direction random",
  "profile --direction filter",
  "profile --direction F.npz:KEY",
  "trace --estimator curvature",
  "slices --by loss",
  "report",
];

/** What stands in the way of a gradient, as a clause. */
export function obstacleText({ message, details }: LandscapeError): string {
  const { what } = details;
  return typeof what === "string" ? `there is ${what}` : message.replace(/\. .*/, "");
}
