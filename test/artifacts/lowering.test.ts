import { describe, expect, test } from "vitest";
import { loweredOperators, loweringOf } from "../../src/artifacts/lowering/table.ts";
import { lookup } from "../../src/ops/registry.ts";
import { rows } from "./lowering-cases.ts";
import { checkLowering } from "./lowering-check.ts";

describe("lowered gradient operators agree with our rules at both orders, moving and frozen", () => {
  test.each(rows.map((r) => [`${r.op} ${r.note ?? ""}`.trim(), r] as const))("%s", async (_name, row) => {
    await checkLowering(row);
  });

  test("every gradient operator has a row", () => {
    const checked = new Set(rows.map((r) => r.op));
    const gradients = loweredOperators().filter((op) => /Grad(_\w+)?$/.test(op));
    expect(gradients.filter((op) => !checked.has(op))).toEqual([]);
  });
});

/** Of optimizers, distribution, ORTModule and fused recurrence: reported by name. */
const UNSUPPORTED =
  "ATen ATenOp AdamOptimizer AdamWOptimizer All FakeQuant FakeQuantGrad FlattenAndUnpad GRUGrad GRUTraining GistBinarizeEncoder Group InPlaceAccumulator InplaceClipGradNorm IsFinite LSTMGrad LSTMTraining MixedPrecisionScale NcclAllReduce PadAndUnflatten PassThrough PythonOp PythonOpGrad Recv ReduceAllL2 SGDOptimizer SGDOptimizerV2 Send SummaryScalar TritonOp View YieldOp ZeroGradient".split(
    " ",
  );

test.each(UNSUPPORTED)("%s has neither a lowering nor a record", (op) => {
  for (const domain of ["com.microsoft", "org.pytorch.aten", ""]) {
    expect(loweringOf(domain, op)).toBeUndefined();
    expect(lookup(domain, op)).toBeUndefined();
  }
});
