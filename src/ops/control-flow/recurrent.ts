import type { Call, Value } from "../../onnx/graph.ts";
import type { TensorType } from "../../onnx/tensor.ts";
import type { GraphBuilder } from "../builder.ts";
import type { OpRecord, RuleTable } from "../record.ts";
import { floatOperand, misfit, numbersOf, range, sameDims, tensorType, typeOf } from "../typing.ts";
import { type Activation, activationsOf } from "./recurrent-activations.ts";
import { assertUnrollable } from "./unroll.ts";

/**
 * LSTM, GRU and RNN, unrolled over their static length into products, gates and a Concat. What the input
 * contributes to all steps is one product before the loop; a step has the product with the state only.
 */

interface Sizes {
  readonly steps: number;
  readonly batch: number;
  readonly hidden: number;
  readonly directions: readonly ("forward" | "reverse")[];
  /** Batch first (layout 1). */
  readonly batchFirst: boolean;
}

/** One direction of a cell: its operands without the axis of directions. */
interface Cell {
  readonly b: GraphBuilder;
  readonly call: Call;
  readonly hidden: number;
  readonly activations: readonly Activation[];
  /** [hidden, gates·hidden]: transposed, ready for h·Rᵀ. */
  readonly recurrence: Value;
  /** [gates·hidden] each; null when there is no B. */
  readonly inputBias: Value | null;
  readonly recurrenceBias: Value | null;
  /** [3·hidden], LSTM only. */
  readonly peepholes: Value | null;
}

/** The kind of a recurrent operator: `step` takes what the input gives to the gates, and the states [N, hidden]. */
interface Kind {
  readonly gates: number;
  readonly states: number;
  readonly activations: readonly string[];
  /** Whether both biases may be added to the input's part once and for all. */
  readonly mergesBias: (call: Call) => boolean;
  readonly step: (cell: Cell, x: Value, states: readonly Value[]) => readonly Value[];
}

const DIRECTIONS: Readonly<Record<string, Sizes["directions"]>> = {
  forward: ["forward"],
  reverse: ["reverse"],
  bidirectional: ["forward", "reverse"],
};

function sizesOf(call: Call, kind: Kind): Sizes {
  const x = floatOperand(call, 0).dims;
  const name = call.string("direction", "forward");
  const directions = DIRECTIONS[name];
  if (directions === undefined)
    throw misfit(call, `direction forward, reverse or bidirectional, not "${name}"`);
  if (x.length !== 3) throw misfit(call, "x with three axes");
  const batchFirst = call.int("layout", 0) === 1;
  const [steps, batch] = batchFirst ? [x[1]!, x[0]!] : [x[0]!, x[1]!];
  floatOperand(call, 1);
  const r = floatOperand(call, 2).dims;
  const hidden = call.int("hidden_size", r[2] ?? 0);
  const [d, rows] = [directions.length, kind.gates * hidden];
  const state = batchFirst ? [batch, d, hidden] : [d, batch, hidden];
  const expected: (readonly number[])[] = [
    x,
    [d, rows, x[2]!],
    [d, rows, hidden],
    [d, 2 * rows],
    [batch],
    state,
    state,
    [d, 3 * hidden],
  ];
  for (const [i, dims] of expected.entries()) {
    if (call.has(i) && !sameDims(typeOf(call, i).dims, dims))
      throw misfit(call, `input ${i} of shape [${dims.join(", ")}]`);
  }
  return { steps, batch, hidden, directions, batchFirst };
}

function inferRecurrent(call: Call, kind: Kind): readonly TensorType[] {
  const { steps, batch, hidden, directions, batchFirst } = sizesOf(call, kind);
  const { type } = typeOf(call, 0);
  const d = directions.length;
  const y = batchFirst ? [batch, steps, d, hidden] : [steps, d, batch, hidden];
  const state = batchFirst ? [batch, d, hidden] : [d, batch, hidden];
  const types = [y, ...range(kind.states).map(() => state)].map((dims) => tensorType(call, type, dims));
  if (call.numOutputs > types.length) throw misfit(call, `at most ${types.length} outputs`);
  return types.slice(0, call.numOutputs);
}

/** Element `d` of the first axis, without that axis. */
function at(b: GraphBuilder, x: Value, d: number): Value {
  const cut = b.slice(x, [d], [d + 1], [0]);
  return b.reshape(cut, cut.dims.slice(1));
}

/** Slices along the first axis, one by one, without that axis. */
function unstacked(b: GraphBuilder, x: Value): readonly Value[] {
  const n = x.dims[0]!;
  if (n === 1) return [b.reshape(x, x.dims.slice(1))];
  const parts = b.calls("Split", [x, b.ints(range(n).map(() => 1))], { axis: 0 }, { outputs: n });
  return parts.map((part) => b.reshape(part, part.dims.slice(1)));
}

function stacked(b: GraphBuilder, values: readonly Value[]): Value {
  return b.concat(
    values.map((v) => b.reshape(v, [1, ...v.dims])),
    0,
  );
}

/** Which samples are still within their length at each step; undefined where all are, always. */
function masksOf(b: GraphBuilder, call: Call, sizes: Sizes): readonly Value[] | undefined {
  if (!call.has(4)) return undefined;
  const lengths = call.x(4);
  if (numbersOf(lengths)?.every((n) => n >= sizes.steps)) return undefined;
  const column = b.reshape(lengths, [sizes.batch, 1]);
  return range(sizes.steps).map((t) => b.greater(column, t));
}

/** Runs one direction; gives the outputs of all steps in the order of time, and the last states. */
function unrolled(
  kind: Kind,
  cell: Cell,
  direction: "forward" | "reverse",
  x: readonly Value[],
  initial: readonly Value[],
  masks: readonly Value[] | undefined,
): { outputs: readonly Value[]; states: readonly Value[] } {
  const { b } = cell;
  const outputs = new Array<Value>(x.length);
  let states = initial;
  const order = range(x.length);
  for (const t of direction === "forward" ? order : order.reverse()) {
    const next = kind.step(cell, x[t] as Value, states);
    const mask = masks?.[t];
    // Past its length a sample keeps its state, and its output is 0.
    states = mask ? next.map((v, k) => b.where(mask, v, states[k] as Value)) : next;
    outputs[t] = mask ? b.where(mask, next[0] as Value, 0) : (next[0] as Value);
  }
  return { outputs, states };
}

function cellOf(b: GraphBuilder, call: Call, kind: Kind, sizes: Sizes, d: number): Cell {
  const rows = kind.gates * sizes.hidden;
  const biases = call.has(3) ? at(b, call.x(3), d) : null;
  const part = (k: number) => biases && b.slice(biases, [k * rows], [(k + 1) * rows], [0]);
  const merged = biases !== null && kind.mergesBias(call);
  return {
    b,
    call,
    hidden: sizes.hidden,
    activations: activationsOf(call, kind.activations, sizes.directions.length)[d] as readonly Activation[],
    recurrence: b.transpose(at(b, call.x(2), d), [1, 0]),
    inputBias: merged ? b.add(part(0) as Value, part(1) as Value) : part(0),
    recurrenceBias: merged ? null : part(1),
    peepholes: call.has(7) ? at(b, call.x(7), d) : null,
  };
}

function expandRecurrent(b: GraphBuilder, call: Call, kind: Kind): readonly Value[] {
  const sizes = sizesOf(call, kind);
  if (sizes.steps === 0) throw misfit(call, "at least one step");
  assertUnrollable(call, sizes.steps);
  const first = sizes.batchFirst;
  const x = first ? b.transpose(call.x(0), [1, 0, 2]) : call.x(0);
  const masks = masksOf(b, call, sizes);
  const runs = sizes.directions.map((direction, d) => {
    const cell = cellOf(b, call, kind, sizes, d);
    const states = range(kind.states).map((k) => initialState(b, call, sizes, 5 + k, d));
    return unrolled(kind, cell, direction, projected(b, cell, call, x, d), states, masks);
  });
  const all = runs.map((run) => stacked(b, run.outputs));
  const y = b.concat(
    all.map((v) => b.reshape(v, v.dims.toSpliced(1, 0, 1))),
    1,
  );
  const ends = range(kind.states).map((k) =>
    stacked(
      b,
      runs.map((run) => run.states[k] as Value),
    ),
  );
  const outputs = first
    ? [b.transpose(y, [2, 0, 1, 3]), ...ends.map((v) => b.transpose(v, [1, 0, 2]))]
    : [y, ...ends];
  return outputs.slice(0, call.numOutputs);
}

/** X·Wᵀ + bias of all steps at once, cut into steps [N, gates·hidden]. */
function projected(b: GraphBuilder, cell: Cell, call: Call, x: Value, d: number): readonly Value[] {
  const [steps, batch, size] = x.dims as [number, number, number];
  const flat = b.reshape(x, [steps * batch, size]);
  const product = b.matmul(flat, b.transpose(at(b, call.x(1), d), [1, 0]));
  const biased = cell.inputBias ? b.add(product, cell.inputBias) : product;
  return unstacked(b, b.reshape(biased, [steps, batch, biased.dims[1]!]));
}

function initialState(b: GraphBuilder, call: Call, sizes: Sizes, input: number, d: number): Value {
  const { batch, hidden, batchFirst } = sizes;
  if (!call.has(input)) return b.filled({ type: typeOf(call, 0).type, dims: [batch, hidden] }, 0);
  const state = call.x(input);
  return at(b, batchFirst ? b.transpose(state, [1, 0, 2]) : state, d);
}

/** The gates' own columns of [N, gates·hidden]. */
function gatesOf(b: GraphBuilder, x: Value, count: number): readonly Value[] {
  const hidden = x.dims[1]! / count;
  return count === 1
    ? [x]
    : b.calls("Split", [x, b.ints(range(count).map(() => hidden))], { axis: 1 }, { outputs: count });
}

/** Bounds what goes into an activation, if the call asks for it. */
function clippedBy(cell: Cell, x: Value): Value {
  const limit = cell.call.attributes.has("clip") ? Math.fround(cell.call.float("clip", 0)) : 0;
  if (limit <= 0) return x;
  const bound = (v: number) => cell.b.scalar(v, x.static.type);
  return cell.b.call("Clip", [x, bound(-limit), bound(limit)]);
}

function activated(cell: Cell, k: number, x: Value): Value {
  return (cell.activations[k] as Activation)(cell.b, clippedBy(cell, x));
}

// Gates i o f c; peepholes i o f. c' = f·c + i·c̃, h' = o·h(c'). The output gate peeps at c'.
function lstmStep(cell: Cell, x: Value, [h, c]: readonly Value[]): readonly Value[] {
  const { b } = cell;
  const sum = b.add(x, b.matmul(h as Value, cell.recurrence));
  const [xi, xo, xf, xc] = gatesOf(b, sum, 4) as [Value, Value, Value, Value];
  const peep = (gate: Value, k: number, state: Value) => {
    if (cell.peepholes === null) return gate;
    const p = b.slice(cell.peepholes, [k * cell.hidden], [(k + 1) * cell.hidden], [0]);
    return b.add(gate, b.mul(p, state));
  };
  const i = activated(cell, 0, peep(xi, 0, c as Value));
  const coupled = cell.call.int("input_forget", 0) !== 0;
  const f = coupled ? b.sub(1, i) : activated(cell, 0, peep(xf, 2, c as Value));
  const candidate = activated(cell, 1, xc);
  const next = b.add(b.mul(f, c as Value), b.mul(i, candidate));
  const o = activated(cell, 0, peep(xo, 1, next));
  return [b.mul(o, (cell.activations[2] as Activation)(b, next)), next];
}

// Gates z r h. h' = (1 − z)·h̃ + z·h; r multiplies h before or after the product with R.
function gruStep(cell: Cell, x: Value, [h]: readonly Value[]): readonly Value[] {
  const { b, hidden } = cell;
  const state = h as Value;
  const [xz, xr, xh] = gatesOf(b, x, 3) as [Value, Value, Value];
  const after = cell.call.int("linear_before_reset", 0) !== 0;
  const columns = after ? cell.recurrence : b.slice(cell.recurrence, [0], [2 * hidden], [1]);
  const product = b.matmul(state, columns);
  const biased = cell.recurrenceBias ? b.add(product, cell.recurrenceBias) : product;
  const parts = gatesOf(b, biased, after ? 3 : 2);
  const z = activated(cell, 0, b.add(xz, parts[0] as Value));
  const r = activated(cell, 0, b.add(xr, parts[1] as Value));
  const reset = after ? b.mul(r, parts[2] as Value) : candidatePart(cell, b.mul(r, state));
  const candidate = activated(cell, 1, b.add(xh, reset));
  return [b.add(b.mul(b.sub(1, z), candidate), b.mul(z, state))];
}

function candidatePart(cell: Cell, reset: Value): Value {
  const { b, hidden } = cell;
  return b.matmul(reset, b.slice(cell.recurrence, [2 * hidden], [3 * hidden], [1]));
}

function rnnStep(cell: Cell, x: Value, [h]: readonly Value[]): readonly Value[] {
  return [activated(cell, 0, cell.b.add(x, cell.b.matmul(h as Value, cell.recurrence)))];
}

function recurrent(kind: Kind): OpRecord {
  return {
    wrt: kind.states === 2 ? [0, 1, 2, 3, 5, 6, 7] : [0, 1, 2, 3, 5],
    infer: (call) => inferRecurrent(call, kind),
    expand: (b, call) => expandRecurrent(b, call, kind),
  };
}

export const recurrence: RuleTable = {
  LSTM: recurrent({
    gates: 4,
    states: 2,
    activations: ["Sigmoid", "Tanh", "Tanh"],
    mergesBias: () => true,
    step: lstmStep,
  }),
  GRU: recurrent({
    gates: 3,
    states: 1,
    activations: ["Sigmoid", "Tanh"],
    // r multiplies the candidate's recurrent bias too when it is applied after the product.
    mergesBias: (call) => call.int("linear_before_reset", 0) === 0,
    step: gruStep,
  }),
  RNN: recurrent({
    gates: 1,
    states: 1,
    activations: ["Tanh"],
    mergesBias: () => true,
    step: rnnStep,
  }),
};
