import { describe, expect, test } from "vitest";
import type { Tensor } from "../../src/onnx/tensor.ts";
import { expandGraph, rewriteCalls } from "../../src/ops/expand.ts";
import { lookup } from "../../src/ops/registry.ts";
import { forwardOf, isDifferentiable, nameOf } from "../support/case.ts";
import { checkGradient } from "../support/gradcheck.ts";
import { runGraph } from "../support/ort.ts";
import { randomFrom } from "../support/sample.ts";
import { cases } from "./cases.ts";

/** Operators whose derivative jumps, or that choose: their frozen forms must exist. */
const KINKED = new Set(
  "Abs Celu Clip DeformConv Elu FusedConv FusedGemm GRU GridSample HardSigmoid HardSwish Imputer LSTM LeakyRelu LinearClassifier GlobalLpPool GlobalMaxPool LpNormalization LpPool Max MaxPool MaxRoiPool Min MoE Mod Normalizer PRelu ReduceL1 ReduceMax ReduceMin RNN Relu RoiAlign ScatterElements ScatterND Selu Shrink Softsign ThresholdedRelu TopK".split(
    " ",
  ),
);

const differentiable = cases.filter((c) => isDifferentiable(c, lookup));
const frozen = new Set<string>();

describe("gradients agree with differences at both orders, moving and frozen", () => {
  test.each(differentiable.map((c) => [nameOf(c), c] as const))("%s", async (_name, c) => {
    const result = await checkGradient(c, lookup);
    if (result.frozen) frozen.add(c.op);
    expect(result.frozen && !KINKED.has(c.op), `${c.op} has decisions but is not known to`).toBe(false);
  });

  test("every operator with kinks was checked frozen", () => {
    expect([...KINKED].filter((op) => !frozen.has(op))).toEqual([]);
  });
});

/** Rows with an operand that is fed but not differentiated. */
const withOthers = cases.filter((c) => {
  const fed = c.inputs.flatMap((x, i) => (x !== null && !("data" in x) ? [i] : []));
  const wrt = c.wrt ?? lookup(c.domain ?? "", c.op)?.wrt ?? [];
  return wrt !== "all" && fed.some((i) => !wrt.includes(i)) && c.atKink !== true;
});

describe("what is not differentiated moves nothing by a small step", () => {
  test.each(withOthers.map((c) => [nameOf(c), c] as const))("%s", async (name, c) => {
    const forward = forwardOf(c, "float32", lookup);
    const random = randomFrom(`small step of ${name}`);
    // No sample lies this close to a jump.
    const stepped = forward.inputs.map((v, i) => {
      const by = forward.wrt.includes(v) ? 0 : 2 ** -10;
      return (forward.point[i] as number[]).map((x) => x + by * (2 * random() - 1));
    });
    const feeds = (points: readonly (readonly number[])[]): Tensor[] =>
      forward.inputs.map((v, i) => ({ type: "float32", dims: v.dims, data: Float32Array.from(points[i]!) }));
    const graph = rewriteCalls(expandGraph(forward.graph, lookup), lookup, "lower");
    const [before, after] = [
      await runGraph(graph, feeds(forward.point)),
      await runGraph(graph, feeds(stepped)),
    ];
    expect(after.map((t) => t.data)).toEqual(before.map((t) => t.data));
  });
});
