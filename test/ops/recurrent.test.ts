import { describe, expect, test } from "vitest";
import type { Value } from "../../src/onnx/graph.ts";
import { sizeOf, type Tensor } from "../../src/onnx/tensor.ts";
import { type AttributeInit, GraphBuilder } from "../../src/ops/builder.ts";
import { expandGraph } from "../../src/ops/expand.ts";
import { lookup } from "../../src/ops/registry.ts";
import { runGraph } from "../support/ort.ts";
import { draw, randomFrom } from "../support/sample.ts";

const [STEPS, BATCH, SIZE, HIDDEN] = [4, 3, 2, 2];
const GATES: Readonly<Record<string, number>> = { LSTM: 4, GRU: 3, RNN: 1 };

type Dims = readonly number[];

function operandDims(op: string, batchFirst: boolean): Dims[] {
  const gates = (GATES[op] as number) * HIDDEN;
  const state = batchFirst ? [BATCH, 2, HIDDEN] : [2, BATCH, HIDDEN];
  const x = batchFirst ? [BATCH, STEPS, SIZE] : [STEPS, BATCH, SIZE];
  const states = op === "LSTM" ? [state, state] : [state];
  return [x, [2, gates, SIZE], [2, gates, HIDDEN], [2, 2 * gates], ...states];
}

const attributes = (layout: number) => ({ hidden_size: HIDDEN, direction: "bidirectional", layout });

/** The expanded operator on fed operands; `around` may change what goes in and what comes out. */
function graphOf(
  op: string,
  dims: readonly Dims[],
  emit: (b: GraphBuilder, fed: readonly Value[]) => readonly Value[],
) {
  const b = new GraphBuilder(lookup);
  const fed = dims.map((d, i) => b.input(`x${i}`, { type: "float32", dims: d }));
  return expandGraph(b.build(op, fed, emit(b, fed)), lookup);
}

function recurrent(b: GraphBuilder, op: string, fed: readonly Value[], layout: number): readonly Value[] {
  const [x, w, r, bias, ...states] = fed as [Value, Value, Value, Value, ...Value[]];
  const outputs = op === "LSTM" ? 3 : 2;
  return b.calls(op, [x, w, r, bias, null, ...states], attributes(layout), { outputs });
}

// onnxruntime has no kernel with the batch first: held against the same cell between transposes.
describe("layout 1 is the batch first", () => {
  test.each(["LSTM", "GRU", "RNN"])("%s", async (op) => {
    const dims = operandDims(op, true);
    const first = graphOf(op, dims, (b, fed) => recurrent(b, op, fed, 1));
    const between = graphOf(op, dims, (b, fed) => {
      const swapped = fed.map((v, i) => (i === 0 || i > 3 ? b.transpose(v, [1, 0, 2]) : v));
      const [y, ...ends] = recurrent(b, op, swapped, 0) as [Value, ...Value[]];
      return [b.transpose(y, [2, 0, 1, 3]), ...ends.map((v) => b.transpose(v, [1, 0, 2]))];
    });
    const random = randomFrom(op);
    const feeds = dims.map(
      (d): Tensor => ({ type: "float32", dims: d, data: Float32Array.from(draw(d, [-1, 1], random)) }),
    );
    const [a, c] = [await runGraph(first, feeds), await runGraph(between, feeds)];
    expect(a.map((t) => [...t.dims])).toEqual(c.map((t) => [...t.dims]));
    expect(a.map((t) => Array.from(t.data as Float32Array))).toEqual(
      c.map((t) => Array.from(t.data as Float32Array)),
    );
    expect(a[0] && sizeOf(a[0].dims)).toBe(STEPS * BATCH * 2 * HIDDEN);
  });
});

describe("what cannot be unrolled is said", () => {
  const one = (op: string, dims: readonly Dims[], attrs: Readonly<Record<string, AttributeInit>> = {}) =>
    graphOf(op, dims, (b, fed) => b.calls(op, fed, { hidden_size: 1, ...attrs }, { outputs: 2 }));
  const small: readonly Dims[] = [
    [2, 1, 1],
    [1, 1, 1],
    [1, 1, 1],
  ];
  test.each([
    [
      "too many steps",
      () => one("RNN", [[2000, 1, 1], ...small.slice(1)]),
      /cannot unroll RNN: it runs for 2000 steps; expected at most 1024/,
    ],
    ["no step", () => one("RNN", [[0, 1, 1], ...small.slice(1)]), /at least one step/],
    ["weights that do not fit", () => one("LSTM", small), /input 1 of shape \[1, 4, 1\]/],
    [
      "an unknown direction",
      () => one("RNN", small, { direction: "sideways" }),
      /direction forward, reverse or bidirectional, not "sideways"/,
    ],
    [
      "an unknown activation",
      () => one("RNN", small, { activations: { kind: "strings", value: ["Swish"] } }),
      /not "Swish"/,
    ],
    [
      "a wrong number of activations",
      () => one("RNN", small, { activations: { kind: "strings", value: ["Tanh", "Tanh"] } }),
      /1 activations, not 2/,
    ],
  ])("%s", (_name, make, message) => {
    expect(make).toThrow(message);
  });
});
