import { describe, expect, test } from "vitest";
import type { OpRecord, RecordLookup } from "../../src/ops/record.ts";
import { lookup } from "../../src/ops/registry.ts";
import type { Case } from "./case.ts";
import { checkGradient } from "./gradcheck.ts";

/** The registry with one record changed. */
function withRecord(op: string, change: (record: OpRecord) => OpRecord): RecordLookup {
  const changed = change(lookup("", op) as OpRecord);
  return (domain, name) => (domain === "" && name === op ? changed : lookup(domain, name));
}

const tanh: Case = { op: "Tanh", inputs: [{ dims: [3, 2] }] };
const relu: Case = { op: "Relu", inputs: [{ dims: [3, 2], sample: "awayFromZero" }] };
const erf: Case = { op: "Erf", inputs: [{ dims: [3, 2] }] };

describe("the gradient checker", () => {
  test("accepts right rules", async () => {
    await expect(checkGradient(tanh, lookup)).resolves.toEqual({ type: "float64", frozen: false });
    await expect(checkGradient(relu, lookup)).resolves.toEqual({ type: "float64", frozen: true });
    await expect(checkGradient(erf, lookup)).resolves.toEqual({ type: "float32", frozen: false });
  });

  test.each([tanh, relu, erf])("rejects a rule scaled by 1.001 at order 1 ($op)", async (c) => {
    const wrong = withRecord(c.op, (record) => ({
      ...record,
      vjp: (s, i) => s.b.mul((record.vjp as NonNullable<OpRecord["vjp"]>)(s, i), 1.001),
    }));
    await expect(checkGradient(c, wrong)).rejects.toThrow(/^order 1 of/);
  });

  test("rejects at order 2 a rule that is right at order 1 only", async () => {
    // The factor 1 − y² is right, but made of a record whose own gradient is lost.
    const detached: OpRecord = {
      ...(lookup("", "Mul") as OpRecord),
      wrt: [0],
      vjp: (s) => s.b.mul(s.dy(), s.x(1)),
    };
    const wrong: RecordLookup = (domain, op) => (op === "Mul" ? detached : lookup(domain, op));
    await expect(checkGradient(tanh, wrong)).rejects.toThrow(/^order 2 of/);
  });

  test("rejects a gradient of the wrong shape", async () => {
    const wrong = withRecord("Tanh", (record) => ({ ...record, vjp: (s) => s.b.reduceSum(s.dy(), [0]) }));
    await expect(checkGradient(tanh, wrong)).rejects.toThrow();
  });

  test("rejects a rule that emits an operator without a record", async () => {
    const wrong: RecordLookup = (domain, op) => (op === "Exp" ? undefined : lookup(domain, op));
    await expect(checkGradient(erf, wrong)).rejects.toThrow(/no record/);
  });

  test("rejects a frozen form with another value", async () => {
    const wrong = withRecord("Relu", (record) => ({
      ...record,
      freeze: { ...(record.freeze as NonNullable<OpRecord["freeze"]>), apply: (_b, call) => [call.x(0)] },
    }));
    await expect(checkGradient(relu, wrong)).rejects.toThrow(/differs at the point/);
  });

  test("rejects a frozen form that keeps the kink", async () => {
    const wrong = withRecord("Relu", (record) => ({
      ...record,
      freeze: { ...(record.freeze as NonNullable<OpRecord["freeze"]>), apply: (b, call) => b.emit(call) },
    }));
    await expect(checkGradient(relu, wrong)).rejects.toThrow(/still has kinks/);
  });

  test("rejects a rule whose shape is not the runtime's", async () => {
    const wrong = withRecord("Tanh", (record) => ({
      ...record,
      infer: (call) => [{ type: call.x(0).static.type, dims: [...call.x(0).dims].reverse() }],
      vjp: (s) => s.b.transpose(s.dy(), [1, 0]),
    }));
    await expect(checkGradient(tanh, wrong)).rejects.toThrow();
  });
});
