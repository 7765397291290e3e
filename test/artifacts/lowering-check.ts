import { expect } from "vitest";
import { loweringOf } from "../../src/artifacts/lowering/table.ts";
import { decide, smooth } from "../../src/autodiff/freeze.ts";
import { gradient } from "../../src/autodiff/gradient.ts";
import { Call, type Graph, type Value } from "../../src/onnx/graph.ts";
import type { Tensor } from "../../src/onnx/tensor.ts";
import { type AttributeInit, attributeMap, GraphBuilder, numbersAs } from "../../src/ops/builder.ts";
import { expandGraph, rewriteCalls } from "../../src/ops/expand.ts";
import { lookup } from "../../src/ops/registry.ts";
import { rewrite } from "../../src/ops/rewrite.ts";
import type { FloatType, Operand } from "../support/case.ts";
import { lacksKernel, runGraph } from "../support/ort.ts";
import { draw, randomFrom } from "../support/sample.ts";
import { tolerance } from "../support/tolerance.ts";

type Inputs = readonly (Value | null)[];

/** A gradient operator beside the forward operator that it belongs to. */
export interface Row {
  /** The gradient operator: "MaxPoolGrad", "com.microsoft::ReluGrad". */
  readonly op: string;
  readonly note?: string;
  /** What is fed to the forward operator and differentiated. */
  readonly x: readonly Operand[];
  /** Values of the forward operator; the first is differentiated. */
  readonly forward: (b: GraphBuilder, x: readonly Value[]) => readonly Value[];
  /** The gradient operator's call; its outputs are the gradients of the operands in order (null: not given). */
  readonly inputs: (dy: Value, x: readonly Value[], y: readonly Value[], b: GraphBuilder) => Inputs;
  readonly attrs?: Readonly<Record<string, AttributeInit>>;
  /** The operands whose gradients the outputs are; all if not given. */
  readonly outputs?: readonly number[];
  /** Whether there is something to decide, so that the frozen form must differ from the moving one. */
  readonly kinked?: boolean;
}

/** The lowering of a training operator, emitted. */
export function lowered(
  b: GraphBuilder,
  key: string,
  inputs: Inputs,
  attrs: Readonly<Record<string, AttributeInit>> = {},
  outputs = 1,
): readonly Value[] {
  const [domain, op] = key.includes("::") ? (key.split("::") as [string, string]) : ["", key];
  const emit = loweringOf(domain, op);
  if (emit === undefined) throw new Error(`${key} has no lowering`);
  const values = emit(b, new Call(op, inputs, attributeMap(attrs), domain, outputs));
  if (values === undefined) throw new Error(`${key} was left as it is`);
  return values;
}

/** Our gradient and the lowered operator's, as functions of the same inputs. */
interface Pair {
  readonly inputs: readonly Value[];
  readonly x: readonly Value[];
  readonly dy: Value;
  readonly ours: Graph;
  readonly theirs: Graph;
}

function pairOf(row: Row, type: FloatType): Pair {
  const b = new GraphBuilder(lookup);
  const x = row.x.map((operand, i) => b.input(`x${i}`, { type, dims: operand.dims }));
  const values = row.forward(b, x);
  const dy = b.input("dy", (values[0] as Value).static);
  const inputs = [...x, dy];
  const wrt = row.outputs ?? x.map((_, i) => i);
  const gradients = lowered(b, row.op, row.inputs(dy, x, values, b), row.attrs, wrt.length);
  const theirs = expandGraph(b.build("theirs", inputs, gradients.slice(0, wrt.length)), lookup);

  const forward = expandGraph(b.build("forward", inputs, values.slice(0, 1)), lookup);
  const again = new GraphBuilder(lookup);
  const [y] = emitted(forward, again);
  const wanted = wrt.map((i) => x[i] as Value);
  const ours = gradient(again, inner(again, [[y as Value, dy]]), wanted, lookup);
  return { inputs, x, dy, ours: again.build("ours", inputs, ours), theirs };
}

function emitted(graph: Graph, b: GraphBuilder): readonly Value[] {
  const became = rewrite(graph, b, new Map(graph.inputs.map((v) => [v, v])));
  return graph.outputs.map((v) => became.get(v) as Value);
}

function inner(b: GraphBuilder, pairs: readonly (readonly [Value, Value])[]): Value {
  const dots = pairs.map(([p, q]) => {
    const product = b.mul(p, q);
    return b.reduceSum(
      product,
      product.dims.map((_, i) => i),
      false,
    );
  });
  return dots.reduce((p, q) => b.add(p, q));
}

/** The outputs of `graph`, and the derivative of ⟨outputs, u⟩ with respect to `wrt`. */
function bothOrders(graph: Graph, wrt: readonly Value[], u: readonly Value[]): Graph {
  const b = new GraphBuilder(lookup);
  const outputs = emitted(graph, b);
  const second = gradient(
    b,
    inner(
      b,
      outputs.map((g, i) => [g, u[i] as Value]),
    ),
    wrt,
    lookup,
  );
  return b.build(graph.name, [...graph.inputs, ...u], [...outputs, ...second]);
}

/** The same graph with the decisions given, and what they are computed by. */
function frozenForm(graph: Graph, theta: readonly Value[]): { smooth: Graph; decided: Graph } {
  const same = new Map<Value, Value>(graph.inputs.map((v) => [v, v]));
  const first = new GraphBuilder(lookup);
  const decisions = decide(graph, first, same, theta, lookup);
  const decided = [...new Set([...decisions.values()].flat())];
  const b = new GraphBuilder(lookup);
  const given = new Map(decided.map((v, i) => [v, b.input(`decision${i}`, v.static)]));
  const held = new Map([...decisions].map(([node, list]) => [node, list.map((v) => given.get(v) as Value)]));
  const became = smooth(graph, b, same, held, lookup);
  const outputs = graph.outputs.map((v) => became.get(v) as Value);
  return {
    smooth: b.build("smooth", [...graph.inputs, ...given.values()], outputs),
    decided: first.build("decided", graph.inputs, decided),
  };
}

/** Runs a graph of ours: lowered, and with what it does not use left out. */
async function run(graph: Graph, feeds: ReadonlyMap<Value, Tensor>): Promise<readonly Tensor[]> {
  return await runGraph(
    rewriteCalls(graph, lookup, "lower"),
    graph.inputs.map((v) => feeds.get(v) as Tensor),
  );
}

function agree(got: readonly Tensor[], expected: readonly Tensor[], type: FloatType, what: string): void {
  expect(got.length).toBe(expected.length);
  for (const [k, t] of got.entries()) {
    expect(t.dims, `${what} ${k}`).toEqual(expected[k]?.dims);
    const [p, q] = [t, expected[k] as Tensor].map((v) => Array.from(v.data as Float64Array)) as [
      number[],
      number[],
    ];
    const far = Math.hypot(...p.map((v, i) => v - (q[i] as number)));
    expect(far, `${what} ${k}: [${p}] and [${q}]`).toBeLessThanOrEqual(
      tolerance(type) * (1 + Math.hypot(...q)),
    );
  }
}

/** The lowered operator at both orders in float32, as it runs. */
export function loweredGraph(row: Row): Graph {
  const { x, dy, theirs } = pairOf(row, "float32");
  const u = theirs.outputs.map((g, i) => new GraphBuilder(lookup).input(`u${i}`, g.static));
  return rewriteCalls(bothOrders(theirs, [...x, dy], u), lookup, "lower");
}

/**
 * Checks a row at order 1 and 2 against our rule for the forward operator, moving and frozen. Float64 where the
 * runtime has kernels, else float32.
 */
export async function checkLowering(row: Row): Promise<void> {
  try {
    await checkIn(row, "float64");
  } catch (error) {
    if (!lacksKernel(error)) throw error;
    await checkIn(row, "float32");
  }
}

async function checkIn(row: Row, type: FloatType): Promise<void> {
  const { inputs, x, dy, ours, theirs } = pairOf(row, type);
  const random = randomFrom(`${row.op} ${row.note}`);
  const u = ours.outputs.map((g, i) => new GraphBuilder(lookup).input(`u${i}`, g.static));
  const feeds = new Map<Value, Tensor>();
  for (const [i, v] of [...inputs, ...u].entries()) {
    const numbers = draw(v.dims, row.x[i]?.sample ?? "default", random);
    feeds.set(v, { type, dims: v.dims, data: numbersAs(type, numbers) });
  }
  const wrt = [...x, dy];
  const expected = await run(bothOrders(ours, wrt, u), feeds);
  agree(await run(bothOrders(theirs, wrt, u), feeds), expected, type, "moving");

  const frozen = frozenForm(theirs, x);
  expect(frozen.decided.outputs.length > 0, "decides something").toBe(row.kinked ?? false);
  if (!row.kinked) return;
  const decisions = await run(frozen.decided, feeds);
  const fed = frozen.smooth.inputs.slice(inputs.length);
  for (const [i, v] of fed.entries()) feeds.set(v, decisions[i] as Tensor);
  const left = frozenForm(frozen.smooth, x).decided.outputs.map((v) => v.producer?.op);
  expect(left, "left to decide").toEqual([]);
  agree(await run(bothOrders(frozen.smooth, wrt, u), feeds), expected, type, "frozen");
}
