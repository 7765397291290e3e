import { decide, smooth } from "../../src/autodiff/freeze.ts";
import { gradient } from "../../src/autodiff/gradient.ts";
import type { Graph, Value } from "../../src/onnx/graph.ts";
import { isFloat, type Tensor } from "../../src/onnx/tensor.ts";
import { GraphBuilder, numbersAs } from "../../src/ops/builder.ts";
import { expandGraph, rewriteCalls } from "../../src/ops/expand.ts";
import { INTERNAL_DOMAIN, type RecordLookup } from "../../src/ops/record.ts";
import { rewrite } from "../../src/ops/rewrite.ts";
import { type Case, type FloatType, type Forward, forwardOf, nameOf, type Operand } from "./case.ts";
import { lacksKernel, type OpenGraph, openGraph, runGraph } from "./ort.ts";
import { draw, type Random, randomFrom } from "./sample.ts";
import { epsilon, tolerance } from "./tolerance.ts";

export type { Case, FloatType, Operand };

/** y, ⟨∂y, w⟩ and its derivative in one graph, and the names of what is fed and fetched. */
interface Checked {
  readonly graph: Graph;
  readonly fed: readonly Value[];
  readonly x: readonly Value[];
  readonly w: readonly Value[];
  readonly u: readonly Value[];
  readonly y: readonly Value[];
  readonly g: readonly Value[];
  readonly h: readonly Value[];
}

function inner(b: GraphBuilder, pairs: readonly (readonly [Value, Value])[]): Value {
  const dots = pairs.map(([x, y]) => {
    const product = b.mul(x, y);
    const axes = product.dims.map((_, i) => i);
    return b.reduceSum(product, axes, false);
  });
  return dots.reduce((x, y) => b.add(x, y));
}

/** Emits value, gradient and second-order gradient of what `emit` gives for the inputs. */
function differentiated(
  forward: Forward,
  order: number,
  records: RecordLookup,
  extra: readonly Value[],
  emit: (b: GraphBuilder) => readonly Value[],
): Checked {
  const b = new GraphBuilder(records);
  const y = emit(b).filter((v) => isFloat(v.static.type));
  const w = y.map((v, k) => b.input(`w${k}`, v.static));
  const pair = (a: readonly Value[], c: readonly Value[]) => a.map((v, i) => [v, c[i] as Value] as const);
  const g = order >= 1 ? gradient(b, inner(b, pair(y, w)), forward.wrt, records) : [];
  const u = order >= 2 ? g.map((v, i) => b.input(`u${i}`, v.static)) : [];
  const h = order >= 2 ? gradient(b, inner(b, pair(g, u)), [...forward.wrt, ...w], records) : [];
  const fed = [...forward.inputs, ...extra, ...w, ...u];
  assertTypes(forward.wrt, g);
  assertTypes([...forward.wrt, ...w].slice(0, h.length), h);
  const graph = b.build("checked", fed, [...y, ...g, ...h]);
  assertClosed(graph, records);
  return { graph, fed, x: forward.inputs, w, u, y, g, h };
}

function assertTypes(expected: readonly Value[], got: readonly Value[]): void {
  for (const [i, v] of got.entries()) {
    const want = expected[i] as Value;
    if (v.type !== want.type || `${v.dims}` !== `${want.dims}`)
      throw new Error(`gradient has type ${v.type} [${v.dims}], expected ${want.type} [${want.dims}]`);
  }
}

/** Every operator that a rule emits has a record, so that it can be differentiated again. */
function assertClosed(graph: Graph, records: RecordLookup): void {
  for (const node of graph.nodes)
    if (records(node.domain, node.op) === undefined) throw new Error(`emitted ${node.op} has no record`);
}

type Numbers = readonly number[];
type Point = ReadonlyMap<Value, Numbers>;

function tensorOf(value: Value, numbers: Numbers): Tensor {
  return { type: value.static.type, dims: value.dims, data: numbersAs(value.static.type, numbers) };
}

/** Values of y, g and h at a point. */
async function evaluated(session: OpenGraph, checked: Checked, at: Point): Promise<Map<Value, number[]>> {
  const outputs = await session.run(checked.fed.map((v) => tensorOf(v, at.get(v) as Numbers)));
  const results = new Map<Value, number[]>();
  for (const [k, v] of [...checked.y, ...checked.g, ...checked.h].entries()) {
    const tensor = outputs[k] as Tensor;
    if (`${tensor.dims}` !== `${v.dims}`)
      throw new Error(`onnxruntime gives shape [${tensor.dims}], our rule says [${v.dims}]`);
    results.set(v, Array.from(tensor.data as ArrayLike<number>));
  }
  return results;
}

function dot(a: Numbers, b: Numbers): number {
  return a.reduce((sum, x, i) => sum + x * (b[i] as number), 0);
}

const norm = (a: Numbers): number => Math.sqrt(dot(a, a));

function total(values: readonly Value[], f: (v: Value, i: number) => number): number {
  return values.reduce((sum, v, i) => sum + f(v, i), 0);
}

/** Weights of a central difference: exact for cubics where the step is small, for quadratics with step 1. */
function stencil(type: FloatType, linear: boolean): { at: number; weight: number }[] {
  if (linear)
    return [
      { at: 1, weight: 0.5 },
      { at: -1, weight: -0.5 },
    ];
  // Fourth order: truncation h⁴ and rounding ε/h balance at ε^(1/5), both far below ε^(2/3).
  const h = epsilon(type) ** (1 / 5);
  return [
    { at: h, weight: 8 / (12 * h) },
    { at: -h, weight: -8 / (12 * h) },
    { at: 2 * h, weight: -1 / (12 * h) },
    { at: -2 * h, weight: 1 / (12 * h) },
  ];
}

/** Checks the gradient, then the gradient of the gradient, along one random direction each. */
async function compare(
  checked: Checked,
  session: OpenGraph,
  at: Point,
  wrt: readonly Value[],
  c: Case,
  type: FloatType,
  random: Random,
): Promise<void> {
  const moving = [...wrt, ...checked.w];
  const direction = new Map(moving.map((v) => [v, draw(v.dims, [-1, 1], random)]));
  const base = await evaluated(session, checked, at);
  const difference = new Map<Value, number[]>();
  for (const { at: step, weight } of stencil(type, c.linear ?? false)) {
    // The gradient is linear in w, and the value does not see it: both may move together.
    const there = new Map([...at].map(([v, x]) => [v, stepped(x, direction.get(v), step)]));
    for (const [v, y] of await evaluated(session, checked, there)) {
      const sum = difference.get(v) ?? y.map(() => 0);
      difference.set(
        v,
        sum.map((s, i) => s + weight * (y[i] as number)),
      );
    }
  }
  const d = (v: Value) => direction.get(v) as Numbers;
  const orders = [
    { order: 1, outputs: checked.y, seeds: checked.w, inputs: wrt, grads: checked.g },
    { order: 2, outputs: checked.g, seeds: checked.u, inputs: moving, grads: checked.h },
  ];
  for (const { order, outputs, seeds, inputs, grads } of orders) {
    if (grads.length === 0) continue;
    const seed = (i: number) => at.get(seeds[i] as Value) as Numbers;
    const numeric = total(outputs, (v, i) => dot(seed(i), difference.get(v) as Numbers));
    const analytic = total(grads, (v, i) => dot(base.get(v) as Numbers, d(inputs[i] as Value)));
    const size =
      total(
        outputs,
        (v, i) => norm(seed(i)) * (norm(base.get(v) as Numbers) + norm(difference.get(v) as Numbers)),
      ) + total(grads, (v, i) => norm(base.get(v) as Numbers) * norm(d(inputs[i] as Value)));
    if (!(Math.abs(numeric - analytic) <= tolerance(type) * (1 + size)))
      throw new Error(
        `order ${order} of ${nameOf(c)} in ${type}: analytic ${analytic}, numeric ${numeric}, size ${size}`,
      );
  }
}

function stepped(x: Numbers, d: Numbers | undefined, step: number): Numbers {
  return d === undefined ? x : x.map((xi, i) => xi + step * (d[i] as number));
}

/** Opens a graph with our own operators lowered: what is left is standard. */
async function openLowered(graph: Graph, records: RecordLookup): Promise<OpenGraph> {
  const lowered = rewriteCalls(graph, records, "lower");
  const ours = lowered.nodes.filter((node) => node.domain === INTERNAL_DOMAIN);
  if (ours.length > 0) throw new Error(`lowering leaves ${ours.map((node) => node.op).join(", ")}`);
  return await openGraph(lowered);
}

/** Opens the graph in float64 where the runtime has kernels, else in float32. */
async function opened<T extends { checked: Checked }>(
  c: Case,
  records: RecordLookup,
  make: (type: FloatType) => T,
): Promise<T & { session: OpenGraph; type: FloatType }> {
  for (const type of c.type ? [c.type] : (["float64", "float32"] as const)) {
    const made = make(type);
    try {
      return { ...made, type, session: await openLowered(made.checked.graph, records) };
    } catch (error) {
      if (type === "float32" || c.type || !lacksKernel(error)) throw error;
    }
  }
  throw new Error("unreachable");
}

/** All that is emitted for a row, as it runs: value, gradient, and the gradient's gradient. */
export function gradientGraph(c: Case, type: FloatType, records: RecordLookup): Graph {
  const forward = forwardOf(c, type, records);
  const expanded = expandGraph(forward.graph, records);
  const { graph } = differentiated(forward, c.order ?? 2, records, [], (b) => emitted(expanded, b));
  return rewriteCalls(graph, records, "lower");
}

/**
 * Checks a row: gradients of order 1 and 2 against differences, types and shapes, closure; and of the frozen
 * form the same value and gradient at the point, no kink left, and gradients of both orders elsewhere.
 * Throws with both numbers. Returns the type in which it was checked, and whether there were decisions.
 */
export async function checkGradient(
  c: Case,
  records: RecordLookup,
): Promise<{ type: FloatType; frozen: boolean }> {
  const order = c.order ?? 2;
  const { checked, forward, expanded, session, type } = await opened(c, records, (type) => {
    const forward = forwardOf(c, type, records);
    const expanded = expandGraph(forward.graph, records);
    const checked = differentiated(forward, order, records, [], (b) => emitted(expanded, b));
    return { checked, forward, expanded };
  });
  const random = randomFrom(`seeds of ${nameOf(c)}`);
  const seeds = [...checked.w, ...checked.u].map((v) => [v, draw(v.dims, "default", random)] as const);
  const at = new Map<Value, Numbers>([
    ...forward.inputs.map((v, i) => [v, forward.point[i] as Numbers] as const),
    ...seeds,
  ]);
  try {
    if (!c.atKink) await compare(checked, session, at, forward.wrt, c, type, random);
    const base = await evaluated(session, checked, at);
    const frozen = await checkFrozen(
      c,
      type,
      { ...forward, graph: expanded },
      checked,
      at,
      base,
      records,
      random,
    );
    return { type, frozen };
  } finally {
    await session.release();
  }
}

function emitted(graph: Graph, b: GraphBuilder): readonly Value[] {
  const same = new Map<Value, Value>(graph.inputs.map((v) => [v, v]));
  const became = rewrite(graph, b, same);
  return graph.outputs.map((v) => became.get(v) as Value);
}

async function checkFrozen(
  c: Case,
  type: FloatType,
  forward: Forward,
  moving: Checked,
  at: Point,
  base: ReadonlyMap<Value, Numbers>,
  records: RecordLookup,
  random: Random,
): Promise<boolean> {
  const { graph, inputs, wrt } = forward;
  const same = new Map<Value, Value>(inputs.map((v) => [v, v]));
  const b = new GraphBuilder(records);
  const decisions = decide(graph, b, same, wrt, records);
  const decided = [...decisions.values()].flat();
  if (decided.length === 0) return false;
  const values = await runGraph(
    b.build("decisions", inputs, decided),
    inputs.map((v) => tensorOf(v, at.get(v) as Numbers)),
  );
  const fed = decided.map((v, i) => b.input(`decision${i}`, v.static));
  let next = 0;
  const given = new Map([...decisions].map(([node, list]) => [node, list.map(() => fed[next++] as Value)]));
  const checked = differentiated(forward, c.order ?? 2, records, fed, (builder) => {
    const became = smooth(graph, builder, same, given, records);
    return graph.outputs.map((v) => became.get(v) as Value);
  });
  assertSmooth(checked, wrt, inputs, fed, records);
  const session = await openLowered(checked.graph, records);
  try {
    const seedsOf = (now: readonly Value[], before: readonly Value[]) =>
      now.map((v, i) => [v, at.get(before[i] as Value) as Numbers] as const);
    const held = fed.map(
      (v, i) => [v, Array.from((values[i] as Tensor).data as ArrayLike<number>, Number)] as const,
    );
    const here = new Map<Value, Numbers>([
      ...inputs.map((v) => [v, at.get(v) as Numbers] as const),
      ...held,
      ...seedsOf(checked.w, moving.w),
      ...seedsOf(checked.u, moving.u),
    ]);
    assertSame(
      c,
      [...moving.y, ...moving.g],
      base,
      [...checked.y, ...checked.g],
      await evaluated(session, checked, here),
    );
    const elsewhere = new Map(here);
    const reach = c.reach ?? 2;
    for (const v of wrt)
      elsewhere.set(v, stepped(here.get(v) as Numbers, draw(v.dims, [-reach, reach], random), 1));
    await compare(checked, session, elsewhere, wrt, { ...c, note: "frozen" }, type, random);
  } finally {
    await session.release();
  }
  return true;
}

/** Freezing the frozen form finds nothing left to decide. */
function assertSmooth(
  checked: Checked,
  wrt: readonly Value[],
  inputs: readonly Value[],
  fed: readonly Value[],
  records: RecordLookup,
): void {
  const b = new GraphBuilder(records);
  const value = b.build("smooth", [...inputs, ...fed], checked.y);
  const same = new Map<Value, Value>([...inputs, ...fed].map((v) => [v, v]));
  const left = [...decide(value, b, same, wrt, records).keys()].map((node) => node.op);
  if (left.length > 0) throw new Error(`the frozen form still has kinks: ${left.join(", ")}`);
}

/** The frozen form is the operator at the point that it was frozen at, bit for bit (0 and −0 are one value). */
function assertSame(
  c: Case,
  expected: readonly Value[],
  values: ReadonlyMap<Value, Numbers>,
  got: readonly Value[],
  frozen: ReadonlyMap<Value, Numbers>,
): void {
  for (const [k, v] of expected.entries()) {
    const [x, y] = [values.get(v) as Numbers, frozen.get(got[k] as Value) as Numbers];
    const i = x.findIndex((xi, j) => xi !== y[j]);
    if (i >= 0)
      throw new Error(`frozen ${nameOf(c)} differs at the point: ${x[i]} and ${y[i]} (output ${k})`);
  }
}
