import { describe, expect, test } from "vitest";
import { lookup, supportedOperators } from "../../src/ops/registry.ts";
import { cases } from "./cases.ts";

const keyOf = (c: { domain?: string; op: string }) => (c.domain ? `${c.domain}::${c.op}` : c.op);

describe("the registry", () => {
  test("finds records by domain and name", () => {
    expect(lookup("", "Relu")).toBeDefined();
    expect(lookup("ai.onnx", "Relu")).toBe(lookup("", "Relu"));
    expect(lookup("com.microsoft", "FastGelu")).toBeDefined();
    expect(lookup("com.microsoft", "Relu")).toBeUndefined();
    expect(lookup("", "toString")).toBeUndefined();
  });

  test("every record has a row in the table of cases", () => {
    const covered = new Set(cases.map(keyOf));
    expect(supportedOperators().filter((key) => !covered.has(key) && !key.startsWith("landscape::"))).toEqual(
      [],
    );
  });

  test("every row is of a record", () => {
    expect(cases.filter((c) => lookup(c.domain ?? "", c.op) === undefined).map(keyOf)).toEqual([]);
  });

  test("what is differentiable has a rule or is defined by others", () => {
    // Dropout in training is random: it has a differentiable input, and deliberately no rule.
    const without = supportedOperators().filter((key) => {
      const [op, domain] = key.split("::").reverse() as [string, string?];
      const record = lookup(domain ?? "", op);
      return record?.wrt.length !== 0 && !record?.vjp && !record?.expand && !record?.lower;
    });
    expect(without).toEqual([]);
  });
});
