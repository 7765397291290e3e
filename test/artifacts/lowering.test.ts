import { describe, expect, test } from "vitest";
import { loweredOperators } from "../../src/artifacts/lowering/table.ts";
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
