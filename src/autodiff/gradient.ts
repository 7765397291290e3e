import { LandscapeError } from "../errors.ts";
import type { Node, Value } from "../onnx/graph.ts";
import { isFloat } from "../onnx/tensor.ts";
import { ancestors, type GraphBuilder } from "../ops/builder.ts";
import type { OpRecord, RecordLookup, VjpScope } from "../ops/record.ts";

/**
 * Reverse-mode differentiation: emits into `b` the gradient of the sum of `loss` with respect to each
 * of `wrt`; with `cotangent`, of shape and type of `loss`, that of ⟨loss, cotangent⟩, the cotangent held fixed. The rules emit only operators that have rules, so the result can be differentiated again.
 * Values that do not influence the loss get zeros. Throws UNSUPPORTED_OP with all operators at once.
 */
export function gradient(
  b: GraphBuilder,
  loss: Value,
  wrt: readonly Value[],
  records: RecordLookup,
  cotangent: Value = b.filled(loss.static, 1),
): readonly Value[] {
  const { nodes } = ancestors([loss]);
  const active = activeValues(nodes, wrt, records);
  assertDifferentiable(nodes, active, records);

  const parts = new Map<Value, Value[]>([[loss, [cotangent]]]);
  const total = (value: Value): Value | undefined => {
    const found = parts.get(value);
    if (found === undefined) return undefined;
    const sum = found.reduce((x, y) => b.add(x, y));
    parts.set(value, [sum]);
    return sum;
  };

  for (const node of nodes.toReversed()) {
    if (!node.outputs.some((y) => parts.has(y))) continue;
    const record = recordOf(node, records);
    for (const i of differentiableInputs(node, record)) {
      const x = node.inputs[i] as Value;
      if (!active.has(x)) continue;
      const emit = () => (record.vjp as NonNullable<OpRecord["vjp"]>)(scope(b, node, total), i);
      const dx = b.sumTo(b.scoped(`${node.outputs[0]?.name}/grad`, emit), x.dims);
      assertType(node, i, x, dx);
      append(parts, x, dx);
    }
  }
  return wrt.map((x) => total(x) ?? b.filled(x.static, 0));
}

/** Values that depend on `wrt` along differentiable edges. */
function activeValues(nodes: readonly Node[], wrt: readonly Value[], records: RecordLookup): Set<Value> {
  const active = new Set<Value>(wrt);
  for (const node of nodes) {
    const record = records(node.domain, node.op);
    const inputs = record ? differentiableInputs(node, record) : node.inputs.keys();
    const flows = [...inputs].some((i) => {
      const x = node.inputs[i];
      return x != null && active.has(x);
    });
    if (flows) for (const y of node.outputs) if (y.type !== undefined && isFloat(y.type)) active.add(y);
  }
  return active;
}

/** Indices of the float inputs that a record differentiates. */
export function differentiableInputs(node: Node, record: OpRecord): number[] {
  const all = record.wrt === "all" ? [...node.inputs.keys()] : record.wrt;
  return all.filter((i) => {
    const type = node.inputs[i]?.type;
    return type !== undefined && isFloat(type);
  });
}

function assertDifferentiable(nodes: readonly Node[], active: Set<Value>, records: RecordLookup): void {
  const missing = nodes.filter(
    (node) => node.outputs.some((y) => active.has(y)) && records(node.domain, node.op)?.vjp === undefined,
  );
  if (missing.length > 0) throw unsupported(missing, records);
}

/** All operators without a rule in one error, by name and node. */
export function unsupported(nodes: readonly Node[], records?: RecordLookup): LandscapeError {
  const byOp = new Map<string, Node[]>();
  for (const node of nodes) {
    const label = node.domain ? `${node.domain}::${node.op}` : node.op;
    const list = byOp.get(label);
    if (list) list.push(node);
    else byOp.set(label, [node]);
  }
  const ops = [...byOp].map(([label, list]) => ({
    op: (list[0] as Node).op,
    domain: (list[0] as Node).domain,
    label,
    nodes: list.map((n) => n.name || n.outputs[0]?.name || ""),
    reason: records?.((list[0] as Node).domain, (list[0] as Node).op)?.refuses?.(list[0] as Node),
  }));
  const text = ops.map(({ label, nodes: names, reason }) => {
    const shown = names
      .slice(0, 3)
      .map((n) => `"${n}"`)
      .join(", ");
    return `${label} (${names.length} ${names.length === 1 ? "node" : "nodes"}: ${shown}${names.length > 3 ? ", …" : ""})${reason ? ` ${reason}` : ""}`;
  });
  const what = `no gradient rule for ${text.join(", ")}`;
  return new LandscapeError(
    "UNSUPPORTED_OP",
    `cannot differentiate the model: ${what}. "report" makes what needs no gradient; so do "surface" and "profile" along random directions ("inspect" lists all that works)`,
    { ops, what },
  );
}

function recordOf(node: Node, records: RecordLookup): OpRecord {
  const record = records(node.domain, node.op);
  if (record === undefined) throw unsupported([node]);
  return record;
}

function scope(b: GraphBuilder, node: Node, total: (value: Value) => Value | undefined): VjpScope {
  const output = (k: number) => node.outputs[k] as Value;
  return {
    b,
    node,
    x: (i) => node.x(i),
    y: (k = 0) => output(k),
    dy: (k = 0) => total(output(k)) ?? b.filled(output(k).static, 0),
  };
}

function assertType(node: Node, input: number, x: Value, dx: Value): void {
  if (dx.static.type !== x.static.type || `${dx.dims}` !== `${x.dims}`) {
    throw new LandscapeError(
      "INTERNAL",
      `gradient of ${node.op} "${node.name}" input ${input} has type ${dx.static.type} [${dx.dims}], expected ${x.static.type} [${x.dims}] (internal: please report)`,
    );
  }
}

function append(parts: Map<Value, Value[]>, value: Value, part: Value): void {
  const list = parts.get(value);
  if (list) list.push(part);
  else parts.set(value, [part]);
}
