import { describe, expect, test } from "vitest";
import { lookup } from "../../src/ops/registry.ts";
import { isDifferentiable, nameOf } from "../support/case.ts";
import { checkGradient } from "../support/gradcheck.ts";
import { cases } from "./cases.ts";

/** Operators whose derivative jumps, or that choose: their frozen forms must exist. */
const KINKED = new Set(
  "Abs Celu Clip Elu FusedConv FusedGemm GRU GridSample HardSigmoid HardSwish LSTM LeakyRelu LinearClassifier GlobalLpPool GlobalMaxPool LpNormalization LpPool Max MaxPool Min Mod Normalizer PRelu ReduceL1 ReduceMax ReduceMin RNN Relu ScatterElements ScatterND Selu Shrink Softsign ThresholdedRelu TopK".split(
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
